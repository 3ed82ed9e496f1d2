/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables that fit the terminal: first the widest name is cut, down to what its column allows, then
 * columns are left out, the highest rank first. A column of which nothing is known is not shown.
 */
#include <stdlib.h>
#include <string.h>

#include "shm_table.h"

#define MAX_COLUMNS 16
#define NAME_MOST 60 /* columns of a name, also where there is room for more */

struct fit {
	const struct shm_page *pg;
	const struct shm_column *columns;
	size_t n_columns;
	const void *const *rows;
	size_t n_rows;
	bool known[MAX_COLUMNS];
	int clip[MAX_COLUMNS];
	int widest[MAX_COLUMNS]; /* of the names, before clipping */
};

static bool is_shown(const struct fit *f, size_t column, int rank)
{
	return f->known[column] && f->columns[column].rank <= rank;
}

static void look(struct fit *f)
{
	char text[SHM_TEXT_LEN];

	for (size_t c = 0; c < f->n_columns; c++) {
		f->known[c] = f->columns[c].rank == 0;
		f->widest[c] = 0;
		for (size_t i = 0; i < f->n_rows; i++) {
			const char *cell = f->columns[c].cell(f->pg, text, f->rows[i]);
			int width = cell ? show_columns(cell) : 0;

			f->known[c] |= cell != NULL;
			if (width > f->widest[c])
				f->widest[c] = width;
		}
		f->clip[c] = f->widest[c] < NAME_MOST ? f->widest[c] : NAME_MOST;
	}
}

static void add_cell(const struct fit *f, struct table *t, size_t c, const void *row)
{
	char text[SHM_TEXT_LEN];
	const char *cell = f->columns[c].cell(f->pg, text, row);
	int used;

	if (!cell)
		cell = "n/a";
	else if (f->columns[c].clip && show_columns(cell) > f->clip[c])
		strcpy(text + show_clip(text, f->clip[c] - 3, &used), "...");
	table_cell(t, cell);
}

static struct table *build(const struct fit *f, int rank)
{
	struct table *t;
	int n = 0, at = 0;

	for (size_t c = 0; c < f->n_columns; c++)
		n += is_shown(f, c, rank);
	t = table_create(n);
	if (!t)
		return NULL;
	for (size_t c = 0; c < f->n_columns; c++) {
		if (!is_shown(f, c, rank))
			continue;
		if (f->columns[c].clip)
			table_left(t, at);
		at++;
		table_cell(t, f->columns[c].title);
	}
	for (size_t i = 0; i < f->n_rows; i++)
		for (size_t c = 0; c < f->n_columns; c++)
			if (is_shown(f, c, rank))
				add_cell(f, t, c, f->rows[i]);
	return t;
}

/* Cuts the widest names until `excess` columns are saved. False when they cannot be cut so far. */
static bool cut_names(struct fit *f, int rank, int excess)
{
	while (excess > 0) {
		int widest = -1;

		for (size_t c = 0; c < f->n_columns; c++) {
			if (!is_shown(f, c, rank) || !f->columns[c].clip ||
			    f->clip[c] <= f->columns[c].clip)
				continue;
			if (widest < 0 || f->clip[c] > f->clip[widest])
				widest = (int)c;
		}
		if (widest < 0)
			return false;
		f->clip[widest]--;
		excess--;
	}
	return true;
}

static struct table *fit(struct fit *f, int columns)
{
	int rank = 0;

	for (size_t c = 0; c < f->n_columns; c++)
		if (f->columns[c].rank > rank)
			rank = f->columns[c].rank;
	for (;; rank--) {
		int whole[MAX_COLUMNS], excess;
		struct table *t = build(f, rank);

		if (!t)
			return NULL;
		excess = columns ? table_width(t) - columns : 0;
		if (excess <= 0)
			return t;
		memcpy(whole, f->clip, sizeof(whole));
		if (cut_names(f, rank, excess) || rank == 0) {
			table_destroy(t);
			return build(f, rank);
		}
		memcpy(f->clip, whole, sizeof(whole));
		table_destroy(t);
	}
}

char *shm_fit(const struct shm_page *pg, const struct shm_column *columns, size_t n_columns,
	      const void *const *rows, size_t n_rows, const char *indent)
{
	struct fit f = {
		.pg = pg, .columns = columns, .n_columns = n_columns, .rows = rows, .n_rows = n_rows
	};
	struct table *t;
	char *text = NULL;
	size_t len = 0;
	FILE *to;

	look(&f);
	t = fit(&f, pg->columns ? pg->columns - (int)strlen(indent) : 0);
	if (!t)
		return NULL;
	to = open_memstream(&text, &len);
	if (!to) {
		table_destroy(t);
		return NULL;
	}
	if (table_print(t, to, indent, pg->dim, pg->plain) | fclose(to)) {
		free(text);
		text = NULL;
	}
	table_destroy(t);
	return text;
}
