/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "samples.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "columns.h"

const struct sample_table sample_tables[ENTITIES] = {
	[ENTITY_TREE] = { "tree_samples",
			  false,
			  7,
			  12,
			  { "rss", "anon", "file", "shmem", "swap", "footprint", "processes",
			    "faults_minor", "faults_major", "cpu_ns", "lost_records", "sampled" } },
	[ENTITY_PROCESS] = { "process_samples",
			     true,
			     6,
			     9,
			     { "rss", "anon", "file", "shmem", "swap", "pss", "faults_minor",
			       "faults_major", "cpu_ns" } },
	[ENTITY_SYSTEM] = { "system_samples",
			    false,
			    1,
			    3,
			    { "available", "pressure_some_us", "pressure_full_us" } },
	[ENTITY_CHARGE] = { "charge_samples",
			    false,
			    6,
			    6,
			    { "current", "anon", "file", "shmem", "kernel", "limit" } },
	[ENTITY_SHM] = { "shm_samples", true, 3, 3, { "used", "limit", "inodes" } },
};

#define SQL_CAP 1024

/* "at_ns, id, the figures, their ranges"; returns how many columns. */
static int list_columns(char *dst, const struct sample_table *t)
{
	size_t len = (size_t)sprintf(dst, "at_ns%s", t->many ? ", id" : "");
	int n = t->many ? 2 : 1;

	for (size_t i = 0; i < t->n; i++, n++)
		len += (size_t)sprintf(dst + len, ", \"%s\"", t->figures[i]);
	for (size_t i = 0; i < t->ranged; i++, n += 2)
		len += (size_t)sprintf(dst + len, ", %s_min, %s_max", t->figures[i], t->figures[i]);
	return n;
}

int samples_prepare_insert(sqlite3 *db, enum entity entity, sqlite3_stmt **out)
{
	const struct sample_table *t = &sample_tables[entity];
	char columns[SQL_CAP], marks[128] = "?", sql[2 * SQL_CAP];
	int n = list_columns(columns, t);
	size_t len = 1;

	for (int i = 1; i < n; i++)
		len += (size_t)sprintf(marks + len, ",?");
	/* where two looks fall on one nanosecond the newer one counts */
	snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO %s (%s) VALUES (%s)", t->name, columns,
		 marks);
	return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
}

int samples_prepare_select(sqlite3 *db, enum entity entity, const char *rest, sqlite3_stmt **out)
{
	const struct sample_table *t = &sample_tables[entity];
	char columns[SQL_CAP], sql[2 * SQL_CAP];

	list_columns(columns, t);
	snprintf(sql, sizeof(sql), "SELECT %s FROM %s %s", columns, t->name, rest);
	return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
}

static int bind_figure(sqlite3_stmt *stmt, int at, int64_t v)
{
	return v == SAMPLE_UNKNOWN ? sqlite3_bind_null(stmt, at) : sqlite3_bind_int64(stmt, at, v);
}

int samples_insert(sqlite3_stmt *insert, enum entity entity, const struct sample *s)
{
	const struct sample_table *t = &sample_tables[entity];
	int at = 2, rc = sqlite3_bind_int64(insert, 1, s->at_ns);

	if (!rc && t->many)
		rc = sqlite3_bind_int64(insert, at++, s->id);
	for (size_t i = 0; !rc && i < t->n; i++)
		rc = bind_figure(insert, at++, s->last[i]);
	for (size_t i = 0; !rc && i < t->ranged; i++, at += 2) {
		int64_t none = SAMPLE_UNKNOWN, last = s->last[i];

		rc = bind_figure(insert, at, s->min[i] == last ? none : s->min[i]);
		if (!rc)
			rc = bind_figure(insert, at + 1, s->max[i] == last ? none : s->max[i]);
	}
	if (!rc)
		rc = sqlite3_step(insert);
	sqlite3_reset(insert);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int samples_read(sqlite3_stmt *select, enum entity entity, struct sample *s)
{
	const struct sample_table *t = &sample_tables[entity];
	int at = 1, err = read_integer(select, 0, 0, INT64_MAX, SAMPLE_UNKNOWN, &s->at_ns);

	s->id = 0;
	if (!err && s->at_ns == SAMPLE_UNKNOWN)
		err = -EINVAL;
	if (!err && t->many)
		err = read_integer(select, at++, 0, INT64_MAX, 0, &s->id);
	for (size_t i = 0; !err && i < t->n; i++) {
		err = read_integer(select, at++, 0, INT64_MAX, SAMPLE_UNKNOWN, &s->last[i]);
		s->min[i] = s->max[i] = s->last[i];
	}
	for (size_t i = 0; !err && i < t->ranged; i++, at += 2) {
		err = read_integer(select, at, 0, INT64_MAX, s->last[i], &s->min[i]);
		if (!err)
			err = read_integer(select, at + 1, 0, INT64_MAX, s->last[i], &s->max[i]);
	}
	for (size_t i = t->n; i < SAMPLE_FIGURES; i++)
		s->last[i] = s->min[i] = s->max[i] = SAMPLE_UNKNOWN;
	return err;
}
