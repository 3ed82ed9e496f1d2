/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile bytes on their way to a terminal, a line of text, or JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "../../src/util/escape.h"

static void expect_escaped(const char *src, size_t len, const char *text)
{
	char dst[256];

	assert_int_equal(escape_bytes(dst, sizeof(dst), src, len), strlen(text));
	assert_string_equal(dst, text);
}

#define EXPECT_ESCAPED(literal, text) expect_escaped(literal, sizeof(literal) - 1, text)

static void test_printable_passes(void **state)
{
	(void)state;
	EXPECT_ESCAPED("", "");
	EXPECT_ESCAPED("python3 -m 'a b' ~", "python3 -m 'a b' ~");
	EXPECT_ESCAPED("größe 日本語 😀", "größe 日本語 😀");
	EXPECT_ESCAPED("\u00a0\ufffd", "\u00a0\ufffd");
}

static void test_controls(void **state)
{
	(void)state;
	EXPECT_ESCAPED("a\nb\tc\\d", "a\\nb\\tc\\\\d");
	EXPECT_ESCAPED("\033[2J\r\a", "\\x1b[2J\\x0d\\x07");
	EXPECT_ESCAPED("a\0b", "a\\x00b");
	EXPECT_ESCAPED("\x7f", "\\x7f");
	/* C1 CSI: as a character, and as the byte of an 8-bit terminal */
	EXPECT_ESCAPED("\xc2\x9b", "\\xc2\\x9b");
	EXPECT_ESCAPED("\x9b", "\\x9b");
}

static void test_invisible(void **state)
{
	(void)state;
	/* right-to-left override, zero-width space, line separator, byte order mark, tag */
	EXPECT_ESCAPED("\u202ex", "\\xe2\\x80\\xaex");
	EXPECT_ESCAPED("\u200b", "\\xe2\\x80\\x8b");
	EXPECT_ESCAPED("\u2028", "\\xe2\\x80\\xa8");
	EXPECT_ESCAPED("\ufeff", "\\xef\\xbb\\xbf");
	EXPECT_ESCAPED("\U000e0041", "\\xf3\\xa0\\x81\\x81");
	EXPECT_ESCAPED("\U0001ffff", "\\xf0\\x9f\\xbf\\xbf");
}

static void test_invalid_utf8(void **state)
{
	(void)state;
	EXPECT_ESCAPED("\xff\xfe", "\\xff\\xfe");
	EXPECT_ESCAPED("\xc0\xaf", "\\xc0\\xaf"); /* overlong */
	EXPECT_ESCAPED("\xe0\x80\x80", "\\xe0\\x80\\x80");
	EXPECT_ESCAPED("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* surrogate */
	EXPECT_ESCAPED("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
	EXPECT_ESCAPED("\xc3", "\\xc3"); /* cut off */
	EXPECT_ESCAPED("\xe6\x97", "\\xe6\\x97");
	EXPECT_ESCAPED("\xc3(", "\\xc3("); /* what follows stays itself */
	EXPECT_ESCAPED("\xe6\xc3\xb6", "\\xe6ö");
}

/* At every capacity: bounded, terminated, a prefix of the whole that cuts nothing in half. */
static void test_bounds(void **state)
{
	static const char src[] = "a\nö\x1b日\\😀\xff";
	static const size_t ends[] = { 0, 1, 3, 5, 9, 12, 14, 18, 22 };
	char whole[64], dst[64];
	size_t total = escape_bytes(whole, sizeof(whole), src, sizeof(src) - 1);

	(void)state;
	assert_int_equal(total, 22);
	for (size_t cap = 1; cap <= total + 2; cap++) {
		size_t expected = 0, len;

		for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
			if (ends[i] < cap)
				expected = ends[i];
		memset(dst, '#', sizeof(dst));
		len = escape_bytes(dst, cap, src, sizeof(src) - 1);
		assert_int_equal(len, expected);
		assert_memory_equal(dst, whole, len);
		assert_int_equal(dst[len], '\0');
		assert_int_equal(dst[cap], '#');
	}
	dst[0] = '#';
	assert_int_equal(escape_bytes(dst, 0, src, sizeof(src) - 1), 0);
	assert_int_equal(dst[0], '#');
	assert_int_equal(escape_bytes(dst, 1, NULL, 0), 0);
	assert_int_equal(dst[0], '\0');
}

static void test_json_text(void **state)
{
	static const char src[] = "a\n\x1b\\ö\0\xff\xed\xa0\x80\u202e";
	char dst[64];
	size_t len = utf8_sanitize(dst, sizeof(dst), src, sizeof(src) - 1);

	(void)state;
	assert_int_equal(len, strlen(dst));
	assert_string_equal(dst, "a\n\x1b\\ö\\x00\\xff\\xed\\xa0\\x80\u202e");
}

/* jansson, the judge that matters, takes every two bytes. */
static void test_json_accepts(void **state)
{
	(void)state;
	for (unsigned int pair = 0; pair < 65536; pair++) {
		char src[4] = { (char)(pair >> 8), (char)pair, (char)0x80, 'x' }, dst[32];
		size_t len = utf8_sanitize(dst, sizeof(dst), src, sizeof(src));
		json_t *string = json_string(dst);

		assert_int_equal(len, strlen(dst));
		assert_non_null(string);
		json_decref(string);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printable_passes), cmocka_unit_test(test_controls),
		cmocka_unit_test(test_invisible),        cmocka_unit_test(test_invalid_utf8),
		cmocka_unit_test(test_bounds),           cmocka_unit_test(test_json_text),
		cmocka_unit_test(test_json_accepts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
