/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live source: loads and attaches the BPF programs and turns what they keep into records.
 *
 * Records go to one callback, in an order that the model accepts: transitions as the ring buffer
 * has them, a process's last reading before its exit, absolute readings when asked for. Everything
 * is attached through file descriptors of this process, so that nothing outlives it.
 */
#ifndef MEMMON_TRACER_H
#define MEMMON_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../bpf/maps.h"

struct features;
struct run_time;

struct tracer_config {
	bool children; /* watch what watched processes start, and adopt what they started */
	bool all; /* every process of the machine */
	bool cgroups; /* the members of cgroups; see tracer_want_cgroup() */
	int cgroup_hierarchy; /* first field of its line in /proc/PID/cgroup; 0 = v2 */
	bool volumes; /* --vma: count mmap, munmap and brk even where that taxes every system call */
	uint32_t slots; /* processes that can be watched at once; 0 = a default */
	bool verbose; /* libbpf's messages go to stderr */
	const char *btf; /* a BTF file instead of the kernel's own; NULL = the kernel's */
	bool sample; /* begin in TRACER_SAMPLE */
};

/* How the counters come to be known: see bpf/sample.bpf.h for what that means for the peaks. */
enum tracer_mode {
	TRACER_HOOK, /* every event: exact, at a price for every process of the machine */
	TRACER_SAMPLE, /* tracer_read() looks at every process's counters, which costs only us */
};

/* Takes one record; it is valid during the call only. A negative return ends the current call. */
typedef int (*record_fn)(void *ctx, const struct rec_head *rec, size_t size);

struct tracer;

/*
 * Loads and attaches, within what `features` found possible. Returns 0, or a negative errno with a
 * message for people in `why`; on success that lists hooks which were refused all the same ("" = none).
 */
int tracer_create(const struct tracer_config *config, const struct features *features, record_fn fn,
		  void *ctx, struct tracer **out, char *why, size_t why_len);
void tracer_destroy(struct tracer *t); /* NULL is fine */

/* Asks for the process `pid` (of our pid namespace): now, or from its next exec on. */
int tracer_want(struct tracer *t, pid_t pid, enum wanted_how how);

/*
 * Asks for the members of a cgroup (its id, in config.cgroup_hierarchy) and of those below it: who
 * moves into it or is forked there from now on, and with tracer_adopt() those who run already.
 * -E2BIG: more than 256 are asked for.
 */
int tracer_want_cgroup(struct tracer *t, uint64_t id);
void tracer_unwant_cgroup(struct tracer *t, uint64_t id); /* it is gone */

/* Was the process `pid`, asked for with WANTED_NOW, found alive by tracer_adopt()? */
bool tracer_found(struct tracer *t, pid_t pid);

/* Adopts all that run already and are wanted. Returns how many, or a negative errno. */
int tracer_adopt(struct tracer *t);

/*
 * A descriptor that becomes readable when something does not bear waiting for the next call of
 * tracer_drain(). It stays the tracer's.
 */
int tracer_alarm_fd(const struct tracer *t);

/* Hands over what happened since the last call: transitions, ended processes. No waiting. */
int tracer_drain(struct tracer *t);

/* Hands over readings of the processes that changed (or `all`), of the tree, and the cost. */
int tracer_read(struct tracer *t, bool all);

/* Returns 0 or a negative errno; the mode is then as it was. The mode that is already is fine. */
int tracer_set_mode(struct tracer *t, enum tracer_mode mode);

/* Adds how long our programs ran on behalf of all processes, while the kernel's statistics were on. */
void tracer_run_time(const struct tracer *t, struct run_time *sum);
/* Without the kernel's statistics: what the hook on RSS took for watched processes, by its own clock. */
void tracer_own_time(const struct tracer *t, struct run_time *sum);
/* Watched processes that live now. */
uint64_t tracer_live(const struct tracer *t);

/* Calls `fn` with the libbpf section name of each program, whether this kernel takes it or not. */
int tracer_sections(void (*fn)(void *ctx, const char *section), void *ctx);

#endif
