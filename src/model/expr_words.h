/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of a --fail-if condition: names, values, and how a message quotes them. */
#ifndef MEMMON_EXPR_WORDS_H
#define MEMMON_EXPR_WORDS_H

#include "fields.h"

#define NAME_MAX_LEN 63 /* longer than any field's name */
#define QUOTE_MAX 40 /* bytes of the text that a message quotes */

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
	       c == '.';
}

static inline bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The text as a message may show it: bounded, one line, printable. */
struct quoted {
	char text[QUOTE_MAX + sizeof("...")];
};

const char *quote(struct quoted *q, const char *from, size_t len);
/* The word or sign that `at` points at, not its end. */
const char *quote_word(struct quoted *q, const char *at);

/* The field that was meant: a typo away, or of which only the last part was given; or NULL. */
const char *nearest_field(const char *name);

/*
 * The number and unit of a field of this unit, in v->whole or v->real. Returns NULL, or what would
 * be right: "bytes, or a number with ...".
 */
const char *parse_field_value(const char *text, enum field_unit unit, struct field_value *v);

/* A difference between two watches. */
struct field_change {
	bool is_share; /* of what it was before, else by so much */
	int64_t share; /* in 1/10^8: +5% is 5,000,000 */
	struct field_value by;
};

/* The same for a difference with its sign. */
const char *parse_field_change(const char *text, enum field_unit unit, struct field_change *c);
/* How `after` relates to `before` changed so: -1 below, 0 equal, 1 above. Both are known. */
int field_change_order(const struct field_change *c, enum field_unit unit,
		       const struct field_value *before, const struct field_value *after);

#endif
