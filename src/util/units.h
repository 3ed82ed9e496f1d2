/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Byte units: the names of --unit, and figures for people. */
#ifndef MEMMON_UNITS_H
#define MEMMON_UNITS_H

#include <stddef.h>
#include <stdint.h>

struct unit {
	const char *name; /* "MiB" */
	uint64_t bytes;
	int decimals; /* digits after the point that a figure in it is printed with */
};

/* B KiB MiB GiB KB MB GB, then an entry with name NULL. */
extern const struct unit units[];

/* By exact name; NULL when there is none. */
const struct unit *unit_find(const char *name);

/* Text such as "192.3 MiB"; with `unit` NULL the unit is chosen by size. Returns dst. */
char *format_bytes(char *dst, size_t cap, int64_t bytes, const struct unit *unit);

/*
 * "512MiB", "2 GiB", "1048576" (bytes), "1.5GB" → bytes, rounded. Also TiB and TB. `*rest` is what
 * follows the number and unit. Returns 0, -EINVAL when there is no number or an unknown unit
 * follows it, -ERANGE when it does not fit.
 */
int parse_bytes(const char *text, uint64_t *bytes, const char **rest);

#endif
