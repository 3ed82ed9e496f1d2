/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text on the live screen. Everything is clipped at the right edge by terminal columns, so that a
 * wide character never wraps; the text is printable already (show_name()).
 */
#include <curses.h>
#include <stdarg.h>
#include <string.h>

#include "live.h"
#include "show.h"

static const struct {
	short fore, back; /* -1 = the terminal's own */
	attr_t colored, plain; /* attributes with and without colours */
} looks[LOOKS] = {
	[LOOK_PLAIN] = { -1, -1, A_NORMAL, A_NORMAL },
	[LOOK_BAR] = { COLOR_BLACK, COLOR_GREEN, A_NORMAL, A_REVERSE },
	[LOOK_SORTED] = { COLOR_BLACK, COLOR_CYAN, A_NORMAL, A_REVERSE | A_BOLD },
	[LOOK_LABEL] = { COLOR_CYAN, -1, A_NORMAL, A_NORMAL },
	[LOOK_STRONG] = { -1, -1, A_BOLD, A_BOLD },
	[LOOK_DIM] = { -1, -1, A_DIM, A_DIM },
	[LOOK_ALARM] = { COLOR_WHITE, COLOR_RED, A_BOLD, A_REVERSE | A_BOLD },
	[LOOK_ANON] = { COLOR_GREEN, -1, A_NORMAL, A_NORMAL },
	[LOOK_FILE] = { COLOR_YELLOW, -1, A_NORMAL, A_NORMAL },
	[LOOK_SHMEM] = { COLOR_MAGENTA, -1, A_NORMAL, A_NORMAL },
	[LOOK_SWAP] = { COLOR_RED, -1, A_NORMAL, A_NORMAL },
};

void live_looks_init(void)
{
	start_color();
	use_default_colors();
	for (int i = 0; i < LOOKS; i++)
		init_pair((short)(i + 1), looks[i].fore, looks[i].back);
}

void live_look(const struct live_view *v, enum look look)
{
	if (v->color)
		attr_set(looks[look].colored, (short)(look + 1), NULL);
	else
		attr_set(looks[look].plain, 0, NULL);
}

void live_at(struct live_view *v, int row, int column)
{
	v->at_row = row;
	v->at_column = column;
}

static void put(struct live_view *v, enum look look, const char *text, bool whole)
{
	int used;
	size_t bytes = show_clip(text, v->columns - v->at_column, &used);

	if (whole && text[bytes]) {
		v->at_column = v->columns; /* nor anything after it */
		return;
	}
	live_look(v, look);
	mvaddnstr(v->at_row, v->at_column, text, (int)bytes);
	live_look(v, LOOK_PLAIN);
	v->at_column += used;
}

void live_put(struct live_view *v, enum look look, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put(v, look, text, false);
}

void live_put_whole(struct live_view *v, enum look look, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put(v, look, text, true);
}

void live_fill(struct live_view *v, enum look look)
{
	if (v->at_column < v->columns)
		live_put(v, look, "%*s", v->columns - v->at_column, "");
}

const char *live_bytes(const struct live_view *v, char *dst, struct field_value bytes)
{
	return show_value(dst, bytes, FIELD_BYTES, v->unit);
}

const char *live_short_bytes(const struct live_view *v, char *dst, struct field_value bytes)
{
	char *blank;

	if (bytes.known && v->unit)
		return show_in_unit(dst, bytes.whole, v->unit);
	show_value(dst, bytes, FIELD_BYTES, NULL);
	blank = strchr(dst, ' ');
	if (blank) {
		/* "512.3 MiB" to "512.3M" */
		blank[0] = blank[1];
		blank[1] = '\0';
	}
	return dst;
}
