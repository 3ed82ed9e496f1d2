/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of processes. Its columns are rows of one table here; a narrow terminal drops those of
 * the lowest rank. Live processes come before ended ones whatever sorts them.
 */
#define _GNU_SOURCE
#include <curses.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "show.h"

#define COMMAND_COLUMNS 14 /* at least */

enum content { HOLDS_PID, HOLDS_FIELD, HOLDS_COMMAND };

static const struct table_column {
	const char *title;
	enum content content;
	const char *field; /* of process_fields */
	char key; /* sorts by it */
	int width; /* with units by size */
	int rank; /* 0 is always shown; the highest goes first */
} columns[] = {
	{ "PID", HOLDS_PID, NULL, 'N', 7, 0 },
	{ "RSS", HOLDS_FIELD, "rss", 'M', 7, 0 },
	{ "PEAK", HOLDS_FIELD, "peak.rss", 'K', 7, 1 },
	{ "AT", HOLDS_FIELD, "peak.at", 'T', 8, 6 },
	{ "ANON", HOLDS_FIELD, "anon", 'A', 7, 2 },
	{ "FILE", HOLDS_FIELD, "file", 'F', 7, 4 },
	{ "SHMEM", HOLDS_FIELD, "shmem", 'S', 7, 3 },
	{ "SWAP", HOLDS_FIELD, "swap", 'W', 7, 5 },
	{ "MINFLT", HOLDS_FIELD, "faults.minor", 'I', 9, 8 },
	{ "MAJFLT", HOLDS_FIELD, "faults.major", 'J', 7, 7 },
	{ "COMMAND", HOLDS_COMMAND, NULL, 'C', COMMAND_COLUMNS, 0 },
};
#define N_COLUMNS ((int)(sizeof(columns) / sizeof(columns[0])))
#define MAX_RANK 8

static bool is_bytes(const struct table_column *c)
{
	const struct process_field *f = c->field ? process_field_find(c->field) : NULL;

	return f && f->unit == FIELD_BYTES;
}

static int column_width(const struct live_view *v, const struct table_column *c)
{
	if (!v->unit || !is_bytes(c))
		return c->width;
	if (v->unit->bytes == 1)
		return 12; /* 107374182400 */
	return v->unit->bytes < 1000000 ? 10 : 8; /* 10485760.0 KiB, 102400.0 MiB */
}

/* The highest rank that still fits the terminal. */
static int shown_rank(const struct live_view *v)
{
	int rank;

	for (rank = MAX_RANK; rank > 0; rank--) {
		int width = 0;

		for (int i = 0; i < N_COLUMNS; i++)
			width += columns[i].rank <= rank ? column_width(v, &columns[i]) + 1 : 0;
		if (width - 1 <= v->columns)
			break;
	}
	return rank;
}

struct order {
	const struct live_view *v;
	const struct snapshot *s;
	const struct table_column *by;
	const struct process_field *field;
};

static int compare_values(struct field_value a, struct field_value b, enum field_unit unit)
{
	if (!a.known || !b.known)
		return a.known - b.known;
	if (unit == FIELD_BYTES || unit == FIELD_COUNT)
		return (a.whole > b.whole) - (a.whole < b.whole);
	return (a.real > b.real) - (a.real < b.real);
}

