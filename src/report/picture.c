// SPDX-License-Identifier: GPL-2.0-or-later
/* A chart as a page: title, panels below each other, events. Where everything is. */
#include "picture.h"

#include <errno.h>
#include <math.h>

#include "chart_load.h"
#include "picture_panel.h"

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

static void draw_title(const struct picture_page *pg)
{
	canvas_font(pg->cv, 18, true);
	canvas_use(pg->cv, TEXT, 1);
	canvas_text(pg->cv, EDGE, 30, CANVAS_LEFT, pg->width - 2 * EDGE, pg->c->title);
	canvas_font(pg->cv, FONT, false);
	canvas_use(pg->cv, QUIET, 1);
	canvas_text(pg->cv, EDGE, 52, CANVAS_LEFT, pg->width - 2 * EDGE, pg->c->subtitle);
}

/* The numbers of the flags, above the plots. */
static void draw_flags(const struct picture_page *pg, double lane)
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
static double draw_flag_text(const struct picture_page *pg, double y, const char *text)
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

static void draw_flag_list(const struct picture_page *pg, double y)
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
	struct picture_page pg = { .cv = cv, .c = c, .width = PAGE_WIDTH };
	double lane = TITLE_ROOM, y = TITLE_ROOM + (c->n_flags ? FLAG_ROOM : 0);
	char title[CHART_TEXT];

	pg.left = EDGE + picture_label_room(&pg) + 10;
	pg.right = pg.width - EDGE - 4;
	draw_title(&pg);
	for (size_t i = 0; i < c->n_panels; i++) {
		double top = y + HEAD_ROOM - 4, bottom = y + HEAD_ROOM - 4;

		bottom += i ? OTHER_PLOT - 8 : FIRST_PLOT - 8;
		picture_panel_draw(&pg, &c->panels[i], top, bottom, i + 1 == c->n_panels);
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
	struct picture_page pg = { .cv = cv, .c = c, .width = PLOT_WIDTH, .plot = true };
	double top = 48, bottom = PLOT_HEIGHT - 62;

	pg.left = 46 + picture_label_room(&pg);
	pg.right = PLOT_WIDTH - 24;
	picture_panel_draw(&pg, &c->panels[0], top, bottom, true);
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
