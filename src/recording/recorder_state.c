/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the summary is made from: rows are written where they changed since the last commit. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sinks/json_value.h"
#include "../sinks/show.h"
#include "recorder_state.h"

#define KEPT_ROWS 4096 /* of what has a moment: the newest */

/* ---- the run ---------------------------------------------------------------------------------- */

/* A JSON array; free() it. NULL without a command or memory. */
static char *command_text(const struct run *run)
{
	json_t *argv;
	char *text;

	if (!run->command)
		return NULL;
	argv = json_array();
	for (size_t i = 0; run->command[i]; i++)
		json_array_append_new(argv, json_text(run->command[i]));
	text = json_dumps(argv, JSON_ENSURE_ASCII | JSON_COMPACT);
	json_decref(argv);
	return text;
}

static int bind_count(sqlite3_stmt *put, int at, uint64_t n)
{
	return n ? sqlite3_bind_int64(put, at, (int64_t)n) : sqlite3_bind_null(put, at);
}

static int bind_run(struct recorder *r, sqlite3_stmt *put, const struct snapshot *s, bool complete)
{
	const struct recorder_config *c = &r->file->config;
	const struct run *run = r->sink.run;
	int64_t clock_ns = s ? (int64_t)r->units.clock_ns : c->now_ns;
	char *command = command_text(run);
	int rc;

	rc = bind_text(put, 1, run->version ? run->version : "");
	rc |= bind_text(put, 2, run->started);
	rc |= sqlite3_bind_int64(put, 3, (clock_ns + c->realtime_ns) / 1000);
	rc |= sqlite3_bind_int64(put, 4, s ? recorder_time(r, s->now_ns) : 0);
	rc |= sqlite3_bind_int64(put, 5, complete);
	rc |= bind_text(put, 6, complete ? run->ended_by : NULL);
	rc |= bind_name(put, 7, run->target, run->target ? strlen(run->target) : 0);
	rc |= bind_text(put, 9, command);
	rc |= run->has_exit ? sqlite3_bind_int64(put, 10, run->wait_status) :
			      sqlite3_bind_null(put, 10);
	rc |= bind_text(put, 11, run->fail_if);
	rc |= sqlite3_bind_int64(put, 12, (int64_t)(run->interval_s * 1e9));
	rc |= bind_text(put, 13, run->unit ? run->unit->name : NULL);
	rc |= sqlite3_bind_int64(put, 14, run->from_zero);
	rc |= sqlite3_bind_int64(put, 15, (int64_t)run->max_processes);
	rc |= bind_text(put, 16, c->machine);
	rc |= bind_text(put, 17, run->kernel_release);
	rc |= bind_count(put, 18, c->cpus);
	rc |= sqlite3_bind_int64(put, 19, (int64_t)r->units.page_bytes);
	rc |= sqlite3_bind_int64(put, 20, clock_ns);
	rc |= bind_text(put, 21, run->shm_chain);
	rc |= bind_text(put, 22, run->shm_gaps);
	rc |= sqlite3_bind_int64(put, 23, r->thin.until_ns);
	rc |= sqlite3_bind_int64(put, 24, r->thin.bucket_ns);
	free(command);
	return rc ? SQLITE_NOMEM : SQLITE_OK;
}

int recorder_put_run(struct recorder *r, const struct snapshot *s, bool complete)
{
	sqlite3_stmt *put = recorder_statement(r, PUT_RUN);
	int rc = put ? bind_run(r, put, s, complete) : sqlite3_errcode(r->db);

	return rc ? rc : recorder_run(put);
}

int recorder_put_features(struct recorder *r)
{
	const struct run *run = r->sink.run;
	int rc = SQLITE_OK;

	for (size_t i = 0; !rc && i < run->n_features; i++) {
		sqlite3_stmt *put = recorder_statement(r, PUT_FEATURE);

		if (!put)
			return sqlite3_errcode(r->db);
		sqlite3_bind_int64(put, 1, (int64_t)i);
		bind_text(put, 2, run->features[i].name);
		bind_text(put, 3, run->features[i].state);
		bind_text(put, 4, run->features[i].why);
		rc = recorder_run(put);
	}
	return rc;
}

/* ---- the whole watch, processes --------------------------------------------------------------- */

static int put_totals(struct recorder *r, const struct snapshot *s)
{
	sqlite3_stmt *put = recorder_statement(r, PUT_TOTALS);
	int at, rc;

	if (!put)
		return sqlite3_errcode(r->db);
	sqlite3_bind_int64(put, 1, 1);
	rc = table_bind(put, &totals_table, &r->units, s, &at);
	if (s->shm) {
		sqlite3_bind_int64(put, at, s->shm->known);
		sqlite3_bind_int64(put, at + 1, recorder_time(r, s->shm->survey_ns));
		sqlite3_bind_int64(put, at + 2, (int64_t)s->shm->full);
	} else {
		sqlite3_bind_null(put, at);
		sqlite3_bind_null(put, at + 1);
		sqlite3_bind_null(put, at + 2);
	}
	return rc ? rc : recorder_run(put);
}

