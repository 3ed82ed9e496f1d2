// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why cairo is not linked, but opened when something is drawn: with its own libraries it would cost
 * every start some milliseconds and every watch some MiB, and few watches draw.
 *
 * Colours are those of Okabe and Ito, which people tell apart who see fewer colours; what could
 * still be confused differs in its dashes or its place too. The background is white, as in a report.
 */
#include "picture.h"

#include <errno.h>
#include <string.h>

const char *picture_reason(int err)
{
	if (err == -ENOTSUP)
		return "this memmon-bpf was built without cairo; build it with cairo for pictures";
	if (err == -ELIBACC)
		return "the library cairo (libcairo.so.2) is missing; install libcairo2";
	return strerror(-err);
}

#ifdef WITHOUT_CAIRO

int picture_check(void)
{
	return -ENOTSUP;
}

static int cannot(struct chart *c, const struct unit *unit, FILE *out)
{
	(void)c;
	(void)unit;
	(void)out;
	return -ENOTSUP;
}

int picture_svg_draw(struct chart *c, const struct unit *unit, FILE *out)
{
	return cannot(c, unit, out);
}

int picture_png_draw(struct chart *c, const struct unit *unit, FILE *out)
{
	return cannot(c, unit, out);
}

int picture_plot_draw(struct chart *c, const struct unit *unit, FILE *out)
{
	return cannot(c, unit, out);
}

#else

#include <cairo/cairo-svg.h>
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "../util/escape.h"

/* ---- the library ------------------------------------------------------------------------------ */

/* What is used of cairo, with its own prototypes. */
#define CAIRO_CALLS(X)                         \
	X(cairo_arc)                           \
	X(cairo_clip)                          \
	X(cairo_close_path)                    \
	X(cairo_create)                        \
	X(cairo_destroy)                       \
	X(cairo_fill)                          \
	X(cairo_fill_preserve)                 \
	X(cairo_image_surface_create)          \
	X(cairo_line_to)                       \
	X(cairo_move_to)                       \
	X(cairo_new_path)                      \
	X(cairo_paint)                         \
	X(cairo_rectangle)                     \
	X(cairo_restore)                       \
	X(cairo_rotate)                        \
	X(cairo_save)                          \
	X(cairo_scale)                         \
	X(cairo_select_font_face)              \
	X(cairo_set_dash)                      \
	X(cairo_set_font_size)                 \
	X(cairo_set_line_cap)                  \
	X(cairo_set_line_join)                 \
	X(cairo_set_line_width)                \
	X(cairo_set_source_rgba)               \
	X(cairo_show_text)                     \
	X(cairo_status)                        \
	X(cairo_stroke)                        \
	X(cairo_surface_destroy)               \
	X(cairo_surface_finish)                \
	X(cairo_surface_status)                \
	X(cairo_surface_write_to_png_stream)   \
	X(cairo_svg_surface_create_for_stream) \
	X(cairo_svg_surface_set_document_unit) \
	X(cairo_text_extents)                  \
	X(cairo_text_path)                     \
	X(cairo_translate)

#define DECLARE(name) __typeof__ (&(name))(name);
static struct {
	CAIRO_CALLS(DECLARE)
} calls;

static bool find_call(void *library, const char *name, void *call)
{
	void *symbol = dlsym(library, name);

	/* ISO C knows no conversion from a pointer to an object to one to a function */
	memcpy(call, &symbol, sizeof(symbol));
	return symbol;
}

