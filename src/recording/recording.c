/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening: is it a recording, which one, and may it be read?
 *
 * A file may come from anybody. So the schema in it is not trusted: what we read must be ordinary
 * tables (not views, which can compute for ever, nor virtual ones), no text or row may be larger than a
 * recorder makes them, and the file is opened for reading only.
 */
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader.h"
#include "schema.h"

#define TEXT_MAX (4 << 20) /* of one value or row: beyond any command line */
#define FEATURES_MAX 1000
#define ARGUMENTS_MAX 1000000

static const char magic[] = "SQLite format 3"; /* and its NUL */

int reader_error(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
		return -EACCES;
	case SQLITE_IOERR:
		return rc == SQLITE_IOERR_SHORT_READ ? -EINVAL : -EIO;
	default: /* corrupt, not a database, no such table or column, too large, … */
		return -EINVAL;
	}
}

int reader_step(sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);

	return rc == SQLITE_ROW ? 1 : reader_error(rc);
}

int reader_why(struct recording *r, int err, char *why, size_t why_len)
{
	switch (err) {
	case -EINVAL:
		snprintf(
			why, why_len,
			"the recording is damaged (%s); `sqlite3 FILE .recover` may save parts of it",
			r && r->db && sqlite3_errcode(r->db) != SQLITE_OK &&
					sqlite3_errcode(r->db) != SQLITE_DONE &&
					sqlite3_errcode(r->db) != SQLITE_ROW ?
				sqlite3_errmsg(r->db) :
				"a value in it is none that memmon-bpf writes");
		break;
	case -EACCES:
		snprintf(
			why, why_len,
			"it cannot be read where it lies: a recording that was cut off has its newest "
			"part in FILE-wal; copy both to where you may write, and read it there");
		break;
	default:
		snprintf(why, why_len, "%s", strerror(-err));
	}
	return err;
}

/* ---- is it one? ------------------------------------------------------------------------------- */

