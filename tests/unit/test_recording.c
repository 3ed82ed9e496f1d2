/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader and what is no recording, or no longer one: each is refused with what is wrong and what to do. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#ifdef WITHOUT_SQLITE

static void test_nothing(void **state)
{
	(void)state;
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_nothing) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include <errno.h>
#include <locale.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recording/recorder.h"
#include "recording/recording.h"
#include "scripts.h"

static char dir[32], path[96];

static void record(script_fn *script)
{
	static struct run run;
	struct recorder_config config = { .path = path, .max_bytes = RECORDER_MAX_BYTES };
	struct model *m = model_create(PAGE, 1000);
	struct recorder_file *file;
	struct sink *sink;
	char why[256] = "";

	run = train_run();
	if (recorder_open(&config, &file, why, sizeof(why)))
		fail_msg("%s", why);
	sink = recorder_create(&run, file);
	assert_non_null(sink);
	script(m, sink);
	assert_int_equal(sink->ops->finish(sink, model_snapshot(m)), 0);
	sink->ops->destroy(sink);
	model_destroy(m);
}

static int make(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/memmon-test-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/run.memmon", dir);
	record(train);
	return 0;
}

static int clean(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "chmod 700 '%s'; rm -r '%s'", dir, dir);
	return system(command);
}

/* Opens and reads all of it; the first error, and its reason. */
static int read_all(char *why, size_t len)
{
	const struct recorded_event *events;
	const struct snapshot *s;
	struct recording *r;
	struct series series;
	size_t n;
	int err = recording_open(path, &r, why, len);

	if (err) {
		assert_null(r);
		return err;
	}
	err = recording_snapshot(r, &s, why, len);
	for (int e = 0; !err && e < ENTITIES; e++) {
		struct recording_cursor *c;
		struct sample row;

		err = recording_cursor_open(r, e, &c);
		while (!err && (err = recording_cursor_next(c, &row)) == 1)
			err = 0;
		recording_cursor_close(c);
	}
	if (!err && !(err = recording_series(r, ENTITY_TREE, 0, "rss", 10, &series)))
		series_finish(&series);
	if (!err)
		err = recording_events(r, &events, &n);
	recording_close(r);
	return err;
}

static void refused(int err, const char *text)
{
	char why[512] = "";
	int is = read_all(why, sizeof(why));

	if (is != err || !strstr(why, text))
		fail_msg("%s (%s) instead of %s: '%s'", strerror(-is), why, strerror(-err), text);
}

static void change(const char *sql)
{
	sqlite3 *db;
	char *why = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_exec(db, sql, NULL, NULL, &why);
	sqlite3_close(db);
	if (why)
		fail_msg("%s: %s", sql, why);
}