static int open_library(void)
{
	static int found = 1; /* not looked for yet */
	void *library;

	if (found <= 0)
		return found;
	found = -ELIBACC;
	library = dlopen("libcairo.so.2", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return found;
#define FIND(name) &&find_call(library, #name, &calls.name)
	if (true CAIRO_CALLS(FIND))
		found = 0;
	return found;
}

int picture_check(void)
{
	return open_library();
}

/* ---- pens and text ---------------------------------------------------------------------------- */

struct colour {
	double red, green, blue;
};

#define RGB(hex)                                                                             \
	{                                                                                    \
		((hex) >> 16 & 255) / 255.0, ((hex) >> 8 & 255) / 255.0, ((hex)&255) / 255.0 \
	}

static const struct colour colours[CHART_INKS] = {
	[INK_ANON] = RGB(0x0072b2),      [INK_FILE] = RGB(0xe69f00),
	[INK_SHMEM] = RGB(0x009e73),     [INK_SWAP] = RGB(0xcc79a7),
	[INK_TOTAL] = RGB(0x1a1a1a),     [INK_FOOTPRINT] = RGB(0xd55e00),
	[INK_AVAILABLE] = RGB(0x0072b2), [INK_CHARGE] = RGB(0x1a1a1a),
	[INK_USED] = RGB(0x009e73),
};
static const struct colour white = RGB(0xffffff), text_colour = RGB(0x1a1a1a),
			   quiet = RGB(0x5a5a5a), frame = RGB(0x9a9a9a), grid = RGB(0xe3e3e3),
			   alarm_colour = RGB(0xb3261e), flag_colour = RGB(0x4a5568);

/* Where things are, in logical pixels. */
struct page {
	cairo_t *cr;
	const struct chart *c;
	double width, left, right; /* of the page; of the plots */
	bool plot; /* picture_plot_draw() */
};

#define FONT 13.0
#define SMALL 12.0
#define MAX_TEXT (CHART_TEXT * ESCAPE_MAX_GROWTH)

static void use(cairo_t *cr, struct colour c, double alpha)
{
	calls.cairo_set_source_rgba(cr, c.red, c.green, c.blue, alpha);
}

static void use_font(cairo_t *cr, double size, bool bold)
{
	calls.cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
				     bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	calls.cairo_set_font_size(cr, size);
}

static double width_of(cairo_t *cr, const char *text)
{
	cairo_text_extents_t e;

	calls.cairo_text_extents(cr, text, &e);
	return e.x_advance;
}

/* `text` in valid UTF-8, which cairo insists on, cut to fit `room` pixels. */
static const char *fit(cairo_t *cr, char *dst, const char *text, double room)
{
	size_t len = utf8_sanitize(dst, MAX_TEXT - 4, text, strlen(text));

	if (width_of(cr, dst) <= room)
		return dst;
	while (len) {
		do {
			len--;
		} while (len && ((unsigned char)dst[len] & 0xc0) == 0x80);
		memcpy(&dst[len], "…", sizeof("…"));
		if (width_of(cr, dst) <= room)
			break;
	}
	return dst;
}

enum align { LEFT, CENTER, RIGHT };

/* Text on the baseline y, cut to `room`. Returns its width. */
static double put(cairo_t *cr, double x, double y, enum align align, double room, const char *text)
{
	char fitted[MAX_TEXT];
	double width;

	fit(cr, fitted, text, room);
	width = width_of(cr, fitted);
	if (align != LEFT)
		x -= align == CENTER ? width / 2 : width;
	calls.cairo_move_to(cr, x, y);
	calls.cairo_show_text(cr, fitted);
	calls.cairo_new_path(cr);
	return width;
}

/* Text that stands on a drawing: with a rim of white. */
static void put_on(cairo_t *cr, double x, double y, double room, const char *text, struct colour c)
{
	char fitted[MAX_TEXT];

	fit(cr, fitted, text, room);
	calls.cairo_move_to(cr, x, y);
	calls.cairo_text_path(cr, fitted);
	use(cr, white, 0.9);
	calls.cairo_set_line_width(cr, 4);
	calls.cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
	calls.cairo_stroke(cr);
	use(cr, c, 1);
	put(cr, x, y, LEFT, room, text);
}

static void stroke_line(cairo_t *cr, double x0, double y0, double x1, double y1, double width)
{
	calls.cairo_set_line_width(cr, width);
	calls.cairo_move_to(cr, x0, y0);
	calls.cairo_line_to(cr, x1, y1);
	calls.cairo_stroke(cr);
}

static void dash(cairo_t *cr, double on, double off)
{
	double lengths[] = { on, off };

	calls.cairo_set_dash(cr, lengths, on > 0 ? 2 : 0, 0);
}

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

	use_font(pg->cr, SMALL, false);
	for (size_t i = 0; i < y->n; i++) {
		double at = y_of(pl, y->ticks[i]);

		use(pg->cr, y->ticks[i] == 0 ? frame : grid, 1);
		stroke_line(pg->cr, pg->left, at, pg->right, at, 1);
		use(pg->cr, quiet, 1);
		put(pg->cr, pg->left - 8, at + 4, RIGHT, pg->left, y->labels[i]);
	}
	for (size_t i = 0; i < x->n; i++) {
		double at = x_of(pg, x->ticks[i]), half = width_of(pg->cr, x->labels[i]) / 2;

		use(pg->cr, grid, 1);
		stroke_line(pg->cr, at, pl->top, at, pl->bottom, 1);
		if (!x_labels)
			continue;
		use(pg->cr, frame, 1);
		stroke_line(pg->cr, at, pl->bottom, at, pl->bottom + 4, 1);
		if (at - half < free_from || at + half > pg->width)
			continue;
		use(pg->cr, quiet, 1);
		put(pg->cr, at, pl->bottom + 18, CENTER, pg->width, x->labels[i]);
		free_from = at + half + 6;
	}
	use(pg->cr, frame, 1);
	calls.cairo_set_line_width(pg->cr, 1);
	calls.cairo_rectangle(pg->cr, pg->left, pl->top, pg->right - pg->left,
			      pl->bottom - pl->top);
	calls.cairo_stroke(pg->cr);
}

