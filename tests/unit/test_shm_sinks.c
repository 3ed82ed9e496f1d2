/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sinks of the ledger of shared memory against golden files, as test_sinks.c does it.
 * UPDATE_GOLDEN=1 rewrites the files; look at every difference before it is committed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <locale.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "scripts.h"
#undef PAGE
#include "records.h"
#include "sinks/shm_show.h"

#define MIB (1ULL << 20)
#define WEB_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define WEB TEXTS("/dev/shm\0" WEB_ID "\0web\0docker")
#define EVIL "e\033[2J\nv,i\"l\xff\xe2\x80\xae"

static uint64_t at(double s)
{
	return BEGIN + (uint64_t)(s * 1e9);
}

/* ---- scripts ---------------------------------------------------------------------------------- */

static void host(struct model *m, double s)
{
	struct rec_shm_mount run = shm_mount_rec(at(s), 23, 1600 * MIB, 3 * MIB);

	SHM_MOUNT(m, at(s), 22, 0, 5 * MIB, HOST_DEV_SHM);
	SHM_FILE(m, at(s), 22, 3, 5 * MIB, 0, "sem.left behind");
	run.flags = SHM_MOUNT_NO_FILES | SHM_MOUNT_HIDDEN;
	run.head.pid = 812;
	memcpy(run.comm, EVIL, sizeof(EVIL));
	run.used_inodes = 900;
	SHM_APPLY(m, run, TEXTS("/run\0\0\0"));
}

static void web_mount(struct model *m, double s, double used_mib, uint32_t flags)
{
	struct rec_shm_mount web =
		shm_mount_rec(at(s), SHM_DEV(0, 52), 64 * MIB, (uint64_t)(used_mib * (double)MIB));

	web.flags |= SHM_MOUNT_TRACED | flags;
	web.peak_bytes = 64 * MIB;
	web.peak_ns = at(s < 1.5 ? s : 1.5);
	web.charged_bytes = 80 * MIB;
	web.uncharged_bytes = 24 * MIB;
	SHM_APPLY(m, web, WEB);
}

static void web_files(struct model *m, double s)
{
	const uint32_t dev = SHM_DEV(0, 52);
	struct rec_shm_file orphan = shm_file_rec(at(s), dev, 9, 8 * MIB, 41);
	struct rec_shm_file unlinked = shm_file_rec(at(s), dev, 10, MIB, 42);

	SHM_FILE(m, at(s), dev, 7, 40 * MIB, 4711, "psm_4e12");
	for (uint32_t pid = 4711; pid < 4717; pid++)
		SHM_HOLDER(m, at(s), dev, 7, pid, SHM_HOLDS_MAP);
	SHM_FILE(m, at(s), dev, 8, 2 * MIB, 4711, EVIL);
	orphan.flags &= ~SHM_FILE_CREATOR_ALIVE;
	SHM_APPLY(m, orphan, TEXTS("sub/psm_dead"));
	unlinked.flags |= SHM_FILE_UNLINKED | SHM_FILE_BEFORE;
	SHM_APPLY(m, unlinked, TEXTS("gone"));
	SHM_HOLDER(m, at(s), dev, 10, 42, SHM_HOLDS_OPEN);
}

static void segments(struct model *m, double s)
{
	struct rec_shm_segment seg = { .head = HEAD(REC_SHM_SEGMENT, rec_shm_segment, 900, at(s),
						    0),
				       .shmid = 4,
				       .key = 0x52021e1c,
				       .ipc_namespace = 4026531839U,
				       .mode = 0600,
				       .flags = SHM_SEGMENT_CREATOR_ALIVE,
				       .uid = 109,
				       .creator_uid = 109,
				       .last_pid = 901,
				       .bytes = 56,
				       .resident_bytes = 4096,
				       .attached = 6,
				       .attach_s = 1700000000,
				       .change_s = 1600000000 };
	struct rec_shm_file memfd = shm_file_rec(at(s), 1, 77, 3 * MIB, 50);
	struct rec_shm_limits limits = {
		.head = HEAD(REC_SHM_LIMITS, rec_shm_limits, 0, at(s), 0),
		.ipc_namespace = 4026531839U,
		.segments = 4096,
		.least_bytes = 1,
		.most_bytes = 32 * MIB,
		.total_bytes = UINT64_MAX,
	};

	APPLY(m, limits);
	limits.ipc_namespace = 4026532999U;
	limits.flags = SHM_SEGMENT_NAMESPACE;
	APPLY(m, limits);
	APPLY(m, seg);
	seg.flags = SHM_SEGMENT_NAMESPACE | SHM_SEGMENT_DEST | SHM_SEGMENT_LOCKED |
		    SHM_SEGMENT_CREATOR_DEAD;
	seg.ipc_namespace = 4026532999U;
	seg.shmid = 0;
	seg.swapped_bytes = 8192;
	seg.head.pid = 800;
	seg.last_pid = 0;
	seg.attach_s = 0;
	APPLY(m, seg);
	memfd.kind = SHM_MEMFD;
	memfd.key = 5;
	SHM_APPLY(m, memfd, TEXTS("wayland-shm"));
	SHM_HOLDER(m, at(s), 1, 99, 50, SHM_HOLDS_MAP); /* of a file that nobody mentioned */
}

