// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where everything of a chart is drawn. Colours are those of Okabe and Ito, which people tell apart
 * who see fewer colours; what could still be confused differs in its dashes or its place too. The
 * background is white, as in a report.
 */
#include "picture.h"

#include <errno.h>
#include <math.h>

#include "canvas.h"
#include "chart_load.h"

const char *picture_reason(int err)
{
	return canvas_reason(err);
}

int picture_check(void)
{
	return canvas_check();
}

#ifdef WITHOUT_CAIRO

int picture_svg_draw(struct chart *c, const struct unit *unit, FILE *out)
{
	(void)c;
	(void)unit;
	(void)out;
	return -ENOTSUP;
}

int picture_png_draw(struct chart *c, const struct unit *unit, FILE *out)
{
	return picture_svg_draw(c, unit, out);
}

int picture_plot_draw(struct chart *c, const struct unit *unit, FILE *out)
{
	return picture_svg_draw(c, unit, out);
}

#else

static const uint32_t colours[CHART_INKS] = {
	[INK_ANON] = 0x0072b2,      [INK_FILE] = 0xe69f00,   [INK_SHMEM] = 0x009e73,
	[INK_SWAP] = 0xa4487b,      [INK_TOTAL] = 0x1a1a1a,  [INK_FOOTPRINT] = 0xd55e00,
	[INK_AVAILABLE] = 0x0072b2, [INK_CHARGE] = 0x1a1a1a, [INK_USED] = 0x009e73,
};

#define WHITE 0xffffff
#define TEXT 0x1a1a1a
#define QUIET 0x5a5a5a
#define FRAME 0x9a9a9a
#define GRID 0xe3e3e3
#define ALARM 0xb3261e
#define FLAG 0x4a5568

/* Where things are, in pixels. */
struct page {
	struct canvas *cv;
	const struct chart *c;
	double width, left, right; /* of the page; of the plots */
	bool plot; /* picture_plot_draw() */
};

#define FONT 13.0
#define SMALL 12.0
#define LINE_WIDTH 1.8
#define SAMPLE 21.0 /* of the legend: two dashes of a limit */

/* ---- a panel ---------------------------------------------------------------------------------- */

/* One panel's plot: its area, and how values become places. */
struct plot {
	const struct chart_panel *panel;
	double top, bottom;
};

static double x_of(const struct page *pg, double at_s)
{
	const struct chart_axis *x = &pg->c->x;

	return pg->left + (at_s - x->low) / (x->high - x->low) * (pg->right - pg->left);
}

static double y_of(const struct plot *pl, double value)
{
	const struct chart_axis *y = &pl->panel->y;

	return pl->bottom - (value - y->low) / (y->high - y->low) * (pl->bottom - pl->top);
}

static void draw_grid(const struct page *pg, const struct plot *pl, bool x_labels)
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
static void put_points(const struct page *pg, const struct plot *pl, const struct chart_rows *r,
		       size_t begin, size_t end, size_t depth)
{
	for (size_t i = begin; i < end; i++) {
		double x = x_of(pg, chart_row_at(r, i)), y = y_of(pl, level(r, i, depth));

		canvas_point(pg->cv, x, y);
		if (end - begin == 1)
			canvas_point(pg->cv, x + LINE_WIDTH, y);
	}
}

/* The area under them, down to 0. */
static void draw_area(const struct page *pg, const struct plot *pl, const struct chart_rows *r,
		      size_t begin, size_t end, size_t depth)
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

static void use_ink(const struct page *pg, enum chart_ink ink)
{
	canvas_use(pg->cv, colours[ink], 1);
	if (ink == INK_SWAP)
		canvas_dash(pg->cv, 6, 4);
	else
		canvas_dash(pg->cv, 0, 0);
}

static void draw_layer(const struct page *pg, const struct plot *pl, const struct chart_layer *l)
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

static void limit_line(const struct page *pg, double x0, double x1, double y)
{
	canvas_use(pg->cv, ALARM, 1);
	canvas_dash(pg->cv, 8, 5);
	canvas_line(pg->cv, x0, y, x1, y, 1.6);
	canvas_dash(pg->cv, 0, 0);
}

