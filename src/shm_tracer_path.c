// SPDX-License-Identifier: GPL-2.0-or-later
#include "shm_tracer_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The directory that the path is relative to; for an absolute one the process's root. */
static int open_start(const struct rec_shm_full *rec, const char *path)
{
	char proc[64];
	int dirfd = (int)rec->pad;

	if (*path == '/')
		snprintf(proc, sizeof(proc), "/proc/%u/root", rec->head.pid);
	else if (dirfd == AT_FDCWD)
		snprintf(proc, sizeof(proc), "/proc/%u/cwd", rec->head.pid);
	else
		snprintf(proc, sizeof(proc), "/proc/%u/fd/%d", rec->head.pid, dirfd);
	return open(proc, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Opens the directory of `path` without following anything out of the process's root. */
static int open_directory(const struct rec_shm_full *rec, char *path)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC };
	int start = open_start(rec, path), fd;
	char *slash = strrchr(path, '/');

	if (start < 0 || !slash || slash == path)
		return start;
	*slash = '\0';
	if (*path == '/')
		how.resolve = RESOLVE_IN_ROOT;
	fd = (int)syscall(SYS_openat2, start, path, &how, sizeof(how));
	close(start);
	return fd;
}

int shm_tracer_find_mount(struct rec_shm_full *rec)
{
	char path[SHM_FULL_NAME];
	struct statfs fs;
	struct stat st;
	int fd, err;

	memcpy(path, rec->name, sizeof(path));
	fd = open_directory(rec, path);
	if (fd < 0)
		return -ENOENT;
	err = fstat(fd, &st) || fstatfs(fd, &fs);
	close(fd);
	if (err || fs.f_type != TMPFS_MAGIC || fs.f_ffree)
		return -ENOENT;
	rec->dev = SHM_DEV(major(st.st_dev), minor(st.st_dev));
	rec->limit_bytes = (uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize;
	rec->used_bytes = (uint64_t)(fs.f_blocks - fs.f_bfree) * (uint64_t)fs.f_bsize;
	return 0;
}

void shm_tracer_cut_name(struct rec_shm_full *rec)
{
	size_t len = strlen(rec->name);
	char *slash;

	while (len > 1 && rec->name[len - 1] == '/')
		rec->name[--len] = '\0';
	slash = strrchr(rec->name, '/');
	if (slash && slash[1])
		memmove(rec->name, slash + 1, strlen(slash + 1) + 1);
}
