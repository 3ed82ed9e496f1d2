/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The charts of a recording: which panels there are, and the rows that belong in them. Pictures and
 * the HTML report both draw what is said here, so they show the same.
 */
#ifndef MEMMON_CHART_LOAD_H
#define MEMMON_CHART_LOAD_H

#include "../recording/recording.h"
#include "chart.h"

/* Where the rows of a layer come from. */
struct chart_source {
	enum entity entity;
	int64_t id;
	size_t figures[CHART_STACK]; /* of struct sample; as many as the layer is wide */
	/* a line: the least and the most since the row before are drawn too, as needles */
	bool needles;
	/* a value known exactly, at an instant that no row has; exact[0] NAN = none */
	double exact_s, exact[CHART_STACK];
	double exact_bound; /* bytes that all values together may seem higher, as they are counted in pieces */
};

struct chart_plan {
	struct chart *chart; /* without rows; not scaled */
	struct chart_source sources[CHART_PANELS][CHART_LAYERS];
};

/*
 * Titles, panels, limits, marked peaks and flags of a recording, with at most `mounts` mounts of
 * shared memory, those of the largest peaks. Returns 0, -EINVAL for a damaged file, -ENOMEM.
 */
int chart_plan_create(struct recording *r, const struct run *run, size_t mounts,
		      struct chart_plan *plan);
void chart_plan_finish(struct chart_plan *plan);

/*
 * Calls `row` for every point of every layer, in the order of time within a layer. What a recording
 * leaves out because it did not change is made up for: a value goes on until just before the next,
 * and to the end. Returns 0, what `row` returned when that was not 0, -EINVAL, -ENOMEM.
 */
typedef int chart_row_fn(void *ctx, size_t panel, size_t layer, double at_s, const double *values);
int chart_feed(struct recording *r, const struct chart_plan *plan, chart_row_fn *row, void *ctx);

/* Plan and rows, thinned for a picture of `columns` columns of pixels; chart_destroy() it. */
int chart_load(struct recording *r, const struct run *run, size_t mounts, size_t columns,
	       struct chart **out);

/* An event, and whose it was: "python3 (4711): killed by …"; dst of CHART_TEXT bytes. Returns it. */
const char *chart_event_text(char *dst, const struct recorded_event *e);
/* Its text without the time that it may begin with. */
const char *chart_event_what(const struct recorded_event *e);
/* How the watch was done when it began: told as an event, but nothing happened. */
bool chart_event_is_start(const struct recorded_event *e);
/* A process comes or goes: worth a flag only where few do. */
bool chart_event_is_ordinary(const char *kind);
/* Does this kind of event mean that something failed? */
bool chart_event_alarms(const char *kind);

#endif
