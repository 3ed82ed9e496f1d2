/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounted hierarchies, /proc/PID/cgroup, what -g means, and charges: on trees of ordinary
 * directories that look like cgroupfs, because this machine has only one of its layouts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/os/cgroup.h"
#include "../../src/os/charge.h"

/* ---- a tree in a directory of its own --------------------------------------------------------- */

struct place {
	char dir[64];
	char old[PATH_MAX];
	struct cgroup_mounts mounts;
};

static void make_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* A hybrid: v1 memory and cpu, and v2 beside them; the directory's name holds a blank. */
static int set_up(void **state)
{
	static const char *const dirs[] = {
		"a b",
		"a b/memory",
		"a b/memory/docker",
		"a b/memory/docker/abc",
		"a b/cpu",
		"a b/cpu/docker",
		"a b/unified",
		"a b/unified/system.slice",
		"a b/unified/system.slice/x.service",
		"elsewhere",
	};
	struct place *p = calloc(1, sizeof(*p));
	char text[1024];
	int err;

	if (!p)
		return -1;
	*state = p;
	strcpy(p->dir, "/tmp/memmon-cgroup-XXXXXX");
	err = !getcwd(p->old, sizeof(p->old)) || !mkdtemp(p->dir) || chdir(p->dir);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && !err; i++)
		err = mkdir(dirs[i], 0755);
	snprintf(text, sizeof(text),
		 "23 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
		 "35 31 0:32 / %s/a\\040b/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n"
		 "36 31 0:33 / %s/a\\040b/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
		 "41 31 0:38 / %s/a\\040b/unified rw master:1 shared:2 - cgroup2 cgroup2 rw\n",
		 p->dir, p->dir, p->dir);
	return err || cgroup_mounts_parse(&p->mounts, text, strlen(text)) ? -1 : 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct place *p = *state;
	int err = chdir(p->old) || nftw(p->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);

	cgroup_mounts_finish(&p->mounts);
	free(p);
	return err;
}

/* ---- mountinfo -------------------------------------------------------------------------------- */

/* On the heap, of exactly that size: a byte too far is found. */
static char *exact_copy(const char *bytes, size_t len)
{
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	if (len)
		memcpy(copy, bytes, len);
	return copy;
}

static void parse_mounts(const char *text, size_t len, struct cgroup_mounts *m)
{
	char *copy = exact_copy(text, len);

	assert_int_equal(cgroup_mounts_parse(m, copy, len), 0);
	free(copy);
}

#define PARSE_MOUNTS(literal, m) parse_mounts(literal, sizeof(literal) - 1, m)

static void test_mountinfo(void **state)
{
	const struct cgroup_mount *mount;
	struct cgroup_mounts m;

	(void)state;
	PARSE_MOUNTS(
		"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
		"32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
		"33 31 0:30 /docker/x /mnt/part\\040\\134\\011\\012 rw - cgroup cgroup rw,memory\n"
		"35 31 0:32 / /sys/fs/cgroup/memory rw shared:1 - cgroup  rw,memory\n"
		"40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=memory\n"
		"41 31 0:38 /../y /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
		&m);
	assert_int_equal(m.n, 5);
	assert_string_equal(m.mounts[1].point, "/mnt/part \\\t\n");
	assert_string_equal(m.mounts[1].root, "/docker/x");
	assert_true(m.mounts[1].memory);
	assert_false(m.mounts[0].memory);
	assert_false(m.mounts[3].memory);
	/* of two that have the controller the one that shows all of it */
	mount = cgroup_mounts_find(&m, 1);
	assert_non_null(mount);
	assert_string_equal(mount->point, "/sys/fs/cgroup/memory");
	mount = cgroup_mounts_find(&m, 2);
	assert_non_null(mount);
	assert_string_equal(mount->root, "/../y");
	cgroup_mounts_finish(&m);
	assert_int_equal(m.n, 0);
	cgroup_mounts_finish(&m);
	cgroup_mounts_finish(NULL);
}

static void test_mountinfo_hidden(void **state)
{
	struct cgroup_mounts m;

	(void)state;
	PARSE_MOUNTS("1 0 0:1 / /cg rw - cgroup cgroup rw,memory\n"
		     "2 1 0:2 / /cg rw - cgroup2 cgroup2 rw\n",
		     &m);
	assert_int_equal(m.n, 1);
	assert_null(cgroup_mounts_find(&m, 1));
	assert_non_null(cgroup_mounts_find(&m, 2));
	cgroup_mounts_finish(&m);
}

