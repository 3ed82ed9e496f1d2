/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Structs as rows: a table of the file says of each of its columns which member of which struct it is,
 * and of what kind. Writing, reading and noticing a change go by that alone.
 */
#ifndef MEMMON_COLUMNS_H
#define MEMMON_COLUMNS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../bpf/events.h"

enum column_kind {
	COLUMN_U32,
	COLUMN_I32,
	COLUMN_BOOL,
	COLUMN_COUNT, /* uint64_t */
	COLUMN_U64, /* uint64_t; UNKNOWN_U64 is NULL */
	COLUMN_I64,
	COLUMN_REAL, /* double; NAN is NULL */
	COLUMN_PAGES, /* int64_t pages, as bytes */
	COLUMN_UPAGES, /* uint64_t pages, as bytes; UNKNOWN_U64 is NULL */
	COLUMN_TIME, /* uint64_t of CLOCK_MONOTONIC, as nanoseconds since the watch began; 0 is NULL */
	COLUMN_STAMP, /* … whose change alone changes nothing */
	COLUMN_CHARS, /* an array of char; also column NAME_raw */
	COLUMN_TEXT, /* const char *; NULL is NULL; also column NAME_raw */
};

struct column {
	const char *name;
	enum column_kind kind;
	uint16_t offset;
	uint16_t size; /* of the member */
	/* offset of a bool without which the column is NULL, and which a column that is not makes true; 0 = none */
	uint16_t when;
};

#define COLUMN_KEYS 4

struct table {
	const char *name;
	const char *keys
		[COLUMN_KEYS]; /* the first columns, which are no members; NULL ends them early */
	const struct column *columns;
	size_t n;
	const char *more[COLUMN_KEYS]; /* the last columns, likewise */
};

/* What turns the model's units into the file's. */
struct units_of {
	uint64_t page_bytes;
	uint64_t clock_ns; /* CLOCK_MONOTONIC when the watch began */
};

/* Where the texts of rows live that were read. Zeroed it is empty. */
struct texts {
	struct text_block *blocks;
};
void texts_finish(struct texts *t);
/* A copy of `len` bytes and a NUL; NULL when memory is exhausted. */
char *texts_add(struct texts *t, const char *bytes, size_t len);

/* All return 0 or an SQLite result code. */

/* INSERT OR REPLACE of whole rows. The parameters 1, 2, … are the keys. */
int table_prepare_put(sqlite3 *db, const struct table *t, sqlite3_stmt **out);
/* Binds all members of `row`; returns the index of the first parameter of `more`. */
int table_bind(sqlite3_stmt *put, const struct table *t, const struct units_of *u, const void *row,
	       int *more);
/* Changes when the row would. */
uint64_t table_hash(const struct table *t, const void *row);

/*
 * SELECT keys, members, more FROM the table, and what `rest` says: "WHERE … ORDER BY …". A column that
 * the file does not have is NULL, if that is UNKNOWN_U64.
 */
int table_prepare_get(sqlite3 *db, const struct table *t, const char *rest, sqlite3_stmt **out);
/*
 * Fills the members of `row` in from the row at hand; what the table does not describe is left alone.
 * Returns 0 and the index of the first column of `more`, -EINVAL where a value cannot be one, -ENOMEM.
 */
int table_read(sqlite3_stmt *get, const struct table *t, const struct units_of *u,
	       struct texts *texts, void *row, int *more);

/* Binds text that is printed to people as it is; NULL is NULL. */
int bind_text(sqlite3_stmt *stmt, int at, const char *text);
/* … and hostile text: escaped at `at`, the bytes at `at` + 1 where that changed them. */
int bind_name(sqlite3_stmt *stmt, int at, const char *bytes, size_t len);
/* Of the latter, the bytes that they were; NULL is NULL. Returns 0 or -ENOMEM. */
int read_name(sqlite3_stmt *stmt, int at, struct texts *texts, const char **out);
/* Text for people out of a file: what escaping would have left of it. */
int read_text(sqlite3_stmt *stmt, int at, struct texts *texts, const char **out);
/* An integer in [least, most]; `none` for NULL. Returns 0 or -EINVAL. */
int read_integer(sqlite3_stmt *stmt, int at, int64_t least, int64_t most, int64_t none,
		 int64_t *out);

#endif
