/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of `memmon-bpf diff`: what is understood, and what is refused with exit status 2. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "diff_options.h"

#define MAX_WORDS 32

/* `line` is cut at blanks; its words stay valid, as argv does. */
static int words(char *line, char **argv)
{
	int argc = 0;

	argv[argc++] = (char *)"diff";
	for (char *word = strtok(line, " "); word && argc < MAX_WORDS - 1; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return argc;
}

static void test_defaults(void **state)
{
	char line[] = "a b", *argv[MAX_WORDS];
	struct diff_options o;

	(void)state;
	diff_options_parse(&o, words(line, argv), argv);
	assert_string_equal(o.a, "a");
	assert_string_equal(o.b, "b");
	assert_false(o.json || o.unit || o.no_color || o.fail_if);
	diff_options_finish(&o);
}

static void test_all(void **state)
{
	char line[] = "--json - before --unit MiB --no-color - --fail-if peak.rss>+5%||rss>1";
	char *argv[MAX_WORDS];
	struct diff_options o;

	(void)state;
	diff_options_parse(&o, words(line, argv), argv);
	assert_string_equal(o.a, "before");
	assert_string_equal(o.b, "-");
	assert_string_equal(o.json, "-");
	assert_string_equal(o.unit->name, "MiB");
	assert_true(o.no_color);
	assert_string_equal(expr_text(o.fail_if), "peak.rss>+5%||rss>1");
	diff_options_finish(&o);
}

/* The exit status of parsing `line`, in a process of its own; its standard error goes to `said`. */
static int status_of(const char *line, char *said, size_t cap)
{
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		char *argv[MAX_WORDS], copy[256];
		struct diff_options o;

		dup2(fds[1], STDERR_FILENO);
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		snprintf(copy, sizeof(copy), "%s", line);
		diff_options_parse(&o, words(copy, argv), argv);
		_exit(77);
	}
	close(fds[1]);
	n = read(fds[0], said, cap - 1);
	said[n > 0 ? n : 0] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_bad_usage(void **state)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{ "", "nothing to compare" },
		{ "a", "'a' is compared with nothing" },
		{ "a b c", "'c' is too many" },
		{ "- -", "one standard input" },
		{ "a b --no-such", "--no-such" },
		{ "a b --unit furlong", "'furlong'" },
		{ "a b --fail-if peak.rs>+5%", "did you mean 'peak.rss'" },
		{ "a b --fail-if peak.rss>+5X", "'+5X' is no change" },
		{ "a b --fail-if interval.peak>+5%", "'interval.peak' is of a moment" },
		{ "a b --fail-if rss>1&&sampled==1", "'sampled' is of a moment" },
		{ "a b --unit \033[2J", "\\x1b[2J" },
		{ "a b \033[2J", "\\x1b[2J" },
	};
	char said[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = status_of(cases[i].line, said, sizeof(said));

		if (status != 2 || !strstr(said, cases[i].says) || strchr(said, '\033'))
			fail_msg("%s: status %d, said: %s", cases[i].line, status, said);
		assert_true(strncmp(said, "memmon-bpf diff: ", 17) == 0);
	}
}

static void test_help(void **state)
{
	char said[2048];

	(void)state;
	assert_int_equal(status_of("--help", said, sizeof(said)), 0);
	assert_int_equal(status_of("-h", said, sizeof(said)), 0);
	assert_string_equal(said, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_bad_usage),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
