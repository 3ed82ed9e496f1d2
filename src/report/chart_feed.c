// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the rows of a recording, which are there only where something changed, to the points of a line:
 * what was held is held until it changes, the exact peak stands at its own instant, and what was lower
 * or higher between two rows than in both stands between them, as a needle.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "chart_load.h"

/* What a layer has been given, and what waits until it is known whether it changes. */
struct line {
	size_t panel, layer, width;
	const struct chart_source *source;
	bool begun, exact_done;
	double held_s, at_s; /* of the newest point given; until when its value is known to hold */
	double held[CHART_STACK];
};

struct feed {
	chart_row_fn *row;
	void *ctx;
	double interval_s, end_s;
};

static bool same(const double *a, const double *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i] && !(isnan(a[i]) && isnan(b[i])))
			return false;
	return true;
}

static int give(const struct feed *f, struct line *l, double at_s, const double *values)
{
	l->begun = true;
	l->held_s = l->at_s = at_s;
	memcpy(l->held, values, l->width * sizeof(*values));
	return f->row(f->ctx, l->panel, l->layer, at_s, values);
}

/* The value before goes on until `at_s`, where it is another. */
static int hold(const struct feed *f, struct line *l, double at_s)
{
	if (!l->begun || at_s <= l->held_s)
		return 0;
	l->held_s = at_s;
	return f->row(f->ctx, l->panel, l->layer, at_s, l->held);
}

static int change(const struct feed *f, struct line *l, double at_s, const double *values)
{
	int err = 0;

	if (l->begun && same(values, l->held, l->width)) {
		l->at_s = at_s;
		return 0;
	}
	/* a row stands for one interval; what was before it in between rows did not change */
	if (l->begun)
		err = hold(f, l, fmax(l->at_s, at_s - f->interval_s));
	return err ? err : give(f, l, at_s, values);
}

/* The exact value at its own instant, which lies before `until_s`. */
static int give_exact(const struct feed *f, struct line *l, double until_s)
{
	const struct chart_source *source = l->source;
	double at_s;

	if (l->exact_done || isnan(source->exact[0]) || !(source->exact_s <= until_s))
		return 0;
	l->exact_done = true;
	at_s = fmax(source->exact_s, l->begun ? l->at_s : 0);
	return change(f, l, at_s, source->exact);
}

static double value_of(int64_t v)
{
	return v == SAMPLE_UNKNOWN ? NAN : (double)v;
}

/* What is higher than the peak by no more than the peak's bound was not higher. */
static void cap(const struct line *l, double *values)
{
	double excess = 0;

	for (size_t i = 0; i < l->width; i++)
		excess += values[i] - l->source->exact[i];
	if (excess > 0 && excess <= l->source->exact_bound)
		values[0] -= excess;
}

/*
 * The least and the most since the row before, where they are beyond both rows, and not what the exact
 * value has told already. When they were is not known: they are drawn in the middle of the interval, but
 * not before the first row, where there may have been nothing yet.
 */
static int give_needles(const struct feed *f, struct line *l, double at_s, const struct sample *s,
			double last, bool exact_here)
{
	size_t figure = l->source->figures[0];
	double least[CHART_STACK] = { value_of(s->min[figure]) },
	       most[CHART_STACK] = { value_of(s->max[figure]) };
	double before = l->begun && !isnan(l->held[0]) ? l->held[0] : last;
	double middle_s = l->begun ? (fmax(l->at_s, at_s - f->interval_s) + at_s) / 2 : at_s;
	int err = 0;

	/* sums of levels that processes reached one after the other; none was above the peak */
	if (!isnan(l->source->exact[0]))
		most[0] = fmin(most[0], l->source->exact[0]);
	if (most[0] > fmax(before, last) && !(exact_here && most[0] <= l->source->exact[0]))
		err = change(f, l, middle_s, most);
	if (!err && least[0] < fmin(before, last))
		err = change(f, l, middle_s, least);
	return err;
}

static int take(const struct feed *f, struct line *l, const struct sample *s)
{
	double at_s = (double)s->at_ns / 1e9, values[CHART_STACK] = { NAN };
	bool had_exact = l->exact_done;
	int err = give_exact(f, l, at_s);

	for (size_t i = 0; i < l->width; i++)
		values[i] = value_of(s->last[l->source->figures[i]]);
	cap(l, values);
	if (!err && l->source->needles && !isnan(values[0]))
		err = give_needles(f, l, at_s, s, values[0], l->exact_done && !had_exact);
	return err ? err : change(f, l, at_s, values);
}

static int feed_entity(struct recording *r, enum entity entity, const struct feed *f,
		       struct line *lines, size_t n)
{
	struct recording_cursor *cursor;
	struct sample s;
	int err = recording_cursor_open(r, entity, &cursor);

	if (err)
		return err;
	while (!err && (err = recording_cursor_next(cursor, &s)) == 1) {
		err = 0;
		for (size_t i = 0; !err && i < n; i++)
			if (lines[i].source->entity == entity && lines[i].source->id == s.id)
				err = take(f, &lines[i], &s);
	}
	recording_cursor_close(cursor);
	return err;
}

int chart_feed(struct recording *r, const struct chart_plan *plan, chart_row_fn *row, void *ctx)
{
	struct feed f = { .row = row,
			  .ctx = ctx,
			  .interval_s = recording_run(r)->interval_s,
			  .end_s = recording_info(r)->duration_s };
	struct line lines[CHART_PANELS * CHART_LAYERS];
	bool wanted[ENTITIES] = { false };
	size_t n = 0;
	int err = 0;

	for (size_t i = 0; i < plan->chart->n_panels; i++)
		for (size_t j = 0; j < plan->chart->panels[i].n_layers; j++) {
			lines[n++] = (struct line){
				.panel = i,
				.layer = j,
				.width = plan->chart->panels[i].layers[j].rows.width,
				.source = &plan->sources[i][j],
			};
			wanted[plan->sources[i][j].entity] = true;
		}
	for (int i = 0; !err && i < ENTITIES; i++)
		if (wanted[i])
			err = feed_entity(r, (enum entity)i, &f, lines, n);
	for (size_t i = 0; !err && i < n; i++) {
		err = give_exact(&f, &lines[i], INFINITY);
		if (!err)
			err = hold(&f, &lines[i], f.end_s);
	}
	return err;
}
