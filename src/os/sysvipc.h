/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System V shared memory: /proc/sysvipc/shm, see proc(5) and shmctl(2). The file shows the IPC
 * namespace of the thread that opens it, with pids and user ids as its own namespaces have them.
 */
#ifndef MEMMON_SYSVIPC_H
#define MEMMON_SYSVIPC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../bpf/events.h" /* SHM_SEGMENT_*, UNKNOWN_U64 */

struct sysv_segment {
	int32_t shmid, key;
	uint32_t mode; /* permission bits */
	uint32_t flags; /* SHM_SEGMENT_DEST, SHM_SEGMENT_LOCKED */
	uint32_t creator_pid, last_pid; /* 0 = none, or not visible from here */
	uint32_t uid, gid, creator_uid, creator_gid;
	uint64_t bytes, resident_bytes, swapped_bytes;
	uint64_t attached;
	uint64_t attach_s, detach_s, change_s; /* wall clock; 0 = never */
};

struct sysv_segments {
	struct sysv_segment *items;
	size_t n;
};

/*
 * Returns 0; -EINVAL when the text is not the kernel's: no heading, or a line of other fields;
 * -ENOMEM. A last line that was cut off is left out. `out` needs no preparation and is empty after
 * an error.
 */
int sysvipc_parse(struct sysv_segments *out, const char *text, size_t len);
void sysvipc_finish(struct sysv_segments *s); /* zeroed, finished or NULL is fine */

/* Far beyond any memory where there is no limit. */
struct sysv_limits {
	uint64_t segments; /* 0 = nothing is known */
	uint64_t least_bytes, most_bytes; /* of one segment */
	uint64_t total_bytes; /* of all */
};

/* One IPC namespace to read, and what came of it. */
struct sysvipc_look {
	pid_t pid; /* of a process in it; 0 = our own */
	pid_t spare; /* of another one, should that have ended; 0 = none */
	int err; /* 0; -ESRCH: the processes are gone; -EPERM: it cannot be entered; others */
	struct sysv_segments segments;
	struct sysv_limits limits;
};

/*
 * Reads each, other namespaces in a thread that enters them (CAP_SYS_ADMIN) and ends: the caller's
 * own namespace never changes. Returns 0 or why there can be no such thread; each look must be given
 * to sysvipc_finish() either way.
 */
int sysvipc_read(struct sysvipc_look *looks, size_t n);

#endif
