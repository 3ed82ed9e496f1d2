/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is inside the shm tracer: shared by shm_tracer.c, which attaches, and shm_tracer_read.c. */
#ifndef MEMMON_SHM_TRACER_STATE_H
#define MEMMON_SHM_TRACER_STATE_H

#include "shm_tracer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../bpf/shm_maps.h"

/* needs the types of bpf/shm_maps.h */
#include "shm.skel.h"

#define SHM_LINKS 24 /* at least the programs of the longest chain */

struct shm_tracer {
	struct shm_bpf *skel;
	enum shm_chain chain;
	struct bpf_link *links[SHM_LINKS];
	size_t n_links;
	struct bpf_link *openers, *mappers, *inodes; /* iterators; NULL = the kernel has no such */
	size_t hooks_missing; /* optional ones */
	bool faults; /* the kernel has tracepoints of page faults */
	struct ring_buffer *ring, *alarms;
	record_fn fn;
	void *ctx;
	int fn_error; /* of the callback, inside libbpf's */
	uint64_t page_bytes;
	bool sweeps; /* what the hooks missed is looked for from time to time: */
	uint64_t sweep_due_ns;
	uint64_t unnamed; /* failures whose superblock could not be found out */
	uint64_t dropped; /* accounts of dead processes that made room */
};

int shm_tracer_open_rings(struct shm_tracer *t);

/* Looks at every inode of shmem that exists. Returns 0 or a negative errno. */
int shm_tracer_prime(struct shm_tracer *t);

#endif
