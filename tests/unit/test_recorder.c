/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording gives back what went in: what the sinks make of its snapshot is, byte for byte, what they
 * made of the watch's. And the file is made where, and only where, that is safe.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#ifdef WITHOUT_SQLITE

#include <errno.h>

#include "recording/recording.h"

static void test_says_so(void **state)
{
	struct recording *r;
	char why[256];

	(void)state;
	assert_int_equal(recording_open("/dev/null", &r, why, sizeof(why)), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_says_so) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scripts.h"
#undef PAGE
#include "records.h"
#include "recording/recorder.h"

#include "recording/recording.h"

#define MIB (1ULL << 20)

static char dir[] = "/tmp/memmon-test-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/memmon-test-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/run.memmon", dir);
	return 0;
}

static int remove_dir(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	return system(command);
}

/* ---- recording a script ----------------------------------------------------------------------- */

static struct recorder_file *open_file(const char *name, uint64_t max_bytes)
{
	const struct recorder_config config = { .path = name,
						.max_bytes = max_bytes,
						.realtime_ns = 1700000000 * (int64_t)SECOND,
						.cpus = 8,
						.machine = "0123456789abcdef" };
	struct recorder_file *file;
	char why[256] = "";

	if (recorder_open(&config, &file, why, sizeof(why)))
		fail_msg("%s: %s", name, why);
	return file;
}

/* Records it and keeps the model, which the caller destroys. */
static struct model *record(const struct run *run, script_fn *script, size_t max_ended)
{
	struct model *m = model_create(PAGE, max_ended);
	struct sink *sink = recorder_create(run, open_file(path, RECORDER_MAX_BYTES));

	assert_non_null(m);
	assert_non_null(sink);
	script(m, sink);
	assert_int_equal(sink->ops->finish(sink, model_snapshot(m)), 0);
	sink->ops->destroy(sink);
	return m;
}

static struct recording *open_recording(void)
{
	struct recording *r;
	char why[512] = "";

	if (recording_open(path, &r, why, sizeof(why)))
		fail_msg("%s: %s", path, why);
	return r;
}

static const struct snapshot *snapshot_of(struct recording *r)
{
	const struct snapshot *s = NULL;
	char why[512] = "";

	if (recording_snapshot(r, &s, why, sizeof(why)))
		fail_msg("%s: %s", path, why);
	return s;
}

typedef struct sink *create_fn(const struct run *run, FILE *out);

static char *shown(create_fn *create, const struct run *run, const struct snapshot *s)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct sink *sink = create(run, out);

	assert_non_null(sink);
	assert_int_equal(sink->ops->finish(sink, s), 0);
	sink->ops->destroy(sink);
	fclose(out);
	return text;
}

static void check_same(create_fn *create, const char *name, const struct run *run,
		       const struct snapshot *s, struct recording *r)
{
	char *is = shown(create, recording_run(r), snapshot_of(r)), *should = shown(create, run, s);

	if (strcmp(is, should))
		print_error("%s of the recording differs; it is:\n%s\nand should be:\n%s", name, is,
			    should);
	assert_string_equal(is, should);
	free(is);
	free(should);
}

static void check(const struct run *run, script_fn *script, size_t max_ended)
{
	struct model *m = record(run, script, max_ended);
	struct recording *r = open_recording();

	check_same(json_create, "the JSON summary", run, model_snapshot(m), r);
	check_same(summary_create, "the summary", run, model_snapshot(m), r);
	assert_true(recording_info(r)->complete);
	recording_close(r);
	model_destroy(m);
}

/* ---- more scripts ----------------------------------------------------------------------------- */

static void nothing(struct model *m, struct sink *sink)
{
	(void)m;
	(void)sink;
}

