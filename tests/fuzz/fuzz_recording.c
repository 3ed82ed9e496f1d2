/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any recording: a good one, of which the input damages values, bytes or the end; all that is offered of
 * it is read, and shown by the sinks. Whatever it says, reading ends, and with an answer. The bytes of
 * the input are a row of damages, five to twenty bytes each: what, where (two bytes), with what.
 */
#ifdef WITHOUT_SQLITE

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	(void)data;
	(void)size;
	return 0;
}

#else

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/model.h"
#include "recording/recorder.h"
#include "recording/recording.h"

#define SEC 1000000000ULL
#define HEAD(type_, record, pid_, ts)                                          \
	{                                                                      \
		.type = (type_), .size = sizeof(struct record), .pid = (pid_), \
		.ts_ns = SEC + (ts), .start_ns = (pid_) ? SEC / 2 + (pid_) : 0 \
	}
#define APPLY(m, rec) check(model_apply((m), &(rec).head, sizeof(rec)) == 0)

static char dir[] = "/tmp/memmon-fuzz-XXXXXX";
static char path[64];
static unsigned char *good;
static sqlite3_int64 good_size;
static FILE *nowhere;

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* ---- a good one ------------------------------------------------------------------------------- */

static void process(struct model *m, uint32_t pid, uint64_t ts, uint32_t flags)
{
	struct rec_reading r = { .head = HEAD(REC_READING, rec_reading, pid, ts),
				 .ppid = 1,
				 .how = START_FORKED,
				 .flags = flags,
				 .now = { { 10, 20, 0, 5 } },
				 .at_peak = { { 10, 90, 1, 5 } },
				 .peak = { { 12, 90, 1, 5 } },
				 .peak_ns = SEC + ts / 2,
				 .comm = "e\033[2J" };

	APPLY(m, r);
	check(model_set_cmdline(m, pid, r.head.start_ns, "python3 train.py") == 0);
	check(model_set_container(m, pid, r.head.start_ns, "web") == 0);
}

static void with_texts(struct model *m, const void *rec, size_t fixed, const char *texts,
		       size_t len)
{
	union {
		struct rec_head head;
		char bytes[1024];
	} whole;

	memcpy(whole.bytes, rec, fixed);
	memcpy(whole.bytes + fixed, texts, len);
	whole.head.size = (uint16_t)(fixed + len);
	check(model_apply(m, &whole.head, whole.head.size) == 0);
}

static void shared_memory(struct model *m, uint64_t ts)
{
	static const char names[] = "/dev/shm\0"
				    "0123456789abcdef\0web\0docker";
	struct rec_shm_mount mount = { .head = HEAD(REC_SHM_MOUNT, rec_shm_mount, 0, ts),
				       .dev = 52,
				       .flags = SHM_MOUNT_DEV_SHM | SHM_MOUNT_TARGET,
				       .limit_bytes = 64 << 20,
				       .used_bytes = 60 << 20 };
	struct rec_shm_file file = { .head = HEAD(REC_SHM_FILE, rec_shm_file, 10, ts),
				     .dev = 52,
				     .flags = SHM_FILE_CREATOR,
				     .ino = 7,
				     .bytes = 50 << 20,
				     .comm = "python3" };
	struct rec_shm_holder holder = { .head = HEAD(REC_SHM_HOLDER, rec_shm_holder, 10, ts),
					 .dev = 52,
					 .flags = SHM_HOLDS_MAP,
					 .ino = 7 };
	struct rec_shm_charger charger = { .head = HEAD(REC_SHM_CHARGER, rec_shm_charger, 10, ts),
					   .dev = 52,
					   .charged_bytes = 50 << 20 };
	struct rec_shm_full full = { .head = HEAD(REC_SHM_FULL, rec_shm_full, 10, ts),
				     .dev = 52,
				     .how = SHM_FULL_WRITE,
				     .error = 28,
				     .limit_bytes = 64 << 20,
				     .used_bytes = 64 << 20,
				     .name = "large" };
	struct {
		struct rec_head head;
	} survey = { HEAD(REC_SHM_SURVEY, rec_head, 0, ts) };

	with_texts(m, &mount, sizeof(mount), names, sizeof(names));
	with_texts(m, &file, sizeof(file), "psm", 4);
	APPLY(m, holder);
	APPLY(m, charger);
	APPLY(m, full);
	APPLY(m, survey);
}

