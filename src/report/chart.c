// SPDX-License-Identifier: GPL-2.0-or-later
#include "chart.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows ------------------------------------------------------------------------------------- */

int chart_rows_add(struct chart_rows *r, double at_s, const double *values)
{
	size_t stride = 1 + r->width;
	double *row;

	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 256;
		double *larger;

		if (cap > SIZE_MAX / sizeof(*larger) / stride)
			return -ENOMEM;
		larger = realloc(r->cells, cap * stride * sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		r->cells = larger;
		r->cap = cap;
	}
	row = &r->cells[r->n * stride];
	if (!isfinite(at_s))
		at_s = 0;
	row[0] = r->n && at_s < row[-(ptrdiff_t)stride] ? row[-(ptrdiff_t)stride] : at_s;
	for (size_t i = 0; i < r->width; i++)
		row[1 + i] = isfinite(values[i]) ? values[i] : NAN;
	r->n++;
	return 0;
}

void chart_rows_finish(struct chart_rows *r)
{
	free(r->cells);
	r->cells = NULL;
	r->n = r->cap = 0;
}

double chart_row_sum(const struct chart_rows *r, size_t i)
{
	double sum = 0;

	for (size_t j = 0; j < r->width; j++)
		sum += chart_row(r, i)[j];
	return sum;
}

static size_t column_of(double at_s, double from_s, double to_s, size_t columns)
{
	double at = to_s > from_s ? (at_s - from_s) / (to_s - from_s) * (double)columns : 0;

	if (!(at > 0))
		return 0;
	return at >= (double)columns ? columns - 1 : (size_t)at;
}

#define KEPT 5 /* of one column, at most */

/* Those of rows begin … end-1 that survive, ascending. */
static size_t choose(const struct chart_rows *r, size_t begin, size_t end, size_t *chosen)
{
	size_t known[4] = { SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX }, gap = SIZE_MAX, n = 0;
	double lowest = INFINITY, highest = -INFINITY;

	for (size_t i = begin; i < end; i++) {
		double sum = chart_row_sum(r, i);

		if (isnan(sum)) {
			gap = gap == SIZE_MAX ? i : gap;
			continue;
		}
		if (known[0] == SIZE_MAX)
			known[0] = i;
		if (sum < lowest) {
			lowest = sum;
			known[1] = i;
		}
		if (sum > highest) {
			highest = sum;
			known[2] = i;
		}
		known[3] = i;
	}
	for (size_t i = begin; i < end && n < KEPT; i++)
		if (i == known[0] || i == known[1] || i == known[2] || i == known[3] || i == gap)
			chosen[n++] = i;
	return n;
}

void chart_rows_thin(struct chart_rows *r, double from_s, double to_s, size_t columns)
{
	size_t stride = 1 + r->width, out = 0, begin = 0;

	if (!columns)
		columns = 1;
	while (begin < r->n) {
		size_t column = column_of(chart_row_at(r, begin), from_s, to_s, columns);
		size_t end = begin + 1, chosen[KEPT], n;

		while (end < r->n &&
		       column_of(chart_row_at(r, end), from_s, to_s, columns) == column)
			end++;
		n = choose(r, begin, end, chosen);
		/* out never overtakes what is still to be copied: chosen[i] >= begin + i >= out */
		for (size_t i = 0; i < n; i++, out++)
			memmove(&r->cells[out * stride], &r->cells[chosen[i] * stride],
				stride * sizeof(*r->cells));
		begin = end;
	}
	r->n = out;
}

/* ---- axes ------------------------------------------------------------------------------------- */

/* The smallest 1, 2 or 5 times a power of ten that is at least `least`. */
static double round_step(double least)
{
	double power = pow(10, floor(log10(least)));
	static const double multiples[] = { 1, 2, 5, 10 };

	for (size_t i = 0; i < sizeof(multiples) / sizeof(multiples[0]); i++)
		if (multiples[i] * power >= least * (1 - 1e-9))
			return multiples[i] * power;
	return 10 * power;
}

static int decimals_of(double step)
{
	int decimals = (int)-floor(log10(step) + 1e-9);

	return decimals < 0 ? 0 : decimals;
}

static const struct unit *unit_by_size(double bytes)
{
	const struct unit *best = unit_find("MiB");
	static const char *const names[] = { "GiB", "MiB", "KiB", "B" };

	if (!(bytes > 0))
		return best;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		best = unit_find(names[i]);
		if (bytes >= (double)best->bytes)
			break;
	}
	return best;
}