static void draw_mark(const struct page *pg, const struct plot *pl)
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
static double put_legend(const struct page *pg, double x, double y, const struct chart_layer *l,
			 size_t i)
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
static double put_limit_legend(const struct page *pg, double x, double y,
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

static void draw_head(const struct page *pg, const struct plot *pl)
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
static void draw_flag_lines(const struct page *pg, double top, double bottom)
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

static void draw_panel(const struct page *pg, const struct chart_panel *panel, double top,
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

/* Room for the widest label of any panel, so that all plots begin at one place. */
static double label_room(const struct page *pg)
{
	double room = 30;

	canvas_font(pg->cv, SMALL, false);
	for (size_t i = 0; i < pg->c->n_panels; i++)
		for (size_t j = 0; j < pg->c->panels[i].y.n; j++)
			room = fmax(room, canvas_text_width(pg->cv, pg->c->panels[i].y.labels[j]));
	return room;
}

/* ---- the page --------------------------------------------------------------------------------- */

#define PAGE_WIDTH 960.0
#define EDGE 20.0
#define TITLE_ROOM 66.0
#define FLAG_ROOM 26.0
#define HEAD_ROOM 30.0
#define FIRST_PLOT 220.0
#define OTHER_PLOT 130.0
#define AXIS_ROOM 48.0
#define ROW 18.0
#define FLAG_CHARS 112
#define X_TICKS 10
#define Y_TICKS 5

/* Bytes of the first line of an event's text: up to a blank, so many characters that it mostly fits. */
static size_t first_line(const char *text)
{
	size_t chars = 0, blank = 0, i;

	for (i = 0; text[i]; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80 && chars++ == FLAG_CHARS)
			return blank ? blank : i;
		if (text[i] == ' ')
			blank = i + 1;
	}
	return i;
}

static double flag_list_height(const struct chart *c)
{
	double rows = c->flags_omitted ? 2.5 : 1.5;

	for (size_t i = 0; i < c->n_flags; i++) {
		const char *text = c->flags[i].text;

		do {
			text += first_line(text);
			rows++;
		} while (*text);
	}
	return ROW * rows;
}

static double page_height(const struct chart *c)
{
	double height = TITLE_ROOM + AXIS_ROOM + EDGE;

	for (size_t i = 0; i < c->n_panels; i++)
		height += HEAD_ROOM + (i ? OTHER_PLOT : FIRST_PLOT);
	if (c->n_flags)
		height += FLAG_ROOM + flag_list_height(c);
	if (*c->note)
		height += ROW;
	return height;
}

static void draw_title(const struct page *pg)
{
	canvas_font(pg->cv, 18, true);
	canvas_use(pg->cv, TEXT, 1);
	canvas_text(pg->cv, EDGE, 30, CANVAS_LEFT, pg->width - 2 * EDGE, pg->c->title);
	canvas_font(pg->cv, FONT, false);
	canvas_use(pg->cv, QUIET, 1);
	canvas_text(pg->cv, EDGE, 52, CANVAS_LEFT, pg->width - 2 * EDGE, pg->c->subtitle);
}

/* The numbers of the flags, above the plots. */
static void draw_flags(const struct page *pg, double lane)
{
	struct chart_flag_group groups[CHART_FLAGS];
	size_t n;

	canvas_font(pg->cv, SMALL, true);
	n = chart_group_flags(pg->c, pg->right - pg->left, 8, 7, groups);
	for (size_t i = 0; i < n; i++) {
		double width = fmax(20, canvas_text_width(pg->cv, groups[i].label) + 10);
		double x = pg->left + groups[i].center;

		canvas_use(pg->cv, groups[i].alarm ? ALARM : FLAG, 1);
		canvas_rectangle(pg->cv, x - width / 2, lane, width, 17);
		canvas_use(pg->cv, WHITE, 1);
		canvas_text(pg->cv, x, lane + 13, CANVAS_CENTER, width, groups[i].label);
	}
}

/* Returns the baseline of its last line. */
static double draw_flag_text(const struct page *pg, double y, const char *text)
{
	char line[CHART_TEXT];

	for (;; y += ROW) {
		size_t len = first_line(text);

		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		canvas_text(pg->cv, EDGE + 122, y, CANVAS_LEFT, pg->width - 2 * EDGE - 122, line);
		text += len;
		if (!*text)
			return y;
	}
}

static void draw_flag_list(const struct page *pg, double y)
{
	const struct chart *c = pg->c;
	char line[CHART_TEXT + 64];

	canvas_font(pg->cv, FONT, true);
	canvas_use(pg->cv, TEXT, 1);
	canvas_text(pg->cv, EDGE, y, CANVAS_LEFT, pg->width, "Events");
	for (size_t i = 0; i < c->n_flags; i++) {
		y += ROW;
		snprintf(line, sizeof(line), "%u", (unsigned int)i + 1);
		canvas_font(pg->cv, SMALL, true);
		canvas_use(pg->cv, c->flags[i].alarm ? ALARM : FLAG, 1);
		canvas_text(pg->cv, EDGE + 20, y, CANVAS_RIGHT, 30, line);
		snprintf(line, sizeof(line), "%.3f s", c->flags[i].at_s);
		canvas_font(pg->cv, SMALL, false);
		canvas_use(pg->cv, QUIET, 1);
		canvas_text(pg->cv, EDGE + 110, y, CANVAS_RIGHT, 90, line);
		canvas_use(pg->cv, TEXT, 1);
		y = draw_flag_text(pg, y, c->flags[i].text);
	}
	if (!c->flags_omitted)
		return;
	snprintf(line, sizeof(line), "and %llu more", c->flags_omitted);
	canvas_use(pg->cv, QUIET, 1);
	canvas_text(pg->cv, EDGE + 122, y + ROW, CANVAS_LEFT, pg->width, line);
}

static void draw_page(struct canvas *cv, const struct chart *c)
{
	struct page pg = { .cv = cv, .c = c, .width = PAGE_WIDTH };
	double lane = TITLE_ROOM, y = TITLE_ROOM + (c->n_flags ? FLAG_ROOM : 0);
	char title[CHART_TEXT];

	pg.left = EDGE + label_room(&pg) + 10;
	pg.right = pg.width - EDGE - 4;
	draw_title(&pg);
	for (size_t i = 0; i < c->n_panels; i++) {
		double top = y + HEAD_ROOM - 4, bottom = y + HEAD_ROOM - 4;

		bottom += i ? OTHER_PLOT - 8 : FIRST_PLOT - 8;
		draw_panel(&pg, &c->panels[i], top, bottom, i + 1 == c->n_panels);
		y = bottom + 12;
	}
	y -= 12;
	if (c->n_flags)
		draw_flags(&pg, lane);
	canvas_font(cv, SMALL, false);
	canvas_use(cv, QUIET, 1);
	snprintf(title, sizeof(title), "%s (%s)", c->x_title, c->x.unit);
	canvas_text(cv, (pg.left + pg.right) / 2, y + 38, CANVAS_CENTER, pg.right - pg.left, title);
	y += AXIS_ROOM;
	if (c->n_flags) {
		draw_flag_list(&pg, y + ROW);
		y += flag_list_height(c);
	}
	canvas_font(cv, SMALL, false);
	canvas_use(cv, QUIET, 1);
	if (*c->note)
		canvas_text(cv, EDGE, y + ROW, CANVAS_LEFT, pg.width - 2 * EDGE, c->note);
}

#define PLOT_WIDTH 1000.0
#define PLOT_HEIGHT 600.0

static void draw_plot(struct canvas *cv, const struct chart *c)
{
	struct page pg = { .cv = cv, .c = c, .width = PLOT_WIDTH, .plot = true };
	double top = 48, bottom = PLOT_HEIGHT - 62;

	pg.left = 46 + label_room(&pg);
	pg.right = PLOT_WIDTH - 24;
	draw_panel(&pg, &c->panels[0], top, bottom, true);
	canvas_use(cv, TEXT, 1);
	canvas_font(cv, 15, false);
	canvas_text(cv, (pg.left + pg.right) / 2, 30, CANVAS_CENTER, pg.right - pg.left, c->title);
	canvas_font(cv, FONT, false);
	canvas_text(cv, (pg.left + pg.right) / 2, PLOT_HEIGHT - 20, CANVAS_CENTER,
		    pg.right - pg.left, c->x_title);
	canvas_text_up(cv, 24, (top + bottom) / 2, bottom - top, c->y_title);
}

/* ---- files ------------------------------------------------------------------------------------ */

int picture_svg_draw(struct chart *c, const struct unit *unit, FILE *out)
{
	struct canvas *cv;
	int err;

	chart_scale(c, X_TICKS, Y_TICKS, unit);
	err = canvas_create_svg(PAGE_WIDTH, page_height(c), c->title, out, &cv);
	if (err)
		return err;
	draw_page(cv, c);
	return canvas_finish(cv);
}

int picture_png_draw(struct chart *c, const struct unit *unit, FILE *out)
{
	struct canvas *cv;
	int err;

	chart_scale(c, X_TICKS, Y_TICKS, unit);
	/* twice the pixels, so that it stays sharp on paper */
	err = canvas_create_png(PAGE_WIDTH, page_height(c), 2, out, &cv);
	if (err)
		return err;
	draw_page(cv, c);
	return canvas_finish(cv);
}

int picture_plot_draw(struct chart *c, const struct unit *unit, FILE *out)
{
	struct canvas *cv;
	int err;

	chart_scale(c, X_TICKS, 8, unit);
	err = canvas_create_png(PLOT_WIDTH, PLOT_HEIGHT, 1, out, &cv);
	if (err)
		return err;
	draw_plot(cv, c);
	return canvas_finish(cv);
}

#endif

/* ---- recordings ------------------------------------------------------------------------------- */

#define MOUNTS 6 /* panels of shared memory; the HTML report shows more */
#define COLUMNS 2000 /* more than a picture has pixels */

static int write_recording(struct recording *r, const struct run *run, FILE *out,
			   int (*draw)(struct chart *c, const struct unit *unit, FILE *out))
{
	struct chart *c;
	int err = chart_load(r, run, MOUNTS, COLUMNS, &c);

	if (err)
		return err;
	err = draw(c, run->unit, out);
	chart_destroy(c);
	return err;
}

int picture_svg_write(struct recording *r, const struct run *run, FILE *out)
{
	return write_recording(r, run, out, picture_svg_draw);
}

int picture_png_write(struct recording *r, const struct run *run, FILE *out)
{
	return write_recording(r, run, out, picture_png_draw);
}
