/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this kernel and these privileges allow. Everything is probed, nothing guessed from a version.
 * One table feeds the tracer (which programs to load), `doctor`, and the summary.
 */
#ifndef MEMMON_FEATURES_H
#define MEMMON_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "sinks/sink.h"

enum feature {
	FEATURE_PRIVILEGE, /* the capabilities that loading needs */
	FEATURE_BTF, /* types of the running kernel */
	FEATURE_BPF, /* bpf(2) is not refused */
	FEATURE_RSS_STAT, /* tp_btf/rss_stat: the counters */
	FEATURE_PERCPU_RSS, /* they are per-CPU counters (6.2 and later) */
	FEATURE_PROCESSES, /* fork, exec and exit */
	FEATURE_EXIT_MMAP, /* the end of an mm */
	FEATURE_LAST, /* what a process held when it ended */
	FEATURE_OOM, /* the OOM killer's choice */
	FEATURE_VOLUMES, /* mmap, munmap, brk by fexit */
	FEATURE_SHM, /* charges of shared memory by fexit */
	FEATURE_CGROUP_MOVES, /* processes that move into the watched cgroup */
	FEATURE_AVAILABLE, /* MemAvailable */
	FEATURE_PRESSURE, /* PSI */
	FEATURE_PSS, /* smaps_rollup */
	FEATURE_COUNT,
};

struct features;

/* Probes with `btf` (NULL: the kernel's own). Never fails but with -ENOMEM; see `why` of each. */
int features_probe(const char *btf, struct features **out);
void features_destroy(struct features *f);

bool feature_on(const struct features *f, enum feature which);
/* sched_process_exit comes before the mm is given up and tells the last thread (6.16 and later). */
bool features_exit_is_early(const struct features *f);
/* The end of an mm comes from fexit, as there is no tracepoint. */
bool features_mm_end_by_fexit(const struct features *f);
/* What a process held comes from fentry, as the exit tracepoint comes too late. */
bool features_last_by_fentry(const struct features *f);
/* FEATURE_COUNT entries, for sinks. */
const struct feature_state *features_table(const struct features *f);

/* Can a watch start at all? 0, or a negative errno with what is missing and the remedy in `why`. */
int features_require(const struct features *f, char *why, size_t why_len);

/* `--vma` was asked for: the volumes come from sys_exit where fexit is refused. */
void features_note_vma(struct features *f, bool asked);

/* Prints the table of `memmon-bpf doctor`. Returns whether a watch can start. */
bool features_print(const struct features *f, FILE *out, bool color);

#endif
