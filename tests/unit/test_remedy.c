// SPDX-License-Identifier: GPL-2.0-or-later
/* What to do about a full tmpfs, for each runtime and each way to be full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/sinks/remedy.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define MIB (1ULL << 20)

static struct shm_full full_of(uint64_t limit, uint64_t used, uint64_t wanted, uint64_t done)
{
	return (struct shm_full){ .rec = { .how = SHM_FULL_WRITE,
					   .limit_bytes = limit,
					   .used_bytes = used,
					   .wanted_bytes = wanted,
					   .done_bytes = done } };
}

static void test_bytes(void **state)
{
	static const struct {
		uint64_t limit, used, wanted, done, bytes;
	} cases[] = {
		/* a page too many, a short write, one call that wants more than the mount has */
		{ 64 * MIB, 64 * MIB, 4096, 0, 128 * MIB },
		{ 64 * MIB, 64 * MIB, 70 * MIB, 64 * MIB, 128 * MIB },
		{ 64 * MIB, 0, 80 * MIB, 0, 128 * MIB },
		{ 64 * MIB, 50 * MIB, 80 * MIB, 0, 256 * MIB },
		{ 64 * MIB, 0, 128 * MIB, 0, 128 * MIB },
		{ 64 * MIB, 1, 128 * MIB, 0, 256 * MIB },
		{ 100 * MIB, 100 * MIB, 4096, 0, 128 * MIB },
		{ 4096, 4096, 4096, 0, 8192 },
		/* what is not known, or makes no sense, is no measure */
		{ 64 * MIB, UNKNOWN_U64, 4096, 0, 128 * MIB },
		{ 64 * MIB, 64 * MIB, UNKNOWN_U64, 0, 128 * MIB },
		{ 64 * MIB, 64 * MIB, 1ULL << 62, 0, 128 * MIB },
		{ 64 * MIB, 64 * MIB, 4096, 8192, 128 * MIB },
		{ 0, 64 * MIB, 4096, 0, 0 },
		{ UNKNOWN_U64, 64 * MIB, 4096, 0, 0 },
		{ 1ULL << 63, 0, 4096, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct shm_full f =
			full_of(cases[i].limit, cases[i].used, cases[i].wanted, cases[i].done);

		assert_true(remedy_bytes(&f) == cases[i].bytes);
	}
}

static struct shm_mount mount_of(const char *runtime)
{
	return (struct shm_mount){ .point = "/dev/shm",
				   .container_id = runtime ? ID : "",
				   .container = "web",
				   .runtime = runtime ? runtime : "" };
}

static void expect(const struct shm_mount *m, const struct shm_full *f, const char *text)
{
	char dst[512];

	assert_string_equal(remedy_write(dst, sizeof(dst), m, f), text);
}

static void test_runtimes(void **state)
{
	struct shm_full f = full_of(64 * MIB, 64 * MIB, 4096, 0);
	struct shm_mount m = mount_of(NULL);

	(void)state;
	expect(&m, &f, "make it larger: mount -o remount,size=128M /dev/shm");
	m = mount_of("docker");
	expect(&m, &f,
	       "make it larger: docker run --shm-size=128m, or shm_size: 128m in the Compose file");
	m.point = "/cache";
	expect(&m, &f,
	       "make it larger: docker run --tmpfs /cache:size=128m, or tmpfs: /cache:size=128m in "
	       "the Compose file");
	m = mount_of("podman");
	expect(&m, &f,
	       "make it larger: podman run --shm-size=128m, or shm_size: 128m in the Compose file");
	m = mount_of("containerd");
	expect(&m, &f,
	       "make it larger: a volume with emptyDir: {medium: Memory, sizeLimit: 128Mi}, mounted "
	       "at /dev/shm (Kubernetes)");
	m = mount_of("cri-o");
	f = full_of(1ULL << 30, 1ULL << 30, 4096, 0);
	expect(&m, &f,
	       "make it larger: a volume with emptyDir: {medium: Memory, sizeLimit: 2Gi}, mounted at "
	       "/dev/shm (Kubernetes)");
	m = mount_of("");
	expect(&m, &f,
	       "make it larger: docker run --shm-size=2g, or shm_size: 2g in the Compose file; or a "
	       "volume with emptyDir: {medium: Memory, sizeLimit: 2Gi}, mounted at /dev/shm "
	       "(Kubernetes)");
}

