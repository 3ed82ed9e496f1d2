/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One panel of a picture. Shared by picture.c and picture_panel.c; nobody else includes this. */
#ifndef MEMMON_PICTURE_PANEL_H
#define MEMMON_PICTURE_PANEL_H

#include "canvas.h"
#include "chart.h"

#define WHITE 0xffffff
#define TEXT 0x1a1a1a
#define QUIET 0x5a5a5a
#define ALARM 0xb3261e
#define FLAG 0x4a5568

/* Where things are, in pixels. */
struct picture_page {
	struct canvas *cv;
	const struct chart *c;
	double width, left, right; /* of the page; of the plots */
	bool plot; /* picture_plot_draw() */
};

#define FONT 13.0
#define SMALL 12.0

/* Room for the widest label of any panel, so that all plots begin at one place. */
double picture_label_room(const struct picture_page *pg);

/* Its plot is from top to bottom, its head above that, labels of times, if wanted, below. */
void picture_panel_draw(const struct picture_page *pg, const struct chart_panel *panel, double top,
			double bottom, bool x_labels);

#endif
