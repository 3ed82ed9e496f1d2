/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A chart as numbers: panels below each other over one axis of time, each with layers (a stack of
 * kinds, a line), a limit, a marked peak and an axis of bytes; flags of events over all of them.
 * It knows what is to be drawn, but no drawing library, no recording and no clock: picture.c draws
 * it, chart_load.c fills it from a recording, the sink log_dir.c from ticks.
 *
 * Values are bytes, times seconds since the watch began; NAN = not known, which breaks a line.
 */
#ifndef MEMMON_CHART_H
#define MEMMON_CHART_H

#include <stdbool.h>
#include <stddef.h>

#include "../util/units.h"

/* ---- rows: times and values ------------------------------------------------------------------- */

/* Rows of a time and `width` values each, ascending by time. Zeroed, with a width, it is empty. */
struct chart_rows {
	size_t n, cap, width;
	double *cells; /* n × (1 + width) */
};

static inline double chart_row_at(const struct chart_rows *r, size_t i)
{
	return r->cells[i * (1 + r->width)];
}
static inline const double *chart_row(const struct chart_rows *r, size_t i)
{
	return &r->cells[i * (1 + r->width) + 1];
}

/*
 * Adds a row at the end; one that is earlier than the last, or at no finite time, takes the last's
 * time. Returns 0 or -ENOMEM.
 */
int chart_rows_add(struct chart_rows *r, double at_s, const double *values);
void chart_rows_finish(struct chart_rows *r);
/* The sum of a row's values; NAN where one of them is not known. */
double chart_row_sum(const struct chart_rows *r, size_t i);

/*
 * Thins rows for `columns` columns of pixels over from_s … to_s: of each column the first, the
 * lowest, the highest and the last row survive, by their sums, and a row that breaks the line. What
 * is drawn of them differs from what was by no pixel, and thinning again loses no extreme.
 */
void chart_rows_thin(struct chart_rows *r, double from_s, double to_s, size_t columns);

/* ---- axes ------------------------------------------------------------------------------------- */

#define CHART_TICKS 24

struct chart_axis {
	double low, high;
	size_t n;
	double ticks[CHART_TICKS];
	char labels[CHART_TICKS][24];
	char unit[16]; /* of the labels: "MiB", "seconds", "h:min" */
};

/*
 * An axis of bytes up to `high`, from the tick at or below `low`, with at most `most` steps of 1, 2 or
 * 5 times a power of ten in `unit` (NULL = by size).
 */
void chart_axis_bytes(struct chart_axis *axis, double low, double high, size_t most,
		      const struct unit *unit);
/*
 * An axis of times from low to high: ticks at whole seconds, minutes, hours, days, whatever fits;
 * with `plain` always labelled in seconds.
 */
void chart_axis_time(struct chart_axis *axis, double low, double high, size_t most, bool plain);

/* ---- the chart -------------------------------------------------------------------------------- */

/* What a layer shows, from which follows how it looks. */
enum chart_ink {
	INK_ANON,
	INK_FILE,
	INK_SHMEM,
	INK_SWAP,
	INK_TOTAL,
	INK_FOOTPRINT,
	INK_AVAILABLE,
	INK_CHARGE,
	INK_USED,
	CHART_INKS
};

#define CHART_STACK 3 /* values of a row, at most */
#define CHART_LAYERS 4 /* of a panel, at most */
#define CHART_PANELS 20
#define CHART_FLAGS 24
#define CHART_TEXT 200

/* One value per row: a line. Several: areas on top of each other, the first at the bottom. */
struct chart_layer {
	enum chart_ink inks[CHART_STACK];
	const char *names[CHART_STACK]; /* of the legend; string constants */
	struct chart_rows rows;
};

struct chart_panel {
	char title[CHART_TEXT]; /* printable text, as all of a chart's */
	struct chart_layer layers[CHART_LAYERS];
	size_t n_layers;
	double limit; /* NAN = none */
	char limit_text[64];
	/* the point that is marked: */
	bool has_mark, mark_below; /* below: where the words stand */
	double mark_s, mark;
	char mark_text[96];
	struct chart_axis y; /* by chart_scale() */
	bool limit_shown; /* by chart_scale(): the axis reaches it */
};

struct chart_flag {
	double at_s;
	bool alarm; /* something failed */
	char text[CHART_TEXT];
};

struct chart {
	char title[CHART_TEXT], subtitle[CHART_TEXT], note[CHART_TEXT];
	double from_s, to_s;
	bool plain_seconds;
	char x_title[48], y_title[64]; /* "" = none */
	struct chart_panel panels[CHART_PANELS];
	size_t n_panels;
	struct chart_flag flags[CHART_FLAGS]; /* ascending by time */
	size_t n_flags;
	unsigned long long flags_omitted;
	struct chart_axis x; /* by chart_scale() */
};

struct chart *chart_create(void); /* NULL when memory is exhausted */
void chart_destroy(struct chart *c); /* NULL is fine */

/* NULL when there is no room; `title` is copied. */
struct chart_panel *chart_add_panel(struct chart *c, const char *title);
/* A layer of `width` values; NULL when there is no room. */
struct chart_layer *chart_add_layer(struct chart_panel *p, size_t width);

/* The lowest and highest that a panel shows, without its limit; false when it shows nothing. */
bool chart_panel_range(const struct chart_panel *p, double *low, double *high);

/* Below this share of a limit what is drawn would be pressed flat: the limit is only told in words. */
#define CHART_LIMIT_WORTH 0.1

/* The chart is complete: computes the axes. x_ticks, y_ticks: at most so many steps. */
void chart_scale(struct chart *c, size_t x_ticks, size_t y_ticks, const struct unit *unit);

/* Flags that stand too close for a number each share one place. */
struct chart_flag_group {
	size_t first, last; /* indices of flags */
	double center; /* of their label, in pixels; 0 is from_s */
	bool alarm;
	char label[16]; /* "3" or "3-7" */
};

/*
 * Groups the flags along `width` pixels, with labels of `digit` pixels per character and `pad`
 * around them, so that no two overlap. `groups` has room for CHART_FLAGS; returns how many.
 */
size_t chart_group_flags(const struct chart *c, double width, double digit, double pad,
			 struct chart_flag_group *groups);

#endif