static void test_mountinfo_wrong(void **state)
{
	static const char nuls[] = "1 0 0:1 / /c\0g rw - cgroup2 cgroup2 rw\n";
	char line[PATH_MAX + 128];
	struct cgroup_mounts m;

	(void)state;
	PARSE_MOUNTS("", &m);
	assert_int_equal(m.n, 0);
	assert_null(cgroup_mounts_find(&m, 1));
	PARSE_MOUNTS("\n\n \n-\n - \n1 2 3\n1 0 0:1 / /cg rw cgroup2 cgroup2 rw\n"
		     "1 0 0:1 / /cg rw -\n1 0 0:1 / /cg rw - cgroup2\n"
		     "1 0 0:1 / /c\\999 rw - cgroup2 cgroup2 rw\n"
		     "1 0 0:1 / /c\\000 rw - cgroup2 cgroup2 rw\n"
		     "1 0 0:1 / relative rw - cgroup2 cgroup2 rw\n"
		     "1 0 0:1  /cg rw - cgroup2 cgroup2 rw\n"
		     "1 0 0:1 / /cut/off rw - cgroup2 cgroup2 rw",
		     &m);
	assert_int_equal(m.n, 0);
	cgroup_mounts_finish(&m);
	parse_mounts(nuls, sizeof(nuls) - 1, &m);
	assert_int_equal(m.n, 0);
	cgroup_mounts_finish(&m);
	strcpy(line, "1 0 0:1 / /");
	memset(line + 11, 'x', PATH_MAX);
	strcpy(line + 11 + PATH_MAX, " rw - cgroup2 cgroup2 rw\n");
	parse_mounts(line, strlen(line), &m);
	assert_int_equal(m.n, 0);
	cgroup_mounts_finish(&m);
}

/* ---- /proc/PID/cgroup ------------------------------------------------------------------------- */

static void expect_name(const char *text, int version, const char *name)
{
	char path[64] = "";
	size_t len = strlen(text);
	char *copy = exact_copy(text, len);

	if (name) {
		assert_int_equal(cgroup_parse_proc(copy, len, version, path, sizeof(path)), 0);
		assert_string_equal(path, name);
	} else {
		assert_int_equal(cgroup_parse_proc(copy, len, version, path, sizeof(path)),
				 -ENOENT);
	}
	free(copy);
}

static void test_proc_cgroup(void **state)
{
	static const char hybrid[] =
		"9:name=memory:/wrong\n4:cpu,memory:/a/b:c d\n1:cpuset:/\n0::/u\n";
	char path[4];

	(void)state;
	expect_name(hybrid, 1, "/a/b:c d");
	expect_name(hybrid, 2, "/u");
	expect_name("0::/\n", 2, "/");
	expect_name("0::/\n", 1, NULL);
	expect_name("4:memory:/x\n", 2, NULL);
	expect_name("0::/gone (deleted)\n", 2, "/gone");
	expect_name("0::/../other\n", 2, "/../other");
	expect_name("0::/cut", 2, NULL);
	expect_name("0::\n0:\n0\n:::\n\n", 2, NULL);
	expect_name("0::relative\n", 2, NULL);
	expect_name("", 2, NULL);
	assert_int_equal(cgroup_parse_proc("0::/abc\n", 8, 2, path, sizeof(path)), -ENAMETOOLONG);
	assert_int_equal(cgroup_parse_proc("0::/ab\n", 7, 2, path, sizeof(path)), 0);
	assert_int_equal(cgroup_parse_proc("0::/a\0\n", 7, 2, path, sizeof(path)), -ENOENT);
}

static void test_directory(void **state)
{
	struct cgroup_mount part = { .point = "/cg/", .root = "/docker/x", .version = 1 };
	struct cgroup_mount all = { .point = "/cg", .root = "/", .version = 1 };
	char path[64];

	(void)state;
	assert_int_equal(cgroup_directory(&all, "/", path, sizeof(path)), 0);
	assert_string_equal(path, "/cg");
	assert_int_equal(cgroup_directory(&all, "/a/b", path, sizeof(path)), 0);
	assert_string_equal(path, "/cg/a/b");
	assert_int_equal(cgroup_directory(&part, "/docker/x", path, sizeof(path)), 0);
	assert_string_equal(path, "/cg");
	assert_int_equal(cgroup_directory(&part, "/docker/x/y", path, sizeof(path)), 0);
	assert_string_equal(path, "/cg/y");
	assert_int_equal(cgroup_directory(&part, "/docker/xy", path, sizeof(path)), -ENOENT);
	assert_int_equal(cgroup_directory(&part, "/", path, sizeof(path)), -ENOENT);
	assert_int_equal(cgroup_directory(&all, "/../x", path, sizeof(path)), -ENOENT);
	assert_int_equal(cgroup_directory(&all, "/a/b", path, 5), -ENAMETOOLONG);
}

