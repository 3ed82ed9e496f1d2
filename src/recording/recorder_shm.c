/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared memory: the mounts that concern the watch, their files, chargers and failures, and the series of
 * each mount. A mount is known by its device and where it is mounted; one that is gone keeps its row.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sinks/remedy.h"
#include "../sinks/shm_show.h"
#include "recorder_state.h"

#define FILES_MAX 1000 /* of one mount: as many as the summary lists */
#define KEPT_FULLS 4096
#define KEPT_MOUNTS 4096

static uint64_t text_hash(const struct shm_mount *m)
{
	static const struct column columns[] = {
		{ "point", COLUMN_TEXT, offsetof(struct shm_mount, point), sizeof(char *), 0 },
		{ "container_id", COLUMN_TEXT, offsetof(struct shm_mount, container_id),
		  sizeof(char *), 0 },
	};
	static const struct table names = { .columns = columns, .n = 2 };

	return table_hash(&names, m);
}

static struct recorded_mount *find(struct recorder *r, const struct mount_key *key)
{
	struct recorded_mount *e;

	HASH_FIND(hh, r->mounts, key, sizeof(*key), e);
	return e;
}

static struct recorded_mount *add(struct recorder *r, const struct mount_key *key)
{
	size_t before = HASH_COUNT(r->mounts);
	struct recorded_mount *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->key = *key;
	e->id = r->newest_mount + 1;
	HASH_ADD(hh, r->mounts, key, sizeof(e->key), e);
	if (HASH_COUNT(r->mounts) == before) {
		free(e);
		return NULL;
	}
	r->newest_mount++;
	return e;
}

/* Those that are there come before those that are gone: see shm.h. NULL without memory. */
static struct recorded_mount *mount_of(struct recorder *r, const struct shm_mount *m)
{
	struct mount_key key = { .texts = text_hash(m), .dev = m->rec.dev };
	struct recorded_mount *e;

	if (!m->gone) {
		e = find(r, &key);
		return e ? e : add(r, &key);
	}
	e = find(r, &key);
	key.gone_ns = m->rec.head.ts_ns ? m->rec.head.ts_ns : 1;
	if (e && e->seen != r->ticks && !find(r, &key)) {
		HASH_DELETE(hh, r->mounts, e); /* it is this one that went */
		e->key = key;
		HASH_ADD(hh, r->mounts, key, sizeof(e->key), e);
		return e;
	}
	e = find(r, &key);
	return e ? e : add(r, &key);
}

static void destroy(struct recorder *r, struct recorded_mount *e)
{
	HASH_DELETE(hh, r->mounts, e);
	free(e->files.hashes);
	free(e->chargers.hashes);
	free(e);
}

void recorder_finish_shm(struct recorder *r)
{
	struct recorded_mount *m = NULL, *m_next;
	struct recorded_full *f = NULL, *f_next;

	HASH_ITER(hh, r->mounts, m, m_next) {
		destroy(r, m);
	}
	HASH_ITER(hh, r->fulls, f, f_next) {
		HASH_DELETE(hh, r->fulls, f);
		free(f);
	}
}

/* ---- series ----------------------------------------------------------------------------------- */

static int64_t figure(uint64_t v)
{
	return v == UNKNOWN_U64 ? SAMPLE_UNKNOWN : v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

int recorder_sample_shm(struct recorder *r, const struct snapshot *s)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; !rc && s->shm && i < s->shm->n_mounts; i++) {
		const struct shm_mount *m = s->shm->mounts[i];
		struct recorded_mount *e;
		struct look look;

		if (!shm_is_of_watch(s, m))
			continue;
		e = mount_of(r, m);
		if (!e)
			return SQLITE_NOMEM;
		e->seen = r->ticks;
		for (size_t f = 0; f < SAMPLE_FIGURES; f++)
			look.now[f] = look.peak[f] = look.within[f] = SAMPLE_UNKNOWN;
		look.now[0] = figure(m->rec.used_bytes);
		look.peak[0] = figure(m->peak_bytes);
		if (!m->gone) {
			look.now[1] = figure(m->rec.limit_bytes);
			look.now[2] = figure(m->rec.used_inodes);
		}
		rc = recorder_take(r, ENTITY_SHM, e->id, recorder_time(r, s->now_ns), &look,
				   &e->track);
	}
	return rc;
}