/* Growth to the wall, two failures, an orphan, hostile names, a container that went. */
static void ledger(struct model *m, struct sink *sink)
{
	struct rec_shm_full fault = shm_full_rec(at(1.6), SHM_DEV(0, 52), 4712, SHM_FULL_FAULT, 8);
	struct rec_shm_full cut = shm_full_rec(at(1.5), SHM_DEV(0, 52), 4711, SHM_FULL_WRITE, 7);

	for (int i = 0; i < 4; i++) {
		double s = 0.5 * i;

		host(m, s);
		web_mount(m, s, 20 + 10 * i, 0);
		if (i == 0) {
			SHM_MOUNT(m, at(s), 30, 8 * MIB, 8 * MIB, TEXTS("/x\0\0\0"));
			SHM_FULL(m, at(0.25), 30, 70, SHM_FULL_FALLOCATE, 3);
		}
		web_files(m, s);
		segments(m, s);
		if (i == 3) {
			cut.done_bytes = 512 << 10;
			APPLY(m, cut);
			fault.head.ts_ns = at(1.5) + 1000000;
			memcpy(fault.comm, EVIL, sizeof(EVIL));
			APPLY(m, fault);
			APPLY(m, fault);
			assert_int_equal(model_set_shm_container(m, 4712, fault.head.ts_ns, EVIL),
					 0);
		}
		{
			struct rec_head end = head(REC_SHM_SURVEY, sizeof(end), 0, s);

			apply(m, &end);
		}
		tick(m, s, sink);
	}
}

static void nothing(struct model *m, struct sink *sink)
{
	(void)m;
	(void)sink;
}

/* A watch whose target has a /dev/shm. */
static void watched(struct model *m, struct sink *sink)
{
	start(m, 0, 4711, 1, START_ADOPTED, "python3", mib(10, 8, 0, 0));
	tree(m, 0, mib(10, 8, 0, 0), mib(10, 8, 0, 0), 0, 0, 1, 1, 1);
	host(m, 0);
	web_mount(m, 0, 20, SHM_MOUNT_TARGET);
	web_files(m, 0);
	SHM_SURVEY(m, at(0));
	tick(m, 0, sink);
	web_mount(m, 0.1, 64, SHM_MOUNT_TARGET);
	SHM_FULL(m, at(0.1), SHM_DEV(0, 52), 4711, SHM_FULL_WRITE, 7);
	/* somebody else's business */
	SHM_FULL(m, at(0.1), 22, 99, SHM_FULL_WRITE, 7);
	tree(m, 0.1, mib(10, 8, 64, 0), mib(10, 8, 64, 0), 0.1, 0, 1, 1, 1);
	tick(m, 0.1, sink);
}

/* ---- golden files ----------------------------------------------------------------------------- */

static struct run shm_run_of(void)
{
	struct run run = train_run();

	run.shm_chain = "traced by fexit";
	run.shm_gaps = "2 mount namespaces cannot be entered";
	return run;
}

static struct sink *wide(const struct run *run, FILE *out)
{
	return shm_table_create(run, out, false, 0);
}

static struct sink *wide_files(const struct run *run, FILE *out)
{
	return shm_table_create(run, out, true, 0);
}

