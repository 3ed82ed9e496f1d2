/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --fail-if: what it accepts, what it means, and what it says about what it does not accept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/expr.h"

#define MIB (1024 * 1024LL)

/* rss 100 MiB, peak.rss 200 MiB at 2.5 s, 7 processes, share 10 %; the machine is not known. */
static struct snapshot example(void)
{
	struct snapshot s = { .page_bytes = 4096, .start_ns = 1000000000, .now_ns = 11000000000 };

	s.tree.known = true;
	s.tree.now.kind[MEM_ANON] = 100 * MIB / 4096;
	s.tree.at_peak.kind[MEM_ANON] = 200 * MIB / 4096;
	s.tree.peak_ns = 3500000000;
	s.tree.processes = 7;
	s.tree.cpu_ns = 1000000000;
	s.cost.known = true;
	s.cost.last.events = 1000000;
	s.cost.last.event_ns = 100000;
	return s;
}

static void holds(const char *text, bool expected)
{
	struct snapshot s = example();
	char why[256] = "";
	struct expr *e;
	int err = expr_parse(text, &e, why, sizeof(why));

	if (err)
		fail_msg("%s: %s", text, why);
	if (expr_holds(e, &s) != expected)
		fail_msg("%s: expected %s", text, expected ? "true" : "false");
	assert_string_equal(expr_text(e), text);
	expr_destroy(e);
}

static void test_operators(void **state)
{
	(void)state;
	holds("processes>6", true);
	holds("processes>7", false);
	holds("processes>=7", true);
	holds("processes>=8", false);
	holds("processes<8", true);
	holds("processes<7", false);
	holds("processes<=7", true);
	holds("processes<=6", false);
	holds("processes==7", true);
	holds("processes==8", false);
	holds("processes!=8", true);
	holds("processes!=7", false);
}

static void test_units(void **state)
{
	(void)state;
	holds("rss==100MiB", true);
	holds("rss == 100 MiB", true);
	holds("rss==104857600", true);
	holds("rss>0.1GB", true);
	holds("rss>0.1GiB", false);
	holds("peak.at==2.5", true);
	holds("peak.at==2.5s", true);
	holds("peak.at==2500 ms", true);
	holds("peak.at>.5s", true);
	holds("overhead.bpf_ns_per_event<=100ns", true);
	holds("overhead.share_of_target_cpu>9%", true);
	holds("overhead.share_of_target_cpu>0.11", false);
	holds("overhead.share_of_target_cpu>11%", false);
}

static void test_joined(void **state)
{
	(void)state;
	holds("rss>1GiB||processes==7", true);
	holds("rss>1GiB && processes==7", false);
	/* && binds tighter: true || (false && false), not (true || false) && false */
	holds("processes==7||processes==8&&processes==9", true);
	holds("(processes==7||processes==8)&&processes==9", false);
	holds("processes==9&&processes==8||processes==7", true);
	holds(" ( ( rss > 1 ) ) ", true);
}

static void test_unknown_is_false(void **state)
{
	static const char *const ops[] = { ">", ">=", "<", "<=", "==", "!=" };
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		snprintf(text, sizeof(text), "system.available%s0", ops[i]);
		holds(text, false);
	}
}

/* 8 EiB - 1 is exact: comparing must not go through a double. */
static void test_large(void **state)
{
	struct snapshot s = example();
	char why[256];
	struct expr *e;

	(void)state;
	s.charge.known = true;
	s.charge.last.current_bytes = (1ULL << 53) + 1;
	assert_int_equal(expr_parse("charged.current>9007199254740992", &e, why, sizeof(why)), 0);
	assert_true(expr_holds(e, &s));
	expr_destroy(e);
}

/* ---- of two watches --------------------------------------------------------------------------- */

