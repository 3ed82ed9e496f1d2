/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sinks against golden files: a scripted stream of records goes through the model, and what each
 * sink writes of it is compared byte by byte. UPDATE_GOLDEN=1 rewrites the files; look at every
 * difference before it is committed.
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
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "golden.h"
#include "scripts.h"
#include "sinks/show.h"

/* ---- golden files ----------------------------------------------------------------------------- */

/* What a sink writes of a script; free() it. */
static char *output(struct sink *(*create)(const struct run *run, FILE *out), const struct run *run,
		    script_fn *script)
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

static void check(const char *name, struct sink *(*create)(const struct run *run, FILE *out),
		  const struct run *run, script_fn *script)
{
	char *is = output(create, run, script);
	char path[128];

	snprintf(path, sizeof(path), "tests/golden/%s", name);
	check_golden(path, is);
	free(is);
}

static void test_lines(void **state)
{
	struct run run = train_run();

	(void)state;
	check("lines-train.txt", lines_create, &run, train);
	run.unit = unit_find("B");
	run.from_zero = true;
	check("lines-from-zero.txt", lines_create, &run, train);
	run = true_run();
	check("lines-true.txt", lines_create, &run, small_command);
	run = train_run();
	check("lines-governed.txt", lines_create, &run, governed);
	check("lines-skipped.txt", lines_create, &run, skipped);
}

/* awk must be able to rely on it. */
static void test_lines_have_one_number_of_columns(void **state)
{
	struct run run = train_run();
	char *text = output(lines_create, &run, train), *at = text, *line;
	int lines = 0;

	(void)state;
	while ((line = strsep(&at, "\n"))) {
		int columns = 0;

		if (!*line || *line == '#')
			continue;
		lines++;
		for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
			columns++;
		assert_int_equal(columns, 12);
	}
	assert_int_equal(lines, 3);
	free(text);
}

static void test_csv(void **state)
{
	struct run run = train_run();

	(void)state;
	check("timeline-train.csv", csv_create, &run, train);
	run = true_run();
	check("timeline-true.csv", csv_create, &run, small_command);
	run = train_run();
	check("timeline-governed.csv", csv_create, &run, governed);
	run = build_run();
	run.from_zero = true;
	check("timeline-from-zero.csv", csv_create, &run, everything);
}

static void test_json(void **state)
{
	struct run run = train_run();

	(void)state;
	check("summary-train.json", json_create, &run, train);
	run.max_processes = 1;
	check("summary-omitted.json", json_create, &run, train);
	run = true_run();
	check("summary-true.json", json_create, &run, small_command);
	run = train_run();
	check("summary-governed.json", json_create, &run, governed);
	run = build_run();
	check("summary-everything.json", json_create, &run, everything);
}

/* What the schema promises, whatever the golden files say. */
static void test_json_holds_the_schema(void **state)
{
	static const char *const members[] = { "schema",
					       "version",
					       "started",
					       "duration_s",
					       "kernel",
					       "command",
					       "exit",
					       "target",
					       "processes",
					       "system",
					       "processes_omitted",
					       "shm",
					       "oom",
					       "overhead" };
	struct run run = train_run();
	char *text = output(json_create, &run, train);
	json_t *root = json_loads(text, 0, NULL), *process;

	(void)state;
	assert_non_null(root);
	assert_int_equal(text[strlen(text) - 1], '\n');
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		assert_non_null(json_object_get(root, members[i]));
	process = json_array_get(json_object_get(root, "processes"), 0);
	/* the largest peak first, though it has ended */
	assert_int_equal(json_integer_value(json_object_get(process, "pid")), 4800);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(process, "exit"), "signal")), 9);
	assert_true(json_is_null(json_object_get(json_object_get(process, "exit"), "code")));
	assert_true(json_is_null(json_object_get(root, "command")));
	json_decref(root);
	free(text);
}

static void test_summary(void **state)
{
	struct run run = train_run();

	(void)state;
	check("summary-train.txt", summary_create, &run, train);
	run.color = true;
	run.unit = unit_find("KiB");
	check("summary-color.txt", summary_create, &run, train);
	run = true_run();
	check("summary-true.txt", summary_create, &run, small_command);
	run = train_run();
	check("summary-governed.txt", summary_create, &run, governed);
	check("summary-skipped.txt", summary_create, &run, skipped);
	run = build_run();
	check("summary-everything.txt", summary_create, &run, everything);
}

static void skipped_and_lost(struct model *m, struct sink *sink)
{
	skipped(m, sink);
	cost_and_missed(m, 4, 1000, 17, UNKNOWN_U64, 3, UNKNOWN_U64);
}

