/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the people's ledger share: shm_table.c (mounts, files), shm_rest.c (the rest). */
#ifndef MEMMON_SHM_TABLE_H
#define MEMMON_SHM_TABLE_H

#include "shm_show.h"

/* What one function needs to print: the stream, the snapshot and how. */
struct shm_page {
	FILE *out;
	const struct run *run;
	const struct snapshot *s;
	const struct shm_view *v;
	bool files; /* in detail */
	int columns; /* of the terminal; 0 = any width */
	const char *bold, *alarm, *dim, *plain;
};

/* One column: its head, how its cell is written, and how soon it is left out on a narrow terminal. */
struct shm_column {
	const char *title;
	/* into dst of SHM_TEXT_LEN bytes; NULL: nothing is known of it, which hides an empty column */
	const char *(*cell)(const struct shm_page *pg, char *dst, const void *row);
	int rank; /* 0 is always shown; the highest goes first */
	int clip; /* not 0: a name, that may be cut down to this */
};

/*
 * A table of `rows` with as many of the columns as fit, `indent` before each line, names flush
 * left. NULL when memory is exhausted; free() the text.
 */
char *shm_fit(const struct shm_page *pg, const struct shm_column *columns, size_t n_columns,
	      const void *const *rows, size_t n_rows, const char *indent);

/* shm_rest.c; each prints nothing where there is nothing. Return 0 or -ENOMEM. */
int shm_print_segments(const struct shm_page *pg);
int shm_print_anonymous(const struct shm_page *pg);
void shm_print_failures(const struct shm_page *pg);
void shm_print_orphans(const struct shm_page *pg);

/* The cells that files of mounts and anonymous ones have in common. */
const char *shm_cell_size(const struct shm_page *pg, char *dst, const void *row);
const char *shm_cell_bytes(const struct shm_page *pg, char *dst, const void *row);
const char *shm_cell_creator(const struct shm_page *pg, char *dst, const void *row);
const char *shm_cell_holders(const struct shm_page *pg, char *dst, const void *row);
const char *shm_cell_name(const struct shm_page *pg, char *dst, const void *row);

#endif
