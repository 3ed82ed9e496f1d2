/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why: every figure for people and every size that a person types goes through here, so that
 * "512MiB" means the same in --unit, in --fail-if and in the summary.
 *
 * Invariants: arithmetic is in integers of 128 bits, so a figure is rounded once (half away from
 * zero) and no value of int64_t or uint64_t is special. Nothing depends on the locale.
 */
#include "units.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define KIB (1ULL << 10)
#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define TIB (1ULL << 40)

const struct unit units[] = {
	{ "B", 1, 0 },
	{ "KiB", KIB, 1 },
	{ "MiB", MIB, 1 },
	{ "GiB", GIB, 2 },
	{ "KB", 1000ULL, 1 },
	{ "MB", 1000000ULL, 1 },
	{ "GB", 1000000000ULL, 2 },
	{ NULL, 0, 0 },
};

/* Read by parse_bytes(), and the first of them chosen by format_bytes(), but not offered as --unit. */
static const struct unit large_units[] = {
	{ "TiB", TIB, 2 },
	{ "TB", 1000000000000ULL, 2 },
	{ NULL, 0, 0 },
};

static const struct unit *find(const struct unit *table, const char *name, size_t len)
{
	for (; table->name; table++)
		if (strlen(table->name) == len && !memcmp(table->name, name, len))
			return table;
	return NULL;
}

const struct unit *unit_find(const char *name)
{
	return find(units, name, strlen(name));
}

static uint64_t power_of_ten(int exponent)
{
	uint64_t power = 1;

	while (exponent-- > 0)
		power *= 10;
	return power;
}

/* `magnitude` in the last printed digit of `unit`: 1.5 MiB with one decimal is 15. */
static unsigned __int128 in_digits(uint64_t magnitude, const struct unit *unit)
{
	unsigned __int128 scaled = (unsigned __int128)magnitude * power_of_ten(unit->decimals);

	return (scaled + unit->bytes / 2) / unit->bytes;
}

/* The largest unit that leaves at least 1 after rounding: 1023.99 KiB is shown as 1.0 MiB. */
static const struct unit *choose_unit(uint64_t magnitude)
{
	static const struct unit *const by_size[] = { &units[0], &units[1], &units[2], &units[3],
						      &large_units[0] };
	size_t last = sizeof(by_size) / sizeof(by_size[0]) - 1, i = 0;

	while (i < last && in_digits(magnitude, by_size[i]) >=
				   (unsigned __int128)1024 * power_of_ten(by_size[i]->decimals))
		i++;
	return by_size[i];
}

char *format_bytes(char *dst, size_t cap, int64_t bytes, const struct unit *unit)
{
	uint64_t magnitude = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;
	uint64_t digits, one;
	const char *sign;

	if (!unit)
		unit = choose_unit(magnitude);
	/* at most 2^63 bytes: fits 64 bits in every unit with its decimals */
	digits = (uint64_t)in_digits(magnitude, unit);
	one = power_of_ten(unit->decimals);
	sign = bytes < 0 && digits ? "-" : "";
	if (unit->decimals)
		snprintf(dst, cap, "%s%llu.%0*llu %s", sign, (unsigned long long)(digits / one),
			 unit->decimals, (unsigned long long)(digits % one), unit->name);
	else
		snprintf(dst, cap, "%s%llu %s", sign, (unsigned long long)digits, unit->name);
	return dst;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* A decimal number as whole + fraction / divisor. */
struct decimal {
	uint64_t whole, fraction, divisor;
};

#define FRACTION_DIGITS 18 /* as many as uint64_t holds; further ones cannot move a byte */

static int parse_decimal(const char **at, struct decimal *d)
{
	const char *p = *at;

	*d = (struct decimal){ .divisor = 1 };
	if (!is_digit(*p) && !(*p == '.' && is_digit(p[1])))
		return -EINVAL;
	for (; is_digit(*p); p++)
		if (__builtin_mul_overflow(d->whole, 10, &d->whole) ||
		    __builtin_add_overflow(d->whole, (uint64_t)(*p - '0'), &d->whole))
			return -ERANGE;
	if (*p == '.') {
		if (!is_digit(*++p))
			return -EINVAL;
		for (int n = 0; is_digit(*p); p++, n++) {
			if (n >= FRACTION_DIGITS)
				continue;
			d->fraction = d->fraction * 10 + (uint64_t)(*p - '0');
			d->divisor *= 10;
		}
		if (*p == '.')
			return -EINVAL;
	}
	*at = p;
	return 0;
}

int parse_bytes(const char *text, uint64_t *bytes, const char **rest)
{
	const struct unit *unit = &units[0];
	const char *p = text, *word;
	unsigned __int128 sum;
	struct decimal d;
	size_t len = 0;
	int err;

	while (is_blank(*p))
		p++;
	err = parse_decimal(&p, &d);
	if (err)
		return err;

	for (word = p; is_blank(*word); word++)
		;
	while (is_word(word[len]))
		len++;
	if (len) {
		unit = find(units, word, len);
		if (!unit)
			unit = find(large_units, word, len);
		if (!unit)
			return -EINVAL;
		p = word + len;
	}

	sum = (unsigned __int128)d.whole * unit->bytes;
	sum += ((unsigned __int128)d.fraction * unit->bytes + d.divisor / 2) / d.divisor;
	if (sum > UINT64_MAX)
		return -ERANGE;
	*bytes = (uint64_t)sum;
	*rest = p;
	return 0;
}