/* peak.rss 100 to 105 MiB, faults.minor 0 to 3, cpu 2 s to 1.5 s, a share 10 % to 12 %, swap unknown. */
static struct field_pair example_pair(const void *ctx, const struct field *f)
{
	static const struct {
		const char *name;
		struct field_pair p;
	} pairs[] = {
		{ "peak.rss", { { true, 0, 100 * MIB }, { true, 0, 105 * MIB } } },
		{ "faults.minor", { { true, 0, 0 }, { true, 0, 3 } } },
		{ "faults.major", { { true, 0, 0 }, { true, 0, 0 } } },
		{ "cpu", { { true, 2, 0 }, { true, 1.5, 0 } } },
		{ "overhead.share_of_target_cpu", { { true, 0.1, 0 }, { true, 0.12, 0 } } },
		{ "processes", { { false, 0, 0 }, { true, 0, 7 } } },
		{ "system.total", { { true, 0, INT64_MAX - 1 }, { true, 0, INT64_MAX } } },
		{ "first.rss", { { true, 0, -200 }, { true, 0, -100 } } },
	};
	struct field_pair none = { { false, 0, 0 }, { false, 0, 0 } };

	(void)ctx;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (!strcmp(f->name, pairs[i].name))
			return pairs[i].p;
	return none;
}

static void diff_holds(const char *text, bool expected)
{
	char why[256] = "";
	struct expr *e;
	int err = expr_parse_diff(text, &e, why, sizeof(why));

	if (err)
		fail_msg("%s: %s", text, why);
	if (expr_diff_holds(e, example_pair, NULL) != expected)
		fail_msg("%s: expected %s", text, expected ? "true" : "false");
	expr_destroy(e);
}

static void test_changes(void **state)
{
	(void)state;
	/* exactly 5 %: 0.05 is no binary fraction */
	diff_holds("peak.rss>+5%", false);
	diff_holds("peak.rss>=+5%", true);
	diff_holds("peak.rss==+5.000000%", true);
	diff_holds("peak.rss>+4.999999%", true);
	diff_holds("peak.rss>+5.000001%", false);
	diff_holds("peak.rss > + 4.9 %", true);
	diff_holds("peak.rss>+.5%", true);
	diff_holds("peak.rss>+5MiB", false);
	diff_holds("peak.rss>=+5MiB", true);
	diff_holds("peak.rss>+4.9MiB", true);
	diff_holds("peak.rss<-5MiB", false);
	diff_holds("peak.rss>-1%", true);
	/* without a sign it is the value now */
	diff_holds("peak.rss>104MiB", true);
	diff_holds("peak.rss>105MiB", false);
	diff_holds("cpu<-20%", true);
	diff_holds("cpu<-25%", false);
	diff_holds("cpu<=-25%", true);
	diff_holds("cpu<-400ms", true);
	diff_holds("cpu<-0.5s", false);
	/* of a share too, a percentage is of what it was; a number is the difference */
	diff_holds("overhead.share_of_target_cpu>+19%", true);
	diff_holds("overhead.share_of_target_cpu>+21%", false);
	diff_holds("overhead.share_of_target_cpu>+0.01", true);
	diff_holds("overhead.share_of_target_cpu>+0.03", false);
	diff_holds("overhead.share_of_target_cpu>11%", true);
}

static void test_changes_from_nothing(void **state)
{
	(void)state;
	diff_holds("faults.minor>+5%", true);
	diff_holds("faults.minor>+1000000000%", true);
	diff_holds("faults.minor>+2", true);
	diff_holds("faults.minor>+3", false);
	diff_holds("faults.major>+0%", false);
	diff_holds("faults.major==+0", true);
	diff_holds("faults.major>+0", false);
	/* from -200 to -100 it rose by half of what it was */
	diff_holds("first.rss>+49%", true);
	diff_holds("first.rss>+51%", false);
	/* nothing is rounded: one byte in 2^63 */
	diff_holds("system.total>+0", true);
	diff_holds("system.total>+0%", true);
	diff_holds("system.total>+1", false);
	diff_holds("system.total>+0.000001%", false);
}

static void test_changes_joined(void **state)
{
	(void)state;
	diff_holds("peak.rss>+5%||faults.minor>+2", true);
	diff_holds("peak.rss>+5%&&faults.minor>+2", false);
	diff_holds("(peak.rss>+20MiB || peak.rss>+4%) && cpu<2s", true);
}