/* ---- what -g means ---------------------------------------------------------------------------- */

static void expect_cgroup(const struct place *p, const char *arg, int version, const char *name,
			  const char *directory, unsigned int level)
{
	char path[PATH_MAX];
	struct cgroup cgroup;
	struct stat st;

	assert_int_equal(cgroup_resolve(&p->mounts, arg, &cgroup), 0);
	snprintf(path, sizeof(path), "%s/a b/%s", p->dir, directory);
	assert_string_equal(cgroup.path, path);
	assert_string_equal(cgroup.name, name);
	assert_int_equal(cgroup.version, version);
	assert_int_equal(cgroup.level, level);
	assert_int_equal(stat(path, &st), 0);
	assert_true(cgroup.id == st.st_ino);
}

static void test_resolve(void **state)
{
	struct place *p = *state;
	char path[PATH_MAX];

	expect_cgroup(p, "/docker/abc", 1, "/docker/abc", "memory/docker/abc", 2);
	expect_cgroup(p, "docker//abc/", 1, "/docker/abc", "memory/docker/abc", 2);
	expect_cgroup(p, "/", 1, "/", "memory", 0);
	/* not in v1's memory hierarchy, so v2 */
	expect_cgroup(p, "system.slice/x.service", 2, "/system.slice/x.service",
		      "unified/system.slice/x.service", 2);
	snprintf(path, sizeof(path), "%s/a b/memory/docker", p->dir);
	expect_cgroup(p, path, 1, "/docker", "memory/docker", 1);
	snprintf(path, sizeof(path), "%s/a b/unified", p->dir);
	expect_cgroup(p, path, 2, "/", "unified", 0);
	snprintf(path, sizeof(path), "%s/a b/cpu/../unified/system.slice/", p->dir);
	expect_cgroup(p, path, 2, "/system.slice", "unified/system.slice", 1);
	assert_int_equal(chdir("a b/memory/docker"), 0);
	expect_cgroup(p, ".", 1, "/docker", "memory/docker", 1);
	expect_cgroup(p, "./abc", 1, "/docker/abc", "memory/docker/abc", 2);
}

static void expect_no_cgroup(const struct place *p, const char *arg, int err)
{
	struct cgroup cgroup;

	assert_int_equal(cgroup_resolve(&p->mounts, arg, &cgroup), err);
	assert_true(strlen(cgroup_reason(err)) > 5);
}

static void test_resolve_refused(void **state)
{
	struct place *p = *state;
	char path[PATH_MAX], *much;

	expect_no_cgroup(p, "", -ENOENT);
	expect_no_cgroup(p, "docker/nosuch", -ENOENT);
	expect_no_cgroup(p, "/docker/nosuch", -ENOENT);
	expect_no_cgroup(p, "docker/../../../elsewhere", -ENOENT);
	expect_no_cgroup(p, "/tmp", -ENOTDIR);
	snprintf(path, sizeof(path), "%s/elsewhere", p->dir);
	expect_no_cgroup(p, path, -ENOTDIR);
	make_file("a b/memory/docker/memory.stat", "");
	expect_no_cgroup(p, "/docker/memory.stat", -ENOTDIR);
	expect_no_cgroup(p, "/docker/memory.stat/x", -ENOTDIR);
	snprintf(path, sizeof(path), "%s/a b/cpu/docker", p->dir);
	expect_no_cgroup(p, path, -EOPNOTSUPP);
	/* out of the hierarchy through a link */
	assert_int_equal(symlink("../../elsewhere", "a b/memory/link"), 0);
	expect_no_cgroup(p, "link", -ENOENT);
	much = malloc(3 * PATH_MAX);
	assert_non_null(much);
	memset(much, 'x', 3 * PATH_MAX);
	much[3 * PATH_MAX - 1] = '\0';
	expect_no_cgroup(p, much, -ENAMETOOLONG);
	*much = '/';
	expect_no_cgroup(p, much, -ENAMETOOLONG);
	free(much);
	cgroup_mounts_finish(&p->mounts);
	expect_no_cgroup(p, "docker", -ENODEV);
	expect_no_cgroup(p, "/nosuch", -ENODEV);
}

