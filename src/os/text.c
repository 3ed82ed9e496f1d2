/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why: each parser of /proc and cgroupfs needs the same four moves (a line, a word, a prefix, a
 * number), and strtok, sscanf and strtoull each read past a buffer without a NUL or take a sign, an
 * overflow or a locale for a number.
 */
#include "text.h"

#include <string.h>

struct text text_of(const char *bytes, size_t len)
{
	return (struct text){ bytes, len ? bytes + len : bytes };
}

static size_t left(const struct text *t)
{
	return (size_t)(t->end - t->at);
}

bool text_line(struct text *t, struct text *line)
{
	const char *newline = left(t) ? memchr(t->at, '\n', left(t)) : NULL;

	if (!newline)
		return false;
	*line = (struct text){ t->at, newline };
	t->at = newline + 1;
	return true;
}

bool text_until(struct text *t, char separator, struct text *part)
{
	const char *stop;

	if (!left(t))
		return false;
	stop = memchr(t->at, separator, left(t));
	*part = (struct text){ t->at, stop ? stop : t->end };
	t->at = stop ? stop + 1 : t->end;
	return true;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

bool text_word(struct text *t, struct text *word)
{
	while (left(t) && is_space(*t->at))
		t->at++;
	word->at = t->at;
	while (left(t) && !is_space(*t->at))
		t->at++;
	word->end = t->at;
	return word->at != word->end;
}

bool text_skip(struct text *t, const char *prefix)
{
	size_t len = strlen(prefix);

	if (left(t) < len || memcmp(t->at, prefix, len))
		return false;
	t->at += len;
	return true;
}

bool text_is(struct text t, const char *literal)
{
	return text_skip(&t, literal) && !left(&t);
}

bool text_has_item(struct text t, char separator, const char *item)
{
	struct text part;

	while (text_until(&t, separator, &part))
		if (text_is(part, item))
			return true;
	return false;
}

bool text_u64(struct text t, uint64_t *value)
{
	uint64_t sum = 0;

	if (!left(&t))
		return false;
	for (; left(&t); t.at++) {
		if (*t.at < '0' || *t.at > '9')
			return false;
		if (__builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)(*t.at - '0'), &sum))
			return false;
	}
	*value = sum;
	return true;
}

bool text_word_u64(struct text *t, uint64_t *value)
{
	struct text word;

	return text_word(t, &word) && text_u64(word, value);
}

bool text_value(struct text line, const char *prefix, uint64_t *value)
{
	struct text word;
	uint64_t number;

	if (!text_skip(&line, prefix) || !text_word_u64(&line, &number))
		return false;
	if (text_word(&line, &word) && text_is(word, "kB") &&
	    __builtin_mul_overflow(number, 1024, &number))
		return false;
	*value = number;
	return true;
}
