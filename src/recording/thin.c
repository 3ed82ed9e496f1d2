/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "thin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define KEEP_NS 30000000000LL /* the newest seconds stay as they are */
#define LEAST_ROWS 256 /* of a step: less than a millisecond */

struct thin_row {
	int64_t id;
	struct sample s;
	UT_hash_handle hh;
};

void thin_init(struct thinner *t, sqlite3 *db, uint64_t max_bytes, int64_t interval_ns)
{
	*t = (struct thinner){ .db = db, .max_bytes = max_bytes, .n = 1 };
	t->regions[0].bucket_ns = interval_ns > 0 ? interval_ns : 1;
}

void thin_finish(struct thinner *t)
{
	for (int e = 0; e < ENTITIES; e++) {
		sqlite3_finalize(t->select[e]);
		sqlite3_finalize(t->remove[e]);
		sqlite3_finalize(t->insert[e]);
		t->select[e] = t->remove[e] = t->insert[e] = NULL;
	}
	HASH_CLEAR(hh, t->rows);
	free(t->spare);
	t->spare = NULL;
	t->n_spare = 0;
}

/* ---- passes ----------------------------------------------------------------------------------- */

static void begin_pass(struct thinner *t, int64_t now_ns)
{
	/* the finest is the newest; where there is nothing to gain, the next one before it */
	for (size_t i = t->n; i-- > 0;) {
		struct thin_region *g = &t->regions[i];
		int64_t bucket = g->bucket_ns * 2;
		int64_t to = i + 1 < t->n ? t->regions[i + 1].from_ns : now_ns - KEEP_NS;

		if (bucket > now_ns)
			continue;
		if (to > 0)
			to -= to % bucket;
		if (to - g->from_ns < bucket)
			continue;
		t->pass.active = true;
		t->pass.region = i;
		t->pass.to_ns = to;
		t->pass.bucket_ns = bucket;
		t->pass.entity = 0;
		t->pass.at_ns = g->from_ns;
		return;
	}
}

/* The region's part before to_ns has larger buckets now. */
static void end_pass(struct thinner *t)
{
	size_t i = t->pass.region;
	struct thin_region *g = &t->regions[i], done = { g->from_ns, t->pass.bucket_ns };
	bool joins = i && g[-1].bucket_ns == done.bucket_ns;
	bool rest = i + 1 == t->n || t->pass.to_ns < g[1].from_ns;

	t->pass.active = false;
	if (t->pass.to_ns > t->until_ns)
		t->until_ns = t->pass.to_ns;
	if (done.bucket_ns > t->bucket_ns)
		t->bucket_ns = done.bucket_ns;
	g->from_ns = t->pass.to_ns;
	if (joins && !rest) {
		memmove(g, g + 1, (--t->n - i) * sizeof(*g));
	} else if (!joins && !rest) {
		*g = done;
	} else if (!joins &&
		   t->n < THIN_REGIONS) { /* always: each is twice as fine as the one before */
		memmove(g + 1, g, (t->n++ - i) * sizeof(*g));
		*g = done;
	}
}

/* ---- buckets ---------------------------------------------------------------------------------- */

static int prepare(struct thinner *t, enum entity e)
{
	const char *name = sample_tables[e].name;
	char sql[128];
	int rc;

	if (t->select[e])
		return SQLITE_OK;
	snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE at_ns >= ?1 AND at_ns < ?2", name);
	rc = sqlite3_prepare_v3(t->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &t->remove[e], NULL);
	if (!rc)
		rc = samples_prepare_insert(t->db, e, &t->insert[e]);
	if (!rc)
		rc = samples_prepare_select(
			t->db, e, "WHERE at_ns >= ?1 AND at_ns < ?2 ORDER BY at_ns", &t->select[e]);
	return rc;
}

static int64_t lower(int64_t a, int64_t b)
{
	if (a == SAMPLE_UNKNOWN || b == SAMPLE_UNKNOWN)
		return a == SAMPLE_UNKNOWN ? b : a;
	return a < b ? a : b;
}

static int64_t higher(int64_t a, int64_t b)
{
	return a > b ? a : b; /* SAMPLE_UNKNOWN is the lowest */
}

/* The row is newer than what it is joined with. */
static void join(struct sample *into, const struct sample *s)
{
	for (size_t i = 0; i < SAMPLE_FIGURES; i++) {
		into->min[i] = lower(into->min[i], s->min[i]);
		into->max[i] = higher(into->max[i], s->max[i]);
		into->last[i] = s->last[i];
	}
	into->at_ns = s->at_ns;
}

/* Room for one more entity in the bucket: what is hashed must not move, so the bucket begins anew. */
static int make_room(struct thinner *t)
{
	size_t n = t->n_spare ? t->n_spare * 2 : 64;
	struct thin_row *more = calloc(n, sizeof(*more)), *row;
	size_t at = 0;

	if (!more)
		return SQLITE_NOMEM;
	for (row = t->rows; row; row = row->hh.next)
		more[at++] = (struct thin_row){ .id = row->id, .s = row->s };
	HASH_CLEAR(hh, t->rows);
	free(t->spare);
	t->spare = more;
	t->n_spare = n;
	for (size_t i = 0; i < at; i++) {
		HASH_ADD(hh, t->rows, id, sizeof(more[i].id), &more[i]);
		if (HASH_COUNT(t->rows) != i + 1)
			return SQLITE_NOMEM;
	}
	return SQLITE_OK;
}