/* In a container that sees its own part only. */
static void test_partial_mount(void **state)
{
	struct place *p = *state;
	struct cgroup cgroup;

	strcpy(p->mounts.mounts[0].root, "/outer/one");
	expect_cgroup(p, "/outer/one/docker", 1, "/outer/one/docker", "memory/docker", 3);
	strcpy(p->mounts.mounts[0].root, "/..");
	assert_int_equal(cgroup_resolve(&p->mounts, "./a b/memory/docker", &cgroup), 0);
}

static void test_this_machine(void **state)
{
	static struct cgroup own, again;
	struct cgroup_mounts m;

	(void)state;
	assert_int_equal(cgroup_mounts_read(&m), 0);
	for (int version = 1; version <= 2; version++) {
		if (!cgroup_mounts_find(&m, version)) {
			assert_int_equal(cgroup_of_pid(&m, 0, version, &own), -ENODEV);
			continue;
		}
		assert_int_equal(cgroup_of_pid(&m, 0, version, &own), 0);
		assert_int_equal(own.version, version);
		assert_int_equal(cgroup_of_pid(&m, getpid(), version, &again), 0);
		assert_true(again.id == own.id);
		assert_int_equal(cgroup_resolve(&m, own.path, &again), 0);
		assert_true(again.id == own.id);
		assert_string_equal(again.name, own.name);
		assert_int_equal(again.level, own.level);
		assert_int_equal(cgroup_of_pid(&m, -1, version, &again), -ESRCH);
	}
	cgroup_mounts_finish(&m);
}

/* ---- charges ---------------------------------------------------------------------------------- */

static void test_stat_of_v1(void **state)
{
	static const char text[] =
		"cache 9138176\nrss 1\nshmem 2\ntotal_cache 1000\ntotal_rss 300\n"
		"total_rss_huge 200\ntotal_shmem 400\ntotal_swap 7\n";
	struct rec_charge c;

	(void)state;
	memset(&c, 0, sizeof(c));
	charge_parse_stat(text, sizeof(text) - 1, 1, &c);
	assert_int_equal(c.anon_bytes, 300);
	assert_int_equal(c.file_bytes, 600);
	assert_int_equal(c.shmem_bytes, 400);
	assert_true(c.kernel_bytes == UNKNOWN_U64);
}

static void test_stat_of_v2(void **state)
{
	static const char text[] = "anon 300\nfile 1000\nkernel 50\nkernel_stack 9\nshmem 400\n"
				   "shmem_thp 8\nanon_thp 7\nfile_mapped 6\n";
	struct rec_charge c;

	(void)state;
	memset(&c, 0, sizeof(c));
	charge_parse_stat(text, sizeof(text) - 1, 2, &c);
	assert_int_equal(c.anon_bytes, 300);
	assert_int_equal(c.file_bytes, 600);
	assert_int_equal(c.shmem_bytes, 400);
	assert_int_equal(c.kernel_bytes, 50);
}

static void test_stat_incomplete(void **state)
{
	static const char wrong[] = "anon x\nfile 18446744073709551616\nkernel -1\nshmem 4";
	struct rec_charge c;

	(void)state;
	memset(&c, 0, sizeof(c));
	charge_parse_stat(wrong, sizeof(wrong) - 1, 2, &c);
	assert_true(c.anon_bytes == UNKNOWN_U64);
	assert_true(c.file_bytes == UNKNOWN_U64);
	assert_true(c.shmem_bytes == UNKNOWN_U64);
	assert_true(c.kernel_bytes == UNKNOWN_U64);
	charge_parse_stat("file 10\n", 8, 2, &c);
	assert_true(c.file_bytes == UNKNOWN_U64); /* how much of it is shmem is not known */
	charge_parse_stat("file 10\nshmem 20\n", 17, 2, &c);
	assert_int_equal(c.file_bytes, 0);
	charge_parse_stat(NULL, 0, 1, &c);
	assert_true(c.shmem_bytes == UNKNOWN_U64);
}

static uint64_t limit(const char *text)
{
	return charge_parse_limit(text, strlen(text));
}

