/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sink of `-o FILE`: a recording, which is an SQLite database; see schema.sql and docs/RECORDING.md.
 *
 * Every interval's samples go into a transaction that is committed about once a second, and brings the
 * state that the summary is made from up to date with them. Whatever happens to us, what was committed
 * is there. The file never grows beyond `max_bytes`: older parts are thinned, see thin.h.
 */
#ifndef MEMMON_RECORDER_H
#define MEMMON_RECORDER_H

#include "../sinks/sink.h"

#define RECORDER_MIN_BYTES (8ULL << 20)
#define RECORDER_MAX_BYTES (1ULL << 30) /* unless the user says otherwise */

struct recorder_config {
	const char *path;
	uint64_t max_bytes; /* RECORDER_MIN_BYTES or more */
	int64_t now_ns; /* CLOCK_MONOTONIC */
	int64_t realtime_ns; /* CLOCK_REALTIME less that */
	uint64_t cpus; /* 0 = not known */
	const char *machine; /* opaque; NULL = not known */
};

struct recorder_file;

/*
 * Makes the file, under the rules of util/outfile.h, and everything in it; an ordinary file that exists
 * is replaced. Done before privileges are dropped. Returns 0, or a negative errno and in `why` what
 * failed, to follow the file's name and a colon.
 */
int recorder_open(const struct recorder_config *config, struct recorder_file **out, char *why,
		  size_t why_len);
/* Without a recorder made of it: the file stays as an empty recording. NULL is fine. */
void recorder_close(struct recorder_file *file);

/*
 * The file's directory is one that root can write to only by CAP_DAC_OVERRIDE (a user's, under sudo):
 * without that capability what lies beside the file while it is written cannot be removed at the end.
 */
bool recorder_needs_override(const struct recorder_file *file);

/* Takes `file`, also when it returns NULL, which is when memory is exhausted. */
struct sink *recorder_create(const struct run *run, struct recorder_file *file);

#endif