static int take_row(struct thinner *t, const struct sample *s)
{
	size_t n = HASH_COUNT(t->rows);
	struct thin_row *row;

	HASH_FIND(hh, t->rows, &s->id, sizeof(s->id), row);
	if (row) {
		join(&row->s, s);
		return SQLITE_OK;
	}
	if (n == t->n_spare) {
		int rc = make_room(t);

		if (rc)
			return rc;
	}
	row = &t->spare[n];
	*row = (struct thin_row){ .id = s->id, .s = *s };
	HASH_ADD(hh, t->rows, id, sizeof(row->id), row);
	return HASH_COUNT(t->rows) == n + 1 ? SQLITE_OK : SQLITE_NOMEM;
}

/* In place of the rows of [from, to). */
static int write_rows(struct thinner *t, enum entity e, int64_t from, int64_t to)
{
	sqlite3_stmt *remove = t->remove[e];
	struct thin_row *row;
	int rc;

	sqlite3_bind_int64(remove, 1, from);
	sqlite3_bind_int64(remove, 2, to);
	rc = sqlite3_step(remove);
	sqlite3_reset(remove);
	if (rc != SQLITE_DONE)
		return rc;
	for (row = t->rows, rc = SQLITE_OK; !rc && row; row = row->hh.next)
		rc = samples_insert(t->insert[e], e, &row->s);
	return rc;
}

/* Reads the next bucket that has rows. Returns SQLITE_ROW, or SQLITE_DONE when there is none. */
static int read_bucket(struct thinner *t, enum entity e, int64_t *from, size_t *n, bool *gain)
{
	sqlite3_stmt *select = t->select[e];
	struct sample s;
	int rc;

	*n = 0;
	*gain = false;
	sqlite3_bind_int64(select, 1, t->pass.at_ns);
	sqlite3_bind_int64(select, 2, t->pass.to_ns);
	while ((rc = sqlite3_step(select)) == SQLITE_ROW) {
		if (samples_read(select, e, &s)) {
			rc = SQLITE_CORRUPT; /* nobody else writes here */
			break;
		}
		if (!*n)
			*from = s.at_ns - s.at_ns % t->pass.bucket_ns;
		else if (s.at_ns >= *from + t->pass.bucket_ns)
			break;
		++*n;
		if (e == ENTITY_PROCESS && t->is_kept && !t->is_kept(t->ctx, s.id)) {
			*gain = true;
			continue;
		}
		rc = take_row(t, &s);
		if (rc)
			break;
	}
	sqlite3_reset(select);
	if (rc == SQLITE_DONE || rc == SQLITE_ROW)
		rc = *n ? SQLITE_ROW : SQLITE_DONE;
	*gain = *gain || HASH_COUNT(t->rows) < *n;
	return rc;
}

/* Joins the next bucket. SQLITE_DONE when the entity has no more. */
static int join_bucket(struct thinner *t, size_t *n)
{
	enum entity e = t->pass.entity;
	int64_t from = 0;
	bool gain = false;
	int rc = prepare(t, e);

	*n = 0;
	if (!rc)
		rc = read_bucket(t, e, &from, n, &gain);
	if (rc == SQLITE_ROW) {
		/* what begins in the middle of a bucket does not reach back */
		int64_t begin = from > t->pass.at_ns ? from : t->pass.at_ns;

		rc = gain ? write_rows(t, e, begin, from + t->pass.bucket_ns) : SQLITE_OK;
		t->pass.at_ns = from + t->pass.bucket_ns;
	}
	HASH_CLEAR(hh, t->rows);
	return rc;
}

int thin_step(struct thinner *t, int64_t now_ns, size_t added)
{
	uint64_t high = t->max_bytes / 8 * 7, low = high - t->max_bytes / 32;
	size_t budget = added * 4 > LEAST_ROWS ? added * 4 : LEAST_ROWS, n;

	if (t->used_bytes < (t->pass.active ? low : high))
		return SQLITE_OK;
	if (t->used_bytes > t->max_bytes / 32 * 31)
		budget *= 8; /* or the file is full */
	while (budget) {
		int rc;

		if (!t->pass.active)
			begin_pass(t, now_ns);
		if (!t->pass.active)
			break; /* there is nothing that could be joined */
		rc = join_bucket(t, &n);
		budget -= n + 1 < budget ? n + 1 : budget;
		if (rc == SQLITE_OK)
			continue;
		if (rc != SQLITE_DONE)
			return rc;
		t->pass.at_ns = t->regions[t->pass.region].from_ns;
		if (++t->pass.entity == ENTITIES)
			end_pass(t);
	}
	return SQLITE_OK;
}
