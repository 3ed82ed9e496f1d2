/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parsers and readers of /proc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/os/procfs.h"

/* Parses a copy on the heap of exactly that size: one byte too far is found. */
#define PARSE(function, literal, out) parse_exactly(literal, sizeof(literal) - 1, function, out)
#define parse_exactly(bytes, n, function, out)            \
	({                                                \
		size_t len_ = (n);                        \
		char *copy_ = len_ ? malloc(len_) : NULL; \
		int result_;                              \
		assert_true(copy_ || !len_);              \
		if (len_)                                 \
			memcpy(copy_, (bytes), len_);     \
		result_ = function(copy_, len_, out);     \
		free(copy_);                              \
		result_;                                  \
	})

#define STAT_REST                                                                            \
	" S 41 42 42 34816 -1 4194304 1001 77 12 3 250 125 9 4 20 0 8 0 123456 1000000 500 " \
	"18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n"

static void test_stat(void **state)
{
	struct proc_stat s;

	(void)state;
	assert_int_equal(PARSE(procfs_parse_stat, "42 (sh)" STAT_REST, &s), 0);
	assert_int_equal(s.pid, 42);
	assert_int_equal(s.ppid, 41);
	assert_int_equal(s.state, 'S');
	assert_string_equal(s.comm, "sh");
	assert_int_equal(s.flags, 4194304);
	assert_int_equal(s.minor_faults, 1001);
	assert_int_equal(s.major_faults, 12);
	assert_int_equal(s.user_ticks, 250);
	assert_int_equal(s.system_ticks, 125);
	assert_int_equal(s.threads, 8);
	assert_int_equal(s.start_ticks, 123456);
}

static void test_stat_hostile_comm(void **state)
{
	struct proc_stat s;

	(void)state;
	assert_int_equal(PARSE(procfs_parse_stat, "42 (a) R 1 (b\n) )" STAT_REST, &s), 0);
	assert_string_equal(s.comm, "a) R 1 (b\n) ");
	assert_int_equal(s.state, 'S');
	assert_int_equal(s.ppid, 41);
	assert_int_equal(PARSE(procfs_parse_stat, "42 ()" STAT_REST, &s), 0);
	assert_string_equal(s.comm, "");
	assert_int_equal(PARSE(procfs_parse_stat, "42 (\x80\xff\x1b[2J)" STAT_REST, &s), 0);
	assert_string_equal(s.comm, "\x80\xff\x1b[2J");
	/* longer than any kernel's: cut, not overrun */
	assert_int_equal(
		PARSE(procfs_parse_stat,
		      "42 (0123456789012345678901234567890123456789012345678901234567890123456789)" STAT_REST,
		      &s),
		0);
	assert_int_equal(strlen(s.comm), sizeof(s.comm) - 1);
}

/* Every text that was cut off before the end of field 22 is refused, and leaves `out` alone. */
static void test_stat_truncated(void **state)
{
	static const char text[] = "42 (sh)" STAT_REST;
	size_t needed = (size_t)(strstr(text, " 1000000 ") - text) + 1;
	struct proc_stat s;

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		int err;

		memset(&s, 0x5a, sizeof(s));
		err = parse_exactly(text, len, procfs_parse_stat, &s);
		assert_int_equal(err, len < needed ? -EINVAL : 0);
		if (err)
			assert_int_equal(s.pid, 0x5a5a5a5a);
		else
			assert_int_equal(s.start_ticks, 123456);
	}
}

static void test_stat_wrong(void **state)
{
	struct proc_stat s;

	(void)state;
	assert_int_equal(PARSE(procfs_parse_stat, "", &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_stat, "\0\0\0\n", &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_stat, ")(", &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_stat, "(sh)" STAT_REST, &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_stat, "x (sh)" STAT_REST, &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_stat, "-1 (sh)" STAT_REST, &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_stat, "99999999999 (sh)" STAT_REST, &s), -EINVAL);
	assert_int_equal(
		PARSE(procfs_parse_stat,
		      "42 (sh) S 41 42 42 0 -1 99999999999999999999 1 2 3 4 5 6 7 8 9 0 1 2 3\n",
		      &s),
		-EINVAL);
	assert_int_equal(PARSE(procfs_parse_stat,
			       "42 (sh) S 41 42 42 0 -1 1 -1 2 3 4 5 6 7 8 9 0 1 2 3\n", &s),
			 -EINVAL);
	assert_int_equal(PARSE(procfs_parse_stat,
			       "42 (sh) SS 41 42 42 0 -1 1 1 2 3 4 5 6 7 8 9 0 1 2 3\n", &s),
			 -EINVAL);
}

