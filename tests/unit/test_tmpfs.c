/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of mountinfo, paths that lead astray, and the figures of a real tmpfs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

#include "../../src/os/beneath.h"
#include "../../src/os/tmpfs.h"
#include "elsewhere.h"

static struct tmpfs_mounts parse(const char *text)
{
	struct tmpfs_mounts m;
	size_t len = strlen(text);
	char *exact = malloc(len + !len); /* so that ASan sees a read past the end */

	assert_non_null(exact);
	memcpy(exact, text, len);
	assert_int_equal(tmpfs_parse(&m, exact, len), 0);
	free(exact);
	return m;
}

static void test_lines(void **state)
{
	struct tmpfs_mounts m = parse(
		"27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
		"24 27 0:6 / /dev rw - devtmpfs devtmpfs rw,size=12334460k,nr_inodes=3083615\n"
		"25 24 0:23 / /dev/shm rw shared:3 master:1 - tmpfs tmpfs rw,size=65536k,nr_inodes=7\n"
		"28 27 4095:1048575 /sub /a\\040b\\011c\\012d\\134e rw - tmpfs  ro,size=0k,mode=755\n"
		"29 27 0:24 / /x rw - tmpfs size=1k rw\n"
		"30 27 0:25 / /cut rw - tmpfs t rw");

	(void)state;
	assert_int_equal(m.n, 3);
	assert_int_equal(m.mounts[0].dev, 23);
	assert_string_equal(m.mounts[0].point, "/dev/shm");
	assert_int_equal(m.mounts[0].limit_bytes, 64 << 20);
	assert_int_equal(m.mounts[0].limit_inodes, 7);
	assert_true(m.mounts[0].whole);
	assert_false(m.mounts[0].hidden);
	assert_int_equal(m.mounts[1].dev, SHM_DEV(4095, 1048575));
	assert_string_equal(m.mounts[1].point, "/a b\tc\nd\\e");
	assert_false(m.mounts[1].whole);
	assert_int_equal(m.mounts[1].limit_bytes, 0);
	/* an option is one of the superblock, not the source's name */
	assert_true(m.mounts[2].limit_bytes == UNKNOWN_U64);
	assert_true(m.mounts[2].limit_inodes == UNKNOWN_U64);
	tmpfs_finish(&m);
	tmpfs_finish(&m);
	tmpfs_finish(NULL);
}

static void test_wrong_lines(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n",
		"25 24 0:23 / /dev/shm rw tmpfs tmpfs rw\n", /* no "-" */
		"25 24 0:23 / dev/shm rw - tmpfs tmpfs rw\n",
		"25 24 0:23 /  rw - tmpfs tmpfs rw\n",
		"25 24 023 / /dev/shm rw - tmpfs tmpfs rw\n",
		"25 24 4096:0 / /dev/shm rw - tmpfs tmpfs rw\n",
		"25 24 0:1048576 / /dev/shm rw - tmpfs tmpfs rw\n",
		"x 24 0:23 / /dev/shm rw - tmpfs tmpfs rw\n",
		"25 24 0:23 / /dev/\\000shm rw - tmpfs tmpfs rw\n",
		"25 24 0:23 / /dev/shm rw - tmpfss tmpfs rw\n",
		"25 24 0:23 / /dev/shm rw -\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct tmpfs_mounts m = parse(texts[i]);

		assert_int_equal(m.n, 0);
		tmpfs_finish(&m);
	}
}

static void test_hidden(void **state)
{
	/* the one on top may stand first; a mount of any type hides */
	struct tmpfs_mounts m = parse("31 30 0:31 / /b rw - overlay o rw\n"
				      "25 24 0:23 / /dev/shm rw - tmpfs t rw\n"
				      "30 24 0:27 / /b rw - tmpfs t rw\n"
				      "26 25 0:24 / /dev/shm/below rw - tmpfs t rw\n"
				      "32 25 0:28 / /dev/shm rw - tmpfs t rw\n");
	const bool hidden[] = { true, true, false, false };

	(void)state;
	assert_int_equal(m.n, 4);
	for (size_t i = 0; i < m.n; i++)
		assert_int_equal(m.mounts[i].hidden, hidden[i]);
	tmpfs_finish(&m);
}

static void test_remote(void **state)
{
	struct tmpfs_mounts m = parse("25 24 0:23 / /srv/a rw - tmpfs t rw\n"
				      "26 24 0:24 / /srv/ab rw - tmpfs t rw\n"
				      "27 24 0:25 / /srv/a/x rw - tmpfs t rw\n"
				      "28 24 0:26 / /srv/a rw - fuse.sshfs t rw\n"
				      "29 24 0:27 / /srv/b rw - fusectl t rw\n"
				      "30 24 0:28 / /srv/b/c rw - tmpfs t rw\n");
	const bool remote[] = { true, false, true, false };

	(void)state;
	assert_int_equal(m.n, 4);
	for (size_t i = 0; i < m.n; i++)
		assert_int_equal(m.mounts[i].remote, remote[i]);
	tmpfs_finish(&m);
	m = parse("25 24 0:23 / /a rw - tmpfs t rw\n2 1 0:26 / / rw - nfs4 t rw\n");
	assert_true(m.mounts[0].remote);
	tmpfs_finish(&m);
}

