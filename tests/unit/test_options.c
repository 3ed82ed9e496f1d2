// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line. options_parse() exits on bad usage, so those cases run in a child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "options.h"

#define MAX_ARGS 16

static void parse(struct options *o, const char *const *args)
{
	/* static, as o->command points into it */
	static char *argv[MAX_ARGS + 2];
	int argc = 1;

	memset(argv, 0, sizeof(argv));
	argv[0] = (char *)"memmon-bpf";
	for (; args[argc - 1]; argc++)
		argv[argc] = (char *)args[argc - 1];
	options_parse(o, argc, argv);
}

#define PARSE(o, ...) parse(o, (const char *const[]){ __VA_ARGS__, NULL })

/* Runs it in a child; returns its exit status and what it printed, on stdout and stderr together. */
static int run(char *out, size_t cap, const char *const *args)
{
	int ends[2], status;
	ssize_t got;
	size_t len = 0;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct options o;

		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		parse(&o, args);
		_exit(0);
	}
	close(ends[1]);
	while (len + 1 < cap && (got = read(ends[0], out + len, cap - 1 - len)) > 0)
		len += (size_t)got;
	out[len] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void expect_usage(const char *message, const char *const *args)
{
	char out[8192];
	int status = run(out, sizeof(out), args);

	if (status != 2 || !strstr(out, message))
		fail_msg("status %d, wanted 2 and '%s', got: %s", status, message, out);
}

#define USAGE(message, ...) expect_usage(message, (const char *const[]){ __VA_ARGS__, NULL })

static void test_pids(void **state)
{
	struct options o;

	(void)state;
	PARSE(&o, "-p", "12,34", "--pid=56", "-i", "0.5", "-d", "2.5", "--no-children");
	assert_int_equal(o.n_pids, 3);
	assert_int_equal(o.pids[0], 12);
	assert_int_equal(o.pids[1], 34);
	assert_int_equal(o.pids[2], 56);
	assert_true(o.no_children);
	assert_true(o.interval_s > 0.499 && o.interval_s < 0.501);
	assert_true(o.duration_s > 2.499 && o.duration_s < 2.501);
	assert_null(o.command);
	options_finish(&o);
}

static void test_containers(void **state)
{
	/* written to, as argv may be */
	static char list[] = "web,4f5e6d", one[] = "--container=/db";
	struct options o;

	(void)state;
	PARSE(&o, "-c", list, one, "--wait");
	assert_int_equal(o.n_containers, 3);
	assert_string_equal(o.containers[0], "web");
	assert_string_equal(o.containers[1], "4f5e6d");
	assert_string_equal(o.containers[2], "/db");
	assert_true(o.wait);
	assert_null(o.cgroup);
	options_finish(&o);
}

static void has_budget(double lowest, double highest, const char *const *args)
{
	struct options o;

	parse(&o, args);
	if (o.budget < lowest || o.budget > highest)
		fail_msg("budget %g, wanted %g to %g", o.budget, lowest, highest);
	options_finish(&o);
}

#define BUDGET(lowest, highest, ...) \
	has_budget(lowest, highest, (const char *const[]){ __VA_ARGS__, NULL })

static void test_budget(void **state)
{
	struct options o;

	(void)state;
	BUDGET(0.0499, 0.0501, "-a");
	BUDGET(0.00499, 0.00501, "-a", "--budget", "0.5");
	BUDGET(0.1249, 0.1251, "-p", "1", "--budget=12.5%");
	BUDGET(0, 0, "-a", "--budget", "0");
	BUDGET(0, 0, "--", "true"); /* where exactness comes first */
	BUDGET(0.0199, 0.0201, "--budget", "2", "--", "true");
	BUDGET(0, 0, "-a", "--sample");
	PARSE(&o, "-a", "--sample");
	assert_true(o.sample);
	options_finish(&o);
	USAGE("'much' is not a number of percent", "-a", "--budget", "much");
	USAGE("'' is not a number", "-a", "--budget", "");
	USAGE("'%' is not a number", "-a", "--budget", "%");
	USAGE("'5%%' is not a number", "-a", "--budget", "5%%");
	USAGE("'nan' is not a number", "-a", "--budget", "nan");
	USAGE("'inf' is not a number", "-a", "--budget", "inf");
	USAGE("'-1' is out of range", "-a", "--budget", "-1");
	USAGE("'101' is out of range", "-a", "--budget", "101");
	USAGE("'1e-9' is out of range", "-a", "--budget", "1e-9");
	USAGE("--sample and --budget exclude each other", "-a", "--sample", "--budget", "0");
}

