/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is inside an open recording: shared by recording.c, which opens and checks it, load.c, which
 * rebuilds the snapshot, and series.c. Nobody else includes this.
 */
#ifndef MEMMON_READER_H
#define MEMMON_READER_H

#include "columns.h"
#include "recording.h"

struct loaded_process {
	struct process p;
	int64_t id;
};

struct loaded_mount {
	struct shm_mount m;
	int64_t id;
};

struct loaded;

struct recording {
	sqlite3 *db;
	struct units_of units;
	struct texts texts;
	struct run run;
	struct recording_info info;
	int64_t duration_ns;
	char **command; /* owned; run.command */
	struct feature_state *features; /* owned */
	struct loaded *loaded; /* the snapshot; NULL until it is asked for */
	struct recorded_event *events; /* owned; NULL until asked for */
	size_t n_events;
};

/* Steps: 1 a row, 0 the end, negative errno. */
int reader_step(sqlite3_stmt *stmt);
/* What a result code of SQLite means: -EINVAL for a damaged file, -ENOMEM, … */
int reader_error(int rc);
/* For messages: what err, from any of the functions here, says of the file. */
int reader_why(struct recording *r, int err, char *why, size_t why_len);

void loaded_destroy(struct loaded *l); /* NULL is fine */

/* Loads the snapshot, unless that was done. */
int recording_load(struct recording *r);
/* By its id; NULL where there is none. */
const struct process *loaded_process(const struct recording *r, int64_t id);
const struct shm_mount *loaded_mount(const struct recording *r, int64_t id);

#endif
