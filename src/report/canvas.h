/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What pictures are drawn on: a page that becomes an SVG or a PNG, by cairo, which is opened when the
 * first page is asked for and seen by nobody else. Places and lengths are pixels of the page from its
 * top left corner, texts stand on their baseline. Drawing does not fail by itself: canvas_finish()
 * tells. Without cairo at build time there are only canvas_check() and canvas_reason().
 */
#ifndef MEMMON_CANVAS_H
#define MEMMON_CANVAS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* 0 where there can be pages, -ENOTSUP without cairo at build time, -ELIBACC where it is not installed. */
int canvas_check(void);
/* What these two say, in words, and what to do; else strerror() of `err`. */
const char *canvas_reason(int err);

struct canvas;

/*
 * A white page. The stream stays the caller's and must live as long; so must `title`, which is for
 * those who cannot see the picture. A PNG has `scale` × `scale` pixels for each of the page's.
 * Returns 0, what canvas_check() says, -ENOMEM or -EIO.
 */
int canvas_create_svg(double width, double height, const char *title, FILE *out,
		      struct canvas **page);
int canvas_create_png(double width, double height, double scale, FILE *out, struct canvas **page);
/* Writes what is not written yet and destroys the page. Returns 0 or a negative errno. */
int canvas_finish(struct canvas *cv);

/* ---- pens ------------------------------------------------------------------------------------- */

/* What follows is drawn in 0xRRGGBB, from 0 (not seen) to 1 (opaque). */
void canvas_use(struct canvas *cv, uint32_t rgb, double alpha);
/* Lines are dashes of `on` pixels and gaps of `off`; 0, 0 = unbroken. */
void canvas_dash(struct canvas *cv, double on, double off);

void canvas_line(struct canvas *cv, double x0, double y0, double x1, double y1, double width);
void canvas_rectangle(struct canvas *cv, double x, double y, double width, double height);
void canvas_frame(struct canvas *cv, double x, double y, double width, double height);
/* A ring, filled with white. */
void canvas_ring(struct canvas *cv, double x, double y, double radius, double width);

/* A path of points, which is stroked (one point alone is a dot) or filled and then forgotten. */
void canvas_point(struct canvas *cv, double x, double y);
void canvas_stroke(struct canvas *cv, double width);
void canvas_fill(struct canvas *cv);

/* Until canvas_unclip() nothing is drawn outside of this. They do not nest. */
void canvas_clip(struct canvas *cv, double x, double y, double width, double height);
void canvas_unclip(struct canvas *cv);

/* ---- text ------------------------------------------------------------------------------------- */

enum canvas_align { CANVAS_LEFT, CANVAS_CENTER, CANVAS_RIGHT };

void canvas_font(struct canvas *cv, double size, bool bold);
double canvas_text_width(struct canvas *cv, const char *text);
/* Any bytes may be in `text`; it is cut to `room` pixels. Returns its width. */
double canvas_text(struct canvas *cv, double x, double y, enum canvas_align align, double room,
		   const char *text);
/* From x on, with a rim of white: it stands on a drawing. */
void canvas_text_on(struct canvas *cv, double x, double y, double room, const char *text);
/* Centred on x, y and read from the bottom to the top. */
void canvas_text_up(struct canvas *cv, double x, double y, double room, const char *text);

#endif
