// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Colours are those of Okabe and Ito, which people tell apart who see fewer colours; what could still
 * be confused differs in its dashes or its place too. The background is white, as in a report.
 */
#include "picture_panel.h"

#ifndef WITHOUT_CAIRO

#include <math.h>

static const uint32_t colours[CHART_INKS] = {
	[INK_ANON] = 0x0072b2,      [INK_FILE] = 0xe69f00,   [INK_SHMEM] = 0x009e73,
	[INK_SWAP] = 0xa4487b,      [INK_TOTAL] = 0x1a1a1a,  [INK_FOOTPRINT] = 0xd55e00,
	[INK_AVAILABLE] = 0x0072b2, [INK_CHARGE] = 0x1a1a1a, [INK_USED] = 0x009e73,
};

#define FRAME 0x9a9a9a
#define GRID 0xe3e3e3
#define LINE_WIDTH 1.8
#define SAMPLE 21.0 /* of the legend: two dashes of a limit */

/* One panel's plot: its area, and how values become places. */
struct plot {
	const struct chart_panel *panel;
	double top, bottom;
};

static double x_of(const struct picture_page *pg, double at_s)
{
	const struct chart_axis *x = &pg->c->x;

	return pg->left + (at_s - x->low) / (x->high - x->low) * (pg->right - pg->left);
}

static double y_of(const struct plot *pl, double value)
{
	const struct chart_axis *y = &pl->panel->y;

	return pl->bottom - (value - y->low) / (y->high - y->low) * (pl->bottom - pl->top);
}

static void draw_grid(const struct picture_page *pg, const struct plot *pl, bool x_labels)
{
	const struct chart_axis *x = &pg->c->x, *y = &pl->panel->y;
	double free_from = -INFINITY;

	canvas_font(pg->cv, SMALL, false);
	for (size_t i = 0; i < y->n; i++) {
		double at = y_of(pl, y->ticks[i]);

		canvas_use(pg->cv, y->ticks[i] == 0 ? FRAME : GRID, 1);
		canvas_line(pg->cv, pg->left, at, pg->right, at, 1);
		canvas_use(pg->cv, QUIET, 1);
		canvas_text(pg->cv, pg->left - 8, at + 4, CANVAS_RIGHT, pg->left, y->labels[i]);
	}
	for (size_t i = 0; i < x->n; i++) {
		double at = x_of(pg, x->ticks[i]),
		       half = canvas_text_width(pg->cv, x->labels[i]) / 2;

		canvas_use(pg->cv, GRID, 1);
		canvas_line(pg->cv, at, pl->top, at, pl->bottom, 1);
		if (!x_labels)
			continue;
		canvas_use(pg->cv, FRAME, 1);
		canvas_line(pg->cv, at, pl->bottom, at, pl->bottom + 4, 1);
		if (at - half < free_from || at + half > pg->width)
			continue;
		canvas_use(pg->cv, QUIET, 1);
		canvas_text(pg->cv, at, pl->bottom + 18, CANVAS_CENTER, pg->width, x->labels[i]);
		free_from = at + half + 6;
	}
	canvas_use(pg->cv, FRAME, 1);
	canvas_frame(pg->cv, pg->left, pl->top, pg->right - pg->left, pl->bottom - pl->top);
}

/* The sum of the first `depth` values of a row. */
static double level(const struct chart_rows *r, size_t i, size_t depth)
{
	double sum = 0;

	for (size_t j = 0; j < depth; j++)
		sum += chart_row(r, i)[j];
	return sum;
}

/* Along the first `depth` values of rows begin … end-1. One sample alone is as wide as a line. */
static void put_points(const struct picture_page *pg, const struct plot *pl,
		       const struct chart_rows *r, size_t begin, size_t end, size_t depth)
{
	for (size_t i = begin; i < end; i++) {
		double x = x_of(pg, chart_row_at(r, i)), y = y_of(pl, level(r, i, depth));

		canvas_point(pg->cv, x, y);
		if (end - begin == 1)
			canvas_point(pg->cv, x + LINE_WIDTH, y);
	}
}

