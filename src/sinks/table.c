/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables for people: the width of a column is known only when all of its cells are, so the cells
 * are kept until table_print(). Widths are terminal columns, not bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"

struct table {
	int columns;
	uint64_t left; /* bit per column */
	char **cells; /* row by row; an empty cell is NULL */
	size_t n, cap;
	bool failed;
};

struct table *table_create(int columns)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t)
		t->columns = columns;
	return t;
}

void table_destroy(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

void table_left(struct table *t, int column)
{
	t->left |= 1ULL << column;
}

static void add(struct table *t, char *text)
{
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		char **cells = realloc(t->cells, cap * sizeof(*cells));

		if (!cells) {
			free(text);
			t->failed = true;
			return;
		}
		t->cells = cells;
		t->cap = cap;
	}
	t->cells[t->n++] = text;
}

void table_cell(struct table *t, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		t->failed = true;
	add(t, copy);
}

void table_row(struct table *t)
{
	while (!t->failed && t->n % (size_t)t->columns)
		add(t, NULL);
}

static int column_width(const struct table *t, int column)
{
	int widest = 0;

	for (size_t i = (size_t)column; i < t->n; i += (size_t)t->columns) {
		int width = t->cells[i] ? show_columns(t->cells[i]) : 0;

		if (width > widest)
			widest = width;
	}
	return widest;
}

int table_width(const struct table *t)
{
	int width = 2 * (t->columns - 1);

	for (int c = 0; c < t->columns; c++)
		width += column_width(t, c);
	return width;
}

/* Blanks are owed, not printed, until text follows: no line ends in blanks. */
static void print_row(const struct table *t, size_t row, const int *widths, FILE *out)
{
	int owed = 0;

	for (int c = 0; c < t->columns; c++) {
		const char *text = t->cells[row * (size_t)t->columns + (size_t)c];
		int pad = widths[c] - (text ? show_columns(text) : 0);
		bool left = t->left >> c & 1;

		owed += c ? 2 : 0;
		if (!text || !*text) {
			owed += widths[c];
			continue;
		}
		fprintf(out, "%*s%s", owed + (left ? 0 : pad), "", text);
		owed = left ? pad : 0;
	}
}

int table_print(const struct table *t, FILE *out, const char *indent, const char *heading,
		const char *plain)
{
	int *widths;

	if (t->failed)
		return -ENOMEM;
	widths = calloc((size_t)t->columns, sizeof(*widths));
	if (!widths)
		return -ENOMEM;
	for (int c = 0; c < t->columns; c++)
		widths[c] = column_width(t, c);
	for (size_t row = 0; row < t->n / (size_t)t->columns; row++) {
		fprintf(out, "%s%s", indent, row ? "" : heading);
		print_row(t, row, widths, out);
		fprintf(out, "%s\n", row ? "" : plain);
	}
	free(widths);
	return 0;
}
