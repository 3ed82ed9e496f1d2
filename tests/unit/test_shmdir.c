/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walking directories that anybody may fill. */
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
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/os/shmdir.h"

struct place {
	char dir[64];
	int fd;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	strcpy(p->dir, "/tmp/test-shmdir-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	p->fd = open(p->dir, O_PATH | O_DIRECTORY);
	assert_true(p->fd >= 0);
	*state = p;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct place *p = *state;

	close(p->fd);
	nftw(p->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(p);
	return 0;
}

static void make_file(const struct place *p, const char *name, size_t bytes)
{
	int fd = openat(p->fd, name, O_CREAT | O_WRONLY, 0600);
	char *data = calloc(1, bytes + 1);

	assert_true(fd >= 0);
	assert_non_null(data);
	assert_int_equal(write(fd, data, bytes), bytes);
	free(data);
	close(fd);
}

struct found {
	const struct place *place;
	char paths[64][PATH_MAX];
	size_t n;
	size_t stop_at; /* 0 = never */
};

static int take(void *ctx, const struct shmdir_file *file)
{
	struct found *f = ctx;
	struct stat st;

	assert_true(f->n < 64);
	assert_int_equal(fstatat(f->place->fd, file->path, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(file->ino, st.st_ino);
	assert_int_equal(file->size_bytes, st.st_size);
	assert_int_equal(file->bytes, st.st_blocks * 512);
	assert_int_equal(file->uid, st.st_uid);
	assert_int_equal(file->links, st.st_nlink);
	strcpy(f->paths[f->n++], file->path);
	return f->n == f->stop_at ? 7 : 0;
}

static const struct shmdir_limits ample = { .entries = 1000, .deadline_ns = UINT64_MAX };

static struct found *walk(const struct place *p, struct shmdir_limits *limits, size_t stop_at,
			  int expect)
{
	struct found *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->place = p;
	f->stop_at = stop_at;
	assert_int_equal(shmdir_walk(p->fd, limits, take, f), expect);
	return f;
}

static bool has(const struct found *f, const char *path)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->paths[i], path))
			return true;
	return false;
}

static void test_names(void **state)
{
	static const char *const names[] = { "a",        "new\nline", "tab\there",    "\x1b[2Jx",
					     "\xff\xfe", "sub/b",     "sub/c d/\\040" };
	const struct place *p = *state;
	struct shmdir_limits limits = ample;
	char longest[NAME_MAX + 1];
	struct found *f;

	memset(longest, 'L', NAME_MAX);
	longest[NAME_MAX] = '\0';
	assert_int_equal(mkdirat(p->fd, "sub", 0700), 0);
	assert_int_equal(mkdirat(p->fd, "sub/c d", 0700), 0);
	assert_int_equal(mkdirat(p->fd, "empty", 0700), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		make_file(p, names[i], i * 5000);
	make_file(p, longest, 1);
	assert_int_equal(symlinkat("/etc", p->fd, "link"), 0);
	assert_int_equal(symlinkat("a", p->fd, "file link"), 0);
	assert_int_equal(mkfifoat(p->fd, "fifo", 0600), 0);
	assert_int_equal(linkat(p->fd, "a", p->fd, "sub/second name", 0), 0);
	f = walk(p, &limits, 0, 0);
	assert_false(limits.cut);
	assert_int_equal(limits.entries, 1000 - 15);
	assert_int_equal(f->n, 9);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(has(f, names[i]));
	assert_true(has(f, longest));
	assert_true(has(f, "sub/second name"));
	free(f);
}

static void test_bounds(void **state)
{
	const struct place *p = *state;
	struct shmdir_limits limits = ample;
	struct found *f;

	for (char name[] = "a"; *name <= 'j'; ++*name)
		make_file(p, name, 1);
	limits.entries = 4;
	f = walk(p, &limits, 0, 0);
	assert_true(limits.cut);
	assert_int_equal(limits.entries, 0);
	assert_int_equal(f->n, 4);
	free(f);

	limits.deadline_ns = 1;
	limits.entries = 1000;
	f = walk(p, &limits, 0, 0);
	assert_true(limits.cut);
	assert_int_equal(f->n, 0);
	free(f);

	limits = ample;
	f = walk(p, &limits, 3, 7);
	assert_int_equal(f->n, 3);
	free(f);
}

static void test_depth(void **state)
{
	const struct place *p = *state;
	struct shmdir_limits limits = ample;
	char path[PATH_MAX] = "";
	struct found *f;

	for (int depth = 0; depth < SHMDIR_DEPTH; depth++) {
		strcat(path, depth ? "/d" : "d");
		assert_int_equal(mkdirat(p->fd, path, 0700), 0);
	}
	strcat(path, "/file");
	make_file(p, path, 1);
	f = walk(p, &limits, 0, 0);
	assert_false(limits.cut);
	assert_int_equal(f->n, 1);
	free(f);

	strcpy(strrchr(path, '/'), "/deeper");
	assert_int_equal(mkdirat(p->fd, path, 0700), 0);
	limits = ample;
	f = walk(p, &limits, 0, 0);
	assert_true(limits.cut);
	assert_int_equal(f->n, 1);
	free(f);
}

static void test_no_directory(void **state)
{
	const struct place *p = *state;
	struct shmdir_limits limits = ample;
	int fd;

	make_file(p, "file", 1);
	fd = openat(p->fd, "file", O_PATH);
	assert_int_equal(shmdir_walk(fd, &limits, take, NULL), 0);
	assert_true(limits.cut);
	close(fd);
	assert_int_equal(shmdir_walk(fd, &limits, take, NULL), 0);
	assert_true(limits.cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_depth, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_directory, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