/* The sum of the first `depth` values of a row. */
static double level(const struct chart_rows *r, size_t i, size_t depth)
{
	double sum = 0;

	for (size_t j = 0; j < depth; j++)
		sum += chart_row(r, i)[j];
	return sum;
}

/* The area under the first `depth` values of rows begin … end-1, down to 0. */
static void fill_area(const struct page *pg, const struct plot *pl, const struct chart_rows *r,
		      size_t begin, size_t end, size_t depth)
{
	double zero = y_of(pl, 0);

	/* one sample alone is one pixel wide */
	double thick = end - begin == 1 ? 1 : 0;

	calls.cairo_move_to(pg->cr, x_of(pg, chart_row_at(r, begin)) - thick, zero);
	for (size_t i = begin; i < end; i++) {
		double x = x_of(pg, chart_row_at(r, i)), y = y_of(pl, level(r, i, depth));

		calls.cairo_line_to(pg->cr, x - thick, y);
		if (thick > 0)
			calls.cairo_line_to(pg->cr, x + thick, y);
	}
	calls.cairo_line_to(pg->cr, x_of(pg, chart_row_at(r, end - 1)) + thick, zero);
	calls.cairo_close_path(pg->cr);
	calls.cairo_fill(pg->cr);
}

static void stroke_run(const struct page *pg, const struct plot *pl, const struct chart_rows *r,
		       size_t begin, size_t end)
{
	calls.cairo_move_to(pg->cr, x_of(pg, chart_row_at(r, begin)),
			    y_of(pl, chart_row_sum(r, begin)));
	for (size_t i = begin; i < end; i++)
		calls.cairo_line_to(pg->cr, x_of(pg, chart_row_at(r, i)),
				    y_of(pl, chart_row_sum(r, i)));
	calls.cairo_stroke(pg->cr);
}

static void use_ink(const struct page *pg, enum chart_ink ink)
{
	use(pg->cr, colours[ink], 1);
	calls.cairo_set_line_width(pg->cr, 1.8);
	calls.cairo_set_line_join(pg->cr, CAIRO_LINE_JOIN_ROUND);
	calls.cairo_set_line_cap(pg->cr, CAIRO_LINE_CAP_ROUND); /* one point is a dot */
	if (ink == INK_SWAP)
		dash(pg->cr, 6, 4);
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
				use(pg->cr, colours[l->inks[depth - 1]], 1);
				fill_area(pg, pl, r, begin, end, depth);
			}
			if (r->width == 1) {
				use_ink(pg, l->inks[0]);
				stroke_run(pg, pl, r, begin, end);
				dash(pg->cr, 0, 0);
			}
		}
		begin = end + 1;
	}
}

