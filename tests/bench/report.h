/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was measured, as a table and as JSON. Model of both: a grid of loads, variants and rounds. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "worker.h"

#define MAX_ROUNDS 1000

enum variant {
	UNTRACED,
	EMPTY, /* the empty program is attached */
	WATCHED, /* memmon-bpf watches the worker */
	UNWATCHED, /* memmon-bpf watches another process */
	WATCHED_OTHER, /* another build of memmon-bpf (--compare) watches the worker */
	UNWATCHED_OTHER,
	VARIANTS,
};

struct bench {
	int rounds;
	int cpu,
		tool_cpu; /* of the worker, and of memmon-bpf and the second thread; -1 = anywhere */
	const char *other; /* --compare; NULL = none */
	bool measured[LOADS][VARIANTS];
	double ns[LOADS][VARIANTS][MAX_ROUNDS]; /* per event */
	double start_ms, tool_rss_bytes, tool_cpu_percent;
};

void report_table(const struct bench *b, FILE *to);

/* Returns 0 or negative errno. */
int report_json(const struct bench *b, const char *path);

#endif