/* More processes than are kept, with names that repeat; nothing of the pruned ones may be lost in the sums. */
static void many(struct model *m, struct sink *sink)
{
	for (uint32_t i = 0; i < 3000; i++) {
		struct figures f = { .pid = 1000 + i,
				     .ppid = 1,
				     .how = START_FORKED,
				     .comm = i % 3 ? "cc1plus" : "as",
				     .first = mib(1, 1, 0, 0),
				     .now = mib(2 + i * 7 % 91, 1, 0, 0),
				     .at_peak = mib(2 + i * 7 % 91, 1, 0, 0),
				     .peak = mib(2 + i * 7 % 91, 3, 0, 0),
				     .peak_s = i * 0.01,
				     .minor = i };
		double s = i * 0.01;

		start(m, s, f.pid, 1, START_FORKED, f.comm, mib(1, 1, 0, 0));
		reading(m, s, &f);
		if (i % 10 == 0) {
			machine(m, s, 4000 - i / 10);
			cost(m, s, i * 100, i / 1000);
			tree(m, s, mib(i % 50, 10, 0, 0), mib(93, 10, 0, 0), s, 0, i + 1, 1, 20);
			tick(m, s, sink);
		}
		if (i >= 20) {
			f.flags = READING_ENDED;
			f.pid -= 20;
			reading(m, s, &f);
			ended(m, s, f.pid, (int)(i % 4) << 8);
		}
	}
}

/* More changes and kills than are kept. */
static void eventful(struct model *m, struct sink *sink)
{
	struct rec_oom oom = { .head = head(REC_OOM, sizeof(oom), 4711, 0) };

	start(m, 0, 4711, 1, START_ADOPTED, HOSTILE, mib(10, 8, 0, 0));
	for (int i = 0; i < 100; i++) {
		mode(m, i, i % WATCH_MODES, i % MODE_WHYS,
		     i % 5 ? (uint64_t)i * 1000 : UNKNOWN_U64);
		oom.head = head(REC_OOM, sizeof(oom), 4711, i + 0.5);
		oom.now = mib(i, 1, 2, 3);
		set_comm(oom.comm, i % 2 ? HOSTILE : "python3");
		apply(m, &oom);
		if (i % 3 == 0)
			model_set_oom_cgroup(m, 4711, oom.head.ts_ns, "/a\033[2Jb");
		tree(m, i + 0.6, mib(10, 8, 0, 0), mib(10, 8, 0, 0), 0, 0, 1, 1, 1);
		tick(m, i + 0.7, sink);
	}
}

static uint64_t at(double s)
{
	return BEGIN + (uint64_t)(s * 1e9);
}

#define WEB_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define WEB TEXTS("/dev/shm\0" WEB_ID "\0web\0docker")
#define WEB_DEV SHM_DEV(0, 52)

static void web(struct model *m, double s, uint64_t used_mib)
{
	struct rec_shm_mount rec = shm_mount_rec(at(s), WEB_DEV, 64 * MIB, used_mib * MIB);

	rec.flags |= SHM_MOUNT_TRACED | SHM_MOUNT_TARGET;
	rec.peak_bytes = 64 * MIB;
	rec.peak_ns = at(s / 2);
	rec.charged_bytes = 80 * MIB;
	rec.uncharged_bytes = 24 * MIB;
	SHM_APPLY(m, rec, WEB);
}

static void charger(struct model *m, double s, uint32_t pid, uint64_t charged_mib)
{
	struct rec_shm_charger rec = { .head = HEAD(REC_SHM_CHARGER, rec_shm_charger, pid, at(s),
						    pid * SEC),
				       .dev = WEB_DEV,
				       .alive = pid != 42,
				       .charged_bytes = charged_mib * MIB,
				       .uncharged_bytes = MIB };

	set_comm(rec.comm, HOSTILE);
	APPLY(m, rec);
}