static void test_command(void **state)
{
	struct options o;

	(void)state;
	PARSE(&o, "-q", "--json", "-", "--", "ls", "-l", "--", "-p");
	assert_true(o.quiet);
	assert_string_equal(o.json, "-");
	assert_string_equal(o.command[0], "ls");
	assert_string_equal(o.command[1], "-l");
	assert_string_equal(o.command[2], "--");
	assert_string_equal(o.command[3], "-p");
	assert_null(o.command[4]);
	assert_int_equal(o.n_pids, 0);
	options_finish(&o);
}

static void test_defaults(void **state)
{
	struct options o;

	(void)state;
	PARSE(&o, "-a");
	assert_true(o.all);
	assert_true(o.interval_s > 0.099 && o.interval_s < 0.101);
	assert_true(o.duration_s == 0);
	assert_int_equal(o.max_processes, 1000);
	assert_null(o.unit);
	assert_null(o.fail_if);
	assert_null(o.json);
	assert_null(o.record);
	assert_int_equal(o.max_bytes, 1ULL << 30);
	assert_false(o.pss);
	options_finish(&o);
}

static void test_values(void **state)
{
	struct options o;

	(void)state;
	PARSE(&o, "-g", "/docker/x", "--unit", "MB", "--fail-if", "peak.rss>2GiB",
	      "--max-processes", "7", "-vv", "-o", "run.memmon", "--max-size", "1.5GiB");
	assert_string_equal(o.cgroup, "/docker/x");
	assert_string_equal(o.unit->name, "MB");
	assert_string_equal(expr_text(o.fail_if), "peak.rss>2GiB");
	assert_int_equal(o.max_processes, 7);
	assert_int_equal(o.verbose, 2);
	assert_string_equal(o.record, "run.memmon");
	assert_int_equal(o.max_bytes, 3ULL << 29);
	options_finish(&o);
}

static void test_targets(void **state)
{
	(void)state;
	USAGE("nothing to watch", "-q");
	USAGE("-p and -a exclude each other", "-p", "1", "-a");
	USAGE("-p and a command exclude each other", "-p", "1", "--", "true");
	USAGE("-g and -a exclude each other", "-g", "/x", "-a");
	USAGE("no command after --", "--");
	USAGE("'ls': no such subcommand; to run a command put -- before it", "ls");
	USAGE("--scope needs a command", "--scope", "-p", "1");
	USAGE("-c and -g exclude each other", "-c", "web", "-g", "/x");
	USAGE("-p and -c exclude each other", "-p", "1", "-c", "web");
	USAGE("a command and -c exclude each other", "-c", "web", "--", "true");
	USAGE("--wait needs a container", "--wait", "-a");
}

static void test_bad_values(void **state)
{
	(void)state;
	USAGE("'x' is not a pid", "-p", "x");
	USAGE("'' is not a pid", "-p", "");
	USAGE("',2' is not a pid", "-p", "1,,2");
	USAGE("'' is not a pid", "-p", "1,");
	USAGE("'-5' is not a pid", "-p", "-5");
	USAGE("'99999999999' is not a pid", "-p", "99999999999");
	USAGE("'' is not a container", "-c", "");
	USAGE("'a,,b' is not a container", "-c", "a,,b");
	USAGE("'a,' is not a container", "-c", "a,");
	USAGE("',a' is not a container", "-c", ",a");
	USAGE("'0' is out of range", "-i", "0", "-a");
	USAGE("'nan' is not a number of seconds", "-i", "nan", "-a");
	USAGE("'1s' is not a number of seconds", "-d", "1s", "-a");
	USAGE("'-1' is out of range", "-d", "-1", "-a");
	USAGE("'MiBB' is not a unit", "--unit", "MiBB", "-a");
	USAGE("did you mean 'peak.rss'", "--fail-if", "peek.rss>1", "-a");
	USAGE("'0' is not a number from 1", "--max-processes", "0", "-a");
	USAGE("a recording cannot be written to standard output", "-o", "-", "-a");
	USAGE("'8MB' is out of range; give 8 MiB to 8 TiB", "-a", "-o", "f", "--max-size", "8MB");
	USAGE("'9TiB' is out of range", "-a", "-o", "f", "--max-size", "9TiB");
	USAGE("'much' is not a size", "-a", "-o", "f", "--max-size", "much");
	USAGE("'1GiB more' is not a size", "-a", "-o", "f", "--max-size", "1GiB more");
	USAGE("--max-size needs a recording", "-a", "--max-size", "1GiB");
	USAGE("unrecognized option", "--nonsense", "-a");
	USAGE("--json and --csv exclude each other: both are standard output", "--json", "-",
	      "--csv", "-", "-a");
	USAGE("--csv and --mprof exclude each other", "--mprof", "-", "--csv", "-", "-a");
	USAGE("--json and -o exclude each other: both are the same file", "-o", "x", "--json", "x",
	      "-a");
}

