/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says of lockdown and mounts, and what is said of old kernels. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "os/release.h"
#include "os/rights.h"

static enum lockdown lockdown(const char *text)
{
	return lockdown_parse(text, strlen(text));
}

static void test_lockdown(void **state)
{
	(void)state;
	assert_int_equal(lockdown("[none] integrity confidentiality\n"), LOCKDOWN_NONE);
	assert_int_equal(lockdown("none [integrity] confidentiality\n"), LOCKDOWN_INTEGRITY);
	assert_int_equal(lockdown("none integrity [confidentiality]\n"), LOCKDOWN_CONFIDENTIALITY);
	/* what a kernel has not written says nothing */
	assert_int_equal(lockdown(""), LOCKDOWN_UNKNOWN);
	assert_int_equal(lockdown("none integrity [confidentiality]"), LOCKDOWN_UNKNOWN);
	assert_int_equal(lockdown("none integrity confidentiality\n"), LOCKDOWN_UNKNOWN);
	assert_int_equal(lockdown("[nonesuch] [nOne]\n"), LOCKDOWN_UNKNOWN);
	assert_null(lockdown_name(LOCKDOWN_UNKNOWN));
	assert_string_equal(lockdown_name(LOCKDOWN_INTEGRITY), "integrity");
}

static const char mountinfo[] =
	"22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
	"25 22 0:6 / /sys/kernel/security rw shared:8 - securityfs securityfs rw\n"
	"35 22 0:11 / /sys/kernel/tracing rw shared:15 - tracefs tracefs rw\n"
	"36 22 0:12 / /sys/kernel/debug/my\\040tracing rw - tracefs none rw\n"
	"40 28 0:33 / /tracefs rw - tmpfs tracefs rw\n"
	"41 28 0:34 / /short rw\n"
	"42 28 0:35 / /cut rw - bpf";

static void test_mount_points(void **state)
{
	const size_t len = sizeof(mountinfo) - 1;
	char point[64] = "before", small[8];

	(void)state;
	assert_int_equal(mount_point_parse(mountinfo, len, "sysfs", point, sizeof(point)), 0);
	assert_string_equal(point, "/sys");
	/* the last of several; a device's name or a mount point is no type */
	assert_int_equal(mount_point_parse(mountinfo, len, "tracefs", point, sizeof(point)), 0);
	assert_string_equal(point, "/sys/kernel/debug/my\\040tracing");
	assert_int_equal(mount_point_parse(mountinfo, len, "none", point, sizeof(point)), -ENOENT);
	assert_int_equal(mount_point_parse(mountinfo, len, "bpf", point, sizeof(point)), -ENOENT);
	assert_int_equal(mount_point_parse("", 0, "bpf", point, sizeof(point)), -ENOENT);
	assert_int_equal(mount_point_parse(mountinfo, len, "tracefs", small, sizeof(small)),
			 -ENAMETOOLONG);
}

static void test_rights(void **state)
{
	struct rights none = { 0 }, admin = { .has[RIGHT_SYS_ADMIN] = true },
		      bpf = { .has[RIGHT_BPF] = true };

	(void)state;
	for (int r = 0; r < RIGHTS; r++) {
		assert_false(rights_allow(&none, r));
		assert_true(strncmp(right_name(r), "CAP_", 4) == 0);
		assert_true(*right_lost(r));
	}
	assert_true(rights_allow(&bpf, RIGHT_BPF));
	assert_false(rights_allow(&bpf, RIGHT_PERFMON));
	assert_true(rights_allow(&admin, RIGHT_BPF) && rights_allow(&admin, RIGHT_PERFMON));
	assert_false(rights_allow(&admin, RIGHT_SYS_PTRACE));
	rights_read(&none); /* whatever it says here, it ends */
}

static void test_release(void **state)
{
	static const char *const fine[] = { "5.10.0-43-cloud-amd64",
					    "5.11",
					    "6.1.0",
					    "7.2.0-rc1",
					    "10.0",
					    "",
					    "x",
					    "5",
					    "five.nine" };
	char note[RELEASE_NOTE_LEN], endless[512];

	(void)state;
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		assert_string_equal(release_note(fine[i], note), "");
	assert_string_equal(
		release_note("4.19.0-27-amd64", note),
		"; this is Linux 4.19.0-27-amd64, and 5.10 is the oldest that memmon-bpf supports");
	assert_non_null(strstr(release_note("5.9.16", note), "Linux 5.9.16,"));
	assert_non_null(strstr(release_note("3.10.0-1160.el7", note), "5.10 is the oldest"));
	memset(endless, '1', sizeof(endless));
	memcpy(endless, "4.4.", 4);
	endless[sizeof(endless) - 1] = '\0';
	assert_non_null(strstr(release_note(endless, note), "5.10 is the oldest"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lockdown),
		cmocka_unit_test(test_mount_points),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
