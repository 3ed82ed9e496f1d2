/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All regular files of one file system below a directory, for tmpfs: other mounts are not entered,
 * links not followed, and there is a bound on everything, since anybody may write to /dev/shm.
 * Nothing is changed, access times neither where we may choose.
 */
#ifndef MEMMON_SHMDIR_H
#define MEMMON_SHMDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct shmdir_file {
	const char *path; /* below the directory, no leading slash, hostile bytes; < PATH_MAX */
	uint64_t ino;
	uint64_t size_bytes; /* st_size */
	uint64_t bytes; /* st_blocks: resident or swapped */
	uint32_t uid;
	uint32_t links; /* names it has: a file comes once per name */
};

/* Nonzero ends the walk. */
typedef int (*shmdir_fn)(void *ctx, const struct shmdir_file *file);

#define SHMDIR_DEPTH 64 /* directories in each other */

struct shmdir_limits {
	size_t entries; /* in; counts down: names of any type still to be read */
	uint64_t deadline_ns; /* in: monotonic */
	bool cut; /* out: not all was seen: a limit, or a directory that could not be read */
};

/*
 * `root` is a descriptor of the directory, O_PATH will do. What vanishes meanwhile is passed over.
 * Returns 0, what `fn` returned, or -ENOMEM.
 */
int shmdir_walk(int root, struct shmdir_limits *limits, shmdir_fn fn, void *ctx);

#endif
