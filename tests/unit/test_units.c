/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Byte units: figures for people, and sizes that people type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "../../src/util/units.h"

static void expect_text(int64_t bytes, const char *unit, const char *text)
{
	char dst[64];

	assert_ptr_equal(format_bytes(dst, sizeof(dst), bytes, unit ? unit_find(unit) : NULL), dst);
	assert_string_equal(dst, text);
}

static void test_unit_names(void **state)
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "KB", "MB", "GB" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_string_equal(units[i].name, names[i]);
		assert_ptr_equal(unit_find(names[i]), &units[i]);
	}
	assert_null(units[i].name);
	assert_null(unit_find(""));
	assert_null(unit_find("mib"));
	assert_null(unit_find("Mi"));
	assert_null(unit_find("MiBx"));
	assert_null(unit_find("TiB"));
}

static void test_format_chosen(void **state)
{
	(void)state;
	expect_text(0, NULL, "0 B");
	expect_text(1023, NULL, "1023 B");
	expect_text(1024, NULL, "1.0 KiB");
	expect_text(1536, NULL, "1.5 KiB");
	/* 1023.99 KiB would round to 1024.0 KiB */
	expect_text((1 << 20) - 1, NULL, "1.0 MiB");
	expect_text(201641165, NULL, "192.3 MiB");
	expect_text(1LL << 30, NULL, "1.00 GiB");
	expect_text(3LL << 40, NULL, "3.00 TiB");
	expect_text(INT64_MAX, NULL, "8388608.00 TiB");
}

static void test_format_negative(void **state)
{
	(void)state;
	expect_text(-1, NULL, "-1 B");
	expect_text(-1536, NULL, "-1.5 KiB");
	expect_text(-1, "GiB", "0.00 GiB");
	expect_text(INT64_MIN, NULL, "-8388608.00 TiB");
	expect_text(INT64_MIN, "B", "-9223372036854775808 B");
}

static void test_format_fixed(void **state)
{
	(void)state;
	expect_text(INT64_MAX, "B", "9223372036854775807 B");
	expect_text(512, "KiB", "0.5 KiB");
	expect_text(1500000, "MB", "1.5 MB");
	expect_text(1500000, "KB", "1500.0 KB");
	expect_text(1234567890, "GB", "1.23 GB");
	expect_text(1LL << 40, "MiB", "1048576.0 MiB");
}

static void test_format_bounded(void **state)
{
	char dst[8] = "abcdefg";

	(void)state;
	format_bytes(dst, 4, 201641165, NULL);
	assert_string_equal(dst, "192");
	assert_string_equal(dst + 4, "efg");
	format_bytes(dst, 0, 1, NULL);
	assert_string_equal(dst, "192");
}

static void expect_bytes(const char *text, uint64_t bytes, const char *rest)
{
	const char *after = NULL;
	uint64_t value = 42;

	assert_int_equal(parse_bytes(text, &value, &after), 0);
	assert_true(value == bytes);
	assert_string_equal(after, rest);
}

static void expect_error(const char *text, int err)
{
	const char *after = NULL;
	uint64_t value = 42;

	assert_int_equal(parse_bytes(text, &value, &after), err);
	assert_true(value == 42);
	assert_null(after);
}

static void test_parse(void **state)
{
	(void)state;
	expect_bytes("512MiB", 512ULL << 20, "");
	expect_bytes("2 GiB", 2ULL << 30, "");
	expect_bytes(" \t2\tGiB", 2ULL << 30, "");
	expect_bytes("1048576", 1048576, "");
	expect_bytes("1.5GB", 1500000000, "");
	expect_bytes(".5KiB", 512, "");
	expect_bytes("1TiB", 1ULL << 40, "");
	expect_bytes("1TB", 1000000000000, "");
	expect_bytes("0", 0, "");
	expect_bytes("000000000000000000000000007B", 7, "");
	expect_bytes("1.4", 1, "");
	expect_bytes("1.5", 2, "");
	expect_bytes("18446744073709551615", UINT64_MAX, "");
	expect_bytes("0.333333333333333333333333333333333GiB", 357913941, "");
}

static void test_parse_rest(void **state)
{
	(void)state;
	expect_bytes("512MiB||x", 512ULL << 20, "||x");
	expect_bytes("512MiB && x", 512ULL << 20, " && x");
	expect_bytes("512 && x", 512, " && x");
	expect_bytes("512)", 512, ")");
	expect_bytes("1-2", 1, "-2");
}

static void test_parse_refused(void **state)
{
	static const char *const wrong[] = {
		"",    " ",     "MiB",    "-1",   "+1",  ".",     "1.",    "1.MiB", "1mib", "1M",
		"1kB", "1MiBx", "1 MiB2", "0x10", "1e9", "1.5.5", "1_000", "nan",   "inf",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_error(wrong[i], -EINVAL);
	expect_error("18446744073709551616", -ERANGE);
	expect_error("99999999999999999999999999999999999999999", -ERANGE);
	expect_error("18446744073709551615KiB", -ERANGE);
	expect_error("18446744073709551615.5", -ERANGE);
	expect_error("16777216TiB", -ERANGE);
}

/* What is printed in bytes is read back as the same number. */
static void test_round_trip(void **state)
{
	static const int64_t values[] = { 0, 1, 1023, 4096, 201641165, 1LL << 40, INT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const char *rest;
		uint64_t bytes;
		char dst[64];

		format_bytes(dst, sizeof(dst), values[i], unit_find("B"));
		assert_int_equal(parse_bytes(dst, &bytes, &rest), 0);
		assert_true(bytes == (uint64_t)values[i]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unit_names),      cmocka_unit_test(test_format_chosen),
		cmocka_unit_test(test_format_negative), cmocka_unit_test(test_format_fixed),
		cmocka_unit_test(test_format_bounded),  cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_rest),      cmocka_unit_test(test_parse_refused),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
