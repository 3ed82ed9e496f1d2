/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sink turns snapshots into something a person or a program reads. It sees a const snapshot, the
 * field table and what is fixed for the run; it knows no libbpf, no /proc and no clock.
 *
 * A sink's constructor takes the run (which must outlive it) and what is its own. All functions
 * return 0 or a negative errno; a sink that failed once is not called again, and the caller says so.
 */
#ifndef MEMMON_SINK_H
#define MEMMON_SINK_H

#include <stdio.h>

#include "../model/fields.h"
#include "../util/units.h"

struct feature_state {
	const char *name; /* "rss_stat" */
	const char *state; /* "on", "degraded" or "off" */
	const char *why; /* NULL where on; what is lost and how to get it */
};

/* What does not change while a run lasts, and its end. */
struct run {
	const char *version;
	const char *kernel_release;
	char started[40]; /* RFC 3339 with offset */
	char *const *command; /* NULL-terminated argv; NULL without a command */
	/* what is watched, for people, not escaped: "pid 4711 (python3) and its children" */
	const char *target;
	bool has_exit; /* the command has ended: */
	int wait_status; /* as waitpid(2) */
	const struct feature_state *features;
	size_t n_features;
	const struct unit *unit; /* NULL: choose by size */
	bool from_zero;
	bool color;
	size_t max_processes; /* of processes[] and of the summary's table */
	double interval_s;
	/* how the watch ended, for people: "the command ended", "interrupted", "duration reached" */
	const char *ended_by;
	const char *fail_if; /* the condition that held; NULL = none */
	/* of shared memory, for people: how charges are known, and what could not be seen; NULL or "" */
	const char *shm_chain, *shm_gaps;
};

struct sink;

struct sink_ops {
	const char *name; /* for messages */
	/* an interval has ended */
	int (*tick)(struct sink *sink, const struct snapshot *s);
	/* the watch has ended: write what remains; called once, also after a signal */
	int (*finish)(struct sink *sink, const struct snapshot *s);
	void (*destroy)(struct sink *sink);
	/* what a failure of tick or finish means, until destroy; NULL: what strerror() says */
	const char *(*reason)(const struct sink *sink, int err);
};

struct sink {
	const struct sink_ops *ops;
	const struct run *run;
};

/* Each returns NULL when memory is exhausted. `out` stays the caller's and is flushed, not closed. */
struct sink *lines_create(const struct run *run, FILE *out); /* a line per interval */
struct sink *csv_create(const struct run *run, FILE *out); /* the timeline: tree and processes */
struct sink *json_create(const struct run *run, FILE *out); /* schema memmon-bpf/summary/1 */
struct sink *summary_create(const struct run *run, FILE *out); /* for people, at the end */
struct sink *openmetrics_create(const struct run *run, FILE *out); /* gauges, at the end */
/* The ledger of shared memory; `files` = each mount's files too, `columns` = 0 for any width. */
struct sink *shm_table_create(const struct run *run, FILE *out, bool files, int columns);
struct sink *shm_json_create(const struct run *run, FILE *out); /* schema memmon-bpf/shm/1 */
struct sink *shm_csv_create(const struct run *run, FILE *out); /* a row per mount and interval */
struct sink *mprof_create(const struct run *run, FILE *out); /* what mprof(1) plots */

/*
 * What NNCF's memory monitor leaves in its directory, and its table, printed to `table` (NULL = not).
 */
#define LOG_DIR_FILES 8
extern const char *const log_dir_names[LOG_DIR_FILES];
struct sink *log_dir_create(const struct run *run, FILE *const files[LOG_DIR_FILES], FILE *table);

/*
 * The live screen on the terminal `tty_fd` (ncursesw). Returns -ENOTTY, or -ENOTSUP with an
 * unusable $TERM, and leaves the terminal as it was.
 */
int live_create(const struct run *run, int tty_fd, struct sink **out);
/* Reads pending keys; call it when the terminal is readable or after SIGWINCH. 1 = the user quits. */
int live_input(struct sink *sink, const struct snapshot *s);

/* The same of the ledger of shared memory; `files` = each mount's files too, at first. */
int shm_live_create(const struct run *run, int tty_fd, bool files, struct sink **out);
int shm_live_input(struct sink *sink, const struct snapshot *s);

#endif
