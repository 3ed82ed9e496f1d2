/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes a recording of a scripted watch, without a kernel to watch: recording SCRIPT FILE. The scripts
 * are those of the unit tests, `hostile`: ten minutes in which everything happens, to processes,
 * containers and mounts whose names try to break out of wherever they are written, and `crowd`: many.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(holds)                                                                \
	do {                                                                        \
		if (!(holds)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #holds); \
			exit(1);                                                    \
		}                                                                   \
	} while (0)
/* what the scripts of the unit tests say */
#define assert_int_equal(a, b) CHECK((a) == (b))
#define assert_non_null(p) CHECK(p)

#include "../unit/scripts.h"
#undef PAGE
#include "../unit/records.h"
#include "recording/recorder.h"

#define MIB (1ULL << 20)
#define DEV SHM_DEV(0, 52)
#define COMM "</script><b>x"
#define EVIL                                                                      \
	"<!--<script>]]></script><img src=x onerror=\"document.title='broken'\">" \
	"'`${1}`&lt;\\u003c\xe2\x80\xa8\xe2\x80\xae\xff\033[2J\n"
#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static uint64_t at(double s)
{
	return BEGIN + (uint64_t)(s * 1e9);
}

/* ---- the script ------------------------------------------------------------------------------- */

static struct figures worker(uint32_t pid, double anon_mib, double s)
{
	return (struct figures){ .pid = pid,
				 .ppid = 4711,
				 .how = START_FORKED,
				 .comm = COMM,
				 .first = mib(0.25, 0.5, 0, 0),
				 .now = mib(anon_mib, 0.5, 0, 0),
				 .at_peak = mib(anon_mib, 0.5, 0, 0),
				 .peak = mib(anon_mib, 0.5, 0, 0),
				 .peak_s = s,
				 .minor = 1000 + pid,
				 .major = 2,
				 .error_pages = 31 };
}

static void mount(struct model *m, double s, double used_mib, double peak_s)
{
	struct rec_shm_mount rec =
		shm_mount_rec(at(s), DEV, 64 * MIB, (uint64_t)(used_mib * (double)MIB));

	rec.flags |= SHM_MOUNT_TRACED | SHM_MOUNT_TARGET;
	rec.peak_bytes = (uint64_t)((s < peak_s ? used_mib : 64) * (double)MIB);
	rec.peak_ns = at(fmin(s, peak_s));
	SHM_APPLY(m, rec, TEXTS("/dev/<b>shm\0" ID "\0" EVIL "\0docker"));
	SHM_SURVEY(m, at(s));
}

/* What happens once: kills, full mounts, changes of the way of watching. */
static void happenings(struct model *m, double s)
{
	if (s == 200) {
		struct rec_shm_full full = shm_full_rec(at(s), DEV, 4800, SHM_FULL_WRITE, 7);

		snprintf(full.comm, sizeof(full.comm), "%s", COMM);
		snprintf(full.name, sizeof(full.name), "%s", "</script><i>");
		APPLY(m, full);
	} else if (s == 300) {
		struct rec_oom oom = { .head = head(REC_OOM, sizeof(oom), 4802, s),
				       .now = mib(0.375, 0.5, 0, 0) };

		set_comm(oom.comm, COMM);
		apply(m, &oom);
		CHECK(!model_set_oom_cgroup(m, 4802, oom.head.ts_ns, "/docker/" EVIL));
	} else if (s == 400) {
		mode(m, s, MODE_SAMPLE, MODE_OVER_BUDGET, 70000);
	} else if (s == 450) {
		mode(m, s, MODE_FULL, MODE_CALM, 10000);
	}
}

/* What the tree holds at a moment. */
static struct mem_pages held(double s)
{
	return mib(300 + 200 * sin(s / 60) + (s >= 100 && s < 300 ? 150 : 0), 40 + s / 20,
		   s >= 150 ? 60 : 0, s >= 420 ? (s - 420) / 4 : 0);
}

/* Of that what the first process holds: the others hold less than 60 MiB. */
static struct mem_pages of_main(struct mem_pages all)
{
	all.kind[MEM_ANON] /= 4;
	all.kind[MEM_FILE] /= 4;
	return all;
}

#define PEAK_S 123.456