static void test_no_size(void **state)
{
	struct shm_full f = full_of(UNKNOWN_U64, UNKNOWN_U64, 4096, 0);
	struct shm_mount m = mount_of(NULL);

	(void)state;
	expect(&m, &f, "make it larger: mount -o remount,size=SIZE /dev/shm");
	f = full_of(0, 64 * MIB, 4096, 0);
	expect(&m, &f,
	       "it has no limit: the kernel would not commit more memory (vm.overcommit_memory)");
	expect(NULL, &f, "");
}

static void test_inodes(void **state)
{
	struct shm_full f = { .rec = { .how = SHM_FULL_OPEN, .limit_bytes = 64 * MIB } };
	struct shm_mount m = mount_of(NULL);

	(void)state;
	m.rec.limit_inodes = 1000;
	expect(&m, &f,
	       "its inodes are used up, not its bytes: mount -o remount,nr_inodes=4096 /dev/shm");
	m.rec.limit_inodes = 4096;
	expect(&m, &f,
	       "its inodes are used up, not its bytes: mount -o remount,nr_inodes=8192 /dev/shm");
	m = mount_of("docker");
	m.rec.limit_inodes = UNKNOWN_U64;
	expect(&m, &f,
	       "its inodes are used up, not its bytes: docker run --tmpfs /dev/shm:nr_inodes=N, or "
	       "remove files from it");
	m = mount_of("containerd");
	expect(&m, &f,
	       "its inodes are used up, not its bytes: remove files from it, or nr_inodes=N in the "
	       "options of its mount");
}

static void test_orphans(void **state)
{
	struct shm_full f = full_of(64 * MIB, 64 * MIB, 4096, 0);
	struct shm_mount m = mount_of(NULL);

	(void)state;
	m.orphans = 1;
	m.orphan_bytes = 2 * MIB;
	expect(&m, &f,
	       "make it larger: mount -o remount,size=128M /dev/shm; 1 orphaned file (2.0 MiB) could "
	       "be removed from it");
	/* those of that moment go before those of now */
	f.orphans = 500;
	f.orphan_bytes = 20 * MIB;
	expect(&m, &f,
	       "make it larger: mount -o remount,size=128M /dev/shm; 500 orphaned files (20.0 MiB) "
	       "could be removed from it");
}

/* A mount point is anybody's who may mount, and the line is there to be copied. */
static void test_hostile_point(void **state)
{
	static const char *const points[] = {
		"/x; rm -rf /", "/a b", "/$(reboot)", "/a\nb",  "/\033[2J",
		"/'",           "-rf",  "",           "/a`b`c", "/*",
	};
	struct shm_full f = full_of(64 * MIB, 64 * MIB, 4096, 0);
	struct shm_mount m = mount_of(NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		m.point = points[i];
		expect(&m, &f, "make it larger: mount -o remount,size=128M MOUNTPOINT");
	}
	m.point = NULL;
	m.container_id = m.runtime = NULL;
	expect(&m, &f, "make it larger: mount -o remount,size=128M MOUNTPOINT");
}

static void test_cut(void **state)
{
	struct shm_full f = full_of(64 * MIB, 64 * MIB, 4096, 0);
	struct shm_mount m = mount_of("docker");
	char whole[512], dst[512];

	(void)state;
	m.orphans = 7;
	remedy_write(whole, sizeof(whole), &m, &f);
	for (size_t cap = 1; cap <= strlen(whole) + 1; cap++) {
		memset(dst, 'x', sizeof(dst));
		remedy_write(dst, cap, &m, &f);
		assert_int_equal(strlen(dst), cap - 1);
		assert_memory_equal(dst, whole, cap - 1);
		assert_int_equal(dst[cap], 'x');
	}
	dst[0] = 'x';
	remedy_write(dst, 0, &m, &f);
	assert_int_equal(dst[0], 'x');
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),   cmocka_unit_test(test_runtimes),
		cmocka_unit_test(test_no_size), cmocka_unit_test(test_inodes),
		cmocka_unit_test(test_orphans), cmocka_unit_test(test_hostile_point),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests_name("remedy", tests, NULL, NULL);
}