static void record(void)
{
	static char *const command[] = { "sh", "-c", "true", NULL };
	static const struct feature_state features[] = { { "rss_stat", "on", NULL } };
	struct run run = { .version = "0.1.0",
			   .kernel_release = "6.1",
			   .started = "2026-11-21T04:36:00+00:00",
			   .command = command,
			   .target = "sh",
			   .features = features,
			   .n_features = 1,
			   .max_processes = 100,
			   .interval_s = 0.1,
			   .ended_by = "interrupted" };
	struct recorder_config config = { .path = path, .max_bytes = RECORDER_MAX_BYTES };
	struct model *m = model_create(4096, 100);
	struct recorder_file *file;
	struct sink *sink;
	char why[256];

	check(recorder_open(&config, &file, why, sizeof(why)) == 0);
	sink = recorder_create(&run, file);
	check(m && sink);
	for (uint64_t i = 0; i < 4; i++) {
		uint64_t ts = i * SEC;
		struct rec_tree tree = { .head = HEAD(REC_TREE, rec_tree, 0, ts),
					 .now = { { 10, (int64_t)i * 10, 0, 0 } },
					 .at_peak = { { 10, 90, 0, 0 } },
					 .processes_seen = 3 };
		struct rec_system system = { .head = HEAD(REC_SYSTEM, rec_system, 0, ts),
					     .total_bytes = 16ULL << 30,
					     .available_bytes = (8ULL - i) << 30 };
		struct rec_charge charge = { .head = HEAD(REC_CHARGE, rec_charge, 0, ts),
					     .current_bytes = i << 20 };
		struct rec_mode mode = { .head = HEAD(REC_MODE, rec_mode, 0, ts), .mode = i % 3 };
		struct rec_oom oom = { .head = HEAD(REC_OOM, rec_oom, 11, ts), .comm = "python3" };
		struct rec_cost cost = { .head = HEAD(REC_COST, rec_cost, 0, ts),
					 .lost_records = i,
					 .missed_runs = { i, UNKNOWN_U64, i / 2 } };
		struct {
			struct rec_head head;
		} tick = { HEAD(REC_TICK, rec_head, 0, ts) };

		process(m, 10, ts, 0);
		process(m, 11, ts, 0);
		process(m, 20 + (uint32_t)i, ts, READING_ENDED);
		APPLY(m, tree);
		APPLY(m, system);
		APPLY(m, charge);
		APPLY(m, mode);
		APPLY(m, oom);
		APPLY(m, cost);
		shared_memory(m, ts);
		APPLY(m, tick);
		check(sink->ops->tick(sink, model_snapshot(m)) == 0);
	}
	check(sink->ops->finish(sink, model_snapshot(m)) == 0);
	sink->ops->destroy(sink);
	model_destroy(m);
}

static void clean_up(void)
{
	unlink(path);
	rmdir(dir);
}

