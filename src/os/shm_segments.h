/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The System V segments of the machine as records: those of every IPC namespace. */
#ifndef MEMMON_SHM_SEGMENTS_H
#define MEMMON_SHM_SEGMENTS_H

#include <stddef.h>

#include "../../bpf/events.h"
#include "namespaces.h"

/* Gets a REC_SHM_SEGMENT or REC_SHM_LIMITS. A negative return ends the call. */
typedef int (*shm_segment_fn)(void *ctx, const struct rec_head *rec);

/*
 * Our own namespace first, then the others of `ipc`: of each its limits, then its segments. `refused`: how many of them cannot be read.
 * Returns 0, what `fn` returned, or -ENOMEM.
 */
int shm_segments_read(const struct namespace_list *ipc, shm_segment_fn fn, void *ctx,
		      size_t *refused);

#endif