static void test_status(void **state)
{
	struct proc_status s;

	(void)state;
	assert_int_equal(PARSE(procfs_parse_status,
			       "Name:\ta\\nTgid: 1\nState:\tS (sleeping)\nTgid:\t4711\nNgid:\t0\n"
			       "NStgid:\t4711\t12\t1\nNSpid:\t4711\t12\t1\nKthread:\t0\n",
			       &s),
			 0);
	assert_int_equal(s.tgid, 4711);
	assert_int_equal(s.ns_pid, 1);
	assert_int_equal(s.ns_depth, 2);
	assert_int_equal(s.kthread, 0);

	assert_int_equal(PARSE(procfs_parse_status, "Tgid:\t2\nNSpid:\t2\nKthread:\t1\n", &s), 0);
	assert_int_equal(s.ns_pid, 2);
	assert_int_equal(s.ns_depth, 0);
	assert_int_equal(s.kthread, 1);

	assert_int_equal(PARSE(procfs_parse_status, "Tgid:\t2\n", &s), 0);
	assert_int_equal(s.ns_pid, 0);
	assert_int_equal(s.kthread, -1);
	/* cut off in the middle of a line: that line is not known */
	assert_int_equal(PARSE(procfs_parse_status, "Tgid:\t2\nNSpid:\t2\t1", &s), 0);
	assert_int_equal(s.ns_pid, 0);
	assert_int_equal(PARSE(procfs_parse_status, "Tgid:\t47", &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_status, "Tgid:\n", &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_status, "Tgid:\t99999999999\n", &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_status, "Name:\tx\n", &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_status, "", &s), -EINVAL);
}

static void test_statm(void **state)
{
	struct proc_statm s;

	(void)state;
	assert_int_equal(PARSE(procfs_parse_statm, "1000 200 50 4 0 150 0\n", &s), 0);
	assert_int_equal(s.size_pages, 1000);
	assert_int_equal(s.resident_pages, 200);
	assert_int_equal(s.shared_pages, 50);
	assert_int_equal(PARSE(procfs_parse_statm, "1000 200 50 4 0 150 0", &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_statm, "1000 200\n", &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_statm, "1000 -200 50\n", &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_statm, "1 18446744073709551616 5\n", &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_statm, "\n", &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_statm, "", &s), -EINVAL);
}

static void test_smaps(void **state)
{
	struct proc_smaps s;

	(void)state;
	assert_int_equal(PARSE(procfs_parse_smaps,
			       "55d0-7fff ---p 00000000 00:00 0    [rollup]\nRss:    2048 kB\n"
			       "Pss:    1000 kB\nPss_Dirty:   7 kB\nPss_Anon:   400 kB\n"
			       "Anonymous:      500 kB\nLazyFree:   0 kB\nAnonHugePages: 9 kB\n"
			       "Swap:    12 kB\nSwapPss:  11 kB\n",
			       &s),
			 0);
	assert_int_equal(s.rss_bytes, 2048 * 1024);
	assert_int_equal(s.pss_bytes, 1000 * 1024);
	assert_int_equal(s.anonymous_bytes, 500 * 1024);
	assert_int_equal(s.swap_bytes, 12 * 1024);
	assert_int_equal(PARSE(procfs_parse_smaps, "Rss: 0 kB\nPss: 0 kB\n", &s), 0);
	assert_int_equal(s.rss_bytes, 0);
	assert_true(s.swap_bytes == UNKNOWN_U64);
	assert_true(s.anonymous_bytes == UNKNOWN_U64);
	assert_int_equal(PARSE(procfs_parse_smaps, "Rss: 1 kB\nPss: 1 k", &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_smaps, "Rss: 1 kB\nPss: x kB\n", &s), -EINVAL);
	/* times 1024 does not fit */
	assert_int_equal(PARSE(procfs_parse_smaps, "Rss: 18446744073709551615 kB\nPss: 1 kB\n", &s),
			 -EINVAL);
	assert_int_equal(PARSE(procfs_parse_smaps, "", &s), -EINVAL);
}