/* The area under them, down to 0. */
static void draw_area(const struct picture_page *pg, const struct plot *pl,
		      const struct chart_rows *r, size_t begin, size_t end, size_t depth)
{
	double zero = y_of(pl, 0);

	canvas_point(pg->cv, x_of(pg, chart_row_at(r, begin)), zero);
	put_points(pg, pl, r, begin, end, depth);
	canvas_point(pg->cv,
		     x_of(pg, chart_row_at(r, end - 1)) + (end - begin == 1 ? LINE_WIDTH : 0),
		     zero);
	canvas_fill(pg->cv);
	/* a peak between two rows is an area of no width, and must be seen all the same */
	put_points(pg, pl, r, begin, end, depth);
	canvas_stroke(pg->cv, 1);
}

static void use_ink(const struct picture_page *pg, enum chart_ink ink)
{
	canvas_use(pg->cv, colours[ink], 1);
	if (ink == INK_SWAP)
		canvas_dash(pg->cv, 6, 4);
	else
		canvas_dash(pg->cv, 0, 0);
}

static void draw_layer(const struct picture_page *pg, const struct plot *pl,
		       const struct chart_layer *l)
{
	const struct chart_rows *r = &l->rows;
	size_t begin = 0;

	while (begin < r->n) {
		size_t end = begin;

		while (end < r->n && !isnan(chart_row_sum(r, end)))
			end++;
		if (end > begin) {
			/* from the back: each lower area covers the foot of the one above */
			for (size_t depth = r->width; r->width > 1 && depth > 0; depth--) {
				canvas_use(pg->cv, colours[l->inks[depth - 1]], 1);
				draw_area(pg, pl, r, begin, end, depth);
			}
			if (r->width == 1) {
				use_ink(pg, l->inks[0]);
				put_points(pg, pl, r, begin, end, 1);
				canvas_stroke(pg->cv, LINE_WIDTH);
				canvas_dash(pg->cv, 0, 0);
			}
		}
		begin = end + 1;
	}
}

static void limit_line(const struct picture_page *pg, double x0, double x1, double y)
{
	canvas_use(pg->cv, ALARM, 1);
	canvas_dash(pg->cv, 8, 5);
	canvas_line(pg->cv, x0, y, x1, y, 1.6);
	canvas_dash(pg->cv, 0, 0);
}

static void draw_mark(const struct picture_page *pg, const struct plot *pl)
{
	const struct chart_panel *p = pl->panel;
	double x, y, width, at, base;

	if (!p->has_mark || !isfinite(p->mark))
		return;
	x = x_of(pg, p->mark_s);
	y = y_of(pl, p->mark);
	canvas_use(pg->cv, TEXT, 1);
	canvas_ring(pg->cv, x, y, 4.5, 2);
	canvas_font(pg->cv, SMALL, true);
	width = canvas_text_width(pg->cv, p->mark_text);
	at = x + 9 + width <= pg->right - 4 ? x + 9 : x - 9 - width;
	/* chart_scale() leaves room above all points, but there may be none below */
	base = p->mark_below && y + 20 < pl->bottom ? y + 17 : y - 6;
	canvas_text_on(pg->cv, fmax(at, pg->left + 4), base, pg->right - pg->left, p->mark_text);
}

/* The look of a layer's value and its name, right to left, from `x`. Returns what is left. */
static double put_legend(const struct picture_page *pg, double x, double y,
			 const struct chart_layer *l, size_t i)
{
	canvas_use(pg->cv, TEXT, 1);
	x -= canvas_text(pg->cv, x, y, CANVAS_RIGHT, x - pg->left, l->names[i]) + 6 + SAMPLE;
	if (l->rows.width > 1) {
		canvas_use(pg->cv, colours[l->inks[i]], 1);
		canvas_rectangle(pg->cv, x, y - 10, SAMPLE, 11);
	} else {
		use_ink(pg, l->inks[i]);
		canvas_line(pg->cv, x, y - 4, x + SAMPLE, y - 4, LINE_WIDTH);
		canvas_dash(pg->cv, 0, 0);
	}
	return x - 14;
}