/* A /dev/shm that fills up, hostile names, holders, orphans, failures; a container that goes; others' mounts. */
static void shared(struct model *m, struct sink *sink)
{
	start(m, 0, 4711, 1, START_ADOPTED, "python3", mib(10, 8, 0, 0));
	for (int i = 0; i < 12; i++) {
		double s = i * 0.5;
		struct rec_shm_file orphan = shm_file_rec(at(s), WEB_DEV, 9, 8 * MIB, 41);

		SHM_MOUNT(m, at(s), 22, 0, 5 * MIB, HOST_DEV_SHM);
		if (i < 10)
			web(m, s, 10 + 5 * (uint64_t)i);
		if (i < 4) {
			struct rec_shm_mount old =
				shm_mount_rec(at(s), 60, 8 * MIB, (uint64_t)i * MIB);

			old.flags |= SHM_MOUNT_TARGET;
			SHM_APPLY(m, old, TEXTS("/dev/shm\0\0\0"));
		}
		SHM_FILE(m, at(s), WEB_DEV, 7, (10 + 5 * (uint64_t)i) * MIB, 4711, "psm_4e12");
		for (uint32_t pid = 4711; pid < 4717; pid++)
			SHM_HOLDER(m, at(s), WEB_DEV, 7, pid, SHM_HOLDS_MAP);
		SHM_FILE(m, at(s), WEB_DEV, 8, 2 * MIB, 4711, HOSTILE "\xe2\x80\xae");
		orphan.flags &= ~SHM_FILE_CREATOR_ALIVE;
		SHM_APPLY(m, orphan, TEXTS("sub/psm_dead"));
		charger(m, s, 4711, 30);
		if (i != 7)
			charger(m, s, 42, 3);
		for (uint64_t n = 0; i == 5 && n < 1100; n++)
			SHM_FILE(m, at(s), WEB_DEV, 100 + n, n * 4096, 4711, "many");
		for (uint32_t n = 0; i == 8 && n < 300; n++) {
			SHM_FULL(m, at(s) + n, WEB_DEV, n % 2 ? 4711 : 99, SHM_FULL_FAULT, n + 1);
			SHM_FULL(m, at(s) + n, WEB_DEV, n % 2 ? 4711 : 99, SHM_FULL_FAULT, n + 1);
			model_set_shm_container(m, 4711, at(s) + n, HOSTILE);
		}
		SHM_FULL(m, at(s), 22, 99, SHM_FULL_WRITE, 7); /* somebody else's business */
		SHM_SURVEY(m, at(s));
		tree(m, s, mib(10, 8, i, 0), mib(10, 8, i, 0), s, 0, 1, 1, 1);
		tick(m, s, sink);
		if (i == 2)
			web(m, s + 0.1, 64);
		tick(m, s + 0.1, sink);
	}
}

/* ---- what comes back -------------------------------------------------------------------------- */

static void test_sinks_show_the_same(void **state)
{
	struct run run = train_run();

	(void)state;
	check(&run, train, 1000);
	check(&run, governed, 1000);
	check(&run, skipped, 1000);
	check(&run, eventful, 1000);
	check(&run, many, 100);
	check(&run, nothing, 1000);
	run.max_processes = 1;
	check(&run, train, 1000);
	run = true_run();
	check(&run, small_command, 1000);
	run = build_run();
	check(&run, everything, 1000);
	run.unit = unit_find("KiB");
	run.from_zero = true;
	run.fail_if = "peak.rss>1MiB";
	check(&run, everything, 1000);
	run = train_run();
	run.target = HOSTILE;
	run.ended_by = NULL;
	check(&run, shared, 1000);
}

/* At every tick, not only at the end: what was committed is what the watch showed then. */
static void test_any_moment_shows_the_same(void **state)
{
	struct run run = build_run();
	struct model *m = model_create(PAGE, 100);
	struct sink *sink = recorder_create(&run, open_file(path, RECORDER_MAX_BYTES));

	(void)state;
	run.interval_s = 1; /* so that every tick is committed */
	for (int i = 1; i < 30; i++) {
		struct figures f = { .pid = 10 + (uint32_t)i % 4,
				     .ppid = 1,
				     .how = START_FORKED,
				     .comm = "x",
				     .first = mib(1, 1, 0, 0),
				     .now = mib(i, 1, 0, 0),
				     .at_peak = mib(i + 3, 1, 0, 0),
				     .peak = mib(i + 4, 1, 0, 0),
				     .peak_s = i - 0.5 };
		struct recording *r;

		reading(m, i, &f);
		tree(m, i, mib(i, 1, 0, 0), mib(i + 3, 1, 0, 0), i - 0.5, 0, 4, 4, 4);
		web(m, i, (uint64_t)i);
		SHM_SURVEY(m, at(i));
		tick(m, i, sink);
		r = open_recording();
		check_same(json_create, "the JSON summary", &run, model_snapshot(m), r);
		assert_false(recording_info(r)->complete);
		assert_true(fabs(recording_info(r)->duration_s - (i - 1)) < 1e-6);
		recording_close(r);
	}
	sink->ops->destroy(sink);
	model_destroy(m);
}