/* ---- rows of lists ---------------------------------------------------------------------------- */

/* Is row `at` as it was written? It counts as written from now on. */
static bool is_written(struct row_list *rows, size_t at, uint64_t hash)
{
	if (at < rows->n && rows->hashes[at] == hash)
		return true;
	if (at >= rows->cap) {
		size_t cap = at * 2 + 16;
		uint64_t *more = realloc(rows->hashes, cap * sizeof(*more));

		if (!more)
			return false; /* it is written again and again then */
		rows->hashes = more;
		rows->cap = cap;
	}
	rows->hashes[at] = hash;
	if (at >= rows->n)
		rows->n = at + 1;
	return false;
}

static int cut(struct recorder *r, enum statement which, int64_t mount, struct row_list *rows,
	       size_t n)
{
	sqlite3_stmt *stmt;

	if (rows->n <= n)
		return SQLITE_OK;
	rows->n = n;
	stmt = recorder_statement(r, which);
	if (!stmt)
		return sqlite3_errcode(r->db);
	sqlite3_bind_int64(stmt, 1, mount);
	sqlite3_bind_int64(stmt, 2, (int64_t)n);
	return recorder_run(stmt);
}

/* "[4711,4712]"; free() it. NULL where they are not known, or memory is exhausted. */
static char *holders_text(const struct shm_file *f)
{
	size_t cap = f->n_holders * 11 + 3, len = 1;
	char *text;

	if (f->rec.flags & SHM_FILE_HELD_UNKNOWN && !f->n_holders)
		return NULL;
	text = malloc(cap);
	if (!text)
		return NULL;
	text[0] = '[';
	for (size_t i = 0; i < f->n_holders; i++)
		len += (size_t)snprintf(text + len, cap - len, "%s%u", i ? "," : "",
					f->holders[i].pid);
	snprintf(text + len, cap - len, "]");
	return text;
}

static int put_file(struct recorder *r, struct recorded_mount *e, const struct shm_file *f,
		    size_t position)
{
	uint64_t hash = table_hash(&shm_files_table, f);
	sqlite3_stmt *put;
	char *holders;
	int at, rc;

	for (size_t i = 0; i < f->n_holders; i++)
		hash = (hash ^ f->holders[i].pid) * 0x9e3779b97f4a7c15ULL;
	if (is_written(&e->files, position, hash))
		return SQLITE_OK;
	put = recorder_statement(r, PUT_FILE);
	if (!put)
		return sqlite3_errcode(r->db);
	sqlite3_bind_int64(put, 1, e->id);
	sqlite3_bind_int64(put, 2, (int64_t)position);
	rc = table_bind(put, &shm_files_table, &r->units, f, &at);
	holders = holders_text(f);
	if (!rc)
		rc = bind_text(put, at, holders);
	free(holders);
	return rc ? rc : recorder_run(put);
}

static int put_files(struct recorder *r, struct recorded_mount *e, const struct shm_mount *m)
{
	size_t n = m->n_files < FILES_MAX ? m->n_files : FILES_MAX;
	int rc = SQLITE_OK;

	for (size_t i = 0; !rc && i < n; i++)
		rc = put_file(r, e, m->files[i], i);
	return rc ? rc : cut(r, DROP_FILES, e->id, &e->files, n);
}

static int put_chargers(struct recorder *r, struct recorded_mount *e, const struct shm_mount *m)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; !rc && i < m->n_chargers; i++) {
		uint64_t hash = table_hash(&shm_chargers_table, &m->chargers[i]);
		sqlite3_stmt *put;

		if (is_written(&e->chargers, i, hash))
			continue;
		put = recorder_statement(r, PUT_CHARGER);
		if (!put)
			return sqlite3_errcode(r->db);
		sqlite3_bind_int64(put, 1, e->id);
		sqlite3_bind_int64(put, 2, (int64_t)i);
		rc = table_bind(put, &shm_chargers_table, &r->units, &m->chargers[i], NULL);
		if (!rc)
			rc = recorder_run(put);
	}
	return rc ? rc : cut(r, DROP_CHARGERS, e->id, &e->chargers, m->n_chargers);
}

