/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of `memmon-bpf report`. */
#ifndef MEMMON_REPORT_OPTIONS_H
#define MEMMON_REPORT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "model/expr.h"
#include "util/units.h"

/* What a recording is made into, besides text; in the order in which they are written. */
enum report_format {
	REPORT_JSON,
	REPORT_CSV,
	REPORT_PERFETTO,
	REPORT_OPENMETRICS,
	REPORT_SVG,
	REPORT_PNG,
	REPORT_HTML,
	REPORT_FORMATS,
};

struct report_options {
	const char *recording;
	const char *files[REPORT_FORMATS]; /* "-" = standard output; NULL = not asked for */
	const struct unit *unit; /* NULL = as the watch was asked for */
	bool from_zero, no_color;
	size_t max_processes; /* 0 = as the watch was asked for */
	struct expr *fail_if; /* NULL = none */
};

/* The format's option: "--json". */
const char *report_option(enum report_format format);

/* Is anything asked for? Else the summary is printed as text. */
bool report_options_has_files(const struct report_options *o);

/* On bad usage it prints what is wrong and exits with 2; --help prints and exits. */
void report_options_parse(struct report_options *o, int argc, char **argv);
void report_options_finish(struct report_options *o);

#endif