static void hostile(struct model *m, struct sink *sink)
{
	static const struct mem_pages none;
	struct mem_pages peak = none;
	struct figures main_process = { .pid = 4711,
					.ppid = 1,
					.how = START_COMMAND,
					.comm = COMM,
					.first = mib(10, 8, 0, 0),
					.minor = 100,
					.major = 1 };

	start(m, 0, 4711, 1, START_COMMAND, COMM, mib(10, 8, 0, 0));
	CHECK(!model_set_cmdline(m, 4711, 900 * SECOND + 4711, "python3 train.py " EVIL));
	CHECK(!model_set_container(m, 4711, 900 * SECOND + 4711, EVIL));
	mode(m, 0, MODE_FULL, MODE_STARTED, UNKNOWN_U64);
	for (int tick_no = 0; tick_no <= 6000; tick_no++) {
		double s = tick_no / 10.0;
		struct mem_pages now = held(s);
		struct rec_pss pss = { .head = head(REC_PSS, sizeof(pss), 4711, s) };

		if (tick_no % 10 == 5 && s < 30)
			start(m, s - 0.05, 4800 + (uint32_t)s, 4711, START_FORKED,
			      (int)s == 20 ? "plain" : COMM, mib(0.25, 0.5, 0, 0));
		/* the peak lies between two ticks, far above both */
		if (tick_no == 1235)
			peak = mib(900, 50, 60, 0);
		else if (!tick_no)
			peak = now;
		else if (rss_pages(&now) > rss_pages(&peak))
			peak = now;
		main_process.now = main_process.at_peak = main_process.peak = of_main(now);
		main_process.minor += 50;
		reading(m, s, &main_process);
		for (uint32_t i = 0; i < 30 && s >= 31 && tick_no % 50 == 0; i++) {
			struct figures w = worker(4800 + i, 0.25 + 0.0625 * i, 31 + i);

			if (i == 20)
				w.comm = "plain";
			if (i == 2 && s > 300) {
				continue;
			} else if (i == 2 && s == 300) {
				w.flags = READING_ENDED;
				reading(m, s, &w);
				ended(m, s, 4802, 9);
				continue;
			}
			reading(m, s, &w);
		}
		if (tick_no % 10 == 0) {
			pss.pss_bytes = rss_pages(&now) * 4096 * 7 / 10 / 1024 * 1024;
			apply(m, &pss);
		}
		tree(m, s, now, peak, s >= 123.5 ? PEAK_S : s, 30, 31, s >= 300 ? 30 : 31, 31);
		machine(m, s, (uint64_t)(12288 - s * 4));
		cost(m, s, (uint64_t)(s * 10000), 0);
		happenings(m, s);
		if (tick_no % 20 == 0)
			mount(m, s, fmin(64, s / 3), 192);
		tick(m, s, sink);
	}
}

/* ---- many ------------------------------------------------------------------------------------- */

#define FIFTY "01234567890123456789012345678901234567890123456789"
#define LONG FIFTY FIFTY FIFTY FIFTY
#define HEBREW "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"

/* 300 processes, twelve mounts, names of two hundred characters and ones that run from right to left. */
static void crowd(struct model *m, struct sink *sink)
{
	struct mem_pages all = mib(300, 150, 0, 0);

	for (uint32_t pid = 1000; pid < 1300; pid++) {
		start(m, 0, pid, 1, START_ADOPTED, pid % 2 ? HEBREW : LONG, mib(1, 0.5, 0, 0));
		CHECK(!model_set_cmdline(m, pid, 900 * SECOND + pid, LONG));
	}
	for (int s = 1; s <= 10; s++) {
		for (uint32_t pid = 1000; pid < 1300; pid++) {
			struct figures f = { .pid = pid,
					     .ppid = 1,
					     .how = START_ADOPTED,
					     .comm = pid % 2 ? HEBREW : LONG,
					     .first = mib(1, 0.5, 0, 0),
					     .now = mib(1, 0.5, 0, 0),
					     .at_peak = mib(1, 0.5, 0, 0),
					     .peak = mib(1, 0.5, 0, 0),
					     .peak_s = 1 };

			reading(m, s, &f);
		}
		for (uint32_t i = 0; i < 12; i++) {
			struct rec_shm_mount rec =
				shm_mount_rec(at(s), SHM_DEV(0, 60 + i), 64 * MIB, (i + 1) * MIB);

			rec.flags |= SHM_MOUNT_TRACED | SHM_MOUNT_TARGET;
			rec.peak_bytes = (i + 1) * MIB;
			rec.peak_ns = at(1);
			SHM_APPLY(m, rec, TEXTS("/dev/shm/" LONG "\0\0\0"));
		}
		SHM_SURVEY(m, at(s));
		tree(m, s, all, all, 1, 0, 300, 300, 300);
		machine(m, s, 11000);
		tick(m, s, sink);
	}
}

static void nothing(struct model *m, struct sink *sink)
{
	(void)m;
	(void)sink;
}

/* ---- the recording ---------------------------------------------------------------------------- */

static const struct {
	const char *name;
	script_fn *script;
	struct run (*run)(void);
} scripts[] = {
	{ "train", train, train_run },       { "everything", everything, build_run },
	{ "governed", governed, train_run }, { "short", small_command, true_run },
	{ "nothing", nothing, train_run },   { "hostile", hostile, build_run },
	{ "crowd", crowd, train_run },
};

static int record(const char *path, script_fn *script, struct run run)
{
	struct recorder_config config = { .path = path,
					  .max_bytes = RECORDER_MAX_BYTES,
					  .now_ns = (int64_t)BEGIN,
					  .realtime_ns = 1795235760LL * (int64_t)SECOND };
	struct model *m = model_create(4096, 1000);
	struct recorder_file *file;
	struct sink *sink;
	char why[256] = "";

	if (recorder_open(&config, &file, why, sizeof(why))) {
		fprintf(stderr, "%s: %s\n", path, why);
		return 1;
	}
	sink = recorder_create(&run, file);
	CHECK(m && sink);
	script(m, sink);
	CHECK(sink->ops->finish(sink, model_snapshot(m)) == 0);
	sink->ops->destroy(sink);
	model_destroy(m);
	return 0;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 3 && i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		struct run run = scripts[i].run();

		if (strcmp(scripts[i].name, argv[1]) != 0)
			continue;
		if (scripts[i].script == hostile)
			run.target = EVIL;
		return record(argv[2], scripts[i].script, run);
	}
	fprintf(stderr,
		"usage: recording train|everything|governed|short|nothing|hostile|crowd FILE\n");
	return 2;
}