static void test_too_many_containers(void **state)
{
	static char list[2 * MAX_CONTAINERS + 2];

	(void)state;
	for (size_t i = 0; i < 2 * MAX_CONTAINERS + 1; i++)
		list[i] = i % 2 ? ',' : 'a';
	USAGE("more than 64 containers", "-c", list);
}

/* As NNCF's memory monitor does it: a command line that is one word is the shell's. */
static void test_a_command_line_in_one_word(void **state)
{
	static const char *const lines[] = {
		"a b", "a;b", "a\tb", "echo $HOME", "'a'", "~/a", "a*"
	};
	struct options o;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		PARSE(&o, "--log-dir", "logs", "--", lines[i]);
		assert_string_equal(o.log_dir, "logs");
		assert_string_equal(o.command[0], "sh");
		assert_string_equal(o.command[1], "-c");
		assert_string_equal(o.command[2], lines[i]);
		assert_null(o.command[3]);
		options_finish(&o);
	}
	/* a word that says the same to the shell */
	PARSE(&o, "--log-dir", "logs", "--", "./a-b_c.1");
	assert_string_equal(o.command[0], "./a-b_c.1");
	assert_null(o.command[1]);
	options_finish(&o);
	/* words */
	PARSE(&o, "--log-dir", "logs", "--", "a b", "c d");
	assert_string_equal(o.command[0], "a b");
	assert_string_equal(o.command[1], "c d");
	options_finish(&o);
	/* nobody asked for the shell */
	PARSE(&o, "--mprof", "x.dat", "--", "a b");
	assert_string_equal(o.mprof, "x.dat");
	assert_string_equal(o.command[0], "a b");
	options_finish(&o);
	PARSE(&o, "--log-dir", "logs", "-a");
	assert_null(o.command);
	options_finish(&o);
}

static void test_help_is_whole_and_fits(void **state)
{
	const char *const *names = options_names();
	char out[8192], option[64];
	int lines = 0;

	(void)state;
	assert_int_equal(run(out, sizeof(out), (const char *const[]){ "--help", NULL }), 0);
	for (; *names; names++) {
		if (strcmp(*names, "usage") == 0)
			continue; /* the same text */
		if (strcmp(*names, "pid") == 0 || strcmp(*names, "container") == 0 ||
		    strcmp(*names, "all") == 0)
			snprintf(option, sizeof(option), "-%c ", **names);
		else if (strcmp(*names, "cgroup") == 0)
			snprintf(option, sizeof(option), "-g ");
		else
			snprintf(option, sizeof(option), "--%s", *names);
		if (!strstr(out, option))
			fail_msg("--help does not mention %s", option);
	}
	for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n"), lines++)
		if (strlen(line) > 100)
			fail_msg("wider than a screen: %s", line);
	assert_in_range(lines, 10, 32);
}

static void test_version(void **state)
{
	char out[256];

	(void)state;
	assert_int_equal(run(out, sizeof(out), (const char *const[]){ "--version", NULL }), 0);
	assert_string_equal(out, "memmon-bpf " MEMMON_VERSION "\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_containers),
		cmocka_unit_test(test_too_many_containers),
		cmocka_unit_test(test_pids),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_a_command_line_in_one_word),
		cmocka_unit_test(test_help_is_whole_and_fits),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
