// SPDX-License-Identifier: GPL-2.0-or-later
/* The governor against series of windows that nobody measured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "governor.h"

#define MS 1000000ULL
#define S (1000 * MS)
#define BUDGET 0.05

/* Feeds windows of `share` every `gap` from `*now` on; returns when the mode changed, 0 = it did not. */
static uint64_t feed(struct governor *g, uint64_t *now, uint64_t length, uint64_t gap, double share,
		     bool optional)
{
	enum watch_mode before = g->mode;

	for (uint64_t end = *now + length; *now < end;) {
		*now += gap;
		if (governor_input(g, *now, share, optional) != before)
			return *now;
	}
	return 0;
}

static void test_no_budget(void **state)
{
	struct governor g;
	uint64_t now = S;

	(void)state;
	governor_init(&g, 0, MODE_FULL);
	assert_int_equal(feed(&g, &now, 60 * S, S, 3.0, true), 0);
	assert_false(governor_watchful(&g));
	governor_init(&g, 0, MODE_SAMPLE);
	assert_int_equal(feed(&g, &now, 600 * S, S, 0, true), 0);
	assert_int_equal(g.mode, MODE_SAMPLE);
}

static void test_within_budget(void **state)
{
	struct governor g;
	uint64_t now = S;

	(void)state;
	governor_init(&g, BUDGET, MODE_FULL);
	assert_int_equal(feed(&g, &now, 60 * S, S, BUDGET, true), 0);
	/* less than a second over the budget is forgiven, again and again */
	for (int i = 0; i < 20; i++) {
		assert_int_equal(feed(&g, &now, 750 * MS, 250 * MS, 1.0, true), 0);
		assert_true(governor_watchful(&g));
		assert_int_equal(feed(&g, &now, 250 * MS, 250 * MS, 0.01, true), 0);
		assert_false(governor_watchful(&g));
	}
	assert_int_equal(g.mode, MODE_FULL);
}

static void test_down_after_a_second(void **state)
{
	struct governor g;
	uint64_t now = S, at;

	(void)state;
	governor_init(&g, BUDGET, MODE_FULL);
	at = feed(&g, &now, 10 * S, 250 * MS, 0.06, false);
	assert_int_equal(g.mode, MODE_SAMPLE); /* there is nothing optional */
	assert_int_equal(at, S + 250 * MS + S);
}

static void test_optional_first(void **state)
{
	struct governor g;
	uint64_t now = 0, at;

	(void)state;
	governor_init(&g, BUDGET, MODE_FULL);
	feed(&g, &now, 10 * S, 250 * MS, 0.3, true);
	assert_int_equal(g.mode, MODE_LEAN);
	/* that was enough */
	assert_int_equal(feed(&g, &now, 4 * S, 250 * MS, 0.01, false), 0);

	now = 0;
	governor_init(&g, BUDGET, MODE_FULL);
	feed(&g, &now, 10 * S, 250 * MS, 0.3, true);
	at = feed(&g, &now, 10 * S, 250 * MS, 0.3, false);
	assert_int_equal(g.mode, MODE_SAMPLE);
	assert_in_range(at, S, 3 * S); /* both steps within three seconds */
	/* and both come back, one after the other */
	feed(&g, &now, 60 * S, S, 0, false);
	assert_int_equal(g.mode, MODE_LEAN);
	feed(&g, &now, 60 * S, S, 0, false);
	assert_int_equal(g.mode, MODE_FULL);
}

/* A storm that goes on: every try fails at its first window, and each wait is twice the one before. */
static void test_back_off(void **state)
{
	struct governor g;
	uint64_t now = 0, down, up, wait = 5 * S;

	(void)state;
	governor_init(&g, BUDGET, MODE_FULL);
	down = feed(&g, &now, 10 * S, 250 * MS, 0.5, false);
	for (int i = 0; i < 12; i++) {
		up = feed(&g, &now, 1000 * S, S, 0.001, false);
		assert_int_equal(g.mode, MODE_FULL);
		assert_true(governor_watchful(&g));
		assert_in_range(up - down, wait, wait + S);
		down = feed(&g, &now, S, 250 * MS, 0.5, false);
		assert_int_equal(g.mode, MODE_SAMPLE);
		assert_int_equal(down, up + 250 * MS);
		wait = wait > 150 * S ? 300 * S : 2 * wait;
	}
	assert_int_equal(wait, 300 * S);
}

/* What has been calm for long is tried again soon after the next storm. */
static void test_back_off_begins_anew(void **state)
{
	struct governor g;
	uint64_t now = 0, down, up;

	(void)state;
	governor_init(&g, BUDGET, MODE_FULL);
	for (int i = 0; i < 4; i++) {
		feed(&g, &now, 10 * S, 250 * MS, 0.5, false);
		feed(&g, &now, 1000 * S, S, 0.001, false);
	}
	assert_int_equal(g.mode, MODE_FULL);
	assert_int_equal(feed(&g, &now, 600 * S, S, 0.01, false), 0);
	down = feed(&g, &now, 10 * S, 250 * MS, 0.5, false);
	up = feed(&g, &now, 1000 * S, S, 0.001, false);
	assert_in_range(up - down, 5 * S, 6 * S);
}

/* A storm of forks costs something in the sample mode too: no try while that lasts, nothing to drop. */
static void test_over_while_sampled(void **state)
{
	struct governor g;
	uint64_t now = 0;

	(void)state;
	governor_init(&g, BUDGET, MODE_FULL);
	feed(&g, &now, 10 * S, 250 * MS, 0.5, false);
	assert_int_equal(feed(&g, &now, 600 * S, S, 0.06, false), 0);
	assert_int_equal(g.mode, MODE_SAMPLE);
	assert_false(governor_watchful(&g));
	assert_int_not_equal(feed(&g, &now, 2 * S, S, 0.01, false), 0);
	assert_int_equal(g.mode, MODE_FULL);
}

static void test_step_that_failed(void **state)
{
	struct governor g;
	uint64_t now = 0, at;

	(void)state;
	governor_init(&g, BUDGET, MODE_FULL);
	feed(&g, &now, 10 * S, 250 * MS, 0.5, false);
	at = feed(&g, &now, 60 * S, S, 0, false);
	governor_stay(&g, at, MODE_SAMPLE);
	assert_int_equal(g.mode, MODE_SAMPLE);
	assert_int_equal(feed(&g, &now, 9 * S, S, 0, false), 0);
	assert_int_not_equal(feed(&g, &now, 2 * S, S, 0, false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_budget),
		cmocka_unit_test(test_within_budget),
		cmocka_unit_test(test_down_after_a_second),
		cmocka_unit_test(test_optional_first),
		cmocka_unit_test(test_back_off),
		cmocka_unit_test(test_back_off_begins_anew),
		cmocka_unit_test(test_over_while_sampled),
		cmocka_unit_test(test_step_that_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