static void test_limit(void **state)
{
	(void)state;
	assert_int_equal(limit("67108864\n"), 67108864);
	assert_int_equal(limit("0\n"), 0);
	assert_int_equal(limit("4611686018427387903\n"), (1ULL << 62) - 1);
	assert_true(limit("4611686018427387904\n") == UNKNOWN_U64);
	assert_true(limit("9223372036854771712\n") == UNKNOWN_U64); /* v1's PAGE_COUNTER_MAX */
	assert_true(limit("max\n") == UNKNOWN_U64);
	assert_true(limit("123") == UNKNOWN_U64);
	assert_true(limit("") == UNKNOWN_U64);
	assert_true(limit("-1\n") == UNKNOWN_U64);
	assert_true(limit("1 2\n") == UNKNOWN_U64);
}

static void test_charge_of_v1(void **state)
{
	struct place *p = *state;
	struct cgroup cgroup;
	struct rec_charge c;

	memset(&c, 0, sizeof(c));
	c.head.ts_ns = 7;
	assert_int_equal(cgroup_resolve(&p->mounts, "/docker/abc", &cgroup), 0);
	assert_int_equal(charge_read(&cgroup, &c), -ENODATA);
	make_file("a b/memory/docker/abc/memory.usage_in_bytes", "5000\n");
	make_file("a b/memory/docker/abc/memory.max_usage_in_bytes", "6000\n");
	make_file("a b/memory/docker/abc/memory.limit_in_bytes", "9223372036854771712\n");
	make_file("a b/memory/docker/abc/memory.kmem.usage_in_bytes", "70\n");
	make_file("a b/memory/docker/abc/memory.stat",
		  "total_cache 10\ntotal_rss 20\ntotal_shmem 4\n");
	assert_int_equal(charge_read(&cgroup, &c), 0);
	assert_int_equal(c.head.ts_ns, 7);
	assert_int_equal(c.current_bytes, 5000);
	assert_int_equal(c.peak_bytes, 6000);
	assert_true(c.limit_bytes == UNKNOWN_U64);
	assert_int_equal(c.anon_bytes, 20);
	assert_int_equal(c.file_bytes, 6);
	assert_int_equal(c.shmem_bytes, 4);
	assert_int_equal(c.kernel_bytes, 70);
	cgroup.id++; /* another one has its name now */
	assert_int_equal(charge_read(&cgroup, &c), -ENODEV);
}

static void test_charge_of_v2(void **state)
{
	struct place *p = *state;
	struct cgroup cgroup;
	struct rec_charge c;

	memset(&c, 0, sizeof(c));
	assert_int_equal(cgroup_resolve(&p->mounts, "system.slice", &cgroup), 0);
	make_file("a b/unified/system.slice/memory.current", "5000\n");
	make_file("a b/unified/system.slice/memory.max", "8192\n");
	make_file("a b/unified/system.slice/memory.stat", "anon 1\nfile 9\nshmem 2\nkernel 3\n");
	assert_int_equal(charge_read(&cgroup, &c), 0);
	assert_int_equal(c.current_bytes, 5000);
	assert_true(c.peak_bytes == UNKNOWN_U64); /* no memory.peak before Linux 5.19 */
	assert_int_equal(c.limit_bytes, 8192);
	assert_int_equal(c.file_bytes, 7);
	assert_int_equal(c.kernel_bytes, 3);
	make_file("a b/unified/system.slice/memory.peak", "6000\n");
	make_file("a b/unified/system.slice/memory.max", "max\n");
	assert_int_equal(charge_read(&cgroup, &c), 0);
	assert_int_equal(c.peak_bytes, 6000);
	assert_true(c.limit_bytes == UNKNOWN_U64);
	/* the root of v2 has memory.stat alone */
	assert_int_equal(unlink("a b/unified/system.slice/memory.current"), 0);
	assert_int_equal(charge_read(&cgroup, &c), 0);
	assert_true(c.current_bytes == UNKNOWN_U64);
	strcpy(cgroup.path, "/nonexistent");
	assert_int_equal(charge_read(&cgroup, &c), -ENODEV);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mountinfo),
		cmocka_unit_test(test_mountinfo_hidden),
		cmocka_unit_test(test_mountinfo_wrong),
		cmocka_unit_test(test_proc_cgroup),
		cmocka_unit_test(test_directory),
		IN_PLACE(test_resolve),
		IN_PLACE(test_resolve_refused),
		IN_PLACE(test_partial_mount),
		cmocka_unit_test(test_this_machine),
		cmocka_unit_test(test_stat_of_v1),
		cmocka_unit_test(test_stat_of_v2),
		cmocka_unit_test(test_stat_incomplete),
		cmocka_unit_test(test_limit),
		IN_PLACE(test_charge_of_v1),
		IN_PLACE(test_charge_of_v2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
