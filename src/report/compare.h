/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two watches beside each other, for `memmon-bpf diff`: pure. What one side does not know is not known,
 * never 0, and then there is no change either.
 */
#ifndef MEMMON_COMPARE_H
#define MEMMON_COMPARE_H

#include <stdio.h>

#include "../model/expr.h"
#include "../util/units.h"
#include "side.h"

/* The processes of one name; NULL where a side lists none. */
struct compare_group {
	const char *comm;
	const struct side_group *a, *b;
};

/* A mount, told by where it is mounted and in which container; NULL where a side has none such. */
struct compare_mount {
	const char *point, *container;
	const struct side_mount *a, *b;
};

#define COMPARE_WARNINGS 16
#define COMPARE_WARNING_LEN 512

struct comparison {
	const struct side *a, *b;
	const struct expr *fail_if; /* NULL = none */
	bool failed; /* it holds */
	struct compare_group *groups; /* the largest peak of either side first */
	size_t n_groups;
	struct compare_mount *mounts; /* likewise */
	size_t n_mounts;
	char warnings[COMPARE_WARNINGS][COMPARE_WARNING_LEN]; /* names in them are hostile */
	size_t n_warnings;
};

/* Returns 0 or -ENOMEM. The sides and the condition must outlive it. */
int comparison_make(struct comparison *c, const struct side *a, const struct side *b,
		    const struct expr *fail_if);
void comparison_finish(struct comparison *c); /* fine on one that is zeroed */

struct field_pair comparison_field(const struct comparison *c, const struct field *f);
/* By name; nothing is known of a field that does not exist. */
struct field_pair comparison_find(const struct comparison *c, const char *name);
/* Last less first of "rss", "anon", "file", "shmem", "swap" or "footprint". */
struct field_pair comparison_growth(const struct comparison *c, const char *kind);
/* How often there are processes of that name: 0 only where the side lists all of its processes. */
struct field_pair comparison_count(const struct comparison *c, const struct compare_group *g);
/*
 * What the peaks of RSS may be off together, if that is at least as much as they differ: then they may
 * be the same. Else not known.
 */
struct field_value comparison_doubt(const struct comparison *c);

/* after - before, not beyond 63 bits; and that as a share of `before`, not known where `before` is 0. */
struct field_value pair_change(struct field_pair p, enum field_unit unit);
struct field_value pair_share(struct field_pair p, enum field_unit unit);

/* ---- as text and JSON ---- */

struct compare_style {
	const char *version;
	const struct unit *unit; /* NULL = by size */
	bool color;
};

/* Both flush, and return 0 or a negative errno. */
int compare_text_write(const struct comparison *c, const struct compare_style *style, FILE *out);
int compare_json_write(const struct comparison *c, const struct compare_style *style, FILE *out);
/*
 * A comparison of the condition with both values in words: "peak.rss>+5%: 1.20 GiB, then 1.40 GiB
 * (+16.7 %)", or what is not known.
 */
#define COMPARE_PART_LEN 512
const char *compare_part_text(char *dst, const struct comparison *c, size_t i,
			      const struct compare_style *style);

#endif