/* Figures largest first, names and pids smallest first, unless reversed. */
static int compare(const void *left, const void *right, void *data)
{
	const struct process *a = *(const struct process *const *)left;
	const struct process *b = *(const struct process *const *)right;
	const struct order *o = data;
	int diff = 0;

	if (!a->end_ns != !b->end_ns)
		return a->end_ns ? 1 : -1;
	if (o->by->content == HOLDS_COMMAND)
		diff = strncmp(a->comm, b->comm, COMM_LEN);
	else if (o->field)
		diff = -compare_values(o->field->get(o->s, a), o->field->get(o->s, b),
				       o->field->unit);
	if (!diff)
		diff = (a->pid > b->pid) - (a->pid < b->pid);
	if (!diff)
		diff = (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
	return o->v->reverse ? -diff : diff;
}

static const struct process **sorted(const struct live_view *v, const struct snapshot *s, size_t *n)
{
	const struct process **list = calloc(s->n_processes + 1, sizeof(*list));
	struct order o = { .v = v, .s = s, .by = &columns[v->sort] };

	if (!list)
		return NULL;
	*n = 0;
	for (size_t i = 0; i < s->n_processes; i++) {
		if (!v->hide_ended || !s->processes[i]->end_ns)
			list[(*n)++] = s->processes[i];
	}
	o.field = o.by->field ? process_field_find(o.by->field) : NULL;
	qsort_r(list, *n, sizeof(*list), compare, &o);
	return list;
}

static void put_command(struct live_view *v, const struct process *p, enum look look)
{
	bool line = p->cmdline && *p->cmdline && !v->only_comm;
	char text[1024], ending[SHOW_LEN];

	if (p->end_ns)
		live_put(v, look, "[%s] ", show_ending(ending, p));
	live_put(v, look, "%s", show_name(text, sizeof(text), line ? p->cmdline : p->comm));
}

static void put_field(struct live_view *v, const struct snapshot *s, const struct process *p,
		      const struct table_column *c, enum look look)
{
	const struct process_field *f = process_field_find(c->field);
	struct field_value value = { .known = false };
	char text[SHOW_LEN];

	if (f)
		value = show_process_from_zero(v->run, s, p, f);
	if (!value.known)
		snprintf(text, sizeof(text), "n/a");
	else if (f->unit == FIELD_BYTES)
		live_short_bytes(v, text, value);
	else if (f->unit == FIELD_COUNT)
		snprintf(text, sizeof(text), "%lld", (long long)value.whole);
	else
		snprintf(text, sizeof(text), value.real < 1000 ? "%.3f" : "%.1f", value.real);
	live_put(v, look, "%*s ", column_width(v, c), text);
}

static void draw_process(struct live_view *v, const struct snapshot *s, const struct process *p,
			 int row, int rank)
{
	enum look look = p->end_ns ? LOOK_DIM : LOOK_PLAIN;

	live_at(v, row, 0);
	for (int i = 0; i < N_COLUMNS; i++) {
		const struct table_column *c = &columns[i];

		if (c->rank > rank)
			continue;
		if (c->content == HOLDS_PID)
			live_put(v, look, "%*u ", c->width, p->pid);
		else if (c->content == HOLDS_FIELD)
			put_field(v, s, p, c, i == v->sort && !p->end_ns ? LOOK_STRONG : look);
		else
			put_command(v, p, look);
	}
}

static void draw_head(struct live_view *v, int row, int rank, size_t first, size_t n)
{
	const char *down = v->utf8 ? "▾" : "v", *up = v->utf8 ? "▴" : "^";
	const char *mark = v->reverse ? up : down;
	char more[80];
	int titles;

	live_at(v, row, 0);
	for (int i = 0; i < N_COLUMNS; i++) {
		const struct table_column *c = &columns[i];
		enum look look = i == v->sort ? LOOK_SORTED : LOOK_BAR;
		char title[SHOW_LEN];

		if (c->rank > rank)
			continue;
		snprintf(title, sizeof(title), "%s%s", c->title, i == v->sort ? mark : "");
		if (c->content == HOLDS_COMMAND)
			live_put(v, look, "%s", title);
		else
			live_put(v, look, "%*s%s", column_width(v, c) - show_columns(title), "",
				 title);
		live_put(v, LOOK_BAR, " ");
	}
	titles = v->at_column;
	live_fill(v, LOOK_BAR);
	if (n > v->page) {
		int width = snprintf(more, sizeof(more), "%zu-%zu of %zu ", first + 1,
				     first + v->page, n);

		if (v->columns - width < titles)
			return;
		live_at(v, row, v->columns - width);
		live_put(v, LOOK_BAR, "%s", more);
	}
}

int live_table_draw(struct live_view *v, const struct snapshot *s, int row, int height)
{
	int rank = shown_rank(v);
	const struct process **list;
	size_t n;

	list = sorted(v, s, &n);
	if (!list)
		return -1;
	v->page = (size_t)(height > 0 ? height : 0);
	if (n <= v->page)
		v->top = 0;
	else if (v->top > n - v->page)
		v->top = n - v->page;
	draw_head(v, row, rank, v->top, n);
	for (size_t i = 0; i < v->page && v->top + i < n; i++)
		draw_process(v, s, list[v->top + i], row + 1 + (int)i, rank);
	free(list);
	return 0;
}

void live_table_sort_step(struct live_view *v, int steps)
{
	int rank = shown_rank(v);

	do {
		v->sort = (v->sort + steps + N_COLUMNS) % N_COLUMNS;
	} while (columns[v->sort].rank > rank);
}

bool live_table_sort_key(struct live_view *v, int key)
{
	for (int i = 0; i < N_COLUMNS; i++) {
		if (columns[i].key == key) {
			v->sort = i;
			return true;
		}
	}
	return false;
}