static uint32_t big_endian(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/*
 * How large the file says it is (see the file format document of SQLite), 0 where it does not; while there is
 * a log beside it, that is not true at every moment.
 */
static uint64_t size_by_head(const char *path, const unsigned char *head)
{
	uint64_t page = (uint64_t)head[16] << 8 | head[17];
	char wal[PATH_MAX + 8];

	snprintf(wal, sizeof(wal), "%s-wal", path);
	if (big_endian(head + 24) != big_endian(head + 92) || access(wal, F_OK) == 0)
		return 0;
	return (page == 1 ? 65536 : page) * big_endian(head + 28);
}

/* Looks at the file itself, as SQLite would make a new one of an empty file, and wait for a FIFO. */
static int check_file(const char *path, char *why, size_t why_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err = 0;
	unsigned char head[100];
	struct stat st;
	ssize_t n = 0;

	if (fd < 0 || fstat(fd, &st)) {
		err = -errno;
		snprintf(why, why_len, "%s", strerror(errno));
		goto out;
	}
	if (S_ISREG(st.st_mode))
		n = pread(fd, head, sizeof(head), 0);
	if (n < 0) {
		err = -errno;
		snprintf(why, why_len, "%s", strerror(errno));
	} else if (S_ISDIR(st.st_mode)) {
		err = -EISDIR;
		snprintf(why, why_len, "%s", strerror(EISDIR));
	} else if (S_ISREG(st.st_mode) && !st.st_size) {
		err = -EINVAL;
		snprintf(why, why_len, "it is empty: not a recording of memmon-bpf");
	} else if ((size_t)n < sizeof(magic) || memcmp(head, magic, sizeof(magic))) {
		err = -EINVAL;
		snprintf(why, why_len,
			 "it is not a recording of memmon-bpf; `memmon-bpf -o FILE …` makes one");
	} else if ((size_t)n < sizeof(head) || (uint64_t)st.st_size < size_by_head(path, head)) {
		err = -EINVAL;
		snprintf(why, why_len,
			 "the recording is cut off: only %lld bytes are left of it; "
			 "`sqlite3 FILE .recover` may save parts of it",
			 (long long)st.st_size);
	}
out:
	if (fd >= 0)
		close(fd);
	return err;
}

static int pragma(struct recording *r, const char *name, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	char sql[64];
	int err;

	snprintf(sql, sizeof(sql), "PRAGMA %s", name);
	err = reader_error(sqlite3_prepare_v2(r->db, sql, -1, &stmt, NULL));
	if (!err)
		err = reader_step(stmt) == 1 ? 0 : reader_error(sqlite3_errcode(r->db));
	*out = err ? 0 : sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return err;
}

/* Every table that we read is there, and is a table. */
static int check_tables(struct recording *r, char *why, size_t why_len)
{
	static const char *const names[] = {
		"run",
		"features",
		"totals",
		"processes",
		"execs",
		"mode_steps",
		"oom_kills",
		"oom_largest",
		"losses",
		"shm_mounts",
		"shm_files",
		"shm_chargers",
		"shm_full",
		"shm_full_largest",
		"tree_samples",
		"process_samples",
		"system_samples",
		"charge_samples",
		"shm_samples",
	};
	sqlite3_stmt *stmt = NULL;
	int err;

	err = reader_error(sqlite3_prepare_v2(
		r->db,
		"SELECT 1 FROM sqlite_master WHERE type = 'table' AND rootpage > 0 AND name = ?1",
		-1, &stmt, NULL));
	for (size_t i = 0; !err && i < sizeof(names) / sizeof(names[0]); i++) {
		sqlite3_bind_text(stmt, 1, names[i], -1, SQLITE_STATIC);
		err = reader_step(stmt);
		if (err == 0) {
			snprintf(why, why_len, "the recording is damaged: it has no table %s",
				 names[i]);
			err = -EINVAL;
		} else {
			err = err == 1 ? 0 : reader_why(r, err, why, why_len);
		}
		sqlite3_reset(stmt);
	}
	sqlite3_finalize(stmt);
	return err;
}

static int check_schema(struct recording *r, char *why, size_t why_len)
{
	int64_t application, version;
	int err = pragma(r, "application_id", &application);

	if (!err)
		err = pragma(r, "user_version", &version);
	if (err)
		return reader_why(r, err, why, why_len);
	if (application != RECORDING_APPLICATION_ID) {
		snprintf(why, why_len,
			 "it is an SQLite database, but not a recording of memmon-bpf");
		return -EINVAL;
	}
	if (version > RECORDING_VERSION) {
		snprintf(why, why_len,
			 "its schema is %" PRId64
			 ", and this memmon-bpf knows none newer than %d: use the "
			 "memmon-bpf that recorded it, or a newer one",
			 version, RECORDING_VERSION);
		return -ENOTSUP;
	}
	return check_tables(r, why, why_len);
}

static int open_database(struct recording *r, const char *path)
{
	static const struct {
		int id, value;
	} limits[] = {
		{ SQLITE_LIMIT_LENGTH, TEXT_MAX },
		{ SQLITE_LIMIT_ATTACHED, 0 },
		{ SQLITE_LIMIT_TRIGGER_DEPTH, 1 },
	};
	int rc = sqlite3_open_v2(path, &r->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc)
		return reader_error(rc);
	sqlite3_extended_result_codes(r->db, 1);
	sqlite3_db_config(r->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(r->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(r->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_db_config(r->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		sqlite3_limit(r->db, limits[i].id, limits[i].value);
	sqlite3_busy_timeout(r->db, 5000);
	/* what is seen from now on is of one moment, also while it is being written */
	rc = sqlite3_exec(r->db, "PRAGMA cell_size_check = ON; BEGIN; SELECT 1 FROM sqlite_master",
			  NULL, NULL, NULL);
	return reader_error(rc);
}

/* ---- the run ---------------------------------------------------------------------------------- */

static int read_command(struct recording *r, const char *text)
{
	json_t *list = text ? json_loads(text, JSON_ALLOW_NUL, NULL) : NULL, *word;
	size_t i, n = json_array_size(list);
	int err = 0;

	if (!text)
		return 0;
	if (!json_is_array(list) || n > ARGUMENTS_MAX) {
		err = -EINVAL;
		goto out;
	}
	r->command = calloc(n + 1, sizeof(*r->command));
	if (!r->command) {
		err = -ENOMEM;
		goto out;
	}
	json_array_foreach(list, i, word) {
		const char *arg = json_string_value(word);

		if (!arg) {
			err = -EINVAL;
			break;
		}
		r->command[i] = texts_add(&r->texts, arg, strlen(arg));
		if (!r->command[i]) {
			err = -ENOMEM;
			break;
		}
	}
	r->run.command = r->command;
out:
	json_decref(list);
	return err;
}

enum {
	RUN_VERSION,
	RUN_STARTED,
	RUN_STARTED_US,
	RUN_DURATION,
	RUN_COMPLETE,
	RUN_ENDED_BY,
	RUN_TARGET, /* and raw */
	RUN_COMMAND = RUN_TARGET + 2,
	RUN_WAIT_STATUS,
	RUN_FAIL_IF,
	RUN_INTERVAL,
	RUN_UNIT,
	RUN_FROM_ZERO,
	RUN_MAX_PROCESSES,
	RUN_MACHINE,
	RUN_KERNEL,
	RUN_CPUS,
	RUN_PAGE,
	RUN_CLOCK,
	RUN_CHAIN,
	RUN_GAPS,
	RUN_THINNED,
};

static int read_texts(struct recording *r, sqlite3_stmt *stmt)
{
	struct run *run = &r->run;
	const char *started = NULL, *unit = NULL, *command = NULL;
	struct {
		int at;
		const char **to;
	} texts[] = {
		{ RUN_VERSION, &run->version },
		{ RUN_STARTED, &started },
		{ RUN_ENDED_BY, &run->ended_by },
		{ RUN_FAIL_IF, &run->fail_if },
		{ RUN_UNIT, &unit },
		{ RUN_MACHINE, &r->info.machine },
		{ RUN_KERNEL, &run->kernel_release },
		{ RUN_CHAIN, &run->shm_chain },
		{ RUN_GAPS, &run->shm_gaps },
	};
	int err = read_name(stmt, RUN_TARGET, &r->texts, &run->target);

	for (size_t i = 0; !err && i < sizeof(texts) / sizeof(texts[0]); i++)
		err = read_text(stmt, texts[i].at, &r->texts, texts[i].to);
	/* JSON says itself what it escapes */
	if (!err && sqlite3_column_type(stmt, RUN_COMMAND) == SQLITE_TEXT)
		command = (const char *)sqlite3_column_text(stmt, RUN_COMMAND);
	if (!err)
		err = read_command(r, command);
	if (err)
		return err;
	snprintf(run->started, sizeof(run->started), "%s", started ? started : "");
	run->unit = unit ? unit_find(unit) : NULL;
	return 0;
}

static int read_numbers(struct recording *r, sqlite3_stmt *stmt)
{
	int64_t complete, from_zero, processes, cpus, page, clock, interval, thinned, status;
	struct run *run = &r->run;
	const int64_t none = INT64_MIN;
	int err;

	err = read_integer(stmt, RUN_STARTED_US, 0, INT64_MAX, 0, &r->info.started_us);
	err = err ? err : read_integer(stmt, RUN_DURATION, 0, INT64_MAX, 0, &r->duration_ns);
	err = err ? err : read_integer(stmt, RUN_COMPLETE, 0, 1, 0, &complete);
	err = err ? err : read_integer(stmt, RUN_FROM_ZERO, 0, 1, 0, &from_zero);
	err = err ? err : read_integer(stmt, RUN_MAX_PROCESSES, 1, 1000000, 1000, &processes);
	err = err ? err : read_integer(stmt, RUN_CPUS, 0, 1 << 20, 0, &cpus);
	err = err ? err : read_integer(stmt, RUN_PAGE, 512, 1 << 20, 4096, &page);
	err = err ? err : read_integer(stmt, RUN_CLOCK, 0, INT64_MAX, 0, &clock);
	err = err ? err : read_integer(stmt, RUN_INTERVAL, 1, INT64_MAX, 1, &interval);
	err = err ? err : read_integer(stmt, RUN_THINNED, 0, INT64_MAX, 0, &thinned);
	err = err ? err : read_integer(stmt, RUN_WAIT_STATUS, INT32_MIN, INT32_MAX, none, &status);
	if (err)
		return err;
	if (page & (page - 1))
		return -EINVAL;
	r->units = (struct units_of){ .page_bytes = (uint64_t)page, .clock_ns = (uint64_t)clock };
	r->info.duration_s = (double)r->duration_ns / 1e9;
	r->info.complete = complete;
	r->info.cpus = (uint64_t)cpus;
	r->info.thinned_until_s = (double)thinned / 1e9;
	run->has_exit = status != none;
	run->wait_status = run->has_exit ? (int)status : 0;
	run->from_zero = from_zero;
	run->max_processes = (size_t)processes;
	run->interval_s = (double)interval / 1e9;
	return 0;
}

static int read_features(struct recording *r)
{
	sqlite3_stmt *stmt = NULL;
	int err = reader_error(sqlite3_prepare_v2(
		r->db, "SELECT name, state, why FROM features ORDER BY position", -1, &stmt, NULL));

	r->features = calloc(FEATURES_MAX, sizeof(*r->features));
	if (!err && !r->features)
		err = -ENOMEM;
	while (!err && r->run.n_features < FEATURES_MAX && (err = reader_step(stmt)) == 1) {
		struct feature_state *f = &r->features[r->run.n_features++];

		err = read_text(stmt, 0, &r->texts, &f->name);
		err = err ? err : read_text(stmt, 1, &r->texts, &f->state);
		err = err ? err : read_text(stmt, 2, &r->texts, &f->why);
		if (!err && (!f->name || !f->state))
			err = -EINVAL;
	}
	r->run.features = r->features;
	sqlite3_finalize(stmt);
	return err;
}

static int read_run(struct recording *r)
{
	sqlite3_stmt *stmt = NULL;
	int64_t samples = 0;
	int err = reader_error(sqlite3_prepare_v2(
		r->db,
		"SELECT version, started, started_us, duration_ns, complete, ended_by, target, "
		"target_raw, command, wait_status, fail_if, interval_ns, unit, from_zero, "
		"max_processes, machine, kernel, cpus, page_bytes, clock_ns, shm_chain, shm_gaps, "
		"thinned_until_ns FROM run",
		-1, &stmt, NULL));

	if (!err)
		err = reader_step(stmt);
	if (err != 1) {
		err = err ? err : -EINVAL; /* there is one row */
	} else {
		err = read_texts(r, stmt);
		err = err ? err : read_numbers(r, stmt);
	}
	sqlite3_finalize(stmt);
	stmt = NULL;
	if (!err)
		err = read_features(r);
	if (!err)
		err = reader_error(sqlite3_prepare_v2(r->db, "SELECT count(*) FROM tree_samples",
						      -1, &stmt, NULL));
	if (!err)
		err = reader_step(stmt) == 1 ? 0 : reader_error(sqlite3_errcode(r->db));
	if (!err)
		samples = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	r->info.samples = (uint64_t)samples;
	return err;
}

int recording_open(const char *path, struct recording **out, char *why, size_t why_len)
{
	struct recording *r;
	int err = check_file(path, why, why_len);

	*out = NULL;
	if (err)
		return err;
	r = calloc(1, sizeof(*r));
	if (!r)
		return reader_why(NULL, -ENOMEM, why, why_len);
	err = open_database(r, path);
	if (err)
		reader_why(r, err, why, why_len);
	else
		err = check_schema(r, why, why_len);
	if (!err) {
		err = read_run(r);
		if (err)
			reader_why(r, err, why, why_len);
	}
	if (err) {
		recording_close(r);
		return err;
	}
	*out = r;
	return 0;
}

void recording_close(struct recording *r)
{
	if (!r)
		return;
	sqlite3_close(r->db);
	loaded_destroy(r->loaded);
	free(r->command);
	free(r->features);
	free(r->events);
	texts_finish(&r->texts);
	free(r);
}

const struct run *recording_run(const struct recording *r)
{
	return &r->run;
}

const struct recording_info *recording_info(const struct recording *r)
{
	return &r->info;
}