/* ---- real ones -------------------------------------------------------------------------------- */

static bool mount_there(const char *dir)
{
	char path[256];
	int fd;
	bool ok;

	if (mount("t", dir, "tmpfs", 0, "size=1m,nr_inodes=100"))
		return false;
	snprintf(path, sizeof(path), "%s/f", dir);
	fd = open(path, O_CREAT | O_RDWR, 0600);
	ok = fd >= 0 && !posix_fallocate(fd, 0, 40960);
	snprintf(path, sizeof(path), "%s/link", dir);
	return ok && !symlink("/proc/1/root", path) && !close(fd);
}

static bool umount_there(const char *dir)
{
	return !umount(dir);
}

/* mkdtemp() on a directory that is the same in both namespaces */
static void make_dir(char dir[64])
{
	strcpy(dir, "/tmp/test-tmpfs-XXXXXX");
	assert_non_null(mkdtemp(dir));
}

static const struct tmpfs_mount *find(const struct tmpfs_mounts *m, const char *point)
{
	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->mounts[i].point, point))
			return &m->mounts[i];
	return NULL;
}

static void check_figures(const struct tmpfs_figures *f)
{
	assert_int_equal(f->limit_bytes, 1 << 20);
	assert_int_equal(f->used_bytes, 40960);
	assert_int_equal(f->limit_inodes, 100);
	assert_int_equal(f->used_inodes, 3);
}

static void test_figures(void **state)
{
	struct tmpfs_figures figures;
	const struct tmpfs_mount *m;
	struct tmpfs_mounts mounts;
	struct elsewhere child;
	int root, fd, err;
	char dir[64];

	(void)state;
	make_dir(dir);
	if (!elsewhere_begin(&child, CLONE_NEWNS, mount_there, umount_there, dir)) {
		rmdir(dir);
		skip();
	}
	assert_int_equal(tmpfs_read(&mounts, child.pid), 0);
	m = find(&mounts, dir);
	assert_non_null(m);
	assert_int_equal(m->limit_bytes, 1 << 20);
	assert_int_equal(m->limit_inodes, 100);
	root = tmpfs_root(child.pid);
	assert_true(root >= 0);
	fd = tmpfs_open(root, m->point, m->dev, false);
	assert_true(fd >= 0);
	assert_int_equal(tmpfs_statfs(fd, &figures), 0);
	check_figures(&figures);
	close(fd);
	assert_int_equal(tmpfs_open(root, m->point, m->dev + 1, false), -ESTALE);
	err = tmpfs_ustat(m->dev, m->limit_bytes, m->limit_inodes, &figures);
	if (err != -ENOSYS) {
		assert_int_equal(err, 0);
		check_figures(&figures);
	}
	close(root);
	assert_true(elsewhere_do(&child)); /* nothing of ours is in the way of umount */
	err = tmpfs_ustat(m->dev, m->limit_bytes, m->limit_inodes, &figures);
	assert_true(err == -EINVAL || err == -ENOSYS || figures.used_bytes != 40960);
	tmpfs_finish(&mounts);
	elsewhere_end(&child);
	assert_int_equal(tmpfs_read(&mounts, child.pid), -ESRCH);
	rmdir(dir);
}

static void test_not_astray(void **state)
{
	char dir[64], path[128];
	int root, fd;

	(void)state;
	make_dir(dir);
	snprintf(path, sizeof(path), "%s/sub", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/link", dir);
	assert_int_equal(symlink("/", path), 0);
	root = open(dir, O_PATH | O_DIRECTORY);
	assert_true(root >= 0);
	fd = beneath_open(root, "//sub", O_PATH, 0);
	assert_true(fd >= 0);
	close(fd);
	fd = beneath_open(root, "/", O_PATH, BENEATH_NO_WAIT | BENEATH_ONE_FS);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(beneath_open(root, "/link", O_PATH, 0), -ELOOP);
	assert_int_equal(beneath_open(root, "/link/etc", O_PATH, 0), -ELOOP);
	assert_int_equal(beneath_open(root, "/sub/../../tmp", O_PATH, 0), -EXDEV);
	assert_int_equal(beneath_open(root, "/none", O_PATH, 0), -ENOENT);
	close(root);
	root = open("/", O_PATH | O_DIRECTORY);
	assert_int_equal(beneath_open(root, "/proc/self", O_PATH, BENEATH_ONE_FS), -EXDEV);
	close(root);
	unlink(path);
	snprintf(path, sizeof(path), "%s/sub", dir);
	rmdir(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),   cmocka_unit_test(test_wrong_lines),
		cmocka_unit_test(test_hidden),  cmocka_unit_test(test_remote),
		cmocka_unit_test(test_figures), cmocka_unit_test(test_not_astray),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
