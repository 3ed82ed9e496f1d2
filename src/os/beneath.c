/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why: a container's root file system is its owner's to arrange. A link to /proc/1/root planted in
 * the way must not lead a program that runs as root to the host's files.
 */
#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "text.h"

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20
#endif

static int open_at_once(int dir, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | resolve,
	};
	long fd;

	do
		fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : (int)fd;
}

/* The directory's or file's device, refusing a link that O_PATH opened as such. */
static int look_at(int fd, dev_t *dev)
{
	struct stat st;

	*dev = 0;
	if (fstat(fd, &st))
		return -errno;
	*dev = st.st_dev;
	return S_ISLNK(st.st_mode) ? -ELOOP : 0;
}

/* One component further; `at` is closed unless it is `dir`. */
static int step(int dir, int at, struct text part, int flags)
{
	char name[256]; /* NAME_MAX and a NUL */
	size_t len = (size_t)(part.end - part.at);
	int fd = -ENAMETOOLONG;

	if (len < sizeof(name)) {
		memcpy(name, part.at, len);
		name[len] = '\0';
		fd = strcmp(name, "..") ? openat(at, name, flags | O_NOFOLLOW) : -1;
		if (fd < 0)
			fd = strcmp(name, "..") ? -errno : -EXDEV;
	}
	if (at != dir)
		close(at);
	return fd;
}

static int open_by_steps(int dir, const char *path, int flags, bool one_fs)
{
	struct text rest = text_of(path, strlen(path)), part;
	dev_t first, now;
	int fd = dir, err;

	err = look_at(dir, &first);
	if (err)
		return err;
	while (text_until(&rest, '/', &part)) {
		bool last = rest.at == rest.end;

		if (part.at == part.end)
			continue;
		fd = step(dir, fd, part, last ? flags : O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return fd;
		err = look_at(fd, &now);
		if (!err && one_fs && now != first)
			err = -EXDEV;
		if (err) {
			close(fd);
			return err;
		}
	}
	return fd;
}

int beneath_open(int dir, const char *path, int flags, unsigned int how)
{
	uint64_t resolve = how & BENEATH_ONE_FS ? RESOLVE_NO_XDEV : 0;
	int fd;

	flags |= O_CLOEXEC;
	while (*path == '/')
		path++;
	if (!*path)
		path = ".";
	fd = open_at_once(dir, path, flags, resolve | (how & BENEATH_NO_WAIT ? RESOLVE_CACHED : 0));
	if (fd == -EINVAL && how & BENEATH_NO_WAIT) /* before 5.12 */
		fd = open_at_once(dir, path, flags, resolve);
	if (fd == -ENOSYS || fd == -EPERM) /* EPERM: a seccomp filter older than the call */
		fd = open_by_steps(dir, path, flags, how & BENEATH_ONE_FS);
	return fd;
}