/* ---- failures --------------------------------------------------------------------------------- */

static int put_full_largest(struct recorder *r, const struct shm_full *full)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; !rc && i < SHM_FULL_LARGEST && full->largest[i].name[0]; i++) {
		sqlite3_stmt *put = recorder_statement(r, PUT_FULL_LARGEST);

		if (!put)
			return sqlite3_errcode(r->db);
		sqlite3_bind_int64(put, 1, (int64_t)full->number);
		sqlite3_bind_int64(put, 2, (int64_t)i);
		rc = table_bind(put, &shm_full_largest_table, &r->units, &full->largest[i], NULL);
		if (!rc)
			rc = recorder_run(put);
	}
	return rc;
}

static struct recorded_full *full_of(struct recorder *r, uint64_t number)
{
	size_t before = HASH_COUNT(r->fulls);
	struct recorded_full *e;

	HASH_FIND(hh, r->fulls, &number, sizeof(number), e);
	if (e)
		return e;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->number = number;
	HASH_ADD(hh, r->fulls, number, sizeof(e->number), e);
	if (HASH_COUNT(r->fulls) == before) {
		free(e);
		return NULL;
	}
	return e;
}

static int put_full(struct recorder *r, const struct snapshot *s, const struct recorded_mount *on,
		    const struct shm_mount *m, size_t i)
{
	const struct shm_full *full = &m->full[i];
	uint64_t hash = table_hash(&shm_full_table, full) + i; /* its position counts too */
	struct recorded_full *e = full_of(r, full->number);
	char text[SHM_TEXT_LEN], remedy[SHM_TEXT_LEN] = "";
	sqlite3_stmt *put;
	int at, rc;

	if (!e)
		return SQLITE_NOMEM;
	e->generation = r->generation;
	if (e->hash == hash)
		return SQLITE_OK;
	put = recorder_statement(r, PUT_FULL);
	if (!put)
		return sqlite3_errcode(r->db);
	remedy_write(remedy, sizeof(remedy), m, full);
	sqlite3_bind_int64(put, 1, (int64_t)full->number);
	sqlite3_bind_int64(put, 2, on->id);
	sqlite3_bind_int64(put, 3, (int64_t)i);
	rc = table_bind(put, &shm_full_table, &r->units, full, &at);
	bind_text(put, at, shm_show_full(text, sizeof(text), s, m, full, r->sink.run->unit));
	bind_text(put, at + 1, *remedy ? remedy : NULL);
	if (!rc)
		rc = recorder_run(put);
	if (!rc && !e->hash)
		rc = put_full_largest(r, full);
	e->hash = hash;
	return rc;
}

/* The model has dropped the oldest: the summary does not show them any more. */
static int unlist_fulls(struct recorder *r)
{
	struct recorded_full *e = NULL, *next;
	int rc = SQLITE_OK;

	HASH_ITER(hh, r->fulls, e, next) {
		sqlite3_stmt *stmt;

		if (rc || e->generation == r->generation)
			continue;
		stmt = recorder_statement(r, UNLIST_FULL);
		if (!stmt)
			return sqlite3_errcode(r->db);
		sqlite3_bind_int64(stmt, 1, (int64_t)e->number);
		rc = recorder_run(stmt);
		HASH_DELETE(hh, r->fulls, e);
		free(e);
	}
	return rc;
}

static int trim(struct recorder *r, uint64_t newest)
{
	static const char *const tables[] = { "shm_full", "shm_full_largest" };
	char sql[128];
	int rc = SQLITE_OK;

	for (size_t i = 0; !rc && newest > KEPT_FULLS && i < 2; i++) {
		snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE number <= %llu", tables[i],
			 (unsigned long long)(newest - KEPT_FULLS));
		rc = sqlite3_exec(r->db, sql, NULL, NULL, NULL);
	}
	return rc;
}