static int put_process(struct recorder *r, const struct process *p)
{
	struct recorded_process *e = recorder_process(r, p, true);
	uint64_t hash = table_hash(&processes_table, p);
	sqlite3_stmt *put;
	int rc;

	if (!e)
		return SQLITE_NOMEM;
	e->generation = r->generation;
	if (e->hash == hash)
		return SQLITE_OK;
	put = recorder_statement(r, PUT_PROCESS);
	if (!put)
		return sqlite3_errcode(r->db);
	sqlite3_bind_int64(put, 1, e->id);
	rc = table_bind(put, &processes_table, &r->units, p, NULL);
	if (!rc)
		rc = recorder_run(put);
	if (!rc)
		e->hash = hash;
	return rc;
}

static int drop(struct recorder *r, enum statement which, int64_t id)
{
	sqlite3_stmt *stmt = recorder_statement(r, which);

	if (!stmt)
		return sqlite3_errcode(r->db);
	sqlite3_bind_int64(stmt, 1, id);
	return recorder_run(stmt);
}

static int put_processes(struct recorder *r, const struct snapshot *s)
{
	struct recorded_process *e = NULL, *next;
	int rc = SQLITE_OK;

	for (size_t i = 0; !rc && i < s->n_processes; i++)
		rc = put_process(r, s->processes[i]);
	HASH_ITER(hh, r->processes, e, next) {
		if (rc || e->generation == r->generation)
			continue;
		/* the model has dropped it, as others had larger peaks */
		if (e->hash)
			rc = drop(r, DROP_PROCESS, e->id);
		if (!rc && e->execs)
			rc = drop(r, DROP_EXECS, e->id);
		HASH_DELETE(by_id, r->by_id, e);
		HASH_DELETE(hh, r->processes, e);
		free(e);
	}
	return rc;
}

/* ---- what has a moment ------------------------------------------------------------------------ */

/* Only the newest KEPT_ROWS of a table whose key is a number that grows. */
static int trim(struct recorder *r, const char *table, const char *key, uint64_t newest)
{
	char sql[128];

	if (newest <= KEPT_ROWS)
		return SQLITE_OK;
	snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE %s <= %llu", table, key,
		 (unsigned long long)(newest - KEPT_ROWS));
	return sqlite3_exec(r->db, sql, NULL, NULL, NULL);
}

static int put_steps(struct recorder *r, const struct snapshot *s)
{
	char text[SHOW_STEP_LEN];
	int rc = SQLITE_OK;

	for (size_t i = 0; !rc && i < s->mode.n_steps; i++) {
		const struct mode_step *step = &s->mode.steps[i];
		sqlite3_stmt *put = recorder_statement(r, PUT_STEP);
		int at;

		if (step->number <= r->steps_told)
			continue;
		if (!put)
			return sqlite3_errcode(r->db);
		sqlite3_bind_int64(put, 1, (int64_t)step->number);
		rc = table_bind(put, &mode_steps_table, &r->units, step, &at);
		bind_text(put, at, show_step(text, s, step));
		if (!rc)
			rc = recorder_run(put);
		r->steps_told = step->number;
		if (!rc)
			rc = trim(r, "mode_steps", "number", step->number);
	}
	return rc;
}

static int put_kill(struct recorder *r, const struct oom_kill *kill)
{
	sqlite3_stmt *put = recorder_statement(r, PUT_KILL);
	sqlite3_stmt *large = recorder_statement(r, PUT_KILL_LARGEST);
	int rc;

	if (!put || !large)
		return sqlite3_errcode(r->db);
	sqlite3_bind_int64(put, 1, (int64_t)++r->kills);
	rc = table_bind(put, &oom_kills_table, &r->units, kill, NULL);
	if (!rc)
		rc = recorder_run(put);
	for (size_t i = 0; !rc && i < sizeof(kill->top) / sizeof(kill->top[0]); i++) {
		if (!kill->top[i].pid)
			break;
		sqlite3_bind_int64(large, 1, (int64_t)r->kills);
		sqlite3_bind_int64(large, 2, (int64_t)i);
		rc = table_bind(large, &oom_largest_table, &r->units, &kill->top[i], NULL);
		if (!rc)
			rc = recorder_run(large);
	}
	r->last_kill.ts_ns = kill->ts_ns;
	r->last_kill.pid = kill->pid;
	rc = rc ? rc : trim(r, "oom_kills", "number", r->kills);
	return rc ? rc : trim(r, "oom_largest", "kill", r->kills);
}

static int put_kills(struct recorder *r, const struct snapshot *s)
{
	size_t first = s->n_oom;
	int rc = SQLITE_OK;

	/* those after the newest that was told */
	while (first && (s->oom[first - 1].ts_ns != r->last_kill.ts_ns ||
			 s->oom[first - 1].pid != r->last_kill.pid))
		first--;
	for (size_t i = first; !rc && i < s->n_oom; i++)
		rc = put_kill(r, &s->oom[i]);
	return rc;
}

int recorder_put_state(struct recorder *r, const struct snapshot *s)
{
	int rc;

	r->generation++;
	rc = put_totals(r, s);
	rc = rc ? rc : put_processes(r, s);
	rc = rc ? rc : put_steps(r, s);
	rc = rc ? rc : put_kills(r, s);
	return rc ? rc : recorder_put_shm(r, s);
}
