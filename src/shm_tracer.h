/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel side of the shared-memory ledger: charges, failures, and who holds what.
 *
 * It is a BPF object of its own (bpf/shm.bpf.c), so that a watch which has nothing to do with shared
 * memory pays nothing for it. Everything is attached through file descriptors of this process.
 */
#ifndef MEMMON_SHM_TRACER_H
#define MEMMON_SHM_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../bpf/events.h"
#include "tracer.h" /* record_fn */

/* How charges come to be known; the best that loads is taken. */
enum shm_chain {
	SHM_CHAIN_NONE, /* not at all: statfs and holders only */
	SHM_CHAIN_SIGNALS, /* cheap hooks only: SIGBUS on a full tmpfs */
	SHM_CHAIN_TRACEPOINTS, /* sys_exit, page faults, rss_stat: taxes every system call and fault */
	SHM_CHAIN_KPROBE, /* the same functions as the next, by kprobes */
	SHM_CHAIN_FEXIT, /* fexit on shmem's own functions: costs others nothing */
};

struct shm_tracer_config {
	enum shm_chain most; /* do not go beyond this one */
	bool verbose;
	const char *btf; /* NULL = the kernel's own */
};

struct shm_tracer;

/*
 * Loads and attaches. `why` tells of what could not be had, also on success ("" = all). Returns 0 or a
 * negative errno.
 */
int shm_tracer_create(const struct shm_tracer_config *config, record_fn fn, void *ctx,
		      struct shm_tracer **out, char *why, size_t why_len);
void shm_tracer_destroy(struct shm_tracer *t); /* NULL is fine */

enum shm_chain shm_tracer_chain(const struct shm_tracer *t);

/* Becomes readable when there is something to drain, which is rare. It stays the tracer's. */
int shm_tracer_alarm_fd(const struct shm_tracer *t);

/* Hands over the REC_SHM_FULL that happened since the last call. No waiting. */
int shm_tracer_drain(struct shm_tracer *t);

/* Adds how long the hooks ran on behalf of all processes, while the kernel's statistics were on. */
void shm_tracer_run_time(const struct shm_tracer *t, struct run_time *sum);

/* Records lost because the ring buffer was full, and charges that no map had room for. */
uint64_t shm_tracer_lost(const struct shm_tracer *t);

/*
 * Runs of the hooks that the kernel skipped, as far as it counts them (run_time.h). A charge that was missed
 * is booked with the next of its inode; a failure is not told, and a peak may be too low.
 */
uint64_t shm_tracer_skipped(const struct shm_tracer *t);

/* What the kernel side knows of one superblock. */
struct shm_charges {
	uint32_t dev;
	uint64_t peak_bytes, peak_ns; /* since attach, between any two looks */
	uint64_t charged_bytes, uncharged_bytes;
};
/* -ENOENT where nothing was charged yet. */
int shm_tracer_charges(struct shm_tracer *t, uint32_t dev, struct shm_charges *out);

/* Calls `fn` with a REC_SHM_CHARGER for every (superblock, process) that charged or uncharged. */
int shm_tracer_chargers(struct shm_tracer *t, record_fn fn, void *ctx);

/*
 * Calls `fn` with a REC_SHM_FILE for every inode of shmem that the kernel side knows of: charged
 * while traced, or held (mapped or opened) by a process now; with an empty text where only the
 * directory knows the name; then with a REC_SHM_HOLDER for each of its holders. Runs over all
 * processes of the machine and takes each one's mmap lock for a moment.
 */
int shm_tracer_files(struct shm_tracer *t, record_fn fn, void *ctx);

/* Calls `fn` with the libbpf section name of each program, whether this kernel takes it or not. */
int shm_tracer_sections(void (*fn)(void *ctx, const char *section), void *ctx);

#endif
