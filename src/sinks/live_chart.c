/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The history strip: one column per span of time, eight levels per row with block characters, and
 * plain ASCII where the locale has none.
 *
 * A column covers a power of two of intervals and starts at a multiple of its span since the watch
 * began, so that columns keep their points while the strip moves. It shows the extreme that matters:
 * the highest RSS, the lowest available memory.
 */
#include <stdlib.h>

#include "live.h"
#include "show.h"

#define LABEL_COLUMNS 9 /* "Available"; under it the span of time */
#define SCALE_COLUMNS 9 /* " 1023.9M" */
#define MAX_COLUMNS HISTORY_POINTS

struct strip {
	int columns;
	uint64_t span_ns; /* of one column */
	uint64_t value[MAX_COLUMNS]; /* UNKNOWN_U64 = no point */
	uint64_t low, high; /* of the scale */
};

static uint64_t point_value(const struct history_point *p, enum live_series series)
{
	return series == LIVE_RSS ? p->rss_bytes : p->available_bytes;
}

/* The span of a column: intervals by a power of two, until all points fit. */
static uint64_t column_span(const struct live_view *v, const struct snapshot *s, int columns)
{
	uint64_t span = (uint64_t)(v->run->interval_s * 1e9);
	uint64_t whole = s->history[s->n_history - 1].ts_ns - s->history[0].ts_ns;

	if (!span)
		span = 1;
	while (whole / span + 1 >= (uint64_t)columns)
		span *= 2;
	return span;
}

static void gather(struct strip *strip, const struct snapshot *s, enum live_series series)
{
	uint64_t newest = s->history[s->n_history - 1].ts_ns / strip->span_ns;

	for (int i = 0; i < strip->columns; i++)
		strip->value[i] = UNKNOWN_U64;
	for (size_t i = 0; i < s->n_history; i++) {
		uint64_t value = point_value(&s->history[i], series);
		uint64_t age = newest - s->history[i].ts_ns / strip->span_ns;
		uint64_t *at;

		if (age >= (uint64_t)strip->columns || value == UNKNOWN_U64)
			continue;
		at = &strip->value[strip->columns - 1 - (int)age];
		if (*at == UNKNOWN_U64 || (series == LIVE_RSS ? value > *at : value < *at))
			*at = value;
	}
	/* an interval that came late leaves no hole: what was before still held */
	for (int i = 1; i < strip->columns; i++) {
		if (strip->value[i] == UNKNOWN_U64)
			strip->value[i] = strip->value[i - 1];
	}
}

/*
 * RSS starts at 0. Available memory hardly moves against the whole machine, so its scale starts at
 * its lowest; but no narrower than 1 % of the highest, or idle noise would look like a storm.
 */
static void scale(struct strip *strip, enum live_series series)
{
	uint64_t low = UNKNOWN_U64, high = 0;

	for (int i = 0; i < strip->columns; i++) {
		if (strip->value[i] == UNKNOWN_U64)
			continue;
		if (strip->value[i] < low)
			low = strip->value[i];
		if (strip->value[i] > high)
			high = strip->value[i];
	}
	if (series == LIVE_RSS || low == UNKNOWN_U64)
		low = 0;
	else if (high - low < high / 100)
		low = high - high / 100;
	strip->low = low;
	strip->high = high;
}

/* 1 to height × 8 for a value that is known: also the lowest leaves a mark. */
static int level(const struct strip *strip, uint64_t value, int height)
{
	double share;

	if (value == UNKNOWN_U64)
		return 0;
	if (strip->high == strip->low)
		return strip->high ? height * 8 : 1;
	share = (double)(value - strip->low) / (double)(strip->high - strip->low);
	return 1 + (int)(share * (height * 8 - 1) + 0.5);
}

static void draw_row(struct live_view *v, const struct strip *strip, enum look look, int above,
		     int height)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { " ", "_", "_", ".", "-", "-", "=", "+", "#" };

	for (int i = 0; i < strip->columns; i++) {
		int eighths = level(strip, strip->value[i], height) - above * 8;

		eighths = eighths < 0 ? 0 : eighths > 8 ? 8 : eighths;
		live_put(v, look, "%s", v->utf8 ? blocks[eighths] : ascii[eighths]);
	}
}

static void draw_scale(struct live_view *v, uint64_t bytes)
{
	struct field_value value = { .known = true, .whole = (int64_t)bytes };
	char text[SHOW_LEN];

	live_put(v, LOOK_DIM, " %s", live_short_bytes(v, text, value));
}

/* "59 s", "12m05s", "3h07m": what the strip covers. */
static const char *span_text(char *dst, uint64_t ns)
{
	unsigned long long seconds = ns / 1000000000;

	if (seconds < 60)
		snprintf(dst, SHOW_LEN, "%llu s", seconds);
	else if (seconds < 3600)
		snprintf(dst, SHOW_LEN, "%llum%02llus", seconds / 60, seconds % 60);
	else
		snprintf(dst, SHOW_LEN, "%lluh%02llum", seconds / 3600, seconds / 60 % 60);
	return dst;
}

void live_chart_draw(struct live_view *v, const struct snapshot *s, enum live_series series,
		     int row, int height)
{
	enum look look = series == LIVE_RSS ? LOOK_ANON : LOOK_LABEL;
	int scale_columns = SCALE_COLUMNS + (v->unit ? 5 : 0);
	struct strip strip = { .columns = v->columns - LABEL_COLUMNS - 1 - scale_columns };
	char span[SHOW_LEN];

	live_at(v, row, 0);
	live_put(v, LOOK_LABEL, "%s", series == LIVE_RSS ? "RSS" : "Available");
	if (strip.columns > MAX_COLUMNS)
		strip.columns = MAX_COLUMNS;
	if (!s->n_history || strip.columns < 4)
		return;
	strip.span_ns = column_span(v, s, strip.columns);
	gather(&strip, s, series);
	scale(&strip, series);
	if (!strip.high && series == LIVE_AVAILABLE) {
		live_put(v, LOOK_DIM, " n/a");
		return;
	}
	if (height > 1) {
		live_at(v, row + 1, 0);
		live_put(v, LOOK_DIM, "%s",
			 span_text(span, strip.span_ns * (uint64_t)strip.columns));
	}
	for (int i = 0; i < height; i++) {
		live_at(v, row + i, LABEL_COLUMNS + 1);
		draw_row(v, &strip, look, height - 1 - i, height);
		if (i == 0)
			draw_scale(v, strip.high);
		else if (i == height - 1)
			draw_scale(v, strip.low);
	}
}