/* Makes a range of two numbers that may be any: at least `least` wide, and within what fits a label. */
static void make_range(double *low, double *high, double least)
{
	*low = isfinite(*low) ? fmax(-1e18, fmin(1e18, *low)) : 0;
	*high = isfinite(*high) ? fmin(1e18, *high) : *low;
	if (*high - *low <= fabs(*low) * 1e-9)
		*high = *low + fmax(least, fabs(*low) * 1e-3);
}

void chart_axis_bytes(struct chart_axis *axis, double low, double high, size_t most,
		      const struct unit *unit)
{
	double step, per;
	int decimals;

	*axis = (struct chart_axis){ .n = 0 };
	if (most < 1)
		most = 1;
	if (most > CHART_TICKS - 3)
		most = CHART_TICKS - 3;
	if (!unit)
		unit = unit_by_size(
			fmax(isfinite(low) ? fabs(low) : 0, isfinite(high) ? fabs(high) : 0));
	per = (double)unit->bytes;
	make_range(&low, &high, per);
	snprintf(axis->unit, sizeof(axis->unit), "%s", unit->name);
	step = round_step((high - low) / per / (double)most);
	if (unit->bytes == 1 && step < 1)
		step = 1; /* half a byte is nothing */
	decimals = decimals_of(step);
	axis->low = floor(low / per / step + 1e-9) * step * per;
	axis->high = high;
	for (double at = round(axis->low / per / step);
	     at * step * per <= axis->high * (1 + 1e-9) && axis->n < CHART_TICKS; at++) {
		/* never -0 */
		snprintf(axis->labels[axis->n], sizeof(axis->labels[0]), "%.*f", decimals,
			 at == 0 ? 0 : at * step);
		axis->ticks[axis->n++] = at * step * per;
	}
}

#define MINUTE 60.0
#define HOUR 3600.0
#define DAY 86400.0

static double time_step(double least, bool plain)
{
	static const double steps[] = { 1,           2,           5,          10,       20,
					30,          MINUTE,      2 * MINUTE, 300,      10 * MINUTE,
					20 * MINUTE, 30 * MINUTE, HOUR,       2 * HOUR, 3 * HOUR,
					6 * HOUR,    12 * HOUR,   DAY,        2 * DAY,  5 * DAY };

	if (plain || least <= 1 || least > 5 * DAY)
		return least > 5 * DAY && !plain ? round_step(least / DAY) * DAY :
						   round_step(least);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i] >= least)
			return steps[i];
	return 5 * DAY;
}

static void time_label(char *dst, size_t cap, double at, double step, const char *unit)
{
	const char *sign = at < 0 ? "-" : "";
	unsigned long long whole = (unsigned long long)llround(fabs(at));

	if (!strcmp(unit, "seconds"))
		snprintf(dst, cap, "%.*f", decimals_of(step), at == 0 ? 0 : at);
	else if (!strcmp(unit, "min:s"))
		snprintf(dst, cap, "%s%llu:%02llu", sign, whole / 60, whole % 60);
	else if (!strcmp(unit, "h:min"))
		snprintf(dst, cap, "%s%llu:%02llu", sign, whole / 3600, whole / 60 % 60);
	else if (step < DAY)
		snprintf(dst, cap, "%s%llud %lluh", sign, whole / 86400, whole / 3600 % 24);
	else
		snprintf(dst, cap, "%s%llu", sign, whole / 86400);
}

void chart_axis_time(struct chart_axis *axis, double low, double high, size_t most, bool plain)
{
	const char *unit = "days";
	double step, first;

	*axis = (struct chart_axis){ .n = 0 };
	make_range(&low, &high, 1);
	if (most < 1)
		most = 1;
	if (most > CHART_TICKS - 2)
		most = CHART_TICKS - 2;
	axis->low = low;
	axis->high = high;
	step = time_step((high - low) / (double)most, plain);
	/* as fine as the step needs, as coarse as the span allows */
	if (plain || step < 1 || high - low <= 3 * MINUTE)
		unit = "seconds";
	else if (step < MINUTE || high - low <= 2 * HOUR)
		unit = "min:s";
	else if (step < HOUR || high - low <= 3 * DAY)
		unit = "h:min";
	snprintf(axis->unit, sizeof(axis->unit), "%s", unit);
	first = ceil(low / step - 1e-9);
	for (double at = first; at * step <= high + step * 1e-9 && axis->n < CHART_TICKS; at++) {
		time_label(axis->labels[axis->n], sizeof(axis->labels[0]), at * step, step, unit);
		axis->ticks[axis->n++] = at * step;
	}
}

