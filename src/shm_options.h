/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of `memmon-bpf shm`: parsed once, checked whole, then const. */
#ifndef MEMMON_SHM_OPTIONS_H
#define MEMMON_SHM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "model/expr.h"
#include "util/units.h"

#define SHM_MAX_CONTAINERS 64 /* of -c */

struct shm_options {
	bool watch; /* --watch: a live screen on a terminal */
	bool files; /* --files: in the table too; they are always looked at */
	double interval_s; /* 0.1 or more */
	double duration_s; /* 0 = once, or with --watch until the end */
	const char *json, *csv; /* file names; "-" = standard output; NULL = none */
	const struct unit *unit; /* NULL = by size */
	struct expr *fail_if; /* NULL = none */
	const char *containers[SHM_MAX_CONTAINERS];
	size_t n_containers;
	const char *btf;
	bool no_color;
	int verbose;
};

/*
 * Parses argv, whose first word is ours. On bad usage it prints what is wrong and exits with 2;
 * --help prints and exits with 0.
 */
void shm_options_parse(struct shm_options *o, int argc, char **argv);
void shm_options_finish(struct shm_options *o);

/* It goes on after the first survey. */
bool shm_options_stays(const struct shm_options *o);

/* Every long option's name, for tests of the help text; NULL-terminated. */
const char *const *shm_options_names(void);

#endif
