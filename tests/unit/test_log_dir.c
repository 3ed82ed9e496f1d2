/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --log-dir and --mprof: what is written of scripted streams, read back by readers that know nothing
 * of our writers, but only what the formats of NNCF's memory monitor and of mprof say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/picture.h"
#include "scripts.h"

/* Of the font's library, not ours. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libfontconfig\n";
}

#define MIB 1048576.0
#define RSS 0
#define RSS_FROM_ZERO 1
#define RSS_PNG 2
#define SYSTEM 4
#define SYSTEM_FROM_ZERO 5

/* ---- writing ---------------------------------------------------------------------------------- */

struct written {
	char *files[LOG_DIR_FILES], *table;
	size_t lens[LOG_DIR_FILES], table_len;
};

static void write_logs(struct written *w, const struct run *run, script_fn *script)
{
	struct model *m = model_create(PAGE, 1000);
	FILE *files[LOG_DIR_FILES], *table = open_memstream(&w->table, &w->table_len);
	struct sink *sink;

	assert_non_null(m);
	assert_non_null(table);
	for (int i = 0; i < LOG_DIR_FILES; i++) {
		files[i] = open_memstream(&w->files[i], &w->lens[i]);
		assert_non_null(files[i]);
	}
	sink = log_dir_create(run, files, table);
	assert_non_null(sink);
	script(m, sink);
#ifdef WITHOUT_CAIRO
	assert_int_equal(sink->ops->finish(sink, model_snapshot(m)), -ENOTSUP);
#else
	assert_int_equal(sink->ops->finish(sink, model_snapshot(m)), 0);
#endif
	sink->ops->destroy(sink);
	model_destroy(m);
	for (int i = 0; i < LOG_DIR_FILES; i++)
		fclose(files[i]);
	fclose(table);
}

static void free_logs(struct written *w)
{
	for (int i = 0; i < LOG_DIR_FILES; i++)
		free(w->files[i]);
	free(w->table);
}

/* ---- the monitor's own reader ----------------------------------------------------------------- */

struct measured {
	size_t n;
	double times[64], values[64], total_s, most;
	char unit[16];
};

/*
 * As its save_memory_plot() does: all lines but the last two are two numbers with one blank between
 * them, and nothing else; the last two are what the format says.
 */
static void read_log(const char *text, struct measured *out)
{
	char *copy = strdup(text), *rest = copy, *lines[70], *line;
	size_t n = 0;
	int used = -1;

	assert_non_null(copy);
	assert_true(*text && text[strlen(text) - 1] == '\n');
	while ((line = strsep(&rest, "\n")) && rest) {
		assert_true(n < 70);
		lines[n++] = line;
	}
	assert_true(n >= 2);
	*out = (struct measured){ .n = n - 2 };
	for (size_t i = 0; i < n - 2; i++) {
		char *point;

		used = -1;
		assert_int_equal(
			sscanf(lines[i], "%lf %lf%n", &out->times[i], &out->values[i], &used), 2);
		assert_int_equal(used, strlen(lines[i]));
		/* <value:.3f> */
		point = strrchr(lines[i], '.');
		assert_non_null(point);
		assert_int_equal(strlen(point), 4);
	}
	used = -1;
	assert_int_equal(sscanf(lines[n - 2], "Total time: %lf%n", &out->total_s, &used), 1);
	assert_int_equal(used, strlen(lines[n - 2]));
	used = -1;
	assert_int_equal(sscanf(lines[n - 1], "Max memory: %lf (%15[A-Za-z])%n", &out->most,
				out->unit, &used),
			 2);
	assert_int_equal(used, strlen(lines[n - 1]));
	free(copy);
}

/* What must be so of any such file. */
static void check_log(const struct measured *m)
{
	double most = -INFINITY;

	assert_true(m->n > 0);
	assert_true(m->times[0] == 0);
	for (size_t i = 0; i < m->n; i++) {
		assert_true(!i || m->times[i] >= m->times[i - 1]);
		most = fmax(most, m->values[i]);
	}
	assert_true(fabs(most - m->most) < 0.0006);
	assert_true(fabs(m->times[m->n - 1] - m->times[0] - m->total_s) < 1e-6);
}

static bool has_point(const struct measured *m, double at_s, double value)
{
	for (size_t i = 0; i < m->n; i++)
		if (fabs(m->times[i] - at_s) < 1e-6 && fabs(m->values[i] - value) < 0.0006)
			return true;
	return false;
}

/* ---- mprof's own reader ------------------------------------------------------------------------ */

