/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the live screen share: live.c (terminal, keys), live_*.c (what is drawn). */
#ifndef MEMMON_LIVE_H
#define MEMMON_LIVE_H

#include "sink.h"

/* Below this only a line saying so is drawn. */
#define LIVE_MIN_ROWS 8
#define LIVE_MIN_COLUMNS 40

/* How a piece of text looks; live_look() turns it into colours or, without them, bold and reverse. */
enum look {
	LOOK_PLAIN,
	LOOK_BAR, /* the title, the head of the table, the keys */
	LOOK_SORTED, /* the head of the column that sorts */
	LOOK_LABEL,
	LOOK_STRONG,
	LOOK_DIM,
	LOOK_ALARM,
	LOOK_ANON,
	LOOK_FILE,
	LOOK_SHMEM,
	LOOK_SWAP,
	LOOKS,
};

/* What the keys change. */
struct live_view {
	const struct run *run;
	const struct unit *unit; /* NULL: by size */
	int rows, columns; /* of the terminal */
	int at_row, at_column; /* where live_put() goes on; curses' own cursor wraps at the edge */
	bool utf8, color;
	bool paused, help;
	bool reverse, hide_ended, only_comm;
	int sort; /* index of the table's columns */
	size_t top; /* first process shown */
	size_t page; /* processes that fit, as last drawn */
};

/* live_terminal.c: the terminal in curses mode. */
struct live_terminal {
	int fd;
	FILE *in, *out;
	struct screen *screen; /* curses' SCREEN */
	bool open; /* in curses mode */
};

/*
 * Returns 0, -ENOTSUP with an unusable $TERM, or another negative errno; live_terminal_close() is
 * due also after a failure. `v` gets its colour.
 */
int live_terminal_enter(struct live_terminal *t, int fd, struct live_view *v);
void live_terminal_leave(struct live_terminal *t);
void live_terminal_close(struct live_terminal *t); /* zeroed, left or failed is fine */
/* Makes it the one that is drawn on. False when it was left. */
bool live_terminal_use(const struct live_terminal *t);
/* Follows its size into `v`. */
void live_terminal_size(const struct live_terminal *t, struct live_view *v);
/* A terminal that is gone is readable for ever. */
bool live_terminal_gone(const struct live_terminal *t);
void live_next_unit(struct live_view *v);

/* live_screen.c: draws all of it into stdscr. Returns 0 or -ENOMEM. */
int live_screen_draw(struct live_view *v, const struct snapshot *s);

/* A bar of parts, each as long as its share of `full`, a quarter of the screen wide. */
struct live_part {
	uint64_t bytes;
	enum look look;
	char sign;
};
void live_bar(struct live_view *v, const struct live_part *parts, int n, uint64_t full);

/* live_put.c: text at a place, never beyond the right edge. */
void live_look(const struct live_view *v, enum look look);
void live_looks_init(void);
void live_at(struct live_view *v, int row, int column);
void live_put(struct live_view *v, enum look look, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same, but all of it or nothing: half a figure misleads. */
void live_put_whole(struct live_view *v, enum look look, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Fills the rest of the row, so that bars reach the right edge. */
void live_fill(struct live_view *v, enum look look);
/* Bytes in the view's unit: "512.3 MiB"; or short enough for a column: "512.3M". */
const char *live_bytes(const struct live_view *v, char *dst, struct field_value bytes);
const char *live_short_bytes(const struct live_view *v, char *dst, struct field_value bytes);

/* live_chart.c: the history strip, `height` rows from `row` on. */
enum live_series { LIVE_RSS, LIVE_AVAILABLE };
void live_chart_draw(struct live_view *v, const struct snapshot *s, enum live_series series,
		     int row, int height);

/* live_table.c: the processes; the head goes to `row`, `height` processes below it. */
int live_table_draw(struct live_view *v, const struct snapshot *s, int row, int height);
/* Sorts by the column `steps` further among those shown; or by the one whose letter is `key`. */
void live_table_sort_step(struct live_view *v, int steps);
bool live_table_sort_key(struct live_view *v, int key);

/* live_copy.c: a snapshot that outlives the model's. NULL when memory is exhausted. */
struct live_copy;
struct live_copy *live_copy_create(const struct snapshot *s);
const struct snapshot *live_copy_snapshot(const struct live_copy *copy);
void live_copy_destroy(struct live_copy *copy); /* NULL is fine */

#endif
