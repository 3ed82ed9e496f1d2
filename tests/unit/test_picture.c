/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pictures: that there is one, of the right size, with what it should show in it. They are read back by
 * cairo itself. How they look a person has to judge: PICTURES=DIR keeps them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>

#include "report/picture.h"

#define MIB 1048576.0

/* Of the font's library, not ours. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libfontconfig\n";
}

static void fill(struct chart *c)
{
	static const char *const kinds[] = { "anon", "file", "shmem" };
	struct chart_panel *p = chart_add_panel(c, "RSS by kind");
	struct chart_layer *l = chart_add_layer(p, 3);

	snprintf(c->title, sizeof(c->title), "<script>\"pid 4711\" & \xff\xc3\n\033[2J");
	snprintf(c->subtitle, sizeof(c->subtitle), "日本語 \xf0\x9f");
	snprintf(c->x_title, sizeof(c->x_title), "time since the watch began");
	c->to_s = 100;
	for (int i = 0; i < 3; i++) {
		l->inks[i] = INK_ANON + i;
		l->names[i] = kinds[i];
	}
	for (int i = 0; i <= 1000; i++) {
		double v[] = { 40 * MIB, i < 500 ? 30 * MIB : 10 * MIB, 20 * MIB };

		assert_int_equal(chart_rows_add(&l->rows, i / 10.0, v), 0);
	}
	p->has_mark = true;
	p->mark_s = 30;
	p->mark = 90 * MIB;
	snprintf(p->mark_text, sizeof(p->mark_text), "peak 90.0 MiB at 30.000 s");
	p = chart_add_panel(c, "/dev/shm (64.0 MiB)");
	l = chart_add_layer(p, 1);
	l->inks[0] = INK_USED;
	l->names[0] = "used";
	for (int i = 0; i <= 1000; i++) {
		double v = i == 500 ? NAN : i / 1000.0 * 64 * MIB;

		assert_int_equal(chart_rows_add(&l->rows, i / 10.0, &v), 0);
	}
	p->limit = 64 * MIB;
	snprintf(p->limit_text, sizeof(p->limit_text), "limit 64.0 MiB");
	c->n_flags = 2;
	c->flags[0] = (struct chart_flag){ .at_s = 20, .text = "another mode" };
	c->flags[1] = (struct chart_flag){ .at_s = 99.99, .alarm = true, .text = "full" };
	c->flags_omitted = 3;
}

typedef int draw_fn(struct chart *c, const struct unit *unit, FILE *out);

/* What is drawn; free() it. With PICTURES=DIR in the environment also as DIR/`name`. */
static char *draw(struct chart *c, draw_fn *how, const char *name, size_t *len)
{
	const char *dir = getenv("PICTURES");
	char *bytes = NULL;
	FILE *out = open_memstream(&bytes, len);

	assert_non_null(out);
	assert_int_equal(how(c, NULL, out), 0);
	assert_int_equal(fclose(out), 0);
	if (dir) {
		char path[256];

		snprintf(path, sizeof(path), "%s/%s", dir, name);
		out = fopen(path, "w");
		assert_non_null(out);
		assert_int_equal(fwrite(bytes, 1, *len, out), *len);
		assert_int_equal(fclose(out), 0);
	}
	return bytes;
}

#ifdef WITHOUT_CAIRO

static void test_without_cairo(void **state)
{
	struct chart *c = chart_create();

	(void)state;
	assert_non_null(c);
	fill(c);
	assert_int_equal(picture_png_draw(c, NULL, stderr), -ENOTSUP);
	assert_int_equal(picture_svg_draw(c, NULL, stderr), -ENOTSUP);
	assert_int_equal(picture_plot_draw(c, NULL, stderr), -ENOTSUP);
	assert_non_null(strstr(picture_reason(-ENOTSUP), "cairo"));
	chart_destroy(c);
	(void)draw;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_without_cairo) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include <cairo/cairo.h>