static void draw_limit(const struct page *pg, const struct plot *pl)
{
	const struct chart_panel *p = pl->panel;
	double y;

	if (!p->limit_shown)
		return;
	y = y_of(pl, p->limit);
	use(pg->cr, alarm_colour, 1);
	dash(pg->cr, 8, 5);
	stroke_line(pg->cr, pg->left, y, pg->right, y, 1.6);
	dash(pg->cr, 0, 0);
	use_font(pg->cr, SMALL, false);
	/* below the line where there is no room above it */
	put_on(pg->cr, pg->left + 6, y - pl->top > 18 ? y - 5 : y + 15, pg->right - pg->left,
	       p->limit_text, alarm_colour);
}

static void draw_mark(const struct page *pg, const struct plot *pl)
{
	const struct chart_panel *p = pl->panel;
	double x, y, width, at, base;

	if (!p->has_mark || !isfinite(p->mark))
		return;
	x = x_of(pg, p->mark_s);
	y = y_of(pl, p->mark);
	calls.cairo_arc(pg->cr, x, y, 4.5, 0, 2 * M_PI);
	use(pg->cr, white, 1);
	calls.cairo_fill_preserve(pg->cr);
	use(pg->cr, text_colour, 1);
	calls.cairo_set_line_width(pg->cr, 2);
	calls.cairo_stroke(pg->cr);
	use_font(pg->cr, SMALL, true);
	width = width_of(pg->cr, p->mark_text);
	at = x + 9 + width <= pg->right - 4 ? x + 9 : x - 9 - width;
	if (at < pg->left + 4)
		at = pg->left + 4;
	base = y - 5;
	if (base < pl->top + 14)
		base = y + 17; /* no room above it */
	if (base > pl->bottom - 6)
		base = pl->bottom - 6;
	/* not through the limit's own words */
	if (p->limit_shown && fabs(base - (y_of(pl, p->limit) - 5)) < 15)
		base = y_of(pl, p->limit) + 17;
	put_on(pg->cr, at, base, pg->right - pg->left, p->mark_text, text_colour);
}

/* A sample of the layer's look, and its name; right to left, from `x`. Returns what is left. */
static double put_legend(const struct page *pg, double x, double y, const struct chart_layer *l,
			 size_t i)
{
	use(pg->cr, text_colour, 1);
	x -= put(pg->cr, x, y, RIGHT, pg->right - pg->left, l->names[i]) + 6;
	if (l->rows.width > 1) {
		use(pg->cr, colours[l->inks[i]], 1);
		calls.cairo_rectangle(pg->cr, x - 14, y - 10, 14, 11);
		calls.cairo_fill(pg->cr);
	} else {
		use_ink(pg, l->inks[i]);
		calls.cairo_move_to(pg->cr, x - 20, y - 4);
		calls.cairo_line_to(pg->cr, x, y - 4);
		calls.cairo_stroke(pg->cr);
		dash(pg->cr, 0, 0);
	}
	return x - (l->rows.width > 1 ? 14 : 20) - 14;
}

static void draw_head(const struct page *pg, const struct plot *pl)
{
	char title[CHART_TEXT + 32];
	double x = pg->right, y = pl->top - 9;

	use_font(pg->cr, SMALL, false);
	for (size_t i = pl->panel->n_layers; i-- > 0;)
		for (size_t j = pl->panel->layers[i].rows.width; j-- > 0;)
			x = put_legend(pg, x, y, &pl->panel->layers[i], j);
	use_font(pg->cr, FONT, true);
	use(pg->cr, text_colour, 1);
	snprintf(title, sizeof(title), "%s, in %s", pl->panel->title, pl->panel->y.unit);
	put(pg->cr, pg->left, y, LEFT, x - pg->left, title);
}