struct profile {
	char command[256];
	size_t mems, children; /* lines */
	double most, most_at; /* of MEM */
	struct {
		unsigned int pid;
		double most, most_at;
	} child[16];
	size_t n;
};

/* As read_mprofile_file() does: the first word says what the line is; numbers follow it. */
static void read_profile(const char *text, struct profile *out)
{
	char *copy = strdup(text), *rest = copy, *line;

	assert_non_null(copy);
	*out = (struct profile){ .mems = 0 };
	while ((line = strsep(&rest, "\n")) && rest) {
		double value, at;
		unsigned int pid;
		size_t i = 0;
		int used = -1;

		/* it takes an empty line for a profile that was too short */
		assert_true(*line);
		if (!strncmp(line, "CMDLINE ", 8)) {
			snprintf(out->command, sizeof(out->command), "%s", line + 8);
		} else if (!strncmp(line, "MEM ", 4)) {
			assert_int_equal(sscanf(line, "MEM %lf %lf%n", &value, &at, &used), 2);
			assert_int_equal(used, strlen(line));
			if (!out->mems++ || value > out->most) {
				out->most = value;
				out->most_at = at;
			}
		} else {
			assert_int_equal(
				sscanf(line, "CHLD %u %lf %lf%n", &pid, &value, &at, &used), 3);
			assert_int_equal(used, strlen(line));
			out->children++;
			while (i < out->n && out->child[i].pid != pid)
				i++;
			assert_true(i < 16);
			if (i == out->n || value > out->child[i].most) {
				out->child[i].pid = pid;
				out->child[i].most = value;
				out->child[i].most_at = at;
			}
			out->n += i == out->n;
		}
	}
	free(copy);
}

static char *write_profile(const struct run *run, script_fn *script)
{
	struct model *m = model_create(PAGE, 1000);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct sink *sink;

	assert_non_null(m);
	assert_non_null(out);
	sink = mprof_create(run, out);
	assert_non_null(sink);
	script(m, sink);
	assert_int_equal(sink->ops->finish(sink, model_snapshot(m)), 0);
	sink->ops->destroy(sink);
	model_destroy(m);
	fclose(out);
	return text;
}

/* ---- --log-dir -------------------------------------------------------------------------------- */

/* The peak of 993 MiB at 0.14 s lies between two ticks that see 593 and 18. */
static void test_the_exact_peak_is_the_maximum(void **state)
{
	struct run run = train_run();
	struct written w;
	struct measured m;

	(void)state;
	write_logs(&w, &run, train);
	read_log(w.files[RSS], &m);
	check_log(&m);
	assert_string_equal(m.unit, "MiB");
	assert_true(m.most == 993);
	assert_true(has_point(&m, 0.14, 993));
	assert_true(has_point(&m, 0, 18));
	assert_true(has_point(&m, 0.1, 593));
	assert_true(has_point(&m, 0.2, 18));
	read_log(w.files[RSS_FROM_ZERO], &m);
	check_log(&m);
	assert_true(m.most == 975);
	assert_true(has_point(&m, 0, 0));
	assert_true(has_point(&m, 0.14, 975));
	free_logs(&w);
}

static void test_the_machine(void **state)
{
	struct run run = train_run();
	struct written w;
	struct measured m;

	(void)state;
	write_logs(&w, &run, train);
	read_log(w.files[SYSTEM], &m);
	check_log(&m);
	assert_int_equal(m.n, 3);
	assert_true(m.most == 16384 - 11700);
	assert_true(has_point(&m, 0.1, 16384 - 11700));
	read_log(w.files[SYSTEM_FROM_ZERO], &m);
	check_log(&m);
	assert_true(m.most == 12288 - 11700);
	assert_true(has_point(&m, 0.2, 12288 - 12200));
	free_logs(&w);
}

static void test_the_table(void **state)
{
	struct run run = train_run();
	struct written w;

	(void)state;
	write_logs(&w, &run, train);
	assert_string_equal(w.table, "\nMemory summary:\n"
				     "Memory type    From zero    Peak value\n"
				     "-------------  -----------  ------------\n"
				     "rss            True         975 MiB\n"
				     "rss            False        993 MiB\n"
				     "system         True         588 MiB\n"
				     "system         False        4684 MiB\n");
	free_logs(&w);
	/* in another unit: texts, table and all */
	run.unit = unit_find("GB");
	write_logs(&w, &run, train);
	assert_non_null(strstr(w.files[RSS], "\nMax memory: 1.041 (GB)\n"));
	assert_non_null(strstr(w.table, "\nrss            False        1 GB\n"));
	free_logs(&w);
}