static void write_file(const char *bytes, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void test_a_good_one(void **state)
{
	char why[256] = "";

	(void)state;
	assert_int_equal(read_all(why, sizeof(why)), 0);
	assert_string_equal(why, "");
}

static void test_not_a_recording(void **state)
{
	char text[4096];

	(void)state;
	memset(text, 'x', sizeof(text));
	write_file(text, sizeof(text));
	refused(-EINVAL, "not a recording of memmon-bpf; `memmon-bpf -o FILE");
	write_file("{}\n", 3);
	refused(-EINVAL, "not a recording of memmon-bpf");
	write_file("", 0);
	refused(-EINVAL, "it is empty");
	assert_int_equal(unlink(path), 0);
	refused(-ENOENT, "No such file");
	change("CREATE TABLE run (id)");
	refused(-EINVAL, "an SQLite database, but not a recording");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(-EINVAL, "not a recording"); /* and nobody waits for its writer */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	refused(-EISDIR, "directory");
	assert_int_equal(rmdir(path), 0);
}

static void test_a_newer_one(void **state)
{
	(void)state;
	change("PRAGMA user_version = 2");
	refused(-ENOTSUP, "its schema is 2, and this memmon-bpf knows none newer than 1: use");
}

/* One from before a column was added: what that would have said is not known. */
static void test_an_older_one(void **state)
{
	const struct snapshot *s;
	struct recording *r;
	char why[256] = "";

	(void)state;
	record(governed);
	assert_int_equal(recording_open(path, &r, why, sizeof(why)), 0);
	assert_int_equal(recording_snapshot(r, &s, why, sizeof(why)), 0);
	assert_int_equal(s->cost.last.missed_runs[MISSED_RSS], 379);
	assert_int_equal(s->cost.last.missed_runs[MISSED_PROCESSES], 0);
	recording_close(r);
	change("ALTER TABLE totals DROP COLUMN missed_rss;"
	       "ALTER TABLE totals DROP COLUMN missed_processes;"
	       "ALTER TABLE totals DROP COLUMN missed_volumes");
	assert_int_equal(recording_open(path, &r, why, sizeof(why)), 0);
	if (recording_snapshot(r, &s, why, sizeof(why)))
		fail_msg("%s", why);
	assert_true(s->cost.known);
	assert_int_equal(s->cost.last.events, 100000);
	for (int i = 0; i < MISSED_KINDS; i++)
		assert_true(s->cost.last.missed_runs[i] == UNKNOWN_U64);
	recording_close(r);
	/* where NULL would be taken for a number it is damaged */
	change("ALTER TABLE totals DROP COLUMN lost_records");
	refused(-EINVAL, "damaged");
}

static void test_tables_that_are_none(void **state)
{
	(void)state;
	change("DROP TABLE oom_largest");
	refused(-EINVAL, "it has no table oom_largest");
	/* it would compute for ever */
	change("CREATE VIEW oom_largest AS WITH RECURSIVE n(kill) AS (SELECT 1 UNION ALL SELECT kill + 1 FROM n) "
	       "SELECT kill, 1 AS position, 1 AS pid, '' AS comm, NULL AS comm_raw, 1 AS rss FROM n");
	refused(-EINVAL, "it has no table oom_largest");
	change("DROP VIEW oom_largest; CREATE TABLE oom_largest (kill)");
	refused(-EINVAL, "damaged");
}

static void test_values_out_of_range(void **state)
{
	static const char *const changes[] = {
		"UPDATE run SET page_bytes = 0",
		"UPDATE run SET page_bytes = 3000",
		"UPDATE run SET duration_ns = -1",
		"UPDATE run SET command = '[1]'",
		"UPDATE run SET command = '{'",
		"UPDATE run SET started_us = 'soon'",
		"DELETE FROM run",
		"UPDATE processes SET pid = 4294967296",
		"UPDATE processes SET cpu_ns = -5",
		"UPDATE processes SET flags = 1.5",
		"UPDATE processes SET wait_status = 'x'",
		"INSERT INTO mode_steps (number, mode, why) VALUES (1, 3, 0)",
		"INSERT INTO mode_steps (number, mode, why) VALUES (1, 0, 99)",
		"UPDATE totals SET error = 1e300",
		"UPDATE tree_samples SET rss = -1",
		"UPDATE tree_samples SET at_ns = -at_ns - 1",
		"UPDATE system_samples SET available_min = 'low'",
		"UPDATE process_samples SET id = -id",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		char why[256] = "";

		assert_int_equal(unlink(path), 0);
		record(train);
		change(changes[i]);
		if (read_all(why, sizeof(why)) != -EINVAL)
			fail_msg("taken: %s", changes[i]);
	}
}

/* Texts are bounded, and none reaches a terminal as it is. */
static void test_hostile_texts(void **state)
{
	struct recording *r;
	char why[256] = "";

	(void)state;
	change("UPDATE run SET version = 'a' || char(27) || '[2Jb\\n', ended_by = char(10)");
	assert_int_equal(recording_open(path, &r, why, sizeof(why)), 0);
	assert_string_equal(recording_run(r)->version, "a\\x1b[2Jb\\n");
	assert_string_equal(recording_run(r)->ended_by, "\\n");
	recording_close(r);
	change("UPDATE processes SET cmdline = hex(randomblob(20000000))");
	refused(-EINVAL, "damaged");
}

/* Cut off anywhere: it is refused, or what is left of it can be read. */
static void test_truncated(void **state)
{
	struct stat st;
	off_t whole;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	whole = st.st_size;
	for (off_t size = whole - 1; size > 0; size = size > 8192 ? size - 7777 : size - 333) {
		char why[512] = "";
		int err;

		assert_int_equal(truncate(path, size), 0);
		err = read_all(why, sizeof(why));
		if (err != -EINVAL || !strstr(why, "is cut off: only") == (size >= 16))
			fail_msg("%lld bytes: %s: %s", (long long)size, strerror(-err), why);
	}
}

/* … or damaged anywhere. */
static void test_damaged(void **state)
{
	static char bytes[1 << 18];
	int refusals = 0;
	FILE *f = fopen(path, "r");
	size_t len;

	(void)state;
	assert_non_null(f);
	len = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	assert_in_range(len, 50000, sizeof(bytes) - 1);
	for (size_t at = 100; at + 64 < len; at += 1499) {
		char why[512] = "", before[64];
		int err;

		memcpy(before, bytes + at, sizeof(before));
		memset(bytes + at, 0xa5, sizeof(before));
		write_file(bytes, len);
		err = read_all(why, sizeof(why));
		assert_true(err == 0 || err == -EINVAL || err == -ENOTSUP);
		refusals += err != 0;
		memcpy(bytes + at, before, sizeof(before));
	}
	assert_true(refusals > 3);
}

/* What was cut off by kill -9, where nobody can write: it says what to do. */
static void test_left_over_in_a_read_only_place(void **state)
{
	struct recorder_config config = { .path = path, .max_bytes = RECORDER_MAX_BYTES };
	char why[512] = "", shm[128];
	struct run run = train_run();
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (!pid) {
		struct model *m = model_create(PAGE, 1000);
		struct recorder_file *file;

		if (recorder_open(&config, &file, why, sizeof(why)))
			_exit(1);
		train(m, recorder_create(&run, file));
		_exit(0); /* without a word */
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(read_all(why, sizeof(why)), 0);
	/* only the file and its log, as after a copy */
	snprintf(shm, sizeof(shm), "%s-shm", path);
	unlink(shm);
	assert_int_equal(chmod(dir, 0555), 0);
	pid = fork();
	if (!pid) {
		/* as somebody who may not write everywhere */
		if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
			_exit(2);
		_exit(read_all(why, sizeof(why)) == -EACCES && strstr(why, "copy both") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, make, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_a_good_one),
		EACH(test_not_a_recording),
		EACH(test_a_newer_one),
		EACH(test_an_older_one),
		EACH(test_tables_that_are_none),
		EACH(test_values_out_of_range),
		EACH(test_hostile_texts),
		EACH(test_truncated),
		EACH(test_damaged),
		EACH(test_left_over_in_a_read_only_place),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
