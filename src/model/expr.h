/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The conditions of --fail-if: FIELD OP NUMBER[UNIT], joined by && and || (&& binds tighter) and
 * grouped by parentheses. OP is one of > >= < <= == !=. FIELD is a name of snapshot_fields.
 * A comparison with a value that is not known is false, whatever the operator.
 *
 * Of two watches, one before and one after a change, a condition is about the second; and in place of
 * the number there may be a difference to the first, which has a sign: +20MiB, -3, or +5% and -0.5%
 * of what it was, also for a field that is a share itself.
 */
#ifndef MEMMON_EXPR_H
#define MEMMON_EXPR_H

#include "fields.h"

struct expr;

/*
 * Parses `text` (at most 4096 bytes, at most 64 comparisons, at most 16 levels of parentheses).
 * Returns 0 and *out; or -EINVAL and in `why` (size why_len) a message that quotes the wrong part
 * and says what would be right; or -ENOMEM.
 */
int expr_parse(const char *text, struct expr **out, char *why, size_t why_len);
bool expr_holds(const struct expr *e, const struct snapshot *s);

/* A field's value in both watches. */
struct field_pair {
	struct field_value before, after;
};
typedef struct field_pair field_pair_fn(const void *ctx, const struct field *f);

/* True for units whose values are in `whole`, else they are in `real`. */
static inline bool unit_is_whole(enum field_unit unit)
{
	return unit == FIELD_BYTES || unit == FIELD_COUNT;
}

/* As expr_parse(), and differences are accepted too. */
int expr_parse_diff(const char *text, struct expr **out, char *why, size_t why_len);
bool expr_diff_holds(const struct expr *e, field_pair_fn *get, const void *ctx);

/* One comparison of a condition, by itself. */
struct expr_part {
	const struct field *field;
	const char *text; /* inside expr_text(), not ended by a NUL */
	size_t len;
	bool is_change; /* it needs both values */
};
enum expr_verdict { EXPR_FALSE, EXPR_TRUE, EXPR_UNKNOWN };

size_t expr_parts(const struct expr *e);
/* i < expr_parts(), in the order of the text */
struct expr_part expr_part(const struct expr *e, size_t i);
enum expr_verdict expr_part_holds(const struct expr *e, size_t i, struct field_pair pair);

/* The source text, for messages. */
const char *expr_text(const struct expr *e);
void expr_destroy(struct expr *e); /* NULL is fine */

#endif
