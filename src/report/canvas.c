// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why cairo is not linked, but opened when something is drawn: with its own libraries it would cost
 * every start some milliseconds and every watch some MiB, and few watches draw.
 */
#include "canvas.h"

#include <errno.h>
#include <string.h>

const char *canvas_reason(int err)
{
	if (err == -ENOTSUP)
		return "this memmon-bpf was built without cairo; build it with cairo for pictures";
	if (err == -ELIBACC)
		return "the library cairo (libcairo.so.2) is missing; install libcairo2";
	return strerror(-err);
}

#ifdef WITHOUT_CAIRO

int canvas_check(void)
{
	return -ENOTSUP;
}

#else

#include <cairo/cairo-svg.h>
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>

#include "../util/escape.h"
#include "markup.h"

/* ---- the library ------------------------------------------------------------------------------ */

/* What is used of cairo, with its own prototypes. */
#define CAIRO_CALLS(X)                         \
	X(cairo_arc)                           \
	X(cairo_clip)                          \
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

int canvas_check(void)
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

/* ---- the page --------------------------------------------------------------------------------- */

struct canvas {
	cairo_surface_t *surface;
	cairo_t *cr;
	bool png; /* all of it is written at the end */
	FILE *out;
	int err; /* of writing */
	/* an SVG gets a <title> behind its first tag: */
	const char *title; /* NULL = none, or written */
	size_t matched; /* bytes of "<svg" */
};

#define MAX_TEXT 1024

static void put_bytes(struct canvas *cv, const void *bytes, size_t len)
{
	errno = 0;
	if (!cv->err && fwrite(bytes, 1, len, cv->out) != len)
		cv->err = errno ? -errno : -EIO;
}

static void put_title(struct canvas *cv)
{
	errno = 0;
	fputs("\n<title>", cv->out);
	if (markup_name(cv->out, cv->title))
		cv->err = -ENOMEM;
	fputs("</title>", cv->out);
	cv->title = NULL;
	if (!cv->err && ferror(cv->out))
		cv->err = errno ? -errno : -EIO;
}

static cairo_status_t take_bytes(void *ctx, const unsigned char *bytes, unsigned int len)
{
	static const char tag[] = "<svg";
	struct canvas *cv = ctx;
	unsigned int at = 0;
	bool found = false;

	while (cv->title && !found && at < len) {
		char c = (char)bytes[at++];

		if (cv->matched < sizeof(tag) - 1)
			cv->matched = c == tag[cv->matched] ? cv->matched + 1 : c == '<';
		else
			found = c == '>';
	}
	put_bytes(cv, bytes, at);
	if (found)
		put_title(cv);
	put_bytes(cv, bytes + at, len - at);
	return cv->err ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

/* What went wrong so far. */
static int state(const struct canvas *cv)
{
	cairo_status_t status = calls.cairo_surface_status(cv->surface);

	if (cv->err)
		return cv->err;
	if (status == CAIRO_STATUS_SUCCESS && cv->cr)
		status = calls.cairo_status(cv->cr);
	if (status == CAIRO_STATUS_SUCCESS)
		return 0;
	return status == CAIRO_STATUS_NO_MEMORY ? -ENOMEM : -EIO;
}

static struct canvas *create(FILE *out)
{
	struct canvas *cv = calloc(1, sizeof(*cv));

	if (cv)
		cv->out = out;
	return cv;
}

/* The page has its surface: begins to draw on it. Destroys it on failure. */
static int begin(struct canvas *cv, double scale, struct canvas **page)
{
	int err = state(cv);

	if (err) {
		canvas_finish(cv);
		return err;
	}
	cv->cr = calls.cairo_create(cv->surface);
	calls.cairo_scale(cv->cr, scale, scale);
	canvas_use(cv, 0xffffff, 1);
	calls.cairo_paint(cv->cr);
	calls.cairo_set_line_join(cv->cr, CAIRO_LINE_JOIN_ROUND);
	*page = cv;
	return 0;
}

int canvas_create_svg(double width, double height, const char *title, FILE *out,
		      struct canvas **page)
{
	int err = canvas_check();
	struct canvas *cv;

	if (err)
		return err;
	cv = create(out);
	if (!cv)
		return -ENOMEM;
	cv->title = title;
	cv->surface = calls.cairo_svg_surface_create_for_stream(take_bytes, cv, width, height);
	calls.cairo_svg_surface_set_document_unit(cv->surface, CAIRO_SVG_UNIT_PX);
	return begin(cv, 1, page);
}

int canvas_create_png(double width, double height, double scale, FILE *out, struct canvas **page)
{
	int err = canvas_check();
	struct canvas *cv;

	if (err)
		return err;
	cv = create(out);
	if (!cv)
		return -ENOMEM;
	cv->png = true;
	cv->surface = calls.cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(width * scale),
						       (int)ceil(height * scale));
	return begin(cv, scale, page);
}

int canvas_finish(struct canvas *cv)
{
	int err = state(cv);

	if (!err && cv->png) {
		cairo_status_t status =
			calls.cairo_surface_write_to_png_stream(cv->surface, take_bytes, cv);

		err = cv->err;
		if (!err && status != CAIRO_STATUS_SUCCESS)
			err = status == CAIRO_STATUS_NO_MEMORY ? -ENOMEM : -EIO;
	}
	if (cv->cr)
		calls.cairo_destroy(cv->cr);
	cv->cr = NULL;
	calls.cairo_surface_finish(cv->surface);
	if (!err && !cv->png)
		err = state(cv);
	calls.cairo_surface_destroy(cv->surface);
	free(cv);
	return err;
}