/* A limit that would press what is below it flat is told, but not drawn. */
static double put_limit_legend(const struct picture_page *pg, double x, double y,
			       const struct chart_panel *p)
{
	if (!*p->limit_text)
		return x;
	canvas_use(pg->cv, TEXT, 1);
	x -= canvas_text(pg->cv, x, y, CANVAS_RIGHT, x - pg->left, p->limit_text);
	if (p->limit_shown) {
		x -= 6 + SAMPLE;
		limit_line(pg, x, x + SAMPLE, y - 4);
	}
	return x - 14;
}

static void draw_head(const struct picture_page *pg, const struct plot *pl)
{
	char title[CHART_TEXT + 32];
	double x = pg->right, y = pl->top - 9;

	canvas_font(pg->cv, SMALL, false);
	x = put_limit_legend(pg, x, y, pl->panel);
	for (size_t i = pl->panel->n_layers; i-- > 0;)
		for (size_t j = pl->panel->layers[i].rows.width; j-- > 0;)
			x = put_legend(pg, x, y, &pl->panel->layers[i], j);
	canvas_font(pg->cv, FONT, true);
	canvas_use(pg->cv, TEXT, 1);
	snprintf(title, sizeof(title), "%s, in %s", pl->panel->title, pl->panel->y.unit);
	canvas_text(pg->cv, pg->left, y, CANVAS_LEFT, x - pg->left, title);
}

/* The lines of the flags through one plot. */
static void draw_flag_lines(const struct picture_page *pg, double top, double bottom)
{
	for (size_t i = 0; i < pg->c->n_flags; i++) {
		double x = x_of(pg, pg->c->flags[i].at_s);

		canvas_use(pg->cv, pg->c->flags[i].alarm ? ALARM : FLAG, 0.8);
		canvas_dash(pg->cv, 3, 3);
		canvas_line(pg->cv, x, top, x, bottom, 1);
		canvas_dash(pg->cv, 0, 0);
	}
}

static bool shows_nothing(const struct chart_panel *p)
{
	double low, high;

	return !chart_panel_range(p, &low, &high);
}

void picture_panel_draw(const struct picture_page *pg, const struct chart_panel *panel, double top,
			double bottom, bool x_labels)
{
	struct plot pl = { .panel = panel, .top = top, .bottom = bottom };

	draw_grid(pg, &pl, x_labels);
	/* a line on the frame keeps its whole width */
	canvas_clip(pg->cv, pg->left - 2, top - 2, pg->right - pg->left + 4, bottom - top + 4);
	for (size_t i = 0; i < panel->n_layers; i++)
		draw_layer(pg, &pl, &panel->layers[i]);
	canvas_unclip(pg->cv);
	if (!pg->plot)
		draw_flag_lines(pg, top, bottom);
	if (panel->limit_shown)
		limit_line(pg, pg->left, pg->right, y_of(&pl, panel->limit));
	draw_mark(pg, &pl);
	if (shows_nothing(panel)) {
		canvas_font(pg->cv, FONT, false);
		canvas_use(pg->cv, QUIET, 1);
		canvas_text_on(pg->cv, (pg->left + pg->right) / 2 - 36, (top + bottom) / 2 + 4,
			       pg->right - pg->left, "no samples");
	}
	if (!pg->plot)
		draw_head(pg, &pl);
}

double picture_label_room(const struct picture_page *pg)
{
	double room = 30;

	canvas_font(pg->cv, SMALL, false);
	for (size_t i = 0; i < pg->c->n_panels; i++)
		for (size_t j = 0; j < pg->c->panels[i].y.n; j++)
			room = fmax(room, canvas_text_width(pg->cv, pg->c->panels[i].y.labels[j]));
	return room;
}

#endif