static void test_the_run(void **state)
{
	struct run run = build_run();
	struct model *m = record(&run, everything, 1000);
	struct recording *r = open_recording();
	const struct recording_info *info = recording_info(r);
	const struct run *back = recording_run(r);

	(void)state;
	assert_string_equal(back->version, run.version);
	assert_string_equal(back->kernel_release, run.kernel_release);
	assert_string_equal(back->started, run.started);
	assert_string_equal(back->target, run.target);
	assert_string_equal(back->ended_by, run.ended_by);
	assert_int_equal(back->has_exit, run.has_exit);
	assert_int_equal(back->wait_status, run.wait_status);
	assert_int_equal(back->n_features, run.n_features);
	assert_string_equal(back->features[1].why, run.features[1].why);
	assert_int_equal(back->max_processes, run.max_processes);
	assert_string_equal(back->command[1], "-j4");
	assert_null(back->command[3]);
	assert_string_equal(info->machine, "0123456789abcdef");
	assert_int_equal(info->cpus, 8);
	/* time 0 is BEGIN */
	assert_int_equal(info->started_us, (1700000000 + BEGIN / SECOND) * 1000000);
	assert_int_equal(info->samples, 2);
	assert_true(fabs(info->duration_s - 90) < 1e-9);
	recording_close(r);
	model_destroy(m);
}

static void test_an_empty_run(void **state)
{
	struct run run = train_run();
	struct sink *sink = recorder_create(&run, open_file(path, RECORDER_MAX_BYTES));
	struct recording *r;

	(void)state;
	run.ended_by = NULL;
	sink->ops->destroy(sink); /* the watch failed before its first tick */
	r = open_recording();
	assert_int_equal(recording_info(r)->samples, 0);
	assert_false(recording_info(r)->complete);
	assert_string_equal(recording_run(r)->target, run.target);
	assert_int_equal(snapshot_of(r)->n_processes, 0);
	assert_false(snapshot_of(r)->tree.known);
	recording_close(r);

	/* it knows why: then that is how it ended */
	sink = recorder_create(&run, open_file(path, RECORDER_MAX_BYTES));
	run.ended_by = "the command could not be run";
	sink->ops->destroy(sink);
	r = open_recording();
	assert_int_equal(recording_info(r)->samples, 0);
	assert_true(recording_info(r)->complete);
	assert_string_equal(recording_run(r)->ended_by, run.ended_by);
	assert_false(snapshot_of(r)->tree.known);
	recording_close(r);
}

/* ---- series ----------------------------------------------------------------------------------- */

static struct series series_of(struct recording *r, enum entity entity, int64_t id,
			       const char *figure, size_t buckets)
{
	struct series s;

	assert_int_equal(recording_series(r, entity, id, figure, buckets, &s), 0);
	return s;
}

static double highest(const struct series *s)
{
	double most = NAN;

	for (size_t i = 0; i < s->n; i++)
		if (isnan(most) || s->points[i].max > most)
			most = s->points[i].max;
	return most;
}

static const struct process *process_of(const struct snapshot *s, uint32_t pid)
{
	for (size_t i = 0; i < s->n_processes; i++)
		if (s->processes[i]->pid == pid)
			return s->processes[i];
	fail_msg("no process %u", pid);
	return NULL;
}

/* The peaks that the summary names are in the series, though no look saw them. */
static void test_series_have_the_peaks(void **state)
{
	struct run run = train_run();
	struct model *m = record(&run, train, 1000);
	struct recording *r = open_recording();
	const struct snapshot *s = snapshot_of(r);
	static const size_t buckets[] = { 0, 1, 2, 1000 };

	(void)state;
	for (size_t i = 0; i < N_OF(buckets); i++) {
		struct series tree = series_of(r, ENTITY_TREE, 0, "rss", buckets[i]);
		struct series worker = series_of(r, ENTITY_PROCESS,
						 recording_process_id(r, process_of(s, 4800)),
						 "rss", buckets[i]);

		assert_true(fabs(highest(&tree) - 993.0 * (double)MIB) < 0.5);
		assert_true(fabs(highest(&worker) - 973.0 * (double)MIB) < 0.5);
		/* at the end of the run, of the process */
		assert_true(fabs(tree.points[tree.n - 1].at_s - 0.2) < 1e-9);
		assert_true(fabs(tree.points[tree.n - 1].last - 18.0 * (double)MIB) < 0.5);
		assert_true(fabs(worker.points[worker.n - 1].at_s - 0.16) < 1e-9);
		series_finish(&tree);
		series_finish(&worker);
	}
	recording_close(r);
	model_destroy(m);
}

