/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is inside a recorder: shared by recorder.c, its ticks and transactions, recorder_file.c, which
 * makes the file, recorder_samples.c, the series, recorder_state.c, what the summary is made from, and
 * recorder_shm.c, the same of shared memory. Nobody else includes this.
 *
 * The functions return 0 or an SQLite result code, unless they say otherwise.
 */
#ifndef MEMMON_RECORDER_STATE_H
#define MEMMON_RECORDER_STATE_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "recorder.h"
#include "samples.h"
#include "tables.h"
#include "thin.h"

struct recorder_file {
	sqlite3 *db;
	struct recorder_config config; /* path and machine are owned */
	bool needs_override;
	bool whole; /* no write failed */
	bool begun; /* there is a run in it */
	size_t wal_pages; /* in the file beside it, as of the last commit */
};

/* Statements that are used again and again, made when first needed. */
enum statement {
	PUT_TOTALS,
	PUT_PROCESS,
	PUT_STEP,
	PUT_KILL,
	PUT_KILL_LARGEST,
	PUT_MOUNT,
	PUT_FILE,
	PUT_CHARGER,
	PUT_FULL,
	PUT_FULL_LARGEST,
	PUT_RUN,
	PUT_FEATURE,
	PUT_EXEC,
	PUT_LOSS,
	DROP_PROCESS,
	DROP_EXECS,
	DROP_FILES,
	DROP_CHARGERS,
	UNLIST_MOUNT,
	UNLIST_FULL,
	DO_BEGIN,
	DO_COMMIT,
	GET_PAGES,
	STATEMENTS,
};

/* What the newest row of an entity said, and the peaks that were known then. */
struct track {
	bool any;
	int64_t last[SAMPLE_FIGURES], peak[SAMPLE_FIGURES];
};

/* What an entity holds now. Everything SAMPLE_UNKNOWN where it is not known. */
struct look {
	int64_t now[SAMPLE_FIGURES];
	int64_t peak[SAMPLE_FIGURES]; /* the highest ever, exact where the kernel side knows it */
	int64_t within[SAMPLE_FIGURES]; /* the highest since the last look */
};

struct recorded_process {
	struct process_key {
		uint64_t start_ns;
		uint32_t pid;
		uint32_t pad; /* hashed as bytes: always 0 */
	} key;
	int64_t id;
	uint64_t hash; /* of the row as it was written; 0 = not yet */
	uint64_t generation; /* of the commit that saw it last */
	uint64_t reading_ns, pss_bytes; /* of the newest look */
	int64_t at_ns; /* of the newest row; -1 = none */
	bool seen; /* alive, at a tick */
	bool ended;
	uint8_t execs;
	char comm[COMM_LEN];
	struct track track;
	UT_hash_handle hh, by_id;
};

/* Rows 0 … n − 1 of something: their hashes as they were written. */
struct row_list {
	uint64_t *hashes;
	size_t n, cap;
};

struct recorded_mount {
	struct mount_key {
		uint64_t texts; /* hash of point and container */
		uint64_t gone_ns; /* when it was seen last; 0 while it is there */
		uint32_t dev;
		uint32_t pad; /* hashed as bytes: always 0 */
	} key;
	int64_t id;
	uint64_t hash, generation;
	uint64_t seen; /* number of the tick that saw it last */
	struct row_list files, chargers;
	struct track track;
	UT_hash_handle hh;
};

struct recorded_full {
	uint64_t number, hash, generation;
	UT_hash_handle hh;
};

struct recorder {
	struct sink sink;
	struct recorder_file *file;
	sqlite3 *db; /* the file's */
	struct units_of units; /* clock_ns 0 until the first tick */
	sqlite3_stmt *statements[STATEMENTS];
	sqlite3_stmt *inserts[ENTITIES];
	bool open; /* a transaction is */
	int64_t open_ns; /* since when it has something */
	int64_t busy_ns; /* since when none could be begun; 0 = it could */
	uint64_t generation; /* of the commit under way */
	uint64_t ticks;
	size_t rows; /* of samples, since thinning was done last */
	char why[256]; /* of the failure */

	struct track tree, system, charge;
	struct recorded_process *processes; /* by key */
	struct recorded_process *by_id;
	int64_t newest_process;
	uint64_t steps_told, kills, lost;
	struct {
		uint64_t ts_ns;
		uint32_t pid;
	} last_kill;

	struct recorded_mount *mounts;
	struct recorded_full *fulls;
	int64_t newest_mount;
	uint64_t full; /* failures, as of the last commit */

	struct thinner thin;
};

/* ---- recorder.c ---- */

/* NULL when it cannot be made; the database says why. */
sqlite3_stmt *recorder_statement(struct recorder *r, enum statement which);
/* Runs it once: 0 also when it gave rows. */
int recorder_run(sqlite3_stmt *stmt);
static inline int64_t recorder_time(const struct recorder *r, uint64_t ts_ns)
{
	return (int64_t)(ts_ns - r->units.clock_ns);
}

/* ---- recorder_samples.c ---- */

/* Looks the fields up that rows are made of: are they all there? */
bool recorder_fields_known(void);
/* The rows of an interval that has ended. */
int recorder_sample(struct recorder *r, const struct snapshot *s);
/* One row, where `look` differs from the one before. */
int recorder_take(struct recorder *r, enum entity entity, int64_t id, int64_t at_ns,
		  const struct look *look, struct track *track);
struct recorded_process *recorder_process(struct recorder *r, const struct process *p, bool add);

/* ---- recorder_state.c ---- */

/* Brings everything that the summary is made from up to date. */
int recorder_put_state(struct recorder *r, const struct snapshot *s);
int recorder_put_run(struct recorder *r, const struct snapshot *s, bool complete);
int recorder_put_features(struct recorder *r);
void recorder_drop_process(struct recorder *r, struct recorded_process *p);

/* ---- recorder_shm.c ---- */

int recorder_sample_shm(struct recorder *r, const struct snapshot *s);
int recorder_put_shm(struct recorder *r, const struct snapshot *s);
void recorder_finish_shm(struct recorder *r);

#endif