/* ---- pens ------------------------------------------------------------------------------------- */

void canvas_use(struct canvas *cv, uint32_t rgb, double alpha)
{
	calls.cairo_set_source_rgba(cv->cr, (rgb >> 16 & 255) / 255.0, (rgb >> 8 & 255) / 255.0,
				    (rgb & 255) / 255.0, alpha);
}

void canvas_dash(struct canvas *cv, double on, double off)
{
	double lengths[] = { on, off };

	calls.cairo_set_dash(cv->cr, lengths, on > 0 ? 2 : 0, 0);
}

void canvas_line(struct canvas *cv, double x0, double y0, double x1, double y1, double width)
{
	calls.cairo_set_line_width(cv->cr, width);
	calls.cairo_move_to(cv->cr, x0, y0);
	calls.cairo_line_to(cv->cr, x1, y1);
	calls.cairo_stroke(cv->cr);
}

void canvas_rectangle(struct canvas *cv, double x, double y, double width, double height)
{
	calls.cairo_rectangle(cv->cr, x, y, width, height);
	calls.cairo_fill(cv->cr);
}

void canvas_frame(struct canvas *cv, double x, double y, double width, double height)
{
	calls.cairo_set_line_width(cv->cr, 1);
	calls.cairo_rectangle(cv->cr, x, y, width, height);
	calls.cairo_stroke(cv->cr);
}

void canvas_ring(struct canvas *cv, double x, double y, double radius, double width)
{
	calls.cairo_save(cv->cr);
	calls.cairo_arc(cv->cr, x, y, radius, 0, 2 * M_PI);
	canvas_use(cv, 0xffffff, 1);
	calls.cairo_fill_preserve(cv->cr);
	calls.cairo_restore(cv->cr);
	calls.cairo_set_line_width(cv->cr, width);
	calls.cairo_stroke(cv->cr);
}

void canvas_point(struct canvas *cv, double x, double y)
{
	calls.cairo_line_to(cv->cr, x, y); /* the first moves there */
}

void canvas_stroke(struct canvas *cv, double width)
{
	calls.cairo_set_line_width(cv->cr, width);
	calls.cairo_set_line_cap(cv->cr, CAIRO_LINE_CAP_ROUND);
	calls.cairo_stroke(cv->cr);
	calls.cairo_set_line_cap(cv->cr, CAIRO_LINE_CAP_BUTT);
}

void canvas_fill(struct canvas *cv)
{
	calls.cairo_fill(cv->cr);
}

void canvas_clip(struct canvas *cv, double x, double y, double width, double height)
{
	calls.cairo_save(cv->cr);
	calls.cairo_rectangle(cv->cr, x, y, width, height);
	calls.cairo_clip(cv->cr);
}

void canvas_unclip(struct canvas *cv)
{
	calls.cairo_restore(cv->cr);
}

/* ---- text ------------------------------------------------------------------------------------- */

void canvas_font(struct canvas *cv, double size, bool bold)
{
	calls.cairo_select_font_face(cv->cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
				     bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	calls.cairo_set_font_size(cv->cr, size);
}

double canvas_text_width(struct canvas *cv, const char *text)
{
	cairo_text_extents_t e;

	calls.cairo_text_extents(cv->cr, text, &e);
	return e.x_advance;
}

/* `text` in valid UTF-8, which cairo insists on, cut to fit `room` pixels; dst of MAX_TEXT bytes. */
static const char *fit(struct canvas *cv, char *dst, const char *text, double room)
{
	size_t len = utf8_sanitize(dst, MAX_TEXT - sizeof("…"), text, strlen(text));

	while (canvas_text_width(cv, dst) > room && len) {
		do {
			len--;
		} while (len && ((unsigned char)dst[len] & 0xc0) == 0x80);
		memcpy(&dst[len], "…", sizeof("…"));
	}
	return dst;
}

double canvas_text(struct canvas *cv, double x, double y, enum canvas_align align, double room,
		   const char *text)
{
	char fitted[MAX_TEXT];
	double width = canvas_text_width(cv, fit(cv, fitted, text, room));

	if (align != CANVAS_LEFT)
		x -= align == CANVAS_CENTER ? width / 2 : width;
	calls.cairo_move_to(cv->cr, x, y);
	calls.cairo_show_text(cv->cr, fitted);
	calls.cairo_new_path(cv->cr);
	return width;
}

void canvas_text_on(struct canvas *cv, double x, double y, double room, const char *text)
{
	char fitted[MAX_TEXT];

	calls.cairo_save(cv->cr);
	calls.cairo_move_to(cv->cr, x, y);
	calls.cairo_text_path(cv->cr, fit(cv, fitted, text, room));
	canvas_use(cv, 0xffffff, 0.9);
	calls.cairo_set_line_width(cv->cr, 4);
	calls.cairo_stroke(cv->cr);
	calls.cairo_restore(cv->cr);
	canvas_text(cv, x, y, CANVAS_LEFT, room, text);
}

void canvas_text_up(struct canvas *cv, double x, double y, double room, const char *text)
{
	calls.cairo_save(cv->cr);
	calls.cairo_translate(cv->cr, x, y);
	calls.cairo_rotate(cv->cr, -M_PI / 2);
	canvas_text(cv, 0, 0, CANVAS_CENTER, room, text);
	calls.cairo_restore(cv->cr);
}

#endif
