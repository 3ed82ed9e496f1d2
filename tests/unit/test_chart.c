/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Charts as numbers: thinning that keeps every extreme, axes that people can read, flags that do not overlap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "report/chart.h"

#define KIB 1024.0
#define MIB (KIB * KIB)
#define GIB (KIB * MIB)

/* ---- rows ------------------------------------------------------------------------------------- */

static void add1(struct chart_rows *r, double at_s, double value)
{
	assert_int_equal(chart_rows_add(r, at_s, &value), 0);
}

static void test_rows_are_ascending(void **state)
{
	struct chart_rows r = { .width = 1 };

	(void)state;
	add1(&r, 1, 10);
	add1(&r, 0.5, 20); /* a record that came late */
	add1(&r, NAN, 30);
	add1(&r, INFINITY, 40);
	add1(&r, 2, INFINITY);
	assert_int_equal(r.n, 5);
	assert_true(chart_row_at(&r, 1) == 1 && chart_row_at(&r, 2) == 1 &&
		    chart_row_at(&r, 3) == 1 && chart_row_at(&r, 4) == 2);
	assert_true(*chart_row(&r, 3) == 40);
	assert_true(isnan(*chart_row(&r, 4)));
	chart_rows_finish(&r);
	assert_int_equal(r.n, 0);
}

/* The next pseudo-random number of a fixed sequence, 0 … 1. */
static double roll(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)(*state >> 11) / 9007199254740992.0;
}

static void extremes_of(const struct chart_rows *r, double from_s, double to_s, double *low,
			double *high, size_t *gaps)
{
	*low = INFINITY;
	*high = -INFINITY;
	*gaps = 0;
	for (size_t i = 0; i < r->n; i++) {
		double sum = chart_row_sum(r, i);

		if (chart_row_at(r, i) < from_s || chart_row_at(r, i) >= to_s)
			continue;
		*gaps += isnan(sum);
		*low = fmin(*low, sum);
		*high = fmax(*high, sum);
	}
}

static void test_thinning_keeps_every_extreme(void **state)
{
	const size_t columns = 100, n = 200000;
	struct chart_rows all = { .width = 3 }, thin = { .width = 3 };
	uint64_t seed = 42;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		double v[3] = { roll(&seed), 5 * roll(&seed), 0.1 };

		if (i % 7919 == 0)
			v[0] = 1000 + (double)i; /* a peak of one sample */
		if (i % 50021 == 0)
			v[1] = NAN;
		assert_int_equal(chart_rows_add(&all, (double)i / 10, v), 0);
		assert_int_equal(chart_rows_add(&thin, (double)i / 10, v), 0);
	}
	chart_rows_thin(&thin, 0, (double)n / 10, columns);
	assert_in_range(thin.n, 2 * columns, 5 * columns);
	for (size_t c = 0; c < columns; c++) {
		double from_s = (double)n / 10 * (double)c / (double)columns,
		       to_s = (double)n / 10 * (double)(c + 1) / (double)columns;
		double low[2], high[2];
		size_t gaps[2];

		extremes_of(&all, from_s, to_s, &low[0], &high[0], &gaps[0]);
		extremes_of(&thin, from_s, to_s, &low[1], &high[1], &gaps[1]);
		assert_true(low[0] == low[1]);
		assert_true(high[0] == high[1]);
		assert_int_equal(gaps[0] > 0, gaps[1] > 0);
	}
	for (size_t i = 1; i < thin.n; i++)
		assert_true(chart_row_at(&thin, i) >= chart_row_at(&thin, i - 1));
	assert_true(chart_row_at(&thin, 0) == 0);
	assert_true(chart_row_at(&thin, thin.n - 1) == chart_row_at(&all, n - 1));
	chart_rows_finish(&all);
	chart_rows_finish(&thin);
}