static struct sink *narrow_files(const struct run *run, FILE *out)
{
	return shm_table_create(run, out, true, 80);
}

typedef struct sink *create_fn(const struct run *run, FILE *out);

static char *output(create_fn *create, const struct run *run, script_fn *script)
{
	struct model *m = model_create(PAGE, 1000);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct sink *sink;

	assert_non_null(m);
	assert_non_null(out);
	sink = create(run, out);
	assert_non_null(sink);
	script(m, sink);
	assert_int_equal(sink->ops->finish(sink, model_snapshot(m)), 0);
	sink->ops->destroy(sink);
	model_destroy(m);
	fclose(out);
	return text;
}

static void check(const char *name, create_fn *create, const struct run *run, script_fn *script)
{
	char *is = output(create, run, script), path[128], should[1 << 16];
	size_t len = 0;
	FILE *f;

	snprintf(path, sizeof(path), "tests/golden/%s", name);
	if (getenv("UPDATE_GOLDEN")) {
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(is, f);
		assert_int_equal(fclose(f), 0);
	}
	f = fopen(path, "r");
	if (!f)
		fail_msg("no %s: UPDATE_GOLDEN=1 writes it", path);
	len = fread(should, 1, sizeof(should) - 1, f);
	should[len] = '\0';
	fclose(f);
	if (strcmp(is, should))
		print_error("%s differs; this is what was written:\n%s", path, is);
	assert_string_equal(is, should);
	free(is);
}

static void test_table(void **state)
{
	struct run run = shm_run_of();

	(void)state;
	check("shm-table.txt", wide, &run, ledger);
	check("shm-files.txt", wide_files, &run, ledger);
	check("shm-narrow.txt", narrow_files, &run, ledger);
	check("shm-nothing.txt", wide, &run, nothing);
	run.color = true;
	run.unit = unit_find("KiB");
	run.fail_if = "shm.used>80%";
	check("shm-color.txt", wide_files, &run, ledger);
}

/* Whatever the width, no line of the tables is wider; sentences may wrap. */
static void test_every_width(void **state)
{
	struct run run = shm_run_of();

	(void)state;
	for (int columns = 60; columns <= 200; columns += 7) {
		struct model *m = model_create(PAGE, 10);
		char *text = NULL, *line, *rest;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);
		struct sink *sink = shm_table_create(&run, out, true, columns);

		ledger(m, NULL);
		assert_int_equal(sink->ops->finish(sink, model_snapshot(m)), 0);
		sink->ops->destroy(sink);
		model_destroy(m);
		fclose(out);
		rest = text;
		while ((line = strsep(&rest, "\n")) && strcmp(line, "Failures") != 0)
			if (!strstr(line, "unattributed") && show_columns(line) > columns)
				fail_msg("%d columns at %d: %s", show_columns(line), columns, line);
		free(text);
	}
}

static void test_csv(void **state)
{
	struct run run = shm_run_of();

	(void)state;
	check("shm.csv", shm_csv_create, &run, ledger);
	check("shm-nothing.csv", shm_csv_create, &run, nothing);
}

static void test_json(void **state)
{
	struct run run = shm_run_of();

	(void)state;
	check("shm.json", shm_json_create, &run, ledger);
	check("shm-nothing.json", shm_json_create, &run, nothing);
}

/* What the schema promises, whatever the golden file says. */
static void test_json_holds_the_schema(void **state)
{
	static const char *const mount[] = { "mount",       "device",     "container",
					     "limit_bytes", "used_bytes", "peak_bytes",
					     "peak_at_s",   "files",      "full",
					     "traced",      "runtime",    "unattributed_bytes" };
	static const char *const segment[] = { "shmid",         "key",      "owner",
					       "mode",          "bytes",    "resident_bytes",
					       "swapped_bytes", "attached", "creator",
					       "last",          "status",   "ipc_namespace" };
	static const char *const full[] = { "at_s",  "pid",    "comm",         "container", "how",
					    "errno", "signal", "wanted_bytes", "remedy" };
	struct run run = shm_run_of();
	char *text = output(shm_json_create, &run, ledger);
	json_t *root = json_loads(text, 0, NULL), *web;

	(void)state;
	assert_non_null(root);
	web = json_array_get(json_object_get(root, "shm"), 0);
	for (size_t i = 0; i < N_OF(mount); i++)
		assert_non_null(json_object_get(web, mount[i]));
	for (size_t i = 0; i < N_OF(segment); i++)
		assert_non_null(json_object_get(json_array_get(json_object_get(root, "sysv"), 0),
						segment[i]));
	for (size_t i = 0; i < N_OF(full); i++)
		assert_non_null(
			json_object_get(json_array_get(json_object_get(web, "full"), 0), full[i]));
	assert_non_null(
		json_object_get(json_array_get(json_object_get(root, "anonymous"), 0), "holders"));
	json_decref(root);
	free(text);
}