/* ---- the chart -------------------------------------------------------------------------------- */

struct chart *chart_create(void)
{
	return calloc(1, sizeof(struct chart));
}

void chart_destroy(struct chart *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_panels; i++)
		for (size_t j = 0; j < c->panels[i].n_layers; j++)
			chart_rows_finish(&c->panels[i].layers[j].rows);
	free(c);
}

struct chart_panel *chart_add_panel(struct chart *c, const char *title)
{
	struct chart_panel *p;

	if (c->n_panels == CHART_PANELS)
		return NULL;
	p = &c->panels[c->n_panels++];
	p->limit = NAN;
	snprintf(p->title, sizeof(p->title), "%s", title);
	return p;
}

struct chart_layer *chart_add_layer(struct chart_panel *p, size_t width)
{
	struct chart_layer *l;

	if (p->n_layers == CHART_LAYERS || !width || width > CHART_STACK)
		return NULL;
	l = &p->layers[p->n_layers++];
	l->rows.width = width;
	return l;
}

bool chart_panel_range(const struct chart_panel *p, double *low, double *high)
{
	*low = INFINITY;
	*high = -INFINITY;
	for (size_t i = 0; i < p->n_layers; i++) {
		const struct chart_rows *r = &p->layers[i].rows;

		for (size_t j = 0; j < r->n; j++) {
			double sum = chart_row_sum(r, j);

			*low = fmin(*low, sum);
			*high = fmax(*high, sum);
		}
	}
	if (p->has_mark && isfinite(p->mark)) {
		*low = fmin(*low, p->mark);
		*high = fmax(*high, p->mark);
	}
	return *low <= *high;
}

void chart_scale(struct chart *c, size_t x_ticks, size_t y_ticks, const struct unit *unit)
{
	chart_axis_time(&c->x, c->from_s, c->to_s, x_ticks, c->plain_seconds);
	for (size_t i = 0; i < c->n_panels; i++) {
		struct chart_panel *p = &c->panels[i];
		double low, high;

		if (!chart_panel_range(p, &low, &high))
			low = high = 0;
		p->limit_shown = isfinite(p->limit) && high >= CHART_LIMIT_WORTH * p->limit;
		if (p->limit_shown)
			high = fmax(high, p->limit);
		/* room for a mark and its words; but the unit is that of the words */
		chart_axis_bytes(&p->y, fmin(low, 0), fmax(high, 0) * (p->has_mark ? 1.2 : 1.08),
				 y_ticks, unit ? unit : unit_by_size(high));
	}
}

static void label_group(struct chart_flag_group *g)
{
	if (g->first == g->last)
		snprintf(g->label, sizeof(g->label), "%u", (unsigned int)g->first + 1);
	else
		snprintf(g->label, sizeof(g->label), "%u-%u", (unsigned int)g->first + 1,
			 (unsigned int)g->last + 1);
}

size_t chart_group_flags(const struct chart *c, double width, double digit, double pad,
			 struct chart_flag_group *groups)
{
	double scale = c->to_s > c->from_s ? width / (c->to_s - c->from_s) : 0;
	size_t n = 0;

#define HALF(g) ((double)strlen((g)->label) * digit / 2 + pad)
	for (size_t i = 0; i < c->n_flags; i++) {
		struct chart_flag_group *g = &groups[n++];

		*g = (struct chart_flag_group){ .first = i,
						.last = i,
						.center = (c->flags[i].at_s - c->from_s) * scale,
						.alarm = c->flags[i].alarm };
		label_group(g);
		/* a group that grew may touch the one before it in turn */
		while (n > 1 && g->center - HALF(g) < g[-1].center + HALF(&g[-1])) {
			g[-1].last = g->last;
			g[-1].alarm |= g->alarm;
			g[-1].center = ((c->flags[g[-1].first].at_s + c->flags[g->last].at_s) / 2 -
					c->from_s) *
				       scale;
			n--;
			g--;
			label_group(g);
		}
	}
#undef HALF
	return n;
}