/* A command that ended before the first interval has its first value and its peak. */
static void test_a_short_command(void **state)
{
	struct run run = true_run();
	struct written w;
	struct measured m;

	(void)state;
	write_logs(&w, &run, small_command);
	read_log(w.files[RSS], &m);
	check_log(&m);
	assert_int_equal(m.n, 2);
	assert_true(has_point(&m, 0, 0.625));
	assert_true(has_point(&m, 0.001, 1.75));
	/* nothing is known of the machine */
	assert_string_equal(w.files[SYSTEM], "No measurements recorded.\n"
					     "The watch ended before anything could be read.\n");
	assert_non_null(strstr(w.table, "\nsystem         True         n/a\n"));
	free_logs(&w);
}

static void no_records(struct model *m, struct sink *sink)
{
	(void)m;
	(void)sink;
}

static void test_nothing_was_read(void **state)
{
	struct run run = train_run();
	struct written w;

	(void)state;
	write_logs(&w, &run, no_records);
	/* whoever reads all lines but two reads none */
	assert_string_equal(w.files[RSS], "No measurements recorded.\n"
					  "The watch ended before anything could be read.\n");
	free_logs(&w);
}

/* A level that only the crossing of a bucket told of stands between the ticks. */
static void bump(struct model *m, struct sink *sink)
{
	struct rec_level level = { .head = head(REC_LEVEL, sizeof(level), 50, 1.4),
				   .now = mib(30, 0, 0, 0) };
	struct figures p = {
		.pid = 50,
		.ppid = 1,
		.how = START_ADOPTED,
		.comm = "bump",
		.first = mib(10, 0, 0, 0),
		.now = mib(10, 0, 0, 0),
		.at_peak = mib(80, 0, 0, 0),
		.peak = mib(80, 0, 0, 0),
		.peak_s = 0.5,
	};

	start(m, 0, 50, 1, START_ADOPTED, "bump", mib(10, 0, 0, 0));
	reading(m, 1, &p);
	tree(m, 1, mib(10, 0, 0, 0), mib(80, 0, 0, 0), 0.5, 0, 1, 1, 1);
	tick(m, 1, sink);
	apply(m, &level);
	reading(m, 2, &p);
	tree(m, 2, mib(10, 0, 0, 0), mib(80, 0, 0, 0), 0.5, 0, 1, 1, 1);
	tick(m, 2, sink);
}

static void test_levels_between_ticks(void **state)
{
	struct run run = train_run();
	struct written w;
	struct measured m;

	(void)state;
	write_logs(&w, &run, bump);
	read_log(w.files[RSS], &m);
	check_log(&m);
	assert_true(has_point(&m, 0.5, 80));
	assert_true(has_point(&m, 1.5, 30));
	assert_true(has_point(&m, 2, 10));
	free_logs(&w);
}

/* At a tick more is counted than at the peak, by less than the peak's bound. */
static void above(struct model *m, struct sink *sink)
{
	start(m, 0, 50, 1, START_ADOPTED, "one", mib(10, 0, 0, 0));
	start(m, 0, 51, 1, START_ADOPTED, "two", mib(10, 0, 0, 0));
	tree(m, 1, mib(31, 0, 0, 0), mib(30, 0, 0, 0), 0.5, 300, 2, 2, 2);
	tick(m, 1, sink);
}

static void test_nothing_is_above_the_peak(void **state)
{
	struct run run = train_run();
	struct profile p;
	struct written w;
	struct measured m;
	char *text = write_profile(&run, above);

	(void)state;
	read_profile(text, &p);
	assert_true(p.most == 30 && p.mems == 2);
	free(text);
	write_logs(&w, &run, above);
	read_log(w.files[RSS], &m);
	check_log(&m);
	assert_true(m.most == 30);
	assert_true(has_point(&m, 1, 30));
	free_logs(&w);
}

static void test_pictures(void **state)
{
	struct run run = train_run();
	struct written w;

	(void)state;
	write_logs(&w, &run, train);
	for (int i = 0; i < LOG_DIR_FILES; i++) {
		bool picture = strstr(log_dir_names[i], ".png") != NULL;

#ifdef WITHOUT_CAIRO
		assert_int_equal(w.lens[i] > 0, !picture);
#else
		assert_int_equal(w.lens[i] > 1000 && !memcmp(w.files[i], "\x89PNG\r\n\x1a\n", 8),
				 picture);
#endif
	}
	assert_string_equal(log_dir_names[RSS], "rss_memory_usage.txt");
	assert_string_equal(log_dir_names[SYSTEM_FROM_ZERO], "system_memory_usage_from-zero.txt");
	free_logs(&w);
}

