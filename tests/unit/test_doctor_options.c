/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of `memmon-bpf doctor`: what is understood, and what is refused with status 2. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "doctor_options.h"

#define MAX_WORDS 16

/* `line` is cut at blanks; its words stay valid, as argv does. */
static int words(char *line, char **argv)
{
	int argc = 0;

	argv[argc++] = (char *)"doctor";
	for (char *word = strtok(line, " "); word && argc < MAX_WORDS - 1; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return argc;
}

static void test_understood(void **state)
{
	char none[] = "", all[] = "--json - --btf a.btf --no-color -vv", *argv[MAX_WORDS];
	struct doctor_options o;

	(void)state;
	doctor_options_parse(&o, words(none, argv), argv);
	assert_false(o.json || o.btf || o.no_color || o.verbose);
	doctor_options_parse(&o, words(all, argv), argv);
	assert_string_equal(o.json, "-");
	assert_string_equal(o.btf, "a.btf");
	assert_true(o.no_color);
	assert_int_equal(o.verbose, 2);
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
		struct doctor_options o;

		dup2(fds[1], STDERR_FILENO);
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		snprintf(copy, sizeof(copy), "%s", line);
		doctor_options_parse(&o, words(copy, argv), argv);
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

static void test_refused(void **state)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{ "now", "'now'" },           { "--json", "requires an argument" },
		{ "--no-such", "--no-such" }, { "-p 1", "'p'" },
		{ "--csv x", "--csv" },       { "-v now", "'now'" },
		{ "\033[2J", "'\\x1b[2J'" },
	};
	char said[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = status_of(cases[i].line, said, sizeof(said));

		if (status != 2 || !strstr(said, cases[i].says) || strchr(said, '\033'))
			fail_msg("%s: status %d, said: %s", cases[i].line, status, said);
		assert_true(strncmp(said, "memmon-bpf doctor: ", 19) == 0);
	}
	assert_int_equal(status_of("--help", said, sizeof(said)), 0);
	assert_int_equal(status_of("-h", said, sizeof(said)), 0);
	assert_string_equal(said, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_understood),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