/* The lines of the flags through one plot. */
static void draw_flag_lines(const struct page *pg, double top, double bottom)
{
	for (size_t i = 0; i < pg->c->n_flags; i++) {
		double x = x_of(pg, pg->c->flags[i].at_s);

		use(pg->cr, pg->c->flags[i].alarm ? alarm_colour : flag_colour, 0.8);
		dash(pg->cr, 3, 3);
		stroke_line(pg->cr, x, top, x, bottom, 1);
		dash(pg->cr, 0, 0);
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
	calls.cairo_save(pg->cr);
	/* a line on the frame keeps its whole width */
	calls.cairo_rectangle(pg->cr, pg->left - 2, top - 2, pg->right - pg->left + 4,
			      bottom - top + 4);
	calls.cairo_clip(pg->cr);
	for (size_t i = 0; i < panel->n_layers; i++)
		draw_layer(pg, &pl, &panel->layers[i]);
	calls.cairo_restore(pg->cr);
	if (!pg->plot)
		draw_flag_lines(pg, top, bottom);
	draw_limit(pg, &pl);
	draw_mark(pg, &pl);
	if (shows_nothing(panel)) {
		use_font(pg->cr, FONT, false);
		use(pg->cr, quiet, 1);
		put(pg->cr, (pg->left + pg->right) / 2, (top + bottom) / 2 + 4, CENTER,
		    pg->right - pg->left, "no samples");
	}
	if (!pg->plot)
		draw_head(pg, &pl);
}

/* Room for the widest label of any panel, so that all plots begin at one place. */
static double label_room(const struct page *pg)
{
	double room = 30;

	use_font(pg->cr, SMALL, false);
	for (size_t i = 0; i < pg->c->n_panels; i++)
		for (size_t j = 0; j < pg->c->panels[i].y.n; j++)
			room = fmax(room, width_of(pg->cr, pg->c->panels[i].y.labels[j]));
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
#define LINE 18.0
#define X_TICKS 10
#define Y_TICKS 5

static double flag_list_height(const struct chart *c)
{
	return LINE * ((double)c->n_flags + (c->flags_omitted ? 2.5 : 1.5));
}

static double page_height(const struct chart *c)
{
	double height = TITLE_ROOM + AXIS_ROOM + EDGE;

	for (size_t i = 0; i < c->n_panels; i++)
		height += HEAD_ROOM + (i ? OTHER_PLOT : FIRST_PLOT);
	if (c->n_flags)
		height += FLAG_ROOM + flag_list_height(c);
	if (*c->note)
		height += LINE;
	return height;
}

static void draw_title(const struct page *pg)
{
	use_font(pg->cr, 18, true);
	use(pg->cr, text_colour, 1);
	put(pg->cr, EDGE, 30, LEFT, pg->width - 2 * EDGE, pg->c->title);
	use_font(pg->cr, FONT, false);
	use(pg->cr, quiet, 1);
	put(pg->cr, EDGE, 52, LEFT, pg->width - 2 * EDGE, pg->c->subtitle);
}

/* The numbers of the flags, above the plots. */
static void draw_flags(const struct page *pg, double lane)
{
	struct chart_flag_group groups[CHART_FLAGS];
	size_t n;

	use_font(pg->cr, SMALL, true);
	n = chart_group_flags(pg->c, pg->right - pg->left, 8, 7, groups);
	for (size_t i = 0; i < n; i++) {
		double width = fmax(20, width_of(pg->cr, groups[i].label) + 10);
		double x = pg->left + groups[i].center;

		use(pg->cr, groups[i].alarm ? alarm_colour : flag_colour, 1);
		calls.cairo_rectangle(pg->cr, x - width / 2, lane, width, 17);
		calls.cairo_fill(pg->cr);
		use(pg->cr, white, 1);
		put(pg->cr, x, lane + 13, CENTER, width, groups[i].label);
	}
}

static void draw_flag_list(const struct page *pg, double y)
{
	const struct chart *c = pg->c;
	char line[CHART_TEXT + 64];

	use_font(pg->cr, FONT, true);
	use(pg->cr, text_colour, 1);
	put(pg->cr, EDGE, y, LEFT, pg->width, "Events");
	for (size_t i = 0; i < c->n_flags; i++) {
		y += LINE;
		snprintf(line, sizeof(line), "%u", (unsigned int)i + 1);
		use_font(pg->cr, SMALL, true);
		use(pg->cr, c->flags[i].alarm ? alarm_colour : flag_colour, 1);
		put(pg->cr, EDGE + 20, y, RIGHT, 30, line);
		snprintf(line, sizeof(line), "%.3f s", c->flags[i].at_s);
		use_font(pg->cr, SMALL, false);
		use(pg->cr, quiet, 1);
		put(pg->cr, EDGE + 110, y, RIGHT, 90, line);
		use(pg->cr, text_colour, 1);
		put(pg->cr, EDGE + 122, y, LEFT, pg->width - 2 * EDGE - 122, c->flags[i].text);
	}
	if (!c->flags_omitted)
		return;
	snprintf(line, sizeof(line), "and %llu more", c->flags_omitted);
	use(pg->cr, quiet, 1);
	put(pg->cr, EDGE + 122, y + LINE, LEFT, pg->width, line);
}

static void draw_page(cairo_t *cr, const struct chart *c)
{
	struct page pg = { .cr = cr, .c = c, .width = PAGE_WIDTH };
	double lane = TITLE_ROOM, y = TITLE_ROOM + (c->n_flags ? FLAG_ROOM : 0);
	char title[CHART_TEXT];

	use(cr, white, 1);
	calls.cairo_paint(cr);
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
	use_font(cr, SMALL, false);
	use(cr, quiet, 1);
	snprintf(title, sizeof(title), "%s (%s)", c->x_title, c->x.unit);
	put(cr, (pg.left + pg.right) / 2, y + 38, CENTER, pg.right - pg.left, title);
	y += AXIS_ROOM;
	if (c->n_flags) {
		draw_flag_list(&pg, y + LINE);
		y += flag_list_height(c);
	}
	use_font(cr, SMALL, false);
	use(cr, quiet, 1);
	if (*c->note)
		put(cr, EDGE, y + LINE, LEFT, pg.width - 2 * EDGE, c->note);
}

#define PLOT_WIDTH 1000.0
#define PLOT_HEIGHT 600.0

static void draw_plot(cairo_t *cr, const struct chart *c)
{
	struct page pg = { .cr = cr, .c = c, .width = PLOT_WIDTH, .plot = true };
	double top = 48, bottom = PLOT_HEIGHT - 62;

	use(cr, white, 1);
	calls.cairo_paint(cr);
	pg.left = 46 + label_room(&pg);
	pg.right = PLOT_WIDTH - 24;
	draw_panel(&pg, &c->panels[0], top, bottom, true);
	use(cr, text_colour, 1);
	use_font(cr, 15, false);
	put(cr, (pg.left + pg.right) / 2, 30, CENTER, pg.right - pg.left, c->title);
	use_font(cr, FONT, false);
	put(cr, (pg.left + pg.right) / 2, PLOT_HEIGHT - 20, CENTER, pg.right - pg.left, c->x_title);
	calls.cairo_save(cr);
	calls.cairo_translate(cr, 24, (top + bottom) / 2);
	calls.cairo_rotate(cr, -M_PI / 2);
	put(cr, 0, 0, CENTER, bottom - top, c->y_title);
	calls.cairo_restore(cr);
}

/* ---- files ------------------------------------------------------------------------------------ */

/* Where a picture goes. An SVG gets a <title> behind its first tag, for who cannot see it. */
struct stream {
	FILE *out;
	int err;
	const char *title; /* NULL = none, or written */
	size_t matched; /* bytes of "<svg" */
};

static int put_bytes(struct stream *s, const void *bytes, size_t len)
{
	errno = 0;
	if (fwrite(bytes, 1, len, s->out) != len)
		s->err = errno ? -errno : -EIO;
	return s->err;
}

static void put_title(struct stream *s)
{
	char clean[MAX_TEXT];

	escape_bytes(clean, sizeof(clean), s->title, strlen(s->title));
	s->title = NULL;
	put_bytes(s, "\n<title>", 8);
	for (const char *c = clean; *c && !s->err; c++) {
		switch (*c) {
		case '<':
			put_bytes(s, "&lt;", 4);
			break;
		case '>':
			put_bytes(s, "&gt;", 4);
			break;
		case '&':
			put_bytes(s, "&amp;", 5);
			break;
		default:
			put_bytes(s, c, 1);
		}
	}
	if (!s->err)
		put_bytes(s, "</title>", 8);
}

static cairo_status_t take_bytes(void *ctx, const unsigned char *bytes, unsigned int len)
{
	static const char tag[] = "<svg";
	struct stream *s = ctx;
	unsigned int at = 0;

	while (s->title && at < len) {
		char c = (char)bytes[at++];

		if (s->matched < sizeof(tag) - 1)
			s->matched = c == tag[s->matched] ? s->matched + 1 : c == '<';
		else if (c == '>')
			break;
	}
	if (at && s->title && s->matched == sizeof(tag) - 1 && bytes[at - 1] == '>') {
		if (put_bytes(s, bytes, at))
			return CAIRO_STATUS_WRITE_ERROR;
		put_title(s);
	} else {
		at = 0;
	}
	return s->err || put_bytes(s, bytes + at, len - at) ? CAIRO_STATUS_WRITE_ERROR :
							      CAIRO_STATUS_SUCCESS;
}

static int reason(const struct stream *s, cairo_status_t status)
{
	if (status == CAIRO_STATUS_SUCCESS)
		return s->err;
	if (s->err)
		return s->err;
	return status == CAIRO_STATUS_NO_MEMORY ? -ENOMEM : -EIO;
}

typedef void draw_fn(cairo_t *cr, const struct chart *c);

/* Draws; destroys nothing. */
static cairo_status_t draw_on(cairo_surface_t *surface, double scale, const struct chart *c,
			      draw_fn *draw)
{
	cairo_t *cr = calls.cairo_create(surface);
	cairo_status_t status;

	calls.cairo_scale(cr, scale, scale);
	draw(cr, c);
	status = calls.cairo_status(cr);
	calls.cairo_destroy(cr);
	return status;
}

static int write_png(const struct chart *c, double width, double height, double scale,
		     draw_fn *draw, FILE *out)
{
	struct stream stream = { .out = out };
	cairo_surface_t *surface = calls.cairo_image_surface_create(
		CAIRO_FORMAT_RGB24, (int)(width * scale), (int)ceil(height * scale));
	cairo_status_t status = calls.cairo_surface_status(surface);

	if (status == CAIRO_STATUS_SUCCESS)
		status = draw_on(surface, scale, c, draw);
	if (status == CAIRO_STATUS_SUCCESS)
		status = calls.cairo_surface_write_to_png_stream(surface, take_bytes, &stream);
	calls.cairo_surface_destroy(surface);
	return reason(&stream, status);
}

int picture_svg_draw(struct chart *c, const struct unit *unit, FILE *out)
{
	struct stream stream = { .out = out, .title = c->title };
	cairo_surface_t *surface;
	cairo_status_t status;
	int err = open_library();

	if (err)
		return err;
	chart_scale(c, X_TICKS, Y_TICKS, unit);
	surface = calls.cairo_svg_surface_create_for_stream(take_bytes, &stream, PAGE_WIDTH,
							    page_height(c));
	status = calls.cairo_surface_status(surface);
	if (status == CAIRO_STATUS_SUCCESS) {
		calls.cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PX);
		status = draw_on(surface, 1, c, draw_page);
	}
	calls.cairo_surface_finish(surface);
	if (status == CAIRO_STATUS_SUCCESS)
		status = calls.cairo_surface_status(surface);
	calls.cairo_surface_destroy(surface);
	return reason(&stream, status);
}

int picture_png_draw(struct chart *c, const struct unit *unit, FILE *out)
{
	int err = open_library();

	if (err)
		return err;
	chart_scale(c, X_TICKS, Y_TICKS, unit);
	/* twice the pixels, so that it stays sharp on paper */
	return write_png(c, PAGE_WIDTH, page_height(c), 2, draw_page, out);
}

int picture_plot_draw(struct chart *c, const struct unit *unit, FILE *out)
{
	int err = open_library();

	if (err)
		return err;
	chart_scale(c, X_TICKS, 8, unit);
	return write_png(c, PLOT_WIDTH, PLOT_HEIGHT, 1, draw_plot, out);
}

#endif

/* ---- recordings ------------------------------------------------------------------------------- */

#include "chart_load.h"

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