static void test_meminfo(void **state)
{
	struct proc_meminfo s;

	(void)state;
	assert_int_equal(
		PARSE(procfs_parse_meminfo,
		      "MemTotal:       16384 kB\nMemFree:   1 kB\nMemAvailable:   8192 kB\n", &s),
		0);
	assert_int_equal(s.total_bytes, 16 << 20);
	assert_int_equal(s.available_bytes, 8 << 20);
	assert_int_equal(PARSE(procfs_parse_meminfo, "MemTotal: 16384 kB\n", &s), 0);
	assert_true(s.available_bytes == UNKNOWN_U64);
	assert_int_equal(PARSE(procfs_parse_meminfo, "MemTotal: 1 kB\nMemAvailable: 81", &s), 0);
	assert_true(s.available_bytes == UNKNOWN_U64);
	assert_int_equal(PARSE(procfs_parse_meminfo, "MemAvailable: 1 kB\n", &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_meminfo, "", &s), -EINVAL);
}

static void test_pressure(void **state)
{
	struct proc_pressure s;

	(void)state;
	assert_int_equal(PARSE(procfs_parse_pressure,
			       "some avg10=0.00 avg60=1.00 avg300=0.00 total=123456\n"
			       "full avg10=0.00 avg60=0.00 avg300=0.00 total=789\n",
			       &s),
			 0);
	assert_int_equal(s.some_us, 123456);
	assert_int_equal(s.full_us, 789);
	assert_int_equal(PARSE(procfs_parse_pressure, "some total=0\n", &s), 0);
	assert_int_equal(s.some_us, 0);
	assert_true(s.full_us == UNKNOWN_U64);
	assert_int_equal(PARSE(procfs_parse_pressure, "some total=1\nfull total=78", &s), 0);
	assert_true(s.full_us == UNKNOWN_U64);
	assert_int_equal(PARSE(procfs_parse_pressure, "some total=-1\n", &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_pressure, "some\n", &s), -EINVAL);
	assert_int_equal(PARSE(procfs_parse_pressure, "", &s), -EINVAL);
}

static void test_cmdline(void **state)
{
	char dst[PROC_CMDLINE_MAX + 16], large[PROC_CMDLINE_MAX + 100];

	(void)state;
	assert_int_equal(procfs_parse_cmdline("sh\0-c\0a b\0", 10, dst, sizeof(dst)), 9);
	assert_string_equal(dst, "sh -c a b");
	assert_int_equal(procfs_parse_cmdline("sh\0\0x", 5, dst, sizeof(dst)), 5);
	assert_string_equal(dst, "sh  x");
	assert_int_equal(procfs_parse_cmdline("\0\0\0", 3, dst, sizeof(dst)), 0);
	assert_string_equal(dst, "");
	assert_int_equal(procfs_parse_cmdline(NULL, 0, dst, sizeof(dst)), 0);
	assert_int_equal(procfs_parse_cmdline("abcdef", 6, dst, 4), 3);
	assert_string_equal(dst, "abc");
	assert_int_equal(procfs_parse_cmdline("abcdef", 6, dst, 1), 0);
	assert_string_equal(dst, "");
	dst[0] = '#';
	assert_int_equal(procfs_parse_cmdline("abcdef", 6, dst, 0), 0);
	assert_int_equal(dst[0], '#');
	memset(large, 'x', sizeof(large));
	assert_int_equal(procfs_parse_cmdline(large, sizeof(large), dst, sizeof(dst)),
			 PROC_CMDLINE_MAX - 1);
}