/* ---- mounts ----------------------------------------------------------------------------------- */

static int put_mount(struct recorder *r, struct recorded_mount *e, const struct shm_mount *m,
		     size_t position)
{
	size_t listed = m->n_files < FILES_MAX ? m->n_files : FILES_MAX;
	uint64_t hash = table_hash(&shm_mounts_table, m) + position;
	uint64_t omitted = m->files_omitted + (m->n_files - listed);
	uint64_t bytes = m->files_omitted_bytes;
	sqlite3_stmt *put;
	int rc;

	/* as the summary counts what it does not list */
	for (size_t i = listed; i < m->n_files; i++)
		if (m->files[i]->rec.bytes <= INT64_MAX && bytes <= INT64_MAX)
			bytes += m->files[i]->rec.bytes;
	hash = (hash ^ omitted) * 0x9e3779b97f4a7c15ULL ^ bytes;
	if (e->hash == hash)
		return SQLITE_OK;
	put = recorder_statement(r, PUT_MOUNT);
	if (!put)
		return sqlite3_errcode(r->db);
	sqlite3_bind_int64(put, 1, e->id);
	sqlite3_bind_int64(put, 2, (int64_t)position);
	sqlite3_bind_int64(put, 3, omitted > INT64_MAX ? INT64_MAX : (int64_t)omitted);
	sqlite3_bind_int64(put, 4, bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes);
	rc = table_bind(put, &shm_mounts_table, &r->units, m, NULL);
	if (!rc)
		rc = recorder_run(put);
	e->hash = hash;
	return rc;
}

static int unlist_mounts(struct recorder *r)
{
	struct recorded_mount *e = NULL, *next;
	char sql[256];
	int rc = SQLITE_OK;

	HASH_ITER(hh, r->mounts, e, next) {
		sqlite3_stmt *stmt;

		if (rc || e->generation == r->generation)
			continue;
		stmt = recorder_statement(r, UNLIST_MOUNT);
		if (!stmt)
			return sqlite3_errcode(r->db);
		sqlite3_bind_int64(stmt, 1, e->id);
		rc = recorder_run(stmt);
		if (!rc)
			rc = cut(r, DROP_FILES, e->id, &e->files, 0);
		if (!rc)
			rc = cut(r, DROP_CHARGERS, e->id, &e->chargers, 0);
		destroy(r, e);
	}
	if (rc || r->newest_mount <= KEPT_MOUNTS)
		return rc;
	snprintf(sql, sizeof(sql), "DELETE FROM shm_mounts WHERE position IS NULL AND id <= %lld",
		 (long long)(r->newest_mount - KEPT_MOUNTS));
	return sqlite3_exec(r->db, sql, NULL, NULL, NULL);
}

int recorder_put_shm(struct recorder *r, const struct snapshot *s)
{
	uint64_t newest = 0;
	size_t position = 0;
	int rc = SQLITE_OK;

	if (!s->shm)
		return SQLITE_OK;
	for (size_t i = 0; !rc && i < s->shm->n_mounts; i++) {
		const struct shm_mount *m = s->shm->mounts[i];
		struct recorded_mount *e;

		if (!shm_is_of_watch(s, m))
			continue;
		e = mount_of(r, m);
		if (!e)
			return SQLITE_NOMEM;
		e->seen = r->ticks;
		e->generation = r->generation;
		rc = put_files(r, e, m);
		if (!rc)
			rc = put_chargers(r, e, m);
		if (!rc)
			rc = put_mount(r, e, m, position++);
		for (size_t j = 0; !rc && j < m->n_full; j++) {
			if (m->full[j].number > newest)
				newest = m->full[j].number;
			rc = put_full(r, s, e, m, j);
		}
	}
	rc = rc ? rc : unlist_mounts(r);
	rc = rc ? rc : unlist_fulls(r);
	rc = rc ? rc : trim(r, newest);
	r->full = s->shm->full;
	return rc;
}
