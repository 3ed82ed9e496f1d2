/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sink: ticks and transactions.
 *
 * A transaction is begun with the first row and committed before its oldest row is a second old, or at
 * once when something happened that one would not like to lose. The state is written only then: what
 * changed ten times in a second is written once.
 */
#include "recorder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder_state.h"

#define COMMIT_NS 900000000LL
#define BUSY_NS 10000000000LL /* so long somebody else may keep the file locked */

/* ---- statements ------------------------------------------------------------------------------- */

static const struct table *const puts_of[] = {
	[PUT_TOTALS] = &totals_table,
	[PUT_PROCESS] = &processes_table,
	[PUT_STEP] = &mode_steps_table,
	[PUT_KILL] = &oom_kills_table,
	[PUT_KILL_LARGEST] = &oom_largest_table,
	[PUT_MOUNT] = &shm_mounts_table,
	[PUT_FILE] = &shm_files_table,
	[PUT_CHARGER] = &shm_chargers_table,
	[PUT_FULL] = &shm_full_table,
	[PUT_FULL_LARGEST] = &shm_full_largest_table,
};

// NOLINTBEGIN(bugprone-suspicious-missing-comma): texts of several lines
static const char *const sql_of[STATEMENTS] = {
	[PUT_RUN] =
		"INSERT OR REPLACE INTO run (id, version, started, started_us, duration_ns, "
		"complete, ended_by, target, target_raw, command, wait_status, fail_if, "
		"interval_ns, unit, from_zero, max_processes, machine, kernel, cpus, page_bytes, "
		"clock_ns, shm_chain, shm_gaps, thinned_until_ns, thinned_bucket_ns) VALUES "
		"(1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[PUT_FEATURE] = "INSERT OR REPLACE INTO features (position, name, state, why) "
			"VALUES (?, ?, ?, ?)",
	[PUT_EXEC] = "INSERT OR REPLACE INTO execs (process, at_ns, pid, comm, comm_raw) "
		     "VALUES (?, ?, ?, ?, ?)",
	[PUT_LOSS] = "INSERT OR REPLACE INTO losses (at_ns, lost) VALUES (?, ?)",
	[DROP_PROCESS] = "DELETE FROM processes WHERE id = ?",
	[DROP_EXECS] = "DELETE FROM execs WHERE process = ?",
	[DROP_FILES] = "DELETE FROM shm_files WHERE mount = ? AND position >= ?",
	[DROP_CHARGERS] = "DELETE FROM shm_chargers WHERE mount = ? AND position >= ?",
	[UNLIST_MOUNT] = "UPDATE shm_mounts SET position = NULL WHERE id = ?",
	[UNLIST_FULL] = "UPDATE shm_full SET position = NULL WHERE number = ?",
	[DO_BEGIN] = "BEGIN IMMEDIATE",
	[DO_COMMIT] = "COMMIT",
	[GET_PAGES] = "SELECT page_count - freelist_count, page_count "
		      "FROM pragma_page_count, pragma_freelist_count",
};
// NOLINTEND(bugprone-suspicious-missing-comma)

