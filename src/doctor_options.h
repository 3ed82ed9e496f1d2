/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of `memmon-bpf doctor`. */
#ifndef MEMMON_DOCTOR_OPTIONS_H
#define MEMMON_DOCTOR_OPTIONS_H

#include <stdbool.h>

struct doctor_options {
	const char *json; /* a file name; "-" = standard output; NULL = none */
	const char *btf;
	bool no_color;
	int verbose;
};

/* argv[0] is "doctor". On bad usage it prints what is wrong and exits with 2; --help exits with 0. */
void doctor_options_parse(struct doctor_options *o, int argc, char **argv);

/* Every long option's name, for tests of the help text; NULL-terminated. */
const char *const *doctor_options_names(void);

#endif