static void test_readers_of_ourselves(void **state)
{
	struct proc_status status;
	struct proc_smaps smaps;
	struct proc_statm statm;
	struct proc_stat stat;
	struct rusage usage;
	char cmdline[256];

	(void)state;
	assert_int_equal(procfs_read_stat(getpid(), &stat), 0);
	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	assert_int_equal(stat.pid, getpid());
	assert_int_equal(stat.ppid, getppid());
	assert_int_equal(stat.state, 'R');
	assert_string_equal(stat.comm, "test_procfs");
	assert_int_equal(stat.flags & PROC_FLAG_KTHREAD, 0);
	assert_in_range(stat.minor_faults, 1, (uint64_t)usage.ru_minflt);
	assert_in_range(stat.threads, 1, 16);
	assert_true(stat.start_ticks > 0);
	assert_int_equal(procfs_read_status(getpid(), &status), 0);
	assert_int_equal(status.tgid, getpid());
	assert_int_not_equal(status.kthread, 1);
	assert_int_equal(procfs_read_statm(getpid(), &statm), 0);
	assert_in_range(statm.resident_pages, 1, statm.size_pages);
	assert_in_range(statm.shared_pages, 1, statm.resident_pages);
	assert_int_equal(procfs_read_smaps(getpid(), &smaps), 0);
	assert_in_range(smaps.pss_bytes, 1, smaps.rss_bytes);
	assert_in_range(smaps.anonymous_bytes, 1, smaps.rss_bytes);
	assert_true(procfs_read_cmdline(getpid(), cmdline, sizeof(cmdline)) > 0);
	assert_non_null(strstr(cmdline, "test_procfs"));
}

static void test_readers_of_the_machine(void **state)
{
	struct proc_pressure pressure = { 0, 0 };
	struct proc_meminfo meminfo;
	uint64_t ram = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	(void)state;
	assert_int_equal(procfs_read_meminfo(&meminfo), 0);
	/* a container's own /proc/meminfo may show less than the machine has */
	assert_in_range(meminfo.total_bytes, ram / 1024 + 1, ram);
	assert_in_range(meminfo.available_bytes, 1, meminfo.total_bytes);
	assert_int_equal(procfs_read_pressure(&pressure), 0);
	if (access("/proc/pressure/memory", F_OK))
		assert_true(pressure.some_us == UNKNOWN_U64);
}

static void expect_gone(pid_t pid)
{
	struct proc_status status;
	struct proc_smaps smaps;
	struct proc_statm statm;
	struct proc_stat stat;
	char cmdline[16];

	assert_int_equal(procfs_read_stat(pid, &stat), -ESRCH);
	assert_int_equal(procfs_read_status(pid, &status), -ESRCH);
	assert_int_equal(procfs_read_statm(pid, &statm), -ESRCH);
	assert_int_equal(procfs_read_smaps(pid, &smaps), -ESRCH);
	assert_int_equal(procfs_read_cmdline(pid, cmdline, sizeof(cmdline)), -ESRCH);
}

static void test_zombie_and_gone(void **state)
{
	struct proc_smaps smaps;
	struct proc_stat stat;
	siginfo_t info;
	char cmdline[16];
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (!pid)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(procfs_read_stat(pid, &stat), 0);
	assert_int_equal(stat.state, 'Z');
	assert_int_equal(procfs_read_cmdline(pid, cmdline, sizeof(cmdline)), 0);
	assert_int_equal(procfs_read_smaps(pid, &smaps), -ESRCH);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	expect_gone(pid);
	expect_gone(0);
	expect_gone(-1);
}

static void test_kernel_thread(void **state)
{
	struct proc_stat stat;

	(void)state;
	if (procfs_read_stat(2, &stat) || strcmp(stat.comm, "kthreadd"))
		skip(); /* in a container pid 2 is not the kernel's */
	assert_true(stat.flags & PROC_FLAG_KTHREAD);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_stat_hostile_comm),
		cmocka_unit_test(test_stat_truncated),
		cmocka_unit_test(test_stat_wrong),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_statm),
		cmocka_unit_test(test_smaps),
		cmocka_unit_test(test_meminfo),
		cmocka_unit_test(test_pressure),
		cmocka_unit_test(test_cmdline),
		cmocka_unit_test(test_readers_of_ourselves),
		cmocka_unit_test(test_readers_of_the_machine),
		cmocka_unit_test(test_zombie_and_gone),
		cmocka_unit_test(test_kernel_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