sqlite3_stmt *recorder_statement(struct recorder *r, enum statement which)
{
	sqlite3_stmt **stmt = &r->statements[which];

	if (!*stmt && sql_of[which])
		sqlite3_prepare_v3(r->db, sql_of[which], -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
	else if (!*stmt)
		table_prepare_put(r->db, puts_of[which], stmt);
	return *stmt;
}

int recorder_run(sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);

	sqlite3_reset(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int run(struct recorder *r, enum statement which)
{
	sqlite3_stmt *stmt = recorder_statement(r, which);

	return stmt ? recorder_run(stmt) : sqlite3_errcode(r->db);
}

/* ---- failing ---------------------------------------------------------------------------------- */

static bool is_at_limit(struct recorder *r)
{
	sqlite3_stmt *stmt = recorder_statement(r, GET_PAGES);
	bool at_limit = false;

	if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
		at_limit = (uint64_t)sqlite3_column_int64(stmt, 1) + 64 >=
			   r->file->config.max_bytes / 4096;
	if (stmt)
		sqlite3_reset(stmt);
	return at_limit;
}

/* The recording ends here: what was committed stays. Returns a negative errno. */
static int fail(struct recorder *r, int rc)
{
	int err = sqlite3_system_errno(r->db), code = rc & 0xff;
	const char *why = err ? strerror(err) : sqlite3_errstr(rc);

	if (code == SQLITE_FULL)
		err = is_at_limit(r) ? EFBIG : ENOSPC;
	else if (code == SQLITE_NOMEM)
		err = ENOMEM;
	else if (code == SQLITE_BUSY)
		err = EBUSY;
	else if (code != SQLITE_IOERR || !err)
		err = EIO;
	if (err == EFBIG)
		why = "more than --max-size allows, however much older parts are thinned";
	else if (err == EBUSY)
		why = "another program keeps it locked";
	else if (err != EIO)
		why = strerror(err);
	snprintf(r->why, sizeof(r->why), "%s; the recording ends here, and can be read up to here",
		 why);
	if (!sqlite3_get_autocommit(r->db))
		sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
	r->open = false;
	r->file->whole = false;
	return -err;
}

/* ---- transactions ----------------------------------------------------------------------------- */

/* 1 = open, 0 = not now, negative errno = no more. */
static int open_transaction(struct recorder *r, int64_t now_ns)
{
	int rc;

	if (r->open)
		return 1;
	rc = run(r, DO_BEGIN);
	if ((rc & 0xff) == SQLITE_BUSY) {
		if (!r->busy_ns)
			r->busy_ns = now_ns + 1;
		return now_ns - r->busy_ns < BUSY_NS ? 0 : fail(r, rc);
	}
	if (rc)
		return fail(r, rc);
	r->busy_ns = 0;
	r->open = true;
	r->open_ns = now_ns;
	return 1;
}

static int count_pages(struct recorder *r)
{
	sqlite3_stmt *stmt = recorder_statement(r, GET_PAGES);
	int rc = stmt ? sqlite3_step(stmt) : sqlite3_errcode(r->db);

	if (rc == SQLITE_ROW)
		r->thin.used_bytes = (uint64_t)sqlite3_column_int64(stmt, 0) * 4096;
	sqlite3_reset(stmt);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* Is there something that one would not like to lose? */
static bool is_urgent(const struct recorder *r, const struct snapshot *s)
{
	const struct oom_kill *kill = s->n_oom ? &s->oom[s->n_oom - 1] : NULL;

	return (kill && (kill->ts_ns != r->last_kill.ts_ns || kill->pid != r->last_kill.pid)) ||
	       (s->shm && s->shm->full != r->full);
}

static int commit(struct recorder *r, const struct snapshot *s, bool complete)
{
	int rc = recorder_put_state(r, s);

	if (!rc)
		rc = recorder_put_run(r, s, complete);
	if (!rc)
		rc = count_pages(r);
	if (!rc)
		rc = run(r, DO_COMMIT);
	if ((rc & 0xff) == SQLITE_BUSY && !sqlite3_get_autocommit(r->db))
		return SQLITE_OK; /* without a WAL a reader is in the way: with the next tick */
	if (rc)
		return rc;
	r->open = false;
	/* somebody reads, and for so long that the log cannot be emptied */
	if (r->file->wal_pages > r->file->config.max_bytes / 4096)
		return SQLITE_BUSY;
	return SQLITE_OK;
}

/* ---- the sink --------------------------------------------------------------------------------- */

static bool is_kept(void *ctx, int64_t process)
{
	struct recorder *r = ctx;
	struct recorded_process *p;

	HASH_FIND(by_id, r->by_id, &process, sizeof(process), p);
	return p != NULL;
}

static int take(struct recorder *r, const struct snapshot *s, bool last)
{
	int64_t interval_ns = (int64_t)(r->sink.run->interval_s * 1e9), now_ns;
	bool first = !r->ticks;
	int rc = SQLITE_OK, open;

	if (first) /* time 0 is known from now on */
		r->units =
			(struct units_of){ .page_bytes = s->page_bytes, .clock_ns = s->start_ns };
	now_ns = recorder_time(r, s->now_ns);
	open = open_transaction(r, now_ns);
	if (open <= 0)
		return open;
	r->ticks++;
	if (first)
		rc = recorder_put_features(r);
	if (!rc)
		rc = recorder_sample(r, s);
	if (!rc)
		rc = recorder_sample_shm(r, s);
	if (!rc) {
		rc = thin_step(&r->thin, now_ns, r->rows);
		r->rows = 0;
	}
	if (!rc &&
	    (last || first || is_urgent(r, s) || now_ns + interval_ns - r->open_ns >= COMMIT_NS))
		rc = commit(r, s, last);
	return rc ? fail(r, rc) : 0;
}

static int recorder_tick(struct sink *sink, const struct snapshot *s)
{
	return take((struct recorder *)sink, s, false);
}

static int recorder_finish(struct sink *sink, const struct snapshot *s)
{
	sqlite3_busy_timeout(((struct recorder *)sink)->db, 2000); /* there is no next tick */
	return take((struct recorder *)sink, s, true);
}

static const char *recorder_reason(const struct sink *sink, int err)
{
	(void)err;
	return ((const struct recorder *)sink)->why;
}

static void recorder_destroy(struct sink *sink)
{
	struct recorder *r = (struct recorder *)sink;
	struct recorded_process *p = NULL, *next;

	if (!sqlite3_get_autocommit(r->db))
		sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL);
	else if (!r->ticks && sink->run->ended_by) /* it did not begin, and that is all there is */
		recorder_put_run(r, NULL, true);
	thin_finish(&r->thin);
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(r->statements[i]);
	for (int i = 0; i < ENTITIES; i++)
		sqlite3_finalize(r->inserts[i]);
	HASH_CLEAR(by_id, r->by_id);
	HASH_ITER(hh, r->processes, p, next) {
		HASH_DELETE(hh, r->processes, p);
		free(p);
	}
	recorder_finish_shm(r);
	recorder_close(r->file);
	free(r);
}

static const struct sink_ops recorder_ops = {
	.name = "recording",
	.tick = recorder_tick,
	.finish = recorder_finish,
	.destroy = recorder_destroy,
	.reason = recorder_reason,
};

struct sink *recorder_create(const struct run *run, struct recorder_file *file)
{
	struct recorder *r = calloc(1, sizeof(*r));

	if (!r || !recorder_fields_known()) {
		recorder_close(file);
		free(r);
		return NULL;
	}
	r->sink = (struct sink){ .ops = &recorder_ops, .run = run };
	r->file = file;
	r->db = file->db;
	r->units.page_bytes = 4096; /* until the first tick */
	thin_init(&r->thin, r->db, file->config.max_bytes, (int64_t)(run->interval_s * 1e9));
	r->thin.is_kept = is_kept;
	r->thin.ctx = r;
	/* a watch that fails before its first tick leaves an empty run, not nothing */
	file->begun = recorder_put_run(r, NULL, false) == SQLITE_OK;
	return &r->sink;
}