#include <dlfcn.h>

/* ---- reading a PNG back ----------------------------------------------------------------------- */

struct image {
	cairo_surface_t *surface;
	const unsigned char *pixels;
	int width, height, stride;
};

struct bytes {
	const char *at;
	size_t left;
};

static cairo_status_t give_bytes(void *ctx, unsigned char *to, unsigned int len)
{
	struct bytes *b = ctx;

	if (len > b->left)
		return CAIRO_STATUS_READ_ERROR;
	memcpy(to, b->at, len);
	b->at += len;
	b->left -= len;
	return CAIRO_STATUS_SUCCESS;
}

/* As picture.c, so that the tests are not linked with cairo either. */
static void *call(const char *name)
{
	void *library = dlopen("libcairo.so.2", RTLD_NOW | RTLD_LOCAL);
	void *symbol;

	assert_non_null(library);
	symbol = dlsym(library, name);
	assert_non_null(symbol);
	return symbol;
}
#define CALL(name) ((__typeof__(&name))call(#name))

static void read_png(struct image *image, const char *bytes, size_t len)
{
	struct bytes from = { bytes, len };

	image->surface = CALL(cairo_image_surface_create_from_png_stream)(give_bytes, &from);
	assert_int_equal(CALL(cairo_surface_status)(image->surface), CAIRO_STATUS_SUCCESS);
	image->width = CALL(cairo_image_surface_get_width)(image->surface);
	image->height = CALL(cairo_image_surface_get_height)(image->surface);
	image->stride = CALL(cairo_image_surface_get_stride)(image->surface);
	image->pixels = CALL(cairo_image_surface_get_data)(image->surface);
}

static void finish(struct image *image)
{
	CALL(cairo_surface_destroy)(image->surface);
}

static uint32_t pixel(const struct image *image, int x, int y)
{
	uint32_t p;

	memcpy(&p, &image->pixels[y * image->stride + x * 4], sizeof(p));
	return p & 0xffffff;
}

/* How many pixels have this colour, and the highest of them. */
static long count(const struct image *image, uint32_t colour, int *x_first, int *y_first)
{
	long n = 0;

	for (int y = 0; y < image->height; y++)
		for (int x = 0; x < image->width; x++) {
			if (pixel(image, x, y) != colour)
				continue;
			if (!n++) {
				*x_first = x;
				*y_first = y;
			}
		}
	return n;
}

/* ---- tests ------------------------------------------------------------------------------------ */

static void test_png(void **state)
{
	struct chart *c = chart_create();
	struct image image;
	size_t len;
	int x, y, anon_y, file_y, shmem_y;
	char *bytes;
	long all;

	(void)state;
	assert_non_null(c);
	fill(c);
	bytes = draw(c, picture_png_draw, "page.png", &len);
	read_png(&image, bytes, len);
	assert_int_equal(image.width, 1920);
	assert_in_range(image.height, 900, 1600);
	all = (long)image.width * image.height;
	/* a light page with large areas of three colours, from the bottom to the top */
	assert_true(count(&image, 0xffffff, &x, &y) > all / 3);
	assert_true(count(&image, 0x0072b2, &x, &anon_y) > all / 25);
	assert_true(count(&image, 0xe69f00, &x, &file_y) > all / 50);
	assert_true(count(&image, 0x009e73, &x, &shmem_y) > all / 50);
	/* samples of the legend lie above the areas: look below the first plot's head */
	assert_true(pixel(&image, image.width / 4, 2 * 260) == 0x0072b2);
	finish(&image);
	free(bytes);
	chart_destroy(c);
}

