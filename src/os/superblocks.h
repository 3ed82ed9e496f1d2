/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every tmpfs superblock of the machine, whose it is, and how to reach it: the mount tables of all
 * mount namespaces made into one list.
 *
 * Whose: the host's, if a namespace outside containers shows it, unless it is mounted there only on a
 * container's behalf (".../containers/ID/mounts/shm", "…/sandboxes/ID/shm", a pod's volumes);
 * else the first container's that shows it, at /dev/shm rather than elsewhere. No descriptor is kept:
 * see tmpfs.h for why; each look goes through a process that lives in one of the namespaces.
 */
#ifndef MEMMON_SUPERBLOCKS_H
#define MEMMON_SUPERBLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Without this uthash ends the program when memory is exhausted. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "container.h"
#include "namespaces.h"

/* A mount of the superblock. */
struct superblock_way {
	pid_t pid, spare; /* processes in its namespace */
	bool whole, hidden, remote; /* as struct tmpfs_mount has them */
	unsigned int score; /* 0 = there is no such way */
	char *point;
	char id[CONTAINER_ID_DIGITS + 1]; /* "" = no container's */
	const char *runtime;
};

struct superblock {
	uint32_t dev; /* key */
	bool dev_shm; /* some namespace has it at /dev/shm */
	bool ours; /* our own namespace shows it */
	uint64_t limit_bytes, limit_inodes; /* as its mount options say, UNKNOWN_U64 = default */
	struct superblock_way host, container; /* the best outside containers, and in them */
	char claim[CONTAINER_ID_DIGITS +
		   1]; /* the container that the host mounted it for, "" = none */
	const char *claim_runtime;
	bool pod; /* the host mounted it for a pod */
	uint64_t scan; /* number of the scan that saw it last */
	void *user; /* the caller's; freed with free(3) */
	UT_hash_handle hh;
};

struct superblocks {
	struct superblock *all; /* in the order in which they were found first */
	uint64_t scans;
	/* of the last scan */
	size_t refused; /* namespaces whose mounts cannot be read */
	size_t omitted; /* mounts beyond the bounds */
};

#define SUPERBLOCKS_MAX 16384

/*
 * Looks at each namespace once. Superblocks that are not mounted any more are dropped. Returns 0 or
 * -ENOMEM. A zeroed `s` is an empty list.
 */
int superblocks_scan(struct superblocks *s, const struct namespaces *namespaces);
void superblocks_finish(struct superblocks *s); /* zeroed, finished or NULL is fine */

/* The owner: container id ("" = host), its runtime ("" = not known), the mount point as it sees it. */
struct superblock_owner {
	const char *id, *runtime, *point;
	pid_t pid; /* without a container: of a namespace that shows it, where ours does not; else 0 */
	bool hidden; /* everywhere */
};
struct superblock_owner superblock_owner(const struct superblock *sb);

/* The root directory that was used last: superblocks of one namespace share it. Begin with { 0 }. */
struct superblock_view {
	pid_t pid;
	int root;
};
void superblock_view_close(struct superblock_view *v);

/*
 * An O_PATH descriptor, to be closed at once. `whole` tells whether it is the superblock's root. A
 * negative errno when no way leads to it: the processes ended, or it is hidden everywhere.
 */
int superblock_open(const struct superblock *sb, struct superblock_view *v, bool *whole);

#endif