/* A value that changes twice in a long time. */
static void steps(struct model *m, struct sink *sink)
{
	for (int i = 0; i <= 100; i++) {
		double anon = i < 30 ? 10 : i < 71 ? 50 : 20;
		struct figures f = { .pid = 5,
				     .ppid = 1,
				     .how = START_ADOPTED,
				     .comm = "steps",
				     .first = mib(10, 0, 0, 0),
				     .now = mib(anon, 0, 0, 0),
				     .at_peak = mib(i < 30 ? 10 : 50, 0, 0, 0),
				     .peak = mib(i < 30 ? 10 : 50, 0, 0, 0),
				     .peak_s = i < 30 ? 0 : 30 };

		reading(m, i, &f);
		tree(m, i, f.now, f.at_peak, f.peak_s, 0, 1, 1, 1);
		machine(m, i, 1000);
		tick(m, i, sink);
	}
}

static void test_rows_are_changes(void **state)
{
	struct run run = train_run();
	struct model *m = record(&run, steps, 1000);
	struct recording *r = open_recording();
	int64_t id = recording_process_id(r, snapshot_of(r)->processes[0]);
	struct series all = series_of(r, ENTITY_PROCESS, id, "anon", 0);
	struct series ten = series_of(r, ENTITY_PROCESS, id, "anon", 10);
	struct series available = series_of(r, ENTITY_SYSTEM, 0, "available", 0);
	struct recording_cursor *c;
	struct sample row;
	int n = 0;

	(void)state;
	/* 0: 10, 30: 50, 71: 20, and the end */
	assert_int_equal(all.n, 4);
	assert_true(fabs(all.points[1].at_s - 30) < 1e-9);
	assert_true(fabs(all.points[2].at_s - 71) < 1e-9);
	assert_true(fabs(all.points[3].at_s - 100) < 1e-9);
	assert_true(fabs(all.points[3].last - 20.0 * (double)MIB) < 0.5);
	/* in the bucket of 71 it held 50 first */
	assert_int_equal(ten.n, 4);
	assert_true(fabs(ten.points[2].max - 50.0 * (double)MIB) < 0.5);
	assert_true(fabs(ten.points[2].min - 20.0 * (double)MIB) < 0.5);
	assert_int_equal(available.n, 2);
	series_finish(&all);
	series_finish(&ten);
	series_finish(&available);

	assert_int_equal(recording_cursor_open(r, ENTITY_PROCESS, &c), 0);
	while (recording_cursor_next(c, &row) == 1) {
		assert_int_equal(row.id, id);
		assert_true(row.max[1] >= row.last[1] && row.min[1] <= row.last[1]);
		assert_int_equal(row.last[5], SAMPLE_UNKNOWN); /* no --pss */
		n++;
	}
	assert_int_equal(n, 3);
	recording_cursor_close(c);
	assert_int_equal(recording_series(r, ENTITY_TREE, 0, "rss; DROP TABLE run", 0, &all),
			 -ENOENT);
	recording_close(r);
	model_destroy(m);
}

/* It began and ended between two looks. */
static void brief(struct model *m, struct sink *sink)
{
	struct figures f = { .pid = 6,
			     .ppid = 1,
			     .how = START_FORKED,
			     .comm = "brief",
			     .first = mib(1, 0, 0, 0),
			     .now = mib(3, 0, 0, 0),
			     .at_peak = mib(70, 1, 0, 0),
			     .peak = mib(70, 1, 0, 0),
			     .peak_s = 0.25,
			     .flags = READING_ENDED };

	tree(m, 0, mib(1, 0, 0, 0), mib(1, 0, 0, 0), 0, 0, 1, 1, 1);
	tick(m, 0, sink);
	start(m, 0.2, 6, 1, START_FORKED, "brief", mib(1, 0, 0, 0));
	reading(m, 0.3, &f);
	ended(m, 0.3, 6, 0);
	tree(m, 1, mib(1, 0, 0, 0), mib(71, 1, 0, 0), 0.25, 0, 2, 1, 2);
	tick(m, 1, sink);
}

