/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Escaped text is bounded, terminated, free of controls, a prefix of the whole at every capacity,
 * and says unambiguously what the bytes were; sanitized text is what the JSON library takes.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/util/escape.h"

#define REQUIRE(condition)                \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

static int hex_digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Undoes escape_bytes(). */
static size_t unescape(char *dst, const char *src)
{
	size_t len = 0;

	while (*src) {
		if (*src != '\\') {
			dst[len++] = *src++;
			continue;
		}
		switch (src[1]) {
		case 'n':
			dst[len++] = '\n';
			break;
		case 't':
			dst[len++] = '\t';
			break;
		case '\\':
			dst[len++] = '\\';
			break;
		default:
			REQUIRE(src[1] == 'x');
			dst[len++] = (char)(hex_digit(src[2]) << 4 | hex_digit(src[3]));
			src += 2;
		}
		src += 2;
	}
	return len;
}

static void check_cut(size_t (*convert)(char *, size_t, const char *, size_t), const char *src,
		      size_t size, const char *whole, size_t cap)
{
	char *cut = malloc(cap);
	size_t len;

	if (!cut)
		return;
	len = convert(cut, cap, src, size);
	REQUIRE(len < cap && !cut[len] && strlen(cut) == len && !memcmp(cut, whole, len));
	/* not in the middle of a character; and no room was left for a whole item */
	REQUIRE((whole[len] & 0xc0) != 0x80);
	REQUIRE(!whole[len] || len + 4 * ESCAPE_MAX_GROWTH >= cap);
	free(cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cap = size * ESCAPE_MAX_GROWTH + 1, len;
	char *whole = malloc(cap), *back = malloc(cap), *src = malloc(size + 1);
	size_t small = size ? data[0] + 1U : 1;
	json_t *string;

	if (!whole || !back || !src)
		goto out;
	memcpy(src, data, size);

	len = escape_bytes(whole, cap, src, size);
	REQUIRE(len == strlen(whole));
	for (size_t i = 0; i < len; i++)
		REQUIRE((unsigned char)whole[i] >= 0x20 && whole[i] != 0x7f);
	REQUIRE(unescape(back, whole) == size && !memcmp(back, src, size));
	check_cut(escape_bytes, src, size, whole, small);

	len = utf8_sanitize(whole, cap, src, size);
	REQUIRE(len == strlen(whole));
	string = json_string(whole);
	REQUIRE(string);
	json_decref(string);
	check_cut(utf8_sanitize, src, size, whole, small);
out:
	free(src);
	free(back);
	free(whole);
	return 0;
}