/* What one side does not know cannot have changed; what only the first does not know, can be. */
static void test_changes_of_unknown(void **state)
{
	char why[256];
	struct expr *e;

	(void)state;
	diff_holds("processes>+0", false);
	diff_holds("processes<+0", false);
	diff_holds("processes!=+0", false);
	diff_holds("processes>6", true);
	diff_holds("swap<1", false);
	assert_int_equal(
		expr_parse_diff(" (processes > +1) || swap<1&& processes>6 ", &e, why, sizeof(why)),
		0);
	assert_int_equal(expr_parts(e), 3);
	assert_string_equal(expr_part(e, 0).field->name, "processes");
	assert_int_equal(expr_part(e, 0).len, strlen("processes > +1"));
	assert_memory_equal(expr_part(e, 0).text, "processes > +1", 14);
	assert_true(expr_part(e, 0).is_change);
	assert_string_equal(expr_part(e, 1).field->name, "swap");
	assert_memory_equal(expr_part(e, 2).text, "processes>6 ", expr_part(e, 2).len);
	assert_int_equal(expr_part(e, 2).len, strlen("processes>6"));
	assert_false(expr_part(e, 2).is_change);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(expr_part_holds(e, i, example_pair(NULL, expr_part(e, i).field)),
				 i < 2 ? EXPR_UNKNOWN : EXPR_TRUE);
	expr_destroy(e);
}

static void test_change_messages(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "rss>+",
		  "'+' is no change for 'rss': expected bytes, or a number with B KiB MiB GiB TiB KB MB GB or TB, such as 512MiB" },
		{ "rss>+x%",
		  "'+x%' is no change for 'rss': expected a share of what it was, such as +5%" },
		{ "rss>+%",
		  "'+%' is no change for 'rss': expected a share of what it was, such as +5%" },
		{ "rss>+5%%",
		  "'+5%%' is no change for 'rss': expected a share of what it was, such as +5%" },
		{ "rss>++5%",
		  "'++5%' is no change for 'rss': expected a share of what it was, such as +5%" },
		{ "rss>+1.2.3%",
		  "'+1.2.3%' is no change for 'rss': expected a share of what it was, such as +5%" },
		{ "rss>+10000000000%",
		  "'+10000000000%' is no change for 'rss': expected a share of what it was, such as +5%" },
		{ "processes>-1.5",
		  "'-1.5' is no change for 'processes': expected a whole number, such as 100" },
		{ "rss>5%",
		  "'5%' is no value for 'rss': expected bytes, or a number with B KiB MiB GiB TiB KB MB GB or TB, such as 512MiB" },
	};
	struct expr *e = NULL;
	char why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		why[0] = '\0';
		assert_int_equal(expr_parse_diff(cases[i].text, &e, why, sizeof(why)), -EINVAL);
		assert_string_equal(why, cases[i].why);
		assert_null(e);
	}
	assert_int_equal(expr_parse("rss>+5%", &e, why, sizeof(why)), -EINVAL);
	assert_string_equal(
		why,
		"'+5%' is a change, which only diff knows: expected bytes, or a number with B KiB "
		"MiB GiB TiB KB MB GB or TB, such as 512MiB");
}

