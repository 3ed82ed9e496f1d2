/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of `memmon-bpf shm`: what is understood, and what is refused with exit status 2. */
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

#include "shm_options.h"

#define MAX_WORDS 32

/* `line` is cut at blanks; its words stay valid, as argv does. */
static int words(char *line, char **argv)
{
	int argc = 0;

	argv[argc++] = (char *)"shm";
	for (char *word = strtok(line, " "); word && argc < MAX_WORDS - 1; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return argc;
}

static void test_defaults(void **state)
{
	char *argv[] = { (char *)"shm", NULL };
	struct shm_options o;

	(void)state;
	shm_options_parse(&o, 1, argv);
	assert_false(o.watch || o.files || o.no_color || o.json || o.csv || o.fail_if);
	assert_true(o.interval_s > 0.999 && o.interval_s < 1.001);
	assert_false(shm_options_stays(&o));
	shm_options_finish(&o);
}

static void test_all(void **state)
{
	char line[] = "--watch --files -i 0.5 -d 3 --json a --csv - --unit MiB --no-color -vv "
		      "-c web,4f5e --fail-if shm.used>80%";
	char *argv[MAX_WORDS];
	struct shm_options o;

	(void)state;
	shm_options_parse(&o, words(line, argv), argv);
	assert_true(o.watch && o.files && o.no_color && o.fail_if);
	assert_true(o.interval_s > 0.49 && o.interval_s < 0.51);
	assert_true(o.duration_s > 2.99 && o.duration_s < 3.01);
	assert_string_equal(o.json, "a");
	assert_string_equal(o.csv, "-");
	assert_string_equal(o.unit->name, "MiB");
	assert_int_equal(o.verbose, 2);
	assert_int_equal(o.n_containers, 2);
	assert_string_equal(o.containers[1], "4f5e");
	assert_true(shm_options_stays(&o));
	shm_options_finish(&o);
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
		struct shm_options o;

		dup2(fds[1], STDERR_FILENO);
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		snprintf(copy, sizeof(copy), "%s", line);
		shm_options_parse(&o, words(copy, argv), argv);
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
		{ "--no-such", "--no-such" },          { "web", "-c web" },
		{ "-i 1", "-i needs --watch or -d" },  { "--watch -i 0.01", "0.1 to" },
		{ "-d x", "'x' is not a number" },     { "-d nan", "not a number" },
		{ "--unit furlong", "'furlong'" },     { "-c ,", "not a container" },
		{ "-c a,,b", "not a container" },      { "--json - --csv -", "exclude each other" },
		{ "--fail-if shm.usd>1", "shm.used" }, { "--fail-if shm.used>1MiB", "share" },
		{ "--unit \033[2J", "\\x1b[2J" },
	};
	char said[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = status_of(cases[i].line, said, sizeof(said));

		if (status != 2 || !strstr(said, cases[i].says) || strchr(said, '\033'))
			fail_msg("%s: status %d, said: %s", cases[i].line, status, said);
		assert_true(strncmp(said, "memmon-bpf shm: ", 16) == 0);
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