static void prepare(void)
{
	sqlite3 *db;

	check(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/run.memmon", dir);
	atexit(clean_up);
	record();
	/* small pages, so that a damage hits something */
	check(sqlite3_open(path, &db) == SQLITE_OK);
	check(sqlite3_exec(db, "PRAGMA page_size = 512; VACUUM", NULL, NULL, NULL) == SQLITE_OK);
	good = sqlite3_serialize(db, "main", &good_size, 0);
	check(good != NULL);
	sqlite3_close(db);
	nowhere = fopen("/dev/null", "w");
	check(nowhere != NULL);
}

/* ---- damages ---------------------------------------------------------------------------------- */

struct input {
	const uint8_t *data;
	size_t size;
};

static uint8_t take(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

/* A value of any type, at parameter 1. */
static void bind_any(sqlite3_stmt *stmt, struct input *in)
{
	static const int64_t corners[] = { 0,         1,         -1,         INT64_MAX,
					   INT64_MIN, INT32_MAX, UINT32_MAX, 1LL << 32,
					   255,       64,        SEC,        1LL << 62,
					   4096,      7,         2,          INT64_MAX - 1 };
	uint8_t kind = take(in), len;
	uint8_t bytes[16];
	int64_t v = 0;

	switch (kind % 6) {
	case 0:
		sqlite3_bind_int64(stmt, 1, corners[take(in) % 16]);
		return;
	case 1:
		for (int i = 0; i < 8; i++)
			v = (int64_t)((uint64_t)v << 8 | take(in));
		sqlite3_bind_int64(stmt, 1, v);
		return;
	case 2:
		sqlite3_bind_null(stmt, 1);
		return;
	case 3:
		sqlite3_bind_double(stmt, 1, ldexp((double)take(in) - 128, take(in)));
		return;
	default:
		len = take(in) % 16;
		for (int i = 0; i < len; i++)
			bytes[i] = take(in);
		if (kind % 6 == 4)
			sqlite3_bind_text(stmt, 1, (const char *)bytes, len, SQLITE_TRANSIENT);
		else
			sqlite3_bind_blob(stmt, 1, bytes, len, SQLITE_TRANSIENT);
	}
}

/* The nth name that the query gives, into sql; false where there is none. */
static bool name_of(sqlite3 *db, const char *query, unsigned int nth, char *name, size_t cap)
{
	sqlite3_stmt *stmt = NULL;
	bool found = false;

	if (sqlite3_prepare_v2(db, query, -1, &stmt, NULL) == SQLITE_OK) {
		sqlite3_bind_int64(stmt, 1, nth);
		found = sqlite3_step(stmt) == SQLITE_ROW;
		if (found)
			snprintf(name, cap, "%s", (const char *)sqlite3_column_text(stmt, 0));
	}
	sqlite3_finalize(stmt);
	return found;
}

static void damage_value(sqlite3 *db, struct input *in)
{
	char table[64], column[64], query[256], sql[768];
	sqlite3_stmt *stmt = NULL;
	uint8_t nth_table = take(in), nth_column = take(in), row = take(in);

	if (!name_of(db,
		     "SELECT name FROM sqlite_master WHERE type = 'table' LIMIT 1 OFFSET ?1 % 19",
		     nth_table, table, sizeof(table)))
		return;
	snprintf(query, sizeof(query),
		 "SELECT name FROM pragma_table_info('%s') LIMIT 1 OFFSET ?1 %% "
		 "(SELECT count(*) FROM pragma_table_info('%s'))",
		 table, table);
	if (!name_of(db, query, nth_column, column, sizeof(column)))
		return;
	/* of all rows, or of one */
	snprintf(
		sql, sizeof(sql),
		"UPDATE OR IGNORE %s SET \"%s\" = ?1 WHERE %d OR \"%s\" IS (SELECT max(\"%s\") FROM %s)",
		table, column, row & 1, column, column, table);
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK) {
		bind_any(stmt, in);
		sqlite3_step(stmt);
	}
	sqlite3_finalize(stmt);
}

static void damage_bytes(unsigned char *bytes, size_t size, struct input *in)
{
	size_t at = (size_t)take(in) << 8 | take(in);
	uint8_t n = take(in) % 32;

	for (at = at * 7 % size; n-- && at < size; at++)
		bytes[at] ^= take(in);
}

/* Writes a damaged copy to `path`. */
static void write_damaged(struct input *in)
{
	unsigned char *bytes = sqlite3_malloc64((sqlite3_uint64)good_size), *out;
	sqlite3_int64 size = good_size;
	sqlite3 *db = NULL;
	FILE *f;

	check(bytes && sqlite3_open(":memory:", &db) == SQLITE_OK);
	memcpy(bytes, good, (size_t)good_size);
	check(sqlite3_deserialize(db, "main", bytes, good_size, good_size,
				  SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE) ==
	      SQLITE_OK);
	sqlite3_exec(db, "PRAGMA ignore_check_constraints = ON; PRAGMA journal_mode = OFF", NULL,
		     NULL, NULL);
	while (in->size && take(in) % 4)
		damage_value(db, in);
	out = sqlite3_serialize(db, "main", &size, 0);
	check(out != NULL);
	sqlite3_close(db);
	while (in->size) {
		uint8_t what = take(in);

		if (what % 8)
			damage_bytes(out, (size_t)size, in);
		else
			size -= size * take(in) / 300;
	}
	f = fopen(path, "w");
	check(f && fwrite(out, 1, (size_t)size, f) == (size_t)size && fclose(f) == 0);
	sqlite3_free(out);
}

/* ---- reading ---------------------------------------------------------------------------------- */

static void show(struct sink *sink, const struct snapshot *s)
{
	check(sink != NULL);
	sink->ops->finish(sink, s);
	sink->ops->destroy(sink);
}

static void read_series(struct recording *r, enum entity entity, int64_t id, unsigned int dice)
{
	size_t n;
	const char *const *figures = recording_figures(entity, &n);
	struct series s;

	if (recording_series(r, entity, id, figures[dice % n], dice / n % 5, &s))
		return;
	for (size_t j = 0; j < s.n; j++)
		check(isfinite(s.points[j].at_s));
	series_finish(&s);
}

/* Not everything of each, for the sake of speed. */
static void read_all(struct recording *r, unsigned int dice)
{
	const struct recorded_event *events;
	const struct snapshot *s;
	char why[512] = "";
	size_t n;

	if (recording_snapshot(r, &s, why, sizeof(why)) == 0) {
		show((dice & 1 ? json_create : summary_create)(recording_run(r), nowhere), s);
		if (s->n_processes)
			read_series(r, ENTITY_PROCESS,
				    recording_process_id(r, s->processes[dice % s->n_processes]),
				    dice);
		if (s->shm && s->shm->n_mounts)
			read_series(r, ENTITY_SHM, recording_mount_id(r, s->shm->mounts[0]), dice);
	} else {
		check(why[0]);
	}
	read_series(r, ENTITY_TREE, 0, dice);
	for (int e = 0; e < ENTITIES; e++) {
		struct recording_cursor *c;
		struct sample row;

		if (recording_cursor_open(r, e, &c))
			continue;
		while (recording_cursor_next(c, &row) == 1)
			check(row.at_ns >= 0);
		recording_cursor_close(c);
	}
	if (recording_events(r, &events, &n) == 0)
		for (size_t i = 0; i < n; i++)
			for (const char *c = events[i].text; *c; c++)
				check((unsigned char)*c >= ' '); /* printed as it is */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int dice = size ? data[size - 1] : 0;
	struct input in = { data, size };
	struct recording *r;
	char why[512] = "";

	if (!good)
		prepare();
	write_damaged(&in);
	if (recording_open(path, &r, why, sizeof(why))) {
		check(why[0] && !r);
		return 0;
	}
	read_all(r, dice);
	recording_close(r);
	return 0;
}

#endif