static void test_a_watch(void **state)
{
	struct run run = train_run();

	(void)state;
	check("shm-lines.txt", lines_create, &run, watched);
	check("shm-summary.txt", summary_create, &run, watched);
	check("shm-summary.json", json_create, &run, watched);
}

/* The words for each way to fail. */
static void test_failures_in_words(void **state)
{
	static const struct {
		enum shm_full_how how;
		uint32_t error, signal;
		uint64_t done;
		const char *says;
	} cases[] = {
		{ SHM_FULL_WRITE, ENOSPC, 0, 0, "write of 1.0 MiB to 'file7' failed (ENOSPC)" },
		{ SHM_FULL_WRITE, ENOSPC, 0, 4096,
		  "write of 1.0 MiB to 'file7' stopped after 4.0 KiB" },
		{ SHM_FULL_FAULT, 0, 7, 0, "touching a mapped page of 'file7' got SIGBUS" },
		{ SHM_FULL_FAULT, EFAULT, 0, 0,
		  "a system call could not touch a mapped page of 'file7' (EFAULT)" },
		{ SHM_FULL_FALLOCATE, ENOSPC, 0, 0,
		  "fallocate of 1.0 MiB of 'file7' failed (ENOSPC)" },
		{ SHM_FULL_OPEN, ENOSPC, 0, 0, "no inode was left to make 'file7' (ENOSPC)" },
		{ 77, 9999, 0, 0, "it failed (an error)" },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct model *m = model_create(PAGE, 10);
		struct rec_shm_full r = shm_full_rec(at(1), 5, 70, cases[i].how, 7);
		char text[SHM_TEXT_LEN];
		const struct snapshot *s;

		SHM_MOUNT(m, at(0), 5, 64 * MIB, 64 * MIB, WEB);
		r.error = cases[i].error;
		r.signal = cases[i].signal;
		r.done_bytes = cases[i].done;
		r.wanted_bytes = MIB;
		APPLY(m, r);
		s = model_snapshot(m);
		shm_show_full(text, sizeof(text), s, s->shm->mounts[0], s->shm->mounts[0]->full,
			      NULL);
		if (!strstr(text, cases[i].says))
			fail_msg("'%s' is not in: %s", cases[i].says, text);
		assert_non_null(strstr(text, "1.000 s pid 70 (proc70) hit the wall of /dev/shm ("));
		assert_non_null(strstr(text, cases[i].how == SHM_FULL_OPEN ?
						     "(1,000 inodes) of container web" :
						     "(64.0 MiB) of container web"));
		/* cut at every length */
		for (size_t cap = 1; cap < 120; cap++) {
			char *small = malloc(cap);

			assert_true(strlen(shm_show_full(small, cap, s, s->shm->mounts[0],
							 s->shm->mounts[0]->full, NULL)) < cap);
			free(small);
		}
		model_destroy(m);
	}
}

static void test_a_full_device_is_told(void **state)
{
	static create_fn *const creators[] = { wide_files, shm_csv_create, shm_json_create };
	struct run run = shm_run_of();

	(void)state;
	for (size_t i = 0; i < N_OF(creators); i++) {
		FILE *full = fopen("/dev/full", "w");
		struct model *m = model_create(PAGE, 10);
		struct sink *sink = creators[i](&run, full);

		assert_non_null(sink);
		ledger(m, NULL);
		assert_int_equal(sink->ops->finish(sink, model_snapshot(m)), -ENOSPC);
		sink->ops->destroy(sink);
		model_destroy(m);
		fclose(full);
	}
}

/* ---- the live screen -------------------------------------------------------------------------- */

