/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names and values of a condition. Numbers are read here and not by strtod(), whose decimal point
 * depends on the locale and which takes "inf", "nan" and hexadecimal too.
 */
#include <math.h>
#include <string.h>

#include "../util/units.h"
#include "expr.h"
#include "expr_words.h"

const char *quote(struct quoted *q, const char *from, size_t len)
{
	size_t n = len < QUOTE_MAX ? len : QUOTE_MAX;

	for (size_t i = 0; i < n; i++)
		q->text[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	strcpy(q->text + n, len > n ? "..." : "");
	return q->text;
}

const char *quote_word(struct quoted *q, const char *at)
{
	size_t len = 0;

	while (is_name(at[len]))
		len++;
	if (!len)
		while (at[len] && !is_blank(at[len]) && !is_name(at[len]) && at[len] != '(' &&
		       at[len] != ')')
			len++;
	if (!len)
		len = 1; /* a parenthesis */
	return quote(q, at, len);
}

/* Optimal string alignment: insert, delete, replace, swap neighbours. Both at most NAME_MAX_LEN. */
static int distance(const char *a, const char *b)
{
	int rows[3][NAME_MAX_LEN + 1];
	int *before = rows[0], *last = rows[1], *now = rows[2], *spare;
	int len_b = (int)strlen(b);

	for (int j = 0; j <= len_b; j++)
		last[j] = before[j] = j;
	for (int i = 0; a[i]; i++) {
		now[0] = i + 1;
		for (int j = 0; j < len_b; j++) {
			int best = last[j] + (a[i] != b[j]);

			if (last[j + 1] + 1 < best)
				best = last[j + 1] + 1;
			if (now[j] + 1 < best)
				best = now[j] + 1;
			if (i && j && a[i] == b[j - 1] && a[i - 1] == b[j] &&
			    before[j - 1] + 1 < best)
				best = before[j - 1] + 1;
			now[j + 1] = best;
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[len_b];
}

const char *nearest_field(const char *name)
{
	const char *best = NULL, *ending = NULL;
	size_t len = strlen(name);
	int least = len < 4 ? 2 : len < 12 ? 3 : 4; /* fewer edits than this make a typo */

	if (len > NAME_MAX_LEN)
		return NULL;
	for (size_t i = 0; i < n_snapshot_fields; i++) {
		const char *other = snapshot_fields[i].name;
		size_t other_len = strlen(other);
		int d;

		if (other_len > len && other[other_len - len - 1] == '.' &&
		    !strcmp(other + other_len - len, name) && !ending)
			ending = other;
		if (other_len > NAME_MAX_LEN)
			continue;
		d = distance(name, other);
		if (d < least) {
			least = d;
			best = other;
		}
	}
	return ending ? ending : best;
}

/* Digits with at most one point; *rest is what follows. False when there is no such number. */
static bool parse_number(const char *text, double *real, bool *has_point, const char **rest)
{
	double scale = 1;
	bool any = false;

	*real = 0;
	*has_point = false;
	for (; is_digit(*text) || (*text == '.' && !*has_point); text++) {
		if (*text == '.') {
			*has_point = true;
			continue;
		}
		any = true;
		if (*has_point)
			*real += (*text - '0') * (scale /= 10);
		else
			*real = *real * 10 + (*text - '0');
	}
	*rest = text;
	return any;
}

static bool parse_whole(const char *text, int64_t *whole)
{
	*whole = 0;
	if (!*text)
		return false;
	for (; *text; text++)
		if (!is_digit(*text) || __builtin_mul_overflow(*whole, 10, whole) ||
		    __builtin_add_overflow(*whole, *text - '0', whole))
			return false;
	return true;
}

/* A number with one of these after it, or with nothing. */
struct suffix {
	const char *name;
	double factor;
};

static bool parse_real(const char *text, const struct suffix *suffixes, double *real)
{
	bool has_point;

	if (!parse_number(text, real, &has_point, &text))
		return false;
	while (is_blank(*text))
		text++;
	for (; suffixes->name; suffixes++) {
		if (strcmp(text, suffixes->name))
			continue;
		*real *= suffixes->factor;
		return true;
	}
	return false;
}

static bool parse_size(const char *text, int64_t *whole)
{
	const char *rest;
	uint64_t bytes;

	if (parse_bytes(text, &bytes, &rest) || *rest || bytes > INT64_MAX)
		return false;
	*whole = (int64_t)bytes;
	return true;
}

const char *parse_field_value(const char *text, enum field_unit unit, struct field_value *v)
{
	static const struct suffix seconds[] = { { "", 1 }, { "s", 1 }, { "ms", 1e-3 }, { 0 } };
	static const struct suffix ns[] = { { "", 1 }, { "ns", 1 }, { 0 } };
	static const struct suffix ratio[] = { { "", 1 }, { "%", 1e-2 }, { 0 } };
	const char *right = NULL;
	bool ok = false;

	switch (unit) {
	case FIELD_BYTES:
		ok = parse_size(text, &v->whole);
		right = "bytes, or a number with B KiB MiB GiB TiB KB MB GB or TB, such as 512MiB";
		break;
	case FIELD_COUNT:
		ok = parse_whole(text, &v->whole);
		right = "a whole number, such as 100";
		break;
	case FIELD_SECONDS:
		ok = parse_real(text, seconds, &v->real);
		right = "seconds, or a number with s or ms, such as 1.5s";
		break;
	case FIELD_NS:
		ok = parse_real(text, ns, &v->real);
		right = "nanoseconds, such as 80ns";
		break;
	case FIELD_RATIO:
		ok = parse_real(text, ratio, &v->real);
		right = "a share such as 0.05 or 5%";
		break;
	}
	v->known = ok;
	return ok ? NULL : right;
}

#define SHARE_DECIMALS 6 /* of a percent; further ones are cut off */
#define PERCENT_MAX 1000000000 /* with its decimals times any value: fits 128 bits */

/* "5%" or "0.5 %" in 1/10^8 */
static bool parse_percent(const char *text, int64_t *share)
{
	int decimals = -1;
	bool any = false;

	*share = 0;
	for (; is_digit(*text) || (*text == '.' && decimals < 0); text++) {
		if (*text == '.') {
			decimals = 0;
			continue;
		}
		any = true;
		if (decimals >= SHARE_DECIMALS)
			continue;
		decimals += decimals >= 0;
		*share = *share * 10 + (*text - '0');
		if (*share > PERCENT_MAX && decimals < 0)
			return false;
	}
	for (decimals = decimals < 0 ? 0 : decimals; decimals < SHARE_DECIMALS; decimals++)
		*share *= 10;
	while (is_blank(*text))
		text++;
	return any && text[0] == '%' && !text[1];
}

const char *parse_field_change(const char *text, enum field_unit unit, struct field_change *c)
{
	bool minus = *text == '-';
	const char *right;

	*c = (struct field_change){ 0 };
	for (text++; is_blank(*text); text++)
		;
	c->is_share = strchr(text, '%');
	if (c->is_share)
		right = parse_percent(text, &c->share) ? NULL :
							 "a share of what it was, such as +5%";
	else
		right = parse_field_value(text, unit, &c->by);
	if (minus) {
		c->share = -c->share;
		c->by.whole = -c->by.whole;
		c->by.real = -c->by.real;
	}
	return right;
}

static int order_of(double a, double b)
{
	return (a > b) - (a < b);
}

int field_change_order(const struct field_change *c, enum field_unit unit,
		       const struct field_value *before, const struct field_value *after)
{
	__int128 by, least;

	if (!unit_is_whole(unit)) {
		double base = before->real;

		if (c->is_share)
			return order_of((after->real - base) * 1e8, (double)c->share * fabs(base));
		return order_of(after->real - base, c->by.real);
	}
	by = (__int128)after->whole - before->whole;
	least = c->by.whole;
	if (c->is_share) {
		by *= 100000000;
		least = (__int128)c->share * before->whole;
		if (before->whole < 0)
			least = -least;
	}
	return (by > least) - (by < least);
}