static void test_a_full_device_is_told(void **state)
{
	struct run run = train_run();

	(void)state;
	for (int full = 0; full <= LOG_DIR_FILES; full++) {
		struct model *m = model_create(PAGE, 10);
		FILE *files[LOG_DIR_FILES], *table;
		struct sink *sink;
		int err;

		assert_non_null(m);
		for (int i = 0; i < LOG_DIR_FILES; i++) {
			files[i] = fopen(i == full ? "/dev/full" : "/dev/null", "w");
			assert_non_null(files[i]);
		}
		table = fopen(full == LOG_DIR_FILES ? "/dev/full" : "/dev/null", "w");
		assert_non_null(table);
		sink = log_dir_create(&run, files, table);
		assert_non_null(sink);
		train(m, NULL);
		err = sink->ops->finish(sink, model_snapshot(m));
#ifdef WITHOUT_CAIRO
		if (full < LOG_DIR_FILES && strstr(log_dir_names[full], ".png"))
			err = -ENOSPC; /* was not written to */
#endif
		assert_int_equal(err, -ENOSPC);
		sink->ops->destroy(sink);
		model_destroy(m);
		for (int i = 0; i < LOG_DIR_FILES; i++)
			fclose(files[i]);
		fclose(table);
	}
}

/* ---- --mprof ---------------------------------------------------------------------------------- */

static void test_profile(void **state)
{
	struct run run = train_run();
	struct profile p;
	char *text = write_profile(&run, train);
	const double started = 1795235760; /* 2026-11-21T04:36:00Z */

	(void)state;
	read_profile(text, &p);
	assert_string_equal(p.command, "pid 4711 (python3) and its children");
	assert_true(p.most == 993);
	assert_true(fabs(p.most_at - started - 0.14) < 0.0002);
	/* 4711 is the one that was asked for: its figures are in MEM */
	assert_int_equal(p.n, 2);
	for (size_t i = 0; i < p.n; i++) {
		assert_true(p.child[i].pid == 4800 || p.child[i].pid == 4801);
		if (p.child[i].pid == 4800) {
			assert_true(p.child[i].most == 973);
			assert_true(fabs(p.child[i].most_at - started - 0.14) < 0.0002);
		} else {
			assert_true(p.child[i].most == 2);
		}
	}
	assert_true(p.mems >= 4);
	free(text);
}

static void test_profile_of_a_command(void **state)
{
	struct run run = build_run();
	struct profile p;
	char *text;

	(void)state;
	run.started[19] = '-'; /* 00:00 west of Greenwich is Greenwich */
	text = write_profile(&run, small_command);
	read_profile(text, &p);
	assert_string_equal(p.command, "./build.sh -j4 naïve\\xff");
	assert_int_equal(p.n, 0);
	assert_true(p.most == 1.75);
	free(text);
	text = write_profile(&run, bump);
	read_profile(text, &p);
	assert_true(p.most == 80);
	assert_non_null(strstr(text, "MEM 30.000000 1795235761.5"));
	free(text);
	/* who knows when it began? */
	snprintf(run.started, sizeof(run.started), "once upon a time");
	text = write_profile(&run, bump);
	assert_non_null(strstr(text, "MEM 30.000000 1.5"));
	free(text);
}

static void test_profile_on_a_full_device(void **state)
{
	struct run run = train_run();
	FILE *full = fopen("/dev/full", "w");
	struct model *m = model_create(PAGE, 10);
	struct sink *sink;

	(void)state;
	assert_non_null(full);
	assert_non_null(m);
	sink = mprof_create(&run, full);
	assert_non_null(sink);
	train(m, NULL);
	assert_int_equal(sink->ops->finish(sink, model_snapshot(m)), -ENOSPC);
	sink->ops->destroy(sink);
	model_destroy(m);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_exact_peak_is_the_maximum),
		cmocka_unit_test(test_the_machine),
		cmocka_unit_test(test_the_table),
		cmocka_unit_test(test_a_short_command),
		cmocka_unit_test(test_nothing_was_read),
		cmocka_unit_test(test_levels_between_ticks),
		cmocka_unit_test(test_nothing_is_above_the_peak),
		cmocka_unit_test(test_pictures),
		cmocka_unit_test(test_a_full_device_is_told),
		cmocka_unit_test(test_profile),
		cmocka_unit_test(test_profile_of_a_command),
		cmocka_unit_test(test_profile_on_a_full_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
