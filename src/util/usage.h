/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the command lines of subcommands share, in the parser of argp(3). */
#ifndef MEMMON_USAGE_H
#define MEMMON_USAGE_H

#include <argp.h>

#include "units.h"

/*
 * Bad usage: says what is wrong, harmless to the terminal whatever the user typed, and exits with
 * argp_err_exit_status.
 */
void usage_refuse(struct argp_state *state, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The unit of --unit, or a refusal. */
const struct unit *usage_unit(struct argp_state *state, const char *text);

/* Prints the help on standard output and exits: 0, or 1 where that failed. */
void usage_help(const char *text) __attribute__((noreturn));

#endif
