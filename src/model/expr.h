/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The conditions of --fail-if: FIELD OP NUMBER[UNIT], joined by && and || (&& binds tighter) and
 * grouped by parentheses. OP is one of > >= < <= == !=. FIELD is a name of snapshot_fields.
 * A comparison with a value that is not known is false, whatever the operator.
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
/* The source text, for messages. */
const char *expr_text(const struct expr *e);
void expr_destroy(struct expr *e); /* NULL is fine */

#endif
