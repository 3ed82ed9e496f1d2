/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why not nftw(3): it holds a descriptor per level, follows what is swapped under it by name, and
 * waits for the server of a FUSE mount that somebody put into his /dev/shm. Here one directory is
 * open at a time, found by its path beneath the root; directories still to be read wait in a list,
 * so that memory is bounded by the names read.
 */
#include "shmdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../util/clock.h"
#include "beneath.h"

struct pending {
	struct pending *next;
	unsigned int depth;
	char path[]; /* "" = the root */
};

/* What getdents64(2) writes. */
struct entry {
	uint64_t ino;
	int64_t off;
	unsigned short len;
	unsigned char type;
	char name[];
};

struct walk {
	int root;
	struct shmdir_limits *limits;
	shmdir_fn fn;
	void *ctx;
	struct pending *first, **last;
	uint32_t dev_major, dev_minor;
	char path[PATH_MAX]; /* of the entry that is looked at */
};

static int put_off(struct walk *w, const char *path, unsigned int depth)
{
	size_t len = strlen(path) + 1;
	struct pending *p;

	if (depth > SHMDIR_DEPTH) {
		w->limits->cut = true;
		return 0;
	}
	p = malloc(sizeof(*p) + len);
	if (!p)
		return -ENOMEM;
	p->next = NULL;
	p->depth = depth;
	memcpy(p->path, path, len);
	*w->last = p;
	w->last = &p->next;
	return 0;
}

static struct pending *take_next(struct walk *w)
{
	struct pending *p = w->first;

	if (p) {
		w->first = p->next;
		if (!w->first)
			w->last = &w->first;
	}
	return p;
}

/* Cached figures will do where a server would have to be asked: then it is another mount anyway. */
static int look(int dir, const char *name, struct statx *st)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;

	if (!*name)
		flags |= AT_EMPTY_PATH;
	return statx(dir, name, flags, STATX_BASIC_STATS, st) ? -errno : 0;
}

static int take_file(struct walk *w, const struct statx *st)
{
	struct shmdir_file file = {
		.path = w->path,
		.ino = st->stx_ino,
		.size_bytes = st->stx_size,
		.bytes = st->stx_blocks * 512,
		.uid = st->stx_uid,
		.links = st->stx_nlink,
	};

	return w->fn(w->ctx, &file);
}

static int take_entry(struct walk *w, int dir, const struct pending *at, const struct entry *e)
{
	struct statx st;
	int n;

	if (!strcmp(e->name, ".") || !strcmp(e->name, ".."))
		return 0;
	if (!w->limits->entries) {
		w->limits->cut = true;
		return 0;
	}
	w->limits->entries--;
	if (e->type != DT_REG && e->type != DT_DIR && e->type != DT_UNKNOWN)
		return 0;
	n = snprintf(w->path, sizeof(w->path), "%s%s%s", at->path, *at->path ? "/" : "", e->name);
	if (n < 0 || (size_t)n >= sizeof(w->path)) {
		w->limits->cut = true;
		return 0;
	}
	if (look(dir, e->name, &st))
		return 0; /* it vanished */
	if (st.stx_dev_major != w->dev_major || st.stx_dev_minor != w->dev_minor)
		return 0;
	if (S_ISDIR(st.stx_mode))
		return put_off(w, w->path, at->depth + 1);
	return S_ISREG(st.stx_mode) ? take_file(w, &st) : 0;
}

static bool is_over(const struct walk *w)
{
	return !w->limits->entries || monotonic_ns() >= w->limits->deadline_ns;
}

static int read_directory(struct walk *w, int dir, const struct pending *at)
{
	_Alignas(struct entry) char buf[32768];
	int err = 0;
	long n;

	while ((n = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
		for (long i = 0; !err && i < n;) {
			const struct entry *e = (const void *)(buf + i);

			err = take_entry(w, dir, at, e);
			i += e->len;
		}
		if (err)
			return err;
		if (is_over(w)) {
			w->limits->cut = true;
			return 0;
		}
	}
	if (n < 0)
		w->limits->cut = true;
	return 0;
}

static int open_directory(int root, const char *path)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK;
	int fd = beneath_open(root, path, flags | O_NOATIME, BENEATH_ONE_FS);

	if (fd == -EPERM) /* not ours, and no CAP_FOWNER */
		fd = beneath_open(root, path, flags, BENEATH_ONE_FS);
	return fd;
}

static int walk_one(struct walk *w, const struct pending *at)
{
	int dir = open_directory(w->root, at->path), err;

	if (dir < 0) {
		/* it vanished, became a link, or somebody mounted on it: then it is not ours to see */
		if (!*at->path ||
		    (dir != -ENOENT && dir != -ENOTDIR && dir != -ELOOP && dir != -EXDEV))
			w->limits->cut = true;
		return 0;
	}
	err = read_directory(w, dir, at);
	close(dir);
	return err;
}

int shmdir_walk(int root, struct shmdir_limits *limits, shmdir_fn fn, void *ctx)
{
	struct walk w = { .root = root, .limits = limits, .fn = fn, .ctx = ctx };
	struct pending *at;
	struct statx st;
	int err;

	limits->cut = false;
	w.last = &w.first;
	if (look(root, "", &st)) {
		limits->cut = true;
		return 0;
	}
	w.dev_major = st.stx_dev_major;
	w.dev_minor = st.stx_dev_minor;
	err = put_off(&w, "", 0);
	while (!err && (at = take_next(&w))) {
		if (is_over(&w))
			limits->cut = true;
		else
			err = walk_one(&w, at);
		free(at);
	}
	while ((at = take_next(&w)))
		free(at);
	return err;
}
