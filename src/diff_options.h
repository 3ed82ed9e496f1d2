/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of `memmon-bpf diff`. */
#ifndef MEMMON_DIFF_OPTIONS_H
#define MEMMON_DIFF_OPTIONS_H

#include <stdbool.h>

#include "model/expr.h"
#include "util/units.h"

struct diff_options {
	const char *a, *b; /* "-" = standard input, at most one of them */
	const char *json; /* "-" = standard output; NULL = none */
	const struct unit *unit; /* NULL = by size */
	bool no_color;
	struct expr *fail_if; /* with differences; NULL = none */
};

/* On bad usage it prints what is wrong and exits with 2; --help prints and exits. */
void diff_options_parse(struct diff_options *o, int argc, char **argv);
void diff_options_finish(struct diff_options *o);

#endif