static void test_brief_processes_have_series(void **state)
{
	struct run run = train_run();
	struct model *m = record(&run, brief, 1000);
	struct recording *r = open_recording();
	int64_t id = recording_process_id(r, process_of(snapshot_of(r), 6));
	struct series s = series_of(r, ENTITY_PROCESS, id, "rss", 100);

	(void)state;
	assert_int_equal(s.n, 3);
	assert_true(fabs(s.points[0].at_s - 0.2) < 1e-9);
	assert_true(fabs(s.points[1].at_s - 0.25) < 1e-9);
	assert_true(fabs(s.points[1].last - 71.0 * (double)MIB) < 0.5);
	assert_true(fabs(s.points[2].at_s - 0.3) < 1e-9);
	assert_true(fabs(s.points[2].last - 3.0 * (double)MIB) < 0.5);
	series_finish(&s);
	recording_close(r);
	model_destroy(m);
}

static void test_shm_series(void **state)
{
	struct run run = train_run();
	struct model *m = record(&run, shared, 1000);
	struct recording *r = open_recording();
	const struct snapshot *s = snapshot_of(r);
	size_t seen = 0;

	(void)state;
	assert_non_null(s->shm);
	for (size_t i = 0; i < s->shm->n_mounts; i++) {
		const struct shm_mount *mount = s->shm->mounts[i];
		struct series used =
			series_of(r, ENTITY_SHM, recording_mount_id(r, mount), "used", 0);

		assert_true(mount->rec.dev != 22); /* somebody else's */
		assert_true(used.n > 2);
		assert_true(fabs(highest(&used) - (double)mount->peak_bytes) < 0.5);
		series_finish(&used);
		seen++;
	}
	assert_int_equal(seen, 2);
	recording_close(r);
	model_destroy(m);
}

/* ---- events ----------------------------------------------------------------------------------- */

static const struct recorded_event *event_of(struct recording *r, const char *kind, size_t nth)
{
	const struct recorded_event *list;
	size_t n;

	assert_int_equal(recording_events(r, &list, &n), 0);
	for (size_t i = 0; i < n; i++) {
		assert_true(!i || list[i].at_s >= list[i - 1].at_s);
		if (!strcmp(list[i].kind, kind) && !nth--)
			return &list[i];
	}
	return NULL;
}

static void test_events(void **state)
{
	struct run run = train_run();
	struct model *m = record(&run, train, 1000);
	struct recording *r = open_recording();
	const struct recorded_event *e = event_of(r, "oom", 0);

	(void)state;
	assert_non_null(e);
	assert_int_equal(e->pid, 4800);
	assert_true(fabs(e->at_s - 0.15) < 1e-9);
	assert_non_null(strstr(e->text, "973.0 MiB"));
	assert_non_null(strstr(e->text, "/docker/0123\\nabc"));
	assert_null(event_of(r, "oom", 1));
	e = event_of(r, "lost", 0);
	assert_non_null(e);
	assert_string_equal(e->text, "17 records were lost");
	e = event_of(r, "exit", 0);
	assert_non_null(e);
	assert_string_equal(e->text, "killed by signal 9");
	e = event_of(r, "exit", 1);
	assert_non_null(e);
	assert_string_equal(e->text, "exited with 3");
	assert_memory_equal(e->comm, HOSTILE, sizeof(HOSTILE));
	e = event_of(r, "start", 1);
	assert_non_null(e);
	assert_string_equal(e->text, "forked by 4711");
	recording_close(r);
	model_destroy(m);

	/* older ones than the summary shows are there */
	m = record(&run, eventful, 1000);
	r = open_recording();
	assert_non_null(event_of(r, "oom", 99));
	assert_non_null(event_of(r, "mode", 99));
	recording_close(r);
	model_destroy(m);
	m = record(&run, shared, 1000);
	r = open_recording();
	e = event_of(r, "shm_full", 0);
	assert_non_null(e);
	assert_non_null(strstr(e->text, "hit the wall of /dev/shm"));
	recording_close(r);
	model_destroy(m);
}