static void set_size(int fd, unsigned short rows, unsigned short columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	assert_int_equal(ioctl(fd, TIOCSWINSZ, &size), 0);
}

/* Throws away what the screen wrote, so that it never blocks; returns whether `text` was in it. */
static bool drain(int master, const char *text)
{
	static char all[1 << 20];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(all) - 1 && (n = read(master, all + len, sizeof(all) - 1 - len)) > 0)
		len += (size_t)n;
	all[len] = '\0';
	return text && memmem(all, len, text, strlen(text));
}

static void live_in(const char *terminal, bool color, script_fn *script)
{
	static const char *const keys = "sfssssuuuuuuuufjGkg f\x0c";
	struct model *m = model_create(PAGE, 10);
	struct run run = shm_run_of();
	struct sink *live;
	int master, tty;

	setenv("TERM", terminal, 1);
	run.color = color;
	assert_int_equal(openpty(&master, &tty, NULL, NULL, NULL), 0);
	assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
	set_size(tty, 40, 130);
	assert_int_equal(shm_live_create(&run, tty, true, &live), 0);
	drain(master, NULL);
	script(m, NULL);
	assert_int_equal(live->ops->tick(live, model_snapshot(m)), 0);
	assert_true(drain(master, "memmon-bpf shm: "));
	for (const char *k = keys; *k; k++) {
		assert_int_equal(write(master, k, 1), 1);
		assert_int_equal(shm_live_input(live, model_snapshot(m)), 0);
		assert_false(drain(master, "e\033[2J\nv"));
	}
	for (unsigned short rows = 1; rows <= 60; rows += rows < 14 ? 1 : 16) {
		for (unsigned short columns = 1; columns <= 300; columns += columns / 4 + 1) {
			set_size(tty, rows, columns);
			assert_int_equal(shm_live_input(live, model_snapshot(m)), 0);
			drain(master, NULL);
		}
	}
	assert_int_equal(write(master, "q", 1), 1);
	assert_int_equal(shm_live_input(live, model_snapshot(m)), 1);
	assert_int_equal(live->ops->finish(live, model_snapshot(m)), 0);
	live->ops->destroy(live);
	close(tty);
	close(master);
	model_destroy(m);
}

static void test_live(void **state)
{
	struct run run = shm_run_of();
	struct sink *live;
	int fd = open("/dev/null", O_RDWR);

	(void)state;
	live_in("xterm-256color", true, ledger);
	live_in("vt100", false, ledger);
	live_in("xterm", true, nothing);
	assert_int_equal(shm_live_create(&run, fd, false, &live), -ENOTTY);
	close(fd);
}

/* The screen of a watch: the target's /dev/shm, its failure, and both still while it is paused. */
static void test_live_of_a_watch(void **state)
{
	struct model *m = model_create(PAGE, 10);
	struct run run = train_run();
	struct sink *live;
	int master, tty;

	(void)state;
	setenv("TERM", "xterm", 1);
	assert_int_equal(openpty(&master, &tty, NULL, NULL, NULL), 0);
	assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
	set_size(tty, 40, 160);
	assert_int_equal(live_create(&run, tty, &live), 0);
	drain(master, NULL);
	watched(m, NULL);
	assert_int_equal(live->ops->tick(live, model_snapshot(m)), 0);
	assert_true(drain(master, "of /dev/shm (64.0 MiB) of container web, peak 64.0 MiB"));
	assert_int_equal(write(master, "p", 1), 1);
	assert_int_equal(live_input(live, model_snapshot(m)), 0);
	drain(master, NULL);
	/* the model goes on, and the ledger is another one */
	SHM_SURVEY(m, at(5));
	SHM_SURVEY(m, at(6));
	model_snapshot(m);
	assert_int_equal(write(master, "\x0c", 1), 1);
	assert_int_equal(live_input(live, model_snapshot(m)), 0);
	assert_true(drain(master, "hit the wall of /dev/shm (64.0 MiB) of container web"));
	live->ops->destroy(live);
	close(tty);
	close(master);
	model_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_every_width),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_holds_the_schema),
		cmocka_unit_test(test_a_watch),
		cmocka_unit_test(test_failures_in_words),
		cmocka_unit_test(test_a_full_device_is_told),
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_live_of_a_watch),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