/* As log_dir.c does it: again and again, while the end moves on. */
static void test_thinning_again_loses_nothing(void **state)
{
	struct chart_rows r = { .width = 1 };
	double highest = 0, highest_s = 0, end_s = 0;
	uint64_t seed = 7;
	bool found = false;
	size_t most = 0;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		double v = roll(&seed);

		end_s = i * 0.1;
		if (v > highest) {
			highest = v;
			highest_s = end_s;
		}
		if (r.n >= 1600)
			chart_rows_thin(&r, 0, end_s, 100);
		add1(&r, end_s, v);
		most = r.n > most ? r.n : most;
	}
	assert_in_range(most, 1600, 1601);
	for (size_t i = 0; i < r.n; i++)
		found |= *chart_row(&r, i) == highest && chart_row_at(&r, i) == highest_s;
	assert_true(found);
	chart_rows_finish(&r);
}

static void test_thinning_nothing(void **state)
{
	struct chart_rows r = { .width = 1 };

	(void)state;
	chart_rows_thin(&r, 0, 1, 10);
	assert_int_equal(r.n, 0);
	add1(&r, 3, 4);
	chart_rows_thin(&r, 3, 3, 0); /* no time has passed, no column */
	assert_int_equal(r.n, 1);
	for (int i = 0; i < 9; i++)
		add1(&r, 3, NAN);
	chart_rows_thin(&r, 0, 10, 1);
	assert_int_equal(r.n, 2); /* the value, and that it was not known for a while */
	chart_rows_finish(&r);
}

/* ---- axes ------------------------------------------------------------------------------------- */