static void test_svg(void **state)
{
	struct chart *c = chart_create();
	size_t len;
	char *text;

	(void)state;
	assert_non_null(c);
	fill(c);
	text = draw(c, picture_svg_draw, "page.svg", &len);
	assert_int_equal(strncmp(text, "<?xml", 5), 0);
	assert_non_null(strstr(text, "width=\"960px\""));
	assert_non_null(
		strstr(text, "<title>&lt;script&gt;&quot;pid 4711&quot; &amp; \\xff\\xc3\\n\\x1b[2J"
			     "</title>"));
	assert_null(strstr(text, "<script"));
	assert_null(memchr(text, '\033', len));
	assert_int_equal(strcmp(text + len - 7, "</svg>\n"), 0);
	free(text);
	chart_destroy(c);
}

/* One sample of a hundred thousand is higher: it must be in the plot, at its place. */
static void test_plot_shows_a_single_sample(void **state)
{
	struct chart *c = chart_create();
	struct chart_layer *l;
	struct image image;
	size_t len;
	int x, y;
	char *bytes;

	(void)state;
	assert_non_null(c);
	c->to_s = 10000;
	c->plain_seconds = true;
	snprintf(c->title, sizeof(c->title), "Max_rss: 100.00 MiB");
	snprintf(c->x_title, sizeof(c->x_title), "Time (seconds)");
	snprintf(c->y_title, sizeof(c->y_title), "Memory Usage (rss, MiB)");
	l = chart_add_layer(chart_add_panel(c, ""), 1);
	l->inks[0] = INK_AVAILABLE;
	l->names[0] = "rss";
	for (int i = 0; i < 100000; i++) {
		double v = i == 50000 ? 100 * MIB : 10 * MIB;

		assert_int_equal(chart_rows_add(&l->rows, i / 10.0, &v), 0);
	}
	chart_rows_thin(&l->rows, 0, c->to_s, 1000);
	bytes = draw(c, picture_plot_draw, "plot.png", &len);
	read_png(&image, bytes, len);
	assert_int_equal(image.width, 1000);
	assert_int_equal(image.height, 600);
	assert_true(count(&image, 0xffffff, &x, &y) > 500000);
	/* its highest pixel is not that of the line at the bottom, and in the middle */
	for (y = 40; y < 560; y++) {
		for (x = 80; x < 970; x++)
			if ((pixel(&image, x, y) & 0xff) >
			    ((pixel(&image, x, y) >> 16) & 0xff) + 40)
				break;
		if (x < 970)
			break;
	}
	assert_in_range(y, 80, 110);
	assert_in_range(x, 490, 560);
	finish(&image);
	free(bytes);
	chart_destroy(c);
}

static void test_nothing_to_draw(void **state)
{
	struct chart *c = chart_create();
	struct chart_panel *p;
	size_t len;

	(void)state;
	assert_non_null(c);
	p = chart_add_panel(c, "");
	assert_non_null(chart_add_layer(p, 1));
	p->layers[0].names[0] = "rss";
	free(draw(c, picture_plot_draw, "nothing-plot.png", &len));
	assert_true(len > 1000);
	free(draw(c, picture_png_draw, "nothing.png", &len));
	assert_true(len > 1000);
	chart_destroy(c);
}

static void test_a_full_device_is_told(void **state)
{
	static draw_fn *const ways[] = { picture_png_draw, picture_svg_draw, picture_plot_draw };

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		FILE *full = fopen("/dev/full", "w");
		struct chart *c = chart_create();

		assert_non_null(full);
		assert_non_null(c);
		setvbuf(full, NULL, _IONBF, 0);
		fill(c);
		assert_int_equal(ways[i](c, NULL, full), -ENOSPC);
		chart_destroy(c);
		fclose(full);
	}
	assert_string_equal(picture_reason(-ENOSPC), strerror(ENOSPC));
	assert_non_null(strstr(picture_reason(-ELIBACC), "libcairo2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_png),
		cmocka_unit_test(test_svg),
		cmocka_unit_test(test_plot_shows_a_single_sample),
		cmocka_unit_test(test_nothing_to_draw),
		cmocka_unit_test(test_a_full_device_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
