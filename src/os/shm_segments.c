/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why: the kernel keeps a creator's pid but does not say whether that is still the same process; a
 * segment that nobody is left to remove looks like any other.
 */
#include "shm_segments.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../util/clock.h"
#include "procfs.h"
#include "sysvipc.h"

/*
 * A process that bears the creator's pid, and did not start after the segment was last changed, is
 * the creator. Wall clock seconds cut off: two of them are no proof.
 */
static uint32_t creator_state(const struct sysv_segment *segment)
{
	struct timespec wall, boot;
	struct proc_stat stat;
	int64_t started_s;
	int err;

	if (!segment->creator_pid)
		return 0;
	err = procfs_read_stat((pid_t)segment->creator_pid, &stat);
	if (err == -ESRCH)
		return SHM_SEGMENT_CREATOR_DEAD;
	if (err)
		return 0;
	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	started_s = (int64_t)(stat.start_ticks / (uint64_t)sysconf(_SC_CLK_TCK)) + wall.tv_sec -
		    boot.tv_sec;
	if (stat.state == 'Z' || stat.state == 'X' || started_s > (int64_t)segment->change_s + 2)
		return SHM_SEGMENT_CREATOR_DEAD;
	return SHM_SEGMENT_CREATOR_ALIVE;
}

static int emit(const struct sysv_segment *segment, uint32_t ino, bool ours, shm_segment_fn fn,
		void *ctx)
{
	struct rec_shm_segment rec = {
		.head = { .type = REC_SHM_SEGMENT,
			  .size = sizeof(rec),
			  .pid = segment->creator_pid,
			  .ts_ns = monotonic_ns() },
		.shmid = segment->shmid,
		.key = segment->key,
		.ipc_namespace = ino,
		.mode = segment->mode,
		.flags = segment->flags | (ours ? 0 : SHM_SEGMENT_NAMESPACE) |
			 creator_state(segment),
		.uid = segment->uid,
		.gid = segment->gid,
		.creator_uid = segment->creator_uid,
		.creator_gid = segment->creator_gid,
		.last_pid = segment->last_pid,
		.bytes = segment->bytes,
		.resident_bytes = segment->resident_bytes,
		.swapped_bytes = segment->swapped_bytes,
		.attached = segment->attached,
		.attach_s = segment->attach_s,
		.detach_s = segment->detach_s,
		.change_s = segment->change_s,
	};

	return fn(ctx, &rec.head);
}

static int emit_limits(const struct sysv_limits *limits, uint32_t ino, bool ours, shm_segment_fn fn,
		       void *ctx)
{
	struct rec_shm_limits rec = {
		.head = { .type = REC_SHM_LIMITS, .size = sizeof(rec), .ts_ns = monotonic_ns() },
		.ipc_namespace = ino,
		.flags = ours ? 0 : SHM_SEGMENT_NAMESPACE,
		.segments = limits->segments,
		.least_bytes = limits->least_bytes,
		.most_bytes = limits->most_bytes,
		.total_bytes = limits->total_bytes,
	};

	return limits->segments ? fn(ctx, &rec.head) : 0;
}

int shm_segments_read(const struct namespace_list *ipc, shm_segment_fn fn, void *ctx,
		      size_t *refused)
{
	struct sysvipc_look *looks = calloc(ipc->n + 1, sizeof(*looks));
	uint32_t own = namespace_of(0, "ipc"), *inos = calloc(ipc->n + 1, sizeof(*inos));
	size_t n = 1; /* looks[0] is our own */
	int err = looks && inos ? 0 : -ENOMEM;

	if (!err)
		inos[0] = own;
	for (size_t i = 0; i < ipc->n && !err; i++) {
		const struct namespace *ns = &ipc->items[i];

		if (ns->ino == own)
			continue;
		inos[n] = ns->ino;
		looks[n++] = (struct sysvipc_look){ .pid = ns->pid, .spare = ns->spare };
	}
	if (!err)
		sysvipc_read(looks, n); /* why it fails stands in the looks */
	*refused = 0;
	for (size_t i = 0; i < n && looks && inos; i++) {
		struct sysvipc_look *look = &looks[i];

		/* ENOENT: a kernel without System V IPC; ESRCH: the namespace is gone */
		*refused += look->err && look->err != -ENOENT && look->err != -ESRCH;
		if (!err)
			err = emit_limits(&look->limits, inos[i], !look->pid, fn, ctx);
		for (size_t j = 0; j < look->segments.n && !err; j++)
			err = emit(&look->segments.items[j], inos[i], !look->pid, fn, ctx);
		sysvipc_finish(&look->segments);
	}
	free(looks);
	free(inos);
	return err;
}