/* "0 200 400 MiB" */
static const char *labels(const struct chart_axis *axis)
{
	static char text[1024];
	size_t len = 0;

	for (size_t i = 0; i < axis->n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s ", axis->labels[i]);
	snprintf(text + len, sizeof(text) - len, "%s", axis->unit);
	return text;
}

static const char *bytes(double low, double high, size_t most, const char *unit)
{
	static struct chart_axis axis;

	chart_axis_bytes(&axis, low, high, most, unit ? unit_find(unit) : NULL);
	assert_true(axis.low <= low && axis.high >= high);
	for (size_t i = 0; i < axis.n; i++)
		assert_true(axis.ticks[i] >= axis.low - 1e-6 &&
			    axis.ticks[i] <= axis.high * (1 + 1e-6));
	return labels(&axis);
}

static void test_axes_of_bytes(void **state)
{
	(void)state;
	assert_string_equal(bytes(0, 823 * MIB, 5, NULL), "0 200 400 600 800 MiB");
	assert_string_equal(bytes(0, 64 * MIB, 5, NULL), "0 20 40 60 MiB");
	assert_string_equal(bytes(0, 1.3 * GIB, 5, NULL), "0.0 0.5 1.0 GiB");
	assert_string_equal(bytes(0, 16 * GIB, 5, NULL), "0 5 10 15 GiB");
	assert_string_equal(bytes(0, 900, 5, NULL), "0 200 400 600 800 B");
	assert_string_equal(bytes(0, 3, 5, NULL), "0 1 2 3 B");
	assert_string_equal(bytes(0, 3, 9, NULL), "0 1 2 3 B"); /* half a byte is nothing */
	assert_string_equal(bytes(0, 0, 5, NULL), "0.0 0.2 0.4 0.6 0.8 1.0 MiB");
	assert_string_equal(bytes(0, 823 * MIB, 5, "GB"), "0.0 0.2 0.4 0.6 0.8 GB");
	/* less than at first */
	assert_string_equal(bytes(-30 * MIB, 55 * MIB, 5, NULL), "-40 -20 0 20 40 MiB");
	assert_string_equal(bytes(-30 * MIB, 0, 5, NULL), "-30 -20 -10 0 MiB");
}

static void test_axes_survive_anything(void **state)
{
	static const double values[] = { 0,   1,    -1,    4096,      1e18,    -1e18,
					 NAN, 1e-9, 1e300, -INFINITY, INFINITY };
	static const size_t n = sizeof(values) / sizeof(values[0]);
	struct chart_axis axis;

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			for (size_t most = 0; most < 60; most += 7) {
				chart_axis_bytes(&axis, values[i], values[j], most, NULL);
				assert_true(axis.n <= CHART_TICKS && axis.high > axis.low);
				chart_axis_bytes(&axis, values[i], values[j], most,
						 unit_find("GiB"));
				assert_true(axis.n <= CHART_TICKS && axis.high > axis.low);
				chart_axis_time(&axis, values[i], values[j], most, most % 2);
				assert_true(axis.n <= CHART_TICKS && axis.high > axis.low);
			}
}

static const char *times(double high, size_t most, bool plain)
{
	static struct chart_axis axis;

	chart_axis_time(&axis, 0, high, most, plain);
	return labels(&axis);
}

static void test_axes_of_time(void **state)
{
	(void)state;
	assert_string_equal(times(0.02, 4, false), "0.000 0.005 0.010 0.015 0.020 seconds");
	assert_string_equal(times(9.5, 5, false), "0 2 4 6 8 seconds");
	assert_string_equal(times(125, 7, false), "0 20 40 60 80 100 120 seconds");
	assert_string_equal(times(600, 5, false), "0:00 2:00 4:00 6:00 8:00 10:00 min:s");
	assert_string_equal(times(190, 10, false),
			    "0:00 0:20 0:40 1:00 1:20 1:40 2:00 2:20 2:40 3:00 min:s");
	assert_string_equal(times(8 * 3600, 4, false), "0:00 2:00 4:00 6:00 8:00 h:min");
	assert_string_equal(times(4 * 86400, 4, false), "0 1 2 3 4 days");
	assert_string_equal(times(4 * 86400, 8, false),
			    "0d 0h 0d 12h 1d 0h 1d 12h 2d 0h 2d 12h 3d 0h 3d 12h 4d 0h days");
	assert_string_equal(times(100 * 86400, 5, false), "0 20 40 60 80 100 days");
	/* NNCF's plots know seconds only */
	assert_string_equal(times(600, 5, true), "0 200 400 600 seconds");
	assert_string_equal(times(0, 5, true), "0.0 0.2 0.4 0.6 0.8 1.0 seconds");
}

/* ---- charts ----------------------------------------------------------------------------------- */

static struct chart_panel *one_panel(struct chart *c, double highest)
{
	struct chart_panel *p = chart_add_panel(c, "a panel");
	struct chart_layer *l;

	assert_non_null(p);
	l = chart_add_layer(p, 1);
	assert_non_null(l);
	add1(&l->rows, 0, highest / 2);
	add1(&l->rows, 1, highest);
	add1(&l->rows, 2, NAN);
	return p;
}

static void test_limits_that_would_press_values_flat_are_left_out(void **state)
{
	struct chart *c = chart_create();
	struct chart_panel *near, *far;

	(void)state;
	assert_non_null(c);
	c->to_s = 2;
	near = one_panel(c, 30 * MIB);
	near->limit = 64 * MIB;
	far = one_panel(c, 30 * MIB);
	far->limit = 64 * GIB;
	chart_scale(c, 10, 5, NULL);
	assert_true(near->limit_shown);
	assert_true(near->y.high > 64 * MIB);
	assert_false(far->limit_shown);
	assert_true(far->y.high >= 30 * MIB && far->y.high < 60 * MIB);
	assert_true(c->x.low == 0 && c->x.high == 2);
	chart_destroy(c);
	chart_destroy(NULL);
}

static void test_marks_are_within_the_axes(void **state)
{
	struct chart *c = chart_create();
	struct chart_panel *p;
	double low, high;

	(void)state;
	assert_non_null(c);
	p = one_panel(c, 30 * MIB);
	p->has_mark = true;
	p->mark = 80 * MIB; /* the peak lay between two samples */
	assert_true(chart_panel_range(p, &low, &high));
	assert_true(low == 15 * MIB && high == 80 * MIB);
	chart_scale(c, 10, 5, NULL);
	/* with room for the words; the axis has the unit that they have */
	assert_true(p->y.low == 0 && p->y.high > 90 * MIB);
	p->mark = 1000 * MIB;
	chart_scale(c, 10, 5, NULL);
	assert_true(p->y.high > 1100 * MIB);
	assert_string_equal(p->y.unit, "MiB");
	chart_destroy(c);
}

static void test_nothing_to_show(void **state)
{
	struct chart *c = chart_create();
	struct chart_panel *p;
	double low, high;

	(void)state;
	assert_non_null(c);
	p = chart_add_panel(c, "empty");
	assert_non_null(p);
	assert_non_null(chart_add_layer(p, CHART_STACK));
	assert_false(chart_panel_range(p, &low, &high));
	chart_scale(c, 10, 5, NULL);
	assert_true(p->y.high > p->y.low && c->x.high > c->x.low);
	chart_destroy(c);
}

static void test_room(void **state)
{
	struct chart *c = chart_create();
	struct chart_panel *p = NULL;

	(void)state;
	assert_non_null(c);
	for (int i = 0; i < CHART_PANELS; i++) {
		p = chart_add_panel(c, "x");
		assert_non_null(p);
	}
	assert_null(chart_add_panel(c, "x"));
	assert_null(chart_add_layer(p, 0));
	assert_null(chart_add_layer(p, CHART_STACK + 1));
	for (int i = 0; i < CHART_LAYERS; i++)
		assert_non_null(chart_add_layer(p, 1));
	assert_null(chart_add_layer(p, 1));
	chart_destroy(c);
}

static void test_flags_do_not_overlap(void **state)
{
	static const double at[] = { 0, 10, 10.1, 10.2, 40, 41, 42, 43, 44, 99.9, 100 };
	struct chart *c = chart_create();
	struct chart_flag_group groups[CHART_FLAGS];
	size_t n, flags = 0;

	(void)state;
	assert_non_null(c);
	c->to_s = 100;
	c->n_flags = sizeof(at) / sizeof(at[0]);
	for (size_t i = 0; i < c->n_flags; i++)
		c->flags[i] = (struct chart_flag){ .at_s = at[i], .alarm = i == 2 };
	n = chart_group_flags(c, 800, 8, 5, groups);
	assert_in_range(n, 3, c->n_flags - 1);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(groups[i].first, flags);
		assert_true(groups[i].last >= groups[i].first);
		flags = groups[i].last + 1;
		if (i)
			assert_true(groups[i].center - 8.0 * (double)strlen(groups[i].label) / 2 >=
				    groups[i - 1].center +
					    8.0 * (double)strlen(groups[i - 1].label) / 2);
	}
	assert_int_equal(flags, c->n_flags);
	assert_string_equal(groups[0].label, "1");
	assert_string_equal(groups[1].label, "2-4");
	assert_true(groups[1].alarm);
	assert_false(groups[0].alarm);
	/* all at one moment, in no time */
	c->to_s = 0;
	assert_int_equal(chart_group_flags(c, 800, 8, 5, groups), 1);
	assert_string_equal(groups[0].label, "1-11");
	c->n_flags = 0;
	assert_int_equal(chart_group_flags(c, 800, 8, 5, groups), 0);
	chart_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_ascending),
		cmocka_unit_test(test_thinning_keeps_every_extreme),
		cmocka_unit_test(test_thinning_again_loses_nothing),
		cmocka_unit_test(test_thinning_nothing),
		cmocka_unit_test(test_axes_of_bytes),
		cmocka_unit_test(test_axes_survive_anything),
		cmocka_unit_test(test_axes_of_time),
		cmocka_unit_test(test_limits_that_would_press_values_flat_are_left_out),
		cmocka_unit_test(test_marks_are_within_the_axes),
		cmocka_unit_test(test_nothing_to_show),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_flags_do_not_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
