/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output directories: what is made, what is used, what is refused. */
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
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/outdir.h"

/* Each test runs in a directory of its own. */
struct place {
	char dir[64];
	int home;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	strcpy(p->dir, "/tmp/memmon-outdir-XXXXXX");
	p->home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	umask(022);
	*state = p;
	return p->home < 0 || !mkdtemp(p->dir) || chdir(p->dir) ? -1 : 0;
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
	int err = fchdir(p->home) || nftw(p->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);

	close(p->home);
	free(p);
	return err;
}

/* Opens it, checks that it is the directory `is`, by its inode, and closes it. */
static void check_open(const char *path, const char *is)
{
	const char *why = "untouched";
	struct stat opened, named;
	int fd = outdir_open(path, &why);

	assert_true(fd >= 0);
	assert_null(why);
	assert_int_equal(fstat(fd, &opened), 0);
	assert_int_equal(stat(is, &named), 0);
	assert_true(S_ISDIR(opened.st_mode));
	assert_int_equal(opened.st_ino, named.st_ino);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fd);
}

static void check_refused(const char *path, int err, const char *reason)
{
	const char *why;

	assert_int_equal(outdir_open(path, &why), err);
	if (reason)
		assert_non_null(strstr(why, reason));
	else
		assert_null(why);
}

static void test_made_and_found(void **state)
{
	char whole[PATH_MAX];

	(void)state;
	check_open("one", "one");
	check_open("one", "one");
	check_open("one/", "one");
	check_open("a/b//c///", "a/b/c");
	check_open("a/b/c", "a/b/c");
	check_open(".", ".");
	check_open("a/..", ".");
	check_open("/", "/");
	assert_non_null(getcwd(whole, sizeof(whole) - 8));
	strcat(whole, "/x/y");
	check_open(whole, "x/y");
}

static void test_what_is_no_directory(void **state)
{
	static char lengthy[PATH_MAX + 10];

	(void)state;
	close(open("file", O_CREAT | O_WRONLY, 0600));
	check_refused("file", -ENOTDIR, NULL);
	check_refused("file/below", -ENOTDIR, NULL);
	check_refused("", -ENOENT, NULL);
	memset(lengthy, 'a', sizeof(lengthy) - 1);
	check_refused(lengthy, -ENAMETOOLONG, NULL);
	assert_int_equal(symlink("nowhere/at/all", "dangling"), 0);
	check_refused("dangling", -ENOENT, NULL);
	assert_int_equal(symlink("file", "to-file"), 0);
	check_refused("to-file", -ENOTDIR, NULL);
}

/* In one's own directories links are one's own. */
static void test_links(void **state)
{
	(void)state;
	assert_int_equal(mkdir("real", 0700), 0);
	assert_int_equal(symlink("real", "link"), 0);
	check_open("link", "real");
	check_open("link/below", "real/below");
}

static void test_where_everybody_can_write(void **state)
{
	(void)state;
	assert_int_equal(mkdir("shared", 0700), 0);
	assert_int_equal(chmod("shared", 01777), 0);
	check_open("shared/mine", "shared/mine");
	check_open("shared/mine", "shared/mine");
	assert_int_equal(mkdir("target", 0700), 0);
	assert_int_equal(symlink("../target", "shared/link"), 0);
	check_refused("shared/link", -EPERM, "symbolic link");
	assert_int_equal(mkdir("shared/foreign", 0777), 0);
	if (geteuid())
		return; /* only root can give it away */
	assert_int_equal(chown("shared/foreign", 65534, 65534), 0);
	check_refused("shared/foreign", -EPERM, "another user");
	/* elsewhere a user's own directory is where root writes for them */
	assert_int_equal(mkdir("users", 0755), 0);
	assert_int_equal(chown("users", 65534, 65534), 0);
	check_open("users", "users");
	check_open("users/logs", "users/logs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_made_and_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_no_directory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_where_everybody_can_write, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
