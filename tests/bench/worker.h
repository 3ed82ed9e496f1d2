/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker is a process that fires a known number of rss_stat events on command and reports its own
 * CPU time for each.
 */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include <stdint.h>
#include <sys/types.h>

enum load {
	LOAD_FILE, /* one page of a cached file: fault, MADV_DONTNEED; two events a turn */
	LOAD_THREADS, /* the same by two threads on one mm, each on its own page */
	LOAD_GROWTH, /* fresh anonymous pages; one event each, and each is a new peak */
	LOAD_IDLE, /* nothing: only to be watched */
	LOADS,
};

struct worker {
	pid_t pid;
	int command, report; /* our ends of the pipes */
};

/* LOAD_GROWTH looks only at whether `turns` is 0. */
struct job {
	uint32_t slices; /* at most MAX_SLICES, each timed by itself */
	uint32_t turns; /* of a slice and thread; 0 = end */
};

struct result {
	double ns_per_event; /* CPU time of the whole process; of which slice, worker.c says */
	uint64_t events; /* of all slices, at least */
};

#define MAX_SLICES 256
#define GROWTH_SLICES 16
#define GROWTH_SLICE_BYTES (16UL << 20)

/* Starts a worker on `cpu` (-1: anywhere). The second thread of LOAD_THREADS goes to `other_cpu`. */
void worker_start(struct worker *w, enum load load, int cpu, int other_cpu);

/* Has the worker do a job. */
struct result worker_run(const struct worker *w, struct job job);

void worker_stop(struct worker *w);

/* Binds the calling thread; -1 does nothing. */
void pin_to(int cpu);

#endif
