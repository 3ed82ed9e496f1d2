/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounted tmpfs superblocks: the lines of mountinfo that show them, see proc(5), and what statfs(2)
 * says of one.
 *
 * A descriptor of a mounted file system, O_PATH too, makes its umount(8) fail with EBUSY, and keeps
 * the memory of a container's tmpfs after the container has ended (both seen). So a descriptor that
 * tmpfs_open() returned is for one moment: as long as df(1) would have it, never to be kept.
 */
#ifndef MEMMON_TMPFS_H
#define MEMMON_TMPFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../bpf/events.h" /* SHM_DEV, UNKNOWN_U64 */

struct tmpfs_mount {
	uint32_t dev; /* SHM_DEV(major, minor): the superblock */
	bool whole; /* it shows the superblock's root, not a directory or file of it */
	bool hidden; /* another mount lies on it */
	bool remote; /* the way to it leads over a file system whose server may not answer */
	uint64_t limit_bytes; /* the options size= and nr_inodes=: 0 = no limit */
	uint64_t limit_inodes; /* UNKNOWN_U64 where the kernel's default holds */
	char *point; /* where it is mounted, hostile bytes; starts with a slash */
};

struct tmpfs_mounts {
	struct tmpfs_mount *mounts;
	size_t n;
	size_t omitted; /* further ones */
};

#define TMPFS_MOUNTS_MAX 16384 /* of one namespace */

/*
 * /proc/PID/mountinfo. Lines that no kernel writes are passed over. Returns 0 (also when there is no
 * tmpfs) or -ENOMEM. `out` needs no preparation.
 */
int tmpfs_parse(struct tmpfs_mounts *out, const char *text, size_t len);
int tmpfs_read(struct tmpfs_mounts *out, pid_t pid); /* -ESRCH too: the process is gone */
void tmpfs_finish(struct tmpfs_mounts *m); /* zeroed, finished or NULL is fine */

/* The root directory of a process, as a descriptor for tmpfs_open(); to be closed soon, as above. */
int tmpfs_root(pid_t pid);

/*
 * An O_PATH descriptor of what is mounted at `point` below `root`, if that is the superblock `dev`.
 * No link is followed. -ESTALE: something else is mounted there; -EAGAIN: `remote`, and the way there
 * would have to wait.
 */
int tmpfs_open(int root, const char *point, uint32_t dev, bool remote);

struct tmpfs_figures {
	uint64_t limit_bytes, limit_inodes; /* 0 = no limit */
	uint64_t used_bytes, used_inodes; /* UNKNOWN_U64 without a limit: the kernel does not say */
	/* of the superblock, never used twice, while device numbers are; 0 = the kernel has none */
	uint64_t identity;
};

int tmpfs_statfs(int fd, struct tmpfs_figures *out);

/*
 * The same for a superblock to which no path leads any more, from its number and its mount options
 * (ustat(2), which arm64 does not have: -ENOSYS). -EINVAL: there is no such superblock. Only right as
 * long as `dev` is known to be a tmpfs: numbers are used again.
 */
int tmpfs_ustat(uint32_t dev, uint64_t limit_bytes, uint64_t limit_inodes,
		struct tmpfs_figures *out);

#endif
