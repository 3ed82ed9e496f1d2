/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this kernel and these privileges allow. Everything is probed, nothing guessed from a version.
 * One table feeds the tracer (which programs to load), `doctor`, and the summary.
 */
#ifndef MEMMON_FEATURES_H
#define MEMMON_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel_btf.h"
#include "os/rights.h"
#include "sinks/sink.h"

enum feature {
	FEATURE_PRIVILEGE, /* the capabilities that loading needs */
	FEATURE_BTF, /* types of the running kernel */
	FEATURE_BPF, /* bpf(2) is not refused */
	FEATURE_RSS_STAT, /* tp_btf/rss_stat: the counters */
	FEATURE_PERCPU_RSS, /* they are per-CPU counters (6.2 and later) */
	FEATURE_PROCESSES, /* fork, exec and exit */
	FEATURE_EVERY_EVENT, /* no run of a hook is skipped (before 7.0) */
	FEATURE_ITERATORS, /* what runs already */
	FEATURE_EXIT_MMAP, /* the end of an mm */
	FEATURE_LAST, /* what a process held when it ended */
	FEATURE_OOM, /* the OOM killer's choice */
	FEATURE_VOLUMES, /* mmap, munmap, brk by fexit or kprobes */
	FEATURE_SHM, /* charges of shared memory by fexit or kprobes */
	FEATURE_CGROUP_MOVES, /* processes that move into the watched cgroup */
	FEATURE_AVAILABLE, /* MemAvailable */
	FEATURE_PRESSURE, /* PSI */
	FEATURE_PSS, /* smaps_rollup */
	FEATURE_COUNT,
};

/* What gives a feature; the better it is the higher. */
enum feature_hook { HOOK_NONE, HOOK_TRACEPOINT, HOOK_KPROBE, HOOK_TRAMPOLINE };

struct features;

/* Probes with `btf` (NULL: the kernel's own). Never fails but with -ENOMEM; see `why` of each. */
int features_probe(const char *btf, struct features **out);
void features_destroy(struct features *f); /* NULL is fine */

bool feature_on(const struct features *f, enum feature which);
const char *feature_name(enum feature which);

/* Programs on tracepoints can be preempted, and are skipped then (7.0 and later): see bpf/preempt.bpf.h. */
bool features_preempted(const struct features *f);
/* sched_process_exit comes before the mm is given up and tells the last thread (6.16 and later). */
bool features_exit_is_early(const struct features *f);
/* The helper bpf_loop() (5.17 and later). */
bool features_has_loop(const struct features *f);
/* By fexit or kprobes; HOOK_NONE also where only sys_exit has them, see --vma. */
enum feature_hook features_volumes_by(const struct features *f);
enum feature_hook features_mm_end_by(const struct features *f);
/* HOOK_TRACEPOINT: the exit's own, as it is early. */
enum feature_hook features_last_by(const struct features *f);
/* The charges; HOOK_TRACEPOINT taxes every system call and page fault of the machine. */
enum feature_hook features_shm_by(const struct features *f);
/* Before 5.11 the memory of maps and programs counts towards RLIMIT_MEMLOCK. */
bool features_memlock_counts(const struct features *f);

/* For people, when programs could not be loaded though the probes said so; "" = nothing to say. */
const char *features_remedy(const struct features *f, int err);

/* FEATURE_COUNT entries, for sinks. */
const struct feature_state *features_table(const struct features *f);
const struct rights *features_rights(const struct features *f);
/* Where the types came from; they themselves are freed. */
const struct kernel_btf *features_btf(const struct features *f);

/* Can a watch start at all? 0, or a negative errno with what is missing and the remedy in `why`. */
int features_require(const struct features *f, char *why, size_t why_len);

/* `--vma` was asked for: the volumes come from sys_exit where there is no cheaper hook. */
void features_note_vma(struct features *f, bool asked);

#endif
