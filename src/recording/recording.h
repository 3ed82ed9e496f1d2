/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads what `-o FILE` wrote (recorder.h): the run, its last snapshot, series, events.
 *
 * The last snapshot is the one that the summary of the watch was made from; of a watch that was
 * killed, the last one that was committed, at most a second before. So every sink of a watch shows
 * of a recording what it would have shown then. What no sink of a watch shows is not recorded:
 * history[], and of the ledger segments, anonymous memory and other people's mounts.
 *
 * A file is hostile until it was read: every number is checked for its range, every text is bounded,
 * and names are raw bytes as everywhere (escape at output). Reading never writes to the file; a
 * recording that is still being written can be read, as of the moment when it was opened.
 */
#ifndef MEMMON_RECORDING_H
#define MEMMON_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../sinks/sink.h"

struct recording;

/*
 * Returns 0, or with `why` ("it is not a recording of memmon-bpf; …", to follow the file's name and a
 * colon) -EINVAL for what is no recording or is damaged, -ENOTSUP for a schema that is newer than we
 * are or where this program was built without SQLite, and whatever open(2) says.
 */
int recording_open(const char *path, struct recording **out, char *why, size_t why_len);
void recording_close(struct recording *r); /* NULL is fine */

/* As the watch had it: `color` is false, `unit` the one it was asked for. Valid until the close. */
const struct run *recording_run(const struct recording *r);

struct recording_info {
	const char
		*machine; /* the same for the recordings of one machine, opaque; NULL = not known */
	uint64_t cpus; /* 0 = not known */
	int64_t started_us; /* when the watch began, Unix time */
	double duration_s;
	bool complete; /* the watch ended by itself; else it runs, was killed, or could not go on writing */
	uint64_t samples; /* rows of the tree; 0 = an empty run */
	double thinned_until_s; /* what is older has lost its full resolution; 0 = nothing has */
};
const struct recording_info *recording_info(const struct recording *r);

/*
 * The last snapshot; valid until the close. Returns 0, -EINVAL with `why` where the file is damaged,
 * -ENOMEM. Without any sample it is the snapshot of a model without records.
 */
int recording_snapshot(struct recording *r, const struct snapshot **out, char *why, size_t why_len);

/* ---- series ----------------------------------------------------------------------------------- */

enum entity {
	ENTITY_TREE, /* id 0 */
	ENTITY_PROCESS, /* id: recording_process_id() */
	ENTITY_SYSTEM, /* id 0 */
	ENTITY_CHARGE, /* id 0: the cgroup of -g, -c or --scope */
	ENTITY_SHM, /* id: recording_mount_id() */
	ENTITIES,
};

/* Of processes and mounts of this recording's snapshot; 0 where it has none. */
int64_t recording_process_id(const struct recording *r, const struct process *p);
int64_t recording_mount_id(const struct recording *r, const struct shm_mount *m);

/*
 * The figures that an entity has, in the order of `struct sample`; bytes, where nothing else is said:
 *   tree: rss anon file shmem swap footprint processes faults_minor faults_major cpu_ns lost_records
 *         sampled (1 while RSS was sampled)
 *   process: rss anon file shmem swap pss faults_minor faults_major cpu_ns
 *   system: available pressure_some_us pressure_full_us
 *   charge: current anon file shmem kernel limit
 *   shm: used limit inodes (limit 0 = none)
 * faults_*, cpu_ns, pressure_* and lost_records only grow.
 */
#define SAMPLE_FIGURES 12
#define SAMPLE_UNKNOWN INT64_MIN
const char *const *recording_figures(enum entity entity, size_t *n);

/*
 * A row: what the entity held at that moment, and the least and the most since its row before. A row
 * is only there where something had changed: what it held goes on until the next one, or until the
 * process ended. The most may be more than any `last`: the kernel side sees peaks between two looks.
 */
struct sample {
	int64_t at_ns; /* since the watch began */
	int64_t id;
	int64_t last[SAMPLE_FIGURES], min[SAMPLE_FIGURES], max[SAMPLE_FIGURES];
};

/*
 * The rows of all ids of an entity, in the order of time; needs little memory, however many there are.
 * Some may be of processes and mounts that the snapshot no longer has: pass those over.
 */
struct recording_cursor;
int recording_cursor_open(struct recording *r, enum entity entity, struct recording_cursor **out);
/* 1 and a row, 0 at the end, negative errno for a damaged file. */
int recording_cursor_next(struct recording_cursor *c, struct sample *out);
void recording_cursor_close(
	struct recording_cursor *c); /* NULL is fine; before recording_close() */

struct point {
	double at_s; /* since the watch began */
	double last, min, max; /* NAN = not known */
};

struct series {
	struct point *points; /* in the order of time; each covers the time since the one before */
	size_t n;
};
void series_finish(struct series *s); /* frees the points */

/*
 * One figure of each of `n` ids, by one pass over the file. buckets > 0: the run's duration is divided
 * into so many, the same for every series; a bucket in which something changed is one point, whose
 * time is that of its last row, and whose min and max include what was held when it began. 0: all
 * rows. A last point says what was held at the end of the run or of the process. A process that was
 * too short for rows has points for its beginning, its peak (rss and its kinds) and its end.
 * Returns 0, -ENOENT for a figure that the entity does not have, -EINVAL for a damaged file, -ENOMEM.
 */
int recording_series_of(struct recording *r, enum entity entity, const int64_t *ids, size_t n,
			const char *figure, size_t buckets, struct series *out);
int recording_series(struct recording *r, enum entity entity, int64_t id, const char *figure,
		     size_t buckets, struct series *out);

/* ---- events ----------------------------------------------------------------------------------- */

struct recorded_event {
	double at_s;
	/* "start", "exec" (its name changed), "exit", "oom", "shm_full", "mode", "lost" */
	const char *kind;
	uint32_t pid; /* 0 = none */
	const char *comm; /* raw; NULL = none */
	const char *text; /* for people, escaped, one line */
};

/* In the order of time; valid until the close. At most RECORDING_EVENTS, the newest. */
#define RECORDING_EVENTS 100000
int recording_events(struct recording *r, const struct recorded_event **out, size_t *n);

#endif
