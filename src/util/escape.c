/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why: any user can name a process or a file so that it clears the reader's screen, forges a line,
 * or breaks a JSON document. Everything the tool did not write itself passes through here first.
 *
 * Invariants: no locale, no table of the C library: the same bytes give the same text on every
 * machine. Output is always valid UTF-8 and always NUL-terminated.
 */
#include "escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * Decodes the UTF-8 character at `s` (n > 0 readable bytes). Returns its length, or 0 when these
 * bytes are none: overlong, a surrogate, above U+10FFFF, cut off (RFC 3629).
 */
static size_t utf8_decode(const unsigned char *s, size_t n, uint32_t *character)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	static const unsigned char lead_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c;
	size_t len;

	if (s[0] < 0x80)
		len = 1;
	else if ((s[0] & 0xe0) == 0xc0)
		len = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		len = 3;
	else if ((s[0] & 0xf8) == 0xf0)
		len = 4;
	else
		return 0;
	if (len > n)
		return 0;
	c = s[0] & lead_bits[len];
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < smallest[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*character = c;
	return len;
}

/* Controls, and the characters of Unicode's Cf, Zl and Zp that reorder, hide or break a line. */
static bool is_printable(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} unseen[] = {
		{ 0x0000, 0x001f },   { 0x007f, 0x009f },   { 0x00ad, 0x00ad },
		{ 0x061c, 0x061c },   { 0x180e, 0x180e },   { 0x200b, 0x200f },
		{ 0x2028, 0x202e },   { 0x2060, 0x206f },   { 0xfdd0, 0xfdef },
		{ 0xfeff, 0xfeff },   { 0xfff0, 0xfffb },   { 0x1bca0, 0x1bca3 },
		{ 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
	};

	if ((c & 0xfffe) == 0xfffe) /* the two noncharacters that end each plane */
		return false;
	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		if (c >= unseen[i].first && c <= unseen[i].last)
			return false;
	return true;
}

struct writer {
	char *dst;
	size_t len, cap;
};

/* Appends all of it or nothing, keeping a byte for the NUL. */
static bool put(struct writer *w, const char *piece, size_t n)
{
	if (n >= w->cap - w->len)
		return false;
	memcpy(w->dst + w->len, piece, n);
	w->len += n;
	return true;
}

static bool put_hex(struct writer *w, unsigned char byte)
{
	static const char hex[] = "0123456789abcdef";
	char piece[4] = { '\\', 'x', hex[byte >> 4], hex[byte & 15] };

	return put(w, piece, sizeof(piece));
}

static bool put_escaped(struct writer *w, const char *s, size_t n)
{
	if (n == 1 && *s == '\n')
		return put(w, "\\n", 2);
	if (n == 1 && *s == '\t')
		return put(w, "\\t", 2);
	if (n == 1 && *s == '\\')
		return put(w, "\\\\", 2);
	for (size_t i = 0; i < n; i++)
		if (!put_hex(w, (unsigned char)s[i]))
			return false;
	return true;
}

static size_t convert(char *dst, size_t cap, const char *src, size_t len, bool for_terminal)
{
	struct writer w = { .dst = dst, .cap = cap };

	if (!cap)
		return 0;
	for (size_t i = 0, n; i < len; i += n) {
		uint32_t c = 0;
		bool plain;

		n = utf8_decode((const unsigned char *)src + i, len - i, &c);
		if (for_terminal)
			plain = n && c != '\\' && is_printable(c);
		else
			plain = n && c;
		if (!n)
			n = 1;
		if (plain ? !put(&w, src + i, n) : !put_escaped(&w, src + i, n))
			break;
	}
	dst[w.len] = '\0';
	return w.len;
}

size_t escape_bytes(char *dst, size_t cap, const char *src, size_t len)
{
	return convert(dst, cap, src, len, true);
}

size_t utf8_sanitize(char *dst, size_t cap, const char *src, size_t len)
{
	return convert(dst, cap, src, len, false);
}
