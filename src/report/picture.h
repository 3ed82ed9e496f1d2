/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Charts as pictures, drawn by cairo, which is opened when the first is asked for. All functions
 * return 0 or a negative errno: -ENOTSUP where memmon-bpf was built without cairo, -ELIBACC where
 * its library is not installed, -EIO and what writing says otherwise. The streams stay the caller's.
 */
#ifndef MEMMON_PICTURE_H
#define MEMMON_PICTURE_H

#include <stdio.h>

#include "chart.h"

struct recording;
struct run;

/* What cannot be drawn is told in words; else strerror() of `err`. */
const char *picture_reason(int err);

/* 0 where pictures can be drawn, -ENOTSUP or -ELIBACC: to be asked before a file is replaced by one. */
int picture_check(void);

/* The history of a recording; the same picture in both. A recording without samples says so in it. */
int picture_svg_write(struct recording *r, const struct run *run, FILE *out);
int picture_png_write(struct recording *r, const struct run *run, FILE *out);

/* A chart by itself. chart_scale() is done here, as the size decides how many ticks fit. */
int picture_svg_draw(struct chart *c, const struct unit *unit, FILE *out);
int picture_png_draw(struct chart *c, const struct unit *unit, FILE *out);

/*
 * The only panel of a chart as a plain plot of 1000 × 600 pixels (10 × 6 inches at 100 per inch):
 * title, grid, and the titles of both axes.
 */
int picture_plot_draw(struct chart *c, const struct unit *unit, FILE *out);

#endif
