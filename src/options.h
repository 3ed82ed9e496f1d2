/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: parsed once, checked whole, then const. */
#ifndef MEMMON_OPTIONS_H
#define MEMMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/expr.h"
#include "util/units.h"

#define MAX_PIDS 1024 /* of -p; the size of the map `wanted` */
#define MAX_CONTAINERS 64 /* of -c */

struct options {
	/* exactly one target */
	pid_t *pids;
	size_t n_pids;
	char **command; /* NULL-terminated, points into argv or to `shell`; NULL = none */
	char *shell[4]; /* a command line that the shell runs (--log-dir) */
	const char *cgroup;
	const char **containers; /* names, ids or starts of ids */
	size_t n_containers;
	bool all;

	bool no_children;
	bool scope;
	bool wait; /* for containers that do not run yet */
	double interval_s; /* 0.01 or more */
	double duration_s; /* 0 = until the end */
	double budget; /* share of one core for our programs; 0 = as much as it takes */
	bool sample; /* looks at the counters instead of a hook on every event */
	const char *json, *csv; /* file names; "-" = standard output; NULL = none */
	const char *mprof; /* the same */
	const char *log_dir; /* NULL = none */
	const char *record; /* never "-" */
	uint64_t max_bytes; /* of the recording */
	const struct unit *unit; /* NULL = by size */
	bool from_zero, pss, vma, lines, quiet, strict, no_color;
	int verbose;
	size_t max_processes;
	struct expr *fail_if; /* NULL = none */
	const char *btf;
};

/*
 * Parses argv. On bad usage it prints what is wrong and exits with 2; --help, --version and
 * --usage print and exit with 0.
 */
void options_parse(struct options *o, int argc, char **argv);
void options_finish(struct options *o);

/* Every long option's name, for tests of the help text; NULL-terminated. */
const char *const *options_names(void);

#endif