static void test_messages(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "the condition is empty: expected one such as \"peak.rss>2GiB\"" },
		{ "  ", "the condition is empty: expected one such as \"peak.rss>2GiB\"" },
		{ "peak.rs>1", "unknown field 'peak.rs', did you mean 'peak.rss'?" },
		{ "peka.rss>1", "unknown field 'peka.rss', did you mean 'peak.rss'?" },
		{ "available<1", "unknown field 'available', did you mean 'system.available'?" },
		{ "system.avaliable<1",
		  "unknown field 'system.avaliable', did you mean 'system.available'?" },
		{ "qqqqqqqq>1",
		  "unknown field 'qqqqqqqq' (such as peak.rss, rss, system.available)" },
		{ "5>rss", "expected the name of a field, not '5' (such as \"peak.rss>2GiB\")" },
		{ "!rss>5", "expected the name of a field, not '!' (such as \"peak.rss>2GiB\")" },
		{ "rss",
		  "'rss' is not compared with anything: add > >= < <= == or != and a number" },
		{ "rss=5", "expected > >= < <= == or != after 'rss', not '='" },
		{ "rss 5", "expected > >= < <= == or != after 'rss', not '5'" },
		{ "rss>", "a number is missing after 'rss>'" },
		{ "rss>&&rss<1", "expected a number after 'rss>', not '&&'" },
		{ "rss>>5", "expected a number after 'rss>', not '>'" },
		{ "rss>5XB",
		  "'5XB' is no value for 'rss': expected bytes, or a number with B KiB MiB "
		  "GiB TiB KB MB GB or TB, such as 512MiB" },
		{ "rss>-5",
		  "'-5' is a change, which only diff knows: expected bytes, or a number with B KiB MiB "
		  "GiB TiB KB MB GB or TB, such as 512MiB" },
		{ "processes>1.5",
		  "'1.5' is no value for 'processes': expected a whole number, such "
		  "as 100" },
		{ "processes>9223372036854775808",
		  "'9223372036854775808' is no value for 'processes': expected a whole number, such "
		  "as 100" },
		{ "peak.at>5m",
		  "'5m' is no value for 'peak.at': expected seconds, or a number with s "
		  "or ms, such as 1.5s" },
		{ "peak.at>inf",
		  "'inf' is no value for 'peak.at': expected seconds, or a number with "
		  "s or ms, such as 1.5s" },
		{ "peak.at>1.2.3",
		  "'1.2.3' is no value for 'peak.at': expected seconds, or a number "
		  "with s or ms, such as 1.5s" },
		{ "peak.at>.",
		  "'.' is no value for 'peak.at': expected seconds, or a number with s "
		  "or ms, such as 1.5s" },
		{ "rss>5 &", "expected && or || between conditions, not '&'" },
		{ "rss>5 && ", "a condition is missing at the end, such as \"peak.rss>2GiB\"" },
		{ "(rss>5", "a ')' is missing at the end" },
		{ "rss>5)", "there is no '(' for the ')' at ')'" },
		{ "()", "expected the name of a field, not ')' (such as \"peak.rss>2GiB\")" },
		{ "(rss>5(", "expected && || or ')', not '('" },
		{ "r\033[31m>5", "unknown field 'r' (such as peak.rss, rss, system.available)" },
		{ "rss>\033[31m\n5",
		  "'?[31m?5' is no value for 'rss': expected bytes, or a number with B KiB MiB GiB TiB "
		  "KB MB GB or TB, such as 512MiB" },
	};
	struct expr *e = NULL;
	char why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		why[0] = '\0';
		assert_int_equal(expr_parse(cases[i].text, &e, why, sizeof(why)), -EINVAL);
		assert_string_equal(why, cases[i].why);
		assert_null(e);
	}
}

static void test_message_is_bounded(void **state)
{
	struct expr *e;
	char why[12], none = 'x';

	(void)state;
	assert_int_equal(expr_parse("nonsense>5", &e, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "unknown fie");
	assert_int_equal(expr_parse("nonsense>5", &e, &none, 0), -EINVAL);
	assert_int_equal(none, 'x');
}

/* `n` comparisons joined by &&, inside `depth` parentheses. */
static int parse_sized(int n, int depth, char *why, size_t why_len)
{
	char *text = calloc(1, 8192);
	struct expr *e;
	int err;

	assert_non_null(text);
	for (int i = 0; i < depth; i++)
		strcat(text, "(");
	for (int i = 0; i < n; i++)
		strcat(text, i ? "&&rss>1" : "rss>1");
	for (int i = 0; i < depth; i++)
		strcat(text, ")");
	err = expr_parse(text, &e, why, why_len);
	expr_destroy(e);
	free(text);
	return err;
}

static void test_limits(void **state)
{
	char why[256] = "";

	(void)state;
	assert_int_equal(parse_sized(64, 16, why, sizeof(why)), 0);
	assert_int_equal(parse_sized(65, 0, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "more than 64 comparisons at 'rss>1'");
	assert_int_equal(parse_sized(1, 17, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "more than 16 levels of parentheses at '(rss>1)))))))))))))))))'");
}

static void test_length(void **state)
{
	char text[4098], why[256];
	struct expr *e;

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "rss>1", 5);
	text[4096] = '\0';
	assert_int_equal(expr_parse(text, &e, why, sizeof(why)), 0);
	expr_destroy(e);
	text[4096] = ' ';
	text[4097] = '\0';
	assert_int_equal(expr_parse(text, &e, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "the condition is longer than 4096 bytes");
	expr_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operators),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_joined),
		cmocka_unit_test(test_unknown_is_false),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_changes_from_nothing),
		cmocka_unit_test(test_changes_joined),
		cmocka_unit_test(test_changes_of_unknown),
		cmocka_unit_test(test_change_messages),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_message_is_bounded),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