/* A name may come from anybody: what is printed without thinking must be harmless. */
static void test_text_is_harmless(void **state)
{
	struct run run = train_run();
	struct model *m = record(&run, train, 1000);
	sqlite3 *db;
	sqlite3_stmt *stmt;

	(void)state;
	assert_int_equal(sqlite3_open(path, &db), 0);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT * FROM peaks", -1, &stmt, NULL), 0);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			const unsigned char *text = sqlite3_column_text(stmt, i);

			for (; text && *text; text++)
				assert_true(*text >= ' ' && *text < 0x7f);
		}
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	model_destroy(m);
}

static int count_rows(void *ctx, int n, char **values, char **names)
{
	(void)n;
	(void)values;
	(void)names;
	++*(int *)ctx;
	return 0;
}

static void test_views(void **state)
{
	static const struct {
		const char *sql;
		int rows;
	} queries[] = {
		{ "SELECT pid, comm, rss_peak_mib, at_s, cmdline FROM peaks", 3 },
		{ "SELECT * FROM peaks WHERE pid = 4800 AND rss_peak_mib = 973.0 AND at_s = 0.14",
		  1 },
		{ "SELECT at_s, rss_mib, rss_max_mib, processes FROM timeline", 3 },
		{ "SELECT at_s, pid, comm, rss_mib FROM process_timeline WHERE pid = 4800", 2 },
		{ "SELECT at_s, available_mib FROM available", 3 },
		{ "SELECT * FROM charged", 0 },
		{ "SELECT * FROM shm", 0 },
		{ "SELECT * FROM shm_timeline", 0 },
		{ "SELECT at_ns, kind, pid, text FROM events WHERE kind = 'oom'", 1 },
		{ "SELECT rss_peak FROM processes WHERE rss_peak > rss_last", 0 },
	};
	struct run run = train_run();
	struct model *m = record(&run, train, 1000);
	sqlite3 *db;

	(void)state;
	assert_int_equal(sqlite3_open(path, &db), 0);
	for (size_t i = 0; i < N_OF(queries); i++) {
		int rows = 0;
		char *why = NULL;

		sqlite3_exec(db, queries[i].sql, count_rows, &rows, &why);
		if (why || rows != queries[i].rows)
			fail_msg("%s: %s, %d rows", queries[i].sql, why ? why : "no error", rows);
	}
	sqlite3_close(db);
	model_destroy(m);
}

/* ---- where it is written ---------------------------------------------------------------------- */

/* What recorder_open() says; "" when it succeeded. */
static const char *opening(const char *name)
{
	const struct recorder_config config = { .path = name, .max_bytes = RECORDER_MIN_BYTES };
	struct recorder_file *file;
	static char why[512];

	why[0] = '\0';
	if (!recorder_open(&config, &file, why, sizeof(why)))
		recorder_close(file);
	else if (!why[0])
		snprintf(why, sizeof(why), "(no reason)");
	return why;
}

