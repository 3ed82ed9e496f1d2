/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MEMMON_FORBID: which words forbid which hooks, and that nothing else does. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "forbid.h"

static void forbid(const char *words)
{
	assert_int_equal(setenv("MEMMON_FORBID", words, 1), 0);
}

static void test_nothing(void **state)
{
	static const char *const nothing[] = { "", " ", ",", " , ,, \t\n" };

	(void)state;
	unsetenv("MEMMON_FORBID");
	assert_false(hook_forbidden("tp_btf/rss_stat"));
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
		forbid(nothing[i]);
		assert_false(hook_forbidden("tp_btf/rss_stat"));
		assert_false(hook_forbidden("raw_tp"));
		assert_false(hook_forbidden(""));
	}
}

static void test_words(void **state)
{
	(void)state;
	forbid("tp_btf/rss_stat");
	assert_true(hook_forbidden("tp_btf/rss_stat"));
	assert_false(hook_forbidden("tp_btf/sys_exit"));
	assert_false(hook_forbidden("kprobe/rss_stat"));
	forbid("fexit");
	assert_true(hook_forbidden("fexit/shmem_fault"));
	assert_false(hook_forbidden("fentry/shmem_fault"));
	forbid("exit_mmap");
	assert_true(hook_forbidden("tp_btf/exit_mmap"));
	assert_true(hook_forbidden("fexit/exit_mmap"));
	assert_true(hook_forbidden("kprobe/exit_mmap"));
	forbid("raw_tp");
	assert_true(hook_forbidden("raw_tp"));
}

static void test_several(void **state)
{
	static const char *const both[] = {
		"fexit,oom",    "fexit oom",     " fexit  oom ",
		",fexit,,oom,", "\tfexit\n,oom", "nothing,oom,fexit,more",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		forbid(both[i]);
		assert_true(hook_forbidden("fexit/shmem_fault"));
		assert_true(hook_forbidden("tp_btf/oom"));
		assert_false(hook_forbidden("tp_btf/shmem_fault"));
	}
}

/* A start, an end or a longer word forbids nothing, and neither does another case. */
static void test_whole_words(void **state)
{
	static const char *const near[] = {
		"rss",       "stat",       "rss_stats", "tp",        "tp_btf/",
		"/rss_stat", "tp_btf/rss", "RSS_STAT",  "rss_stat;", "tp_btf/rss_stat/",
		"*",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
		forbid(near[i]);
		assert_false(hook_forbidden("tp_btf/rss_stat"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_whole_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
