/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of *_samples: one description for who writes, thins and reads them. */
#ifndef MEMMON_SAMPLES_H
#define MEMMON_SAMPLES_H

#include <sqlite3.h>

#include "recording.h"

struct sample_table {
	const char *name;
	bool many; /* has a column id */
	size_t ranged; /* so many of the first figures have a _min and a _max */
	size_t n;
	const char *figures[SAMPLE_FIGURES + 1];
};

extern const struct sample_table sample_tables[ENTITIES];

/* Each returns 0 or an SQLite result code. */
int samples_prepare_insert(sqlite3 *db, enum entity entity, sqlite3_stmt **out);
/* What equals `last` is left out; so is a range of what has none. */
int samples_insert(sqlite3_stmt *insert, enum entity entity, const struct sample *s);
/* SELECT, and what `rest` says: "WHERE … ORDER BY …". */
int samples_prepare_select(sqlite3 *db, enum entity entity, const char *rest, sqlite3_stmt **out);

/* The row at hand. Returns 0 or -EINVAL. */
int samples_read(sqlite3_stmt *select, enum entity entity, struct sample *s);

#endif
