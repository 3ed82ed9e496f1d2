/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is inside the shm tracer: shared by shm_tracer.c, which loads, shm_tracer_hooks.c, which knows
 * the chains, and shm_tracer_read.c.
 */
#ifndef MEMMON_SHM_TRACER_STATE_H
#define MEMMON_SHM_TRACER_STATE_H

#include "shm_tracer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../bpf/shm_maps.h"

/* needs the types of bpf/shm_maps.h */
#include "shm.skel.h"

#define SHM_HOOKS 16 /* of the longest chain */

/* A hook of a chain. */
struct shm_hook {
	struct bpf_program *program;
	struct bpf_program
		*begin; /* notes the arguments for it at the begin of a call; NULL = none */
	bool on;
	bool optional; /* it may be missing */
};

struct shm_tracer {
	struct shm_bpf *skel;
	enum shm_chain chain;
	struct bpf_link *links[2 * SHM_HOOKS];
	size_t n_links;
	struct bpf_link *openers, *mappers; /* iterators; NULL = there is no such */
	size_t hooks_missing; /* optional ones, and iterators, */
	char missing[256]; /* … as far as they find room, and why */
	bool faults; /* the kernel has tracepoints of page faults */
	struct ring_buffer *ring, *alarms;
	record_fn fn;
	void *ctx;
	int fn_error; /* of the callback, inside libbpf's */
	uint64_t page_bytes;
	bool sweeps; /* what the hooks missed is looked for from time to time: */
	uint64_t sweep_due_ns;
	uint64_t unnamed; /* failures whose superblock could not be found out */
	uint64_t dropped; /* accounts of dead processes, and calls, that made room */
};

/* ---- hooks ---- */

struct probe;

/* Does shmem_recalc_inode() take the inode's lock itself, and make the changes? */
bool shm_tracer_recalc_locks(const struct probe *probe);
/*
 * Fills `hooks`, SHM_HOOKS of them, with those of t->chain that this kernel has and lets us use. Returns
 * how many, or -ENOTSUP where one that the chain needs cannot be used, which `why` names.
 */
int shm_tracer_choose_hooks(struct shm_tracer *t, struct probe *probe, struct shm_hook *hooks,
			    char *why, size_t why_len);
/* Switches on the iterators that t->chain and this kernel allow. */
int shm_tracer_choose_iterators(struct shm_tracer *t, const struct probe *probe);
/* Returns 0, or a negative errno where one that is not optional cannot be attached. */
int shm_tracer_attach_hooks(struct shm_tracer *t, const struct shm_hook *hooks, size_t n);
/* Those that are refused stay NULL. */
void shm_tracer_attach_iterators(struct shm_tracer *t);

/* ---- reading ---- */

int shm_tracer_open_rings(struct shm_tracer *t);

/* Runs one of the programs that user space calls itself. Returns 0 or a negative errno. */
int shm_tracer_run(struct bpf_program *program);
/* Looks at every inode of shmem that exists. Returns 0 or a negative errno. */
int shm_tracer_prime(struct shm_tracer *t);

#endif