/* Where processes may be missing nothing says that all is well. */
static void test_losses_are_not_played_down(void **state)
{
	struct run run = train_run();
	char *text = output(summary_create, &run, skipped_and_lost);

	(void)state;
	assert_non_null(strstr(text, "\n  LOST 17 records: "));
	assert_non_null(strstr(text, "\n  SKIPPED by the kernel: 3 runs; "));
	assert_null(strstr(text, "no record lost"));
	assert_null(strstr(text, "are right"));
	assert_null(strstr(text, "skipped by")); /* what the kernel does not count */
	free(text);
}

static void test_openmetrics(void **state)
{
	struct run run = train_run();
	char *text = output(openmetrics_create, &run, skipped);

	(void)state;
	assert_non_null(strstr(text, "\nmemmon_overhead_missed_runs_rss 379\n"));
	assert_non_null(strstr(text, "\nmemmon_overhead_missed_runs_processes 3\n"));
	free(text);
	check("openmetrics-train.txt", openmetrics_create, &run, train);
	run = build_run();
	run.max_processes = 1;
	check("openmetrics-everything.txt", openmetrics_create, &run, everything);
}

static void no_records(struct model *m, struct sink *sink)
{
	(void)m;
	(void)sink;
}

static void test_nothing_was_read(void **state)
{
	struct run run = train_run();

	(void)state;
	check("nothing.txt", summary_create, &run, no_records);
	check("nothing.json", json_create, &run, no_records);
	check("nothing.csv", csv_create, &run, no_records);
	check("nothing-lines.txt", lines_create, &run, no_records);
	check("nothing-openmetrics.txt", openmetrics_create, &run, no_records);
}

/* ---- failures --------------------------------------------------------------------------------- */

static void test_a_full_device_is_told(void **state)
{
	static struct sink *(*const creators[])(const struct run *run, FILE *out) = {
		lines_create, csv_create, json_create, summary_create, openmetrics_create
	};
	struct run run = train_run();

	(void)state;
	for (size_t i = 0; i < sizeof(creators) / sizeof(creators[0]); i++) {
		FILE *full = fopen("/dev/full", "w");
		struct model *m = model_create(PAGE, 10);
		struct sink *sink;

		assert_non_null(full);
		sink = creators[i](&run, full);
		assert_non_null(sink);
		train(m, NULL);
		assert_int_equal(sink->ops->finish(sink, model_snapshot(m)), -ENOSPC);
		sink->ops->destroy(sink);
		model_destroy(m);
		fclose(full);
	}
}

/* ---- text ------------------------------------------------------------------------------------- */

static void test_text(void **state)
{
	char text[SHOW_LEN], name[64];
	int used;

	(void)state;
	assert_string_equal(show_count(text, 0), "0");
	assert_string_equal(show_count(text, 999), "999");
	assert_string_equal(show_count(text, 1234567), "1,234,567");
	assert_string_equal(show_count(text, UINT64_MAX), "18,446,744,073,709,551,615");
	assert_string_equal(show_duration(text, 0.0016), "0.002 s");
	assert_string_equal(show_duration(text, 61.9), "1 min 01 s");
	assert_string_equal(show_duration(text, 3661), "1 h 01 min");
	assert_string_equal(show_duration(text, 90000), "1 d 01 h");
	assert_string_equal(show_value(text, (struct field_value){ .known = true, .real = 1e-6 },
				       FIELD_RATIO, NULL),
			    "<0.01 %");
	assert_string_equal(
		show_value(text, (struct field_value){ .known = true }, FIELD_RATIO, NULL),
		"0.00 %");
	assert_string_equal(show_exit(text, 7 << 8), "exit 7");
	assert_string_equal(show_exit(text, 11), "SIGSEGV");
	assert_string_equal(show_exit(text, 40), "signal 40");
	assert_string_equal(show_name(name, sizeof(name), ""), "?");
	assert_string_equal(show_name(name, sizeof(name), "日本"), "日本");
	assert_int_equal(show_columns("日本"), 4);
	assert_int_equal(show_clip("日本", 3, &used), 3);
	assert_int_equal(used, 2);
}

static void test_ascii_where_the_locale_has_no_more(void **state)
{
	char name[64];

	(void)state;
	setlocale(LC_CTYPE, "C");
	assert_string_equal(show_name(name, sizeof(name), "n\xc3\xaf"), "n\\xc3\\xaf");
	/* cut between escapes */
	assert_string_equal(show_name(name, 6, "n\xc3\xaf"), "n\\xc3");
	setlocale(LC_CTYPE, "C.UTF-8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lines_have_one_number_of_columns),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_holds_the_schema),
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_losses_are_not_played_down),
		cmocka_unit_test(test_openmetrics),
		cmocka_unit_test(test_nothing_was_read),
		cmocka_unit_test(test_a_full_device_is_told),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_ascii_where_the_locale_has_no_more),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