static void make_text(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static char *in_dir(const char *name)
{
	static char names[4][128];
	static int next;
	char *to = names[next++ % 4];

	snprintf(to, sizeof(names[0]), "%s/%s", dir, name);
	return to;
}

static void test_a_file_is_replaced(void **state)
{
	char *link = in_dir("link"), *wal = in_dir("run.memmon-wal");

	(void)state;
	make_text(path, "something else");
	make_text(wal, "left over");
	assert_string_equal(opening(path), "");
	assert_int_equal(access(wal, F_OK), -1);
	assert_int_equal(access(path, F_OK), -1); /* of a watch that never began nothing is kept */
	/* a link of one's own is followed, as by any program */
	make_text(path, "something else");
	assert_int_equal(symlink(path, link), 0);
	assert_string_equal(opening(link), "");
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(unlink(link), 0);
}

static void test_only_ordinary_files(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char *fifo = in_dir("fifo"), *wal = in_dir("run.memmon-wal");
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	assert_non_null(strstr(opening(dir), "directory"));
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_non_null(strstr(opening(fifo), "no ordinary file")); /* and does not wait */
	assert_non_null(strstr(opening("/dev/null"), "no ordinary file"));
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", in_dir("socket"));
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_non_null(strstr(opening(addr.sun_path), "no ordinary file"));
	close(fd);
	assert_non_null(strstr(opening(in_dir("none/run.memmon")), "No such file"));
	/* what SQLite would write to beside it */
	assert_int_equal(symlink(in_dir("elsewhere"), wal), 0);
	assert_non_null(strstr(opening(path), "-wal"));
	assert_int_equal(access(in_dir("elsewhere"), F_OK), -1);
}

/* /tmp and /dev/shm: the names may be anybody's traps. */
static void test_shared_directories(void **state)
{
	char *link = in_dir("link"), *target = in_dir("target");

	(void)state;
	assert_int_equal(chmod(dir, 01777), 0);
	assert_string_equal(opening(path), "");
	assert_string_equal(opening(path), "");
	make_text(target, "precious");
	assert_int_equal(symlink(target, link), 0);
	assert_non_null(strstr(opening(link), "symbolic link"));
	assert_int_equal(chmod(dir, 0777), 0);
	assert_non_null(strstr(opening(in_dir("other")), "everybody can rename"));
	assert_int_equal(chmod(dir, 01777), 0);
	if (geteuid())
		skip(); /* the rest needs files of another user */
	assert_int_equal(chown(target, 12345, 12345), 0);
	assert_non_null(strstr(opening(target), "another user"));
	make_text(in_dir("run.memmon-wal"), "trap");
	assert_int_equal(chown(in_dir("run.memmon-wal"), 12345, 12345), 0);
	assert_non_null(strstr(opening(path), "-wal"));
}

static void test_not_while_another_has_it_open(void **state)
{
	struct recorder_file *file = open_file(path, RECORDER_MAX_BYTES);
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (!pid)
		_exit(strstr(opening(path), "has it open") ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	recorder_close(file);
	assert_string_equal(opening(path), "");
}

/* At the end one file is left, which can be read where nothing can be written. */
static void test_one_file_is_left(void **state)
{
	struct run run = train_run();
	struct model *m = record(&run, train, 1000);

	(void)state;
	assert_int_equal(access(in_dir("run.memmon-wal"), F_OK), -1);
	assert_int_equal(access(in_dir("run.memmon-shm"), F_OK), -1);
	assert_int_equal(access(in_dir("run.memmon-journal"), F_OK), -1);
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(chmod(dir, 0500), 0);
	recording_close(open_recording());
	assert_int_equal(chmod(dir, 0700), 0);
	model_destroy(m);
}

/* A process that was killed leaves what it had committed. */
static void test_killed(void **state)
{
	struct run run = train_run();
	pid_t pid = fork();
	int status;
	struct recording *r;

	(void)state;
	assert_true(pid >= 0);
	if (!pid) {
		struct model *m = model_create(PAGE, 1000);
		struct sink *sink = recorder_create(&run, open_file(path, RECORDER_MAX_BYTES));

		steps(m, sink); /* a second per tick */
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(access(in_dir("run.memmon-wal"), F_OK), 0);
	r = open_recording();
	assert_false(recording_info(r)->complete);
	assert_true(fabs(recording_info(r)->duration_s - 100) < 1e-6);
	assert_int_equal(snapshot_of(r)->processes[0]->pid, 5);
	recording_close(r);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(test_sinks_show_the_same),
		IN_DIR(test_any_moment_shows_the_same),
		IN_DIR(test_the_run),
		IN_DIR(test_an_empty_run),
		IN_DIR(test_series_have_the_peaks),
		IN_DIR(test_rows_are_changes),
		IN_DIR(test_brief_processes_have_series),
		IN_DIR(test_shm_series),
		IN_DIR(test_events),
		IN_DIR(test_text_is_harmless),
		IN_DIR(test_views),
		IN_DIR(test_a_file_is_replaced),
		IN_DIR(test_only_ordinary_files),
		IN_DIR(test_shared_directories),
		IN_DIR(test_not_while_another_has_it_open),
		IN_DIR(test_one_file_is_left),
		IN_DIR(test_killed),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
