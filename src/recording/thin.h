/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps a recording below its size: older rows of the series are joined, so that one stands for a longer
 * stretch of time (a bucket) with the last value and the least and the most of every figure. Nothing
 * that was higher or lower than what is left is ever lost; what is lost is when, within the bucket.
 *
 * What is joined first is the oldest part of what has the finest resolution, except the newest seconds:
 * so the whole run is known about equally well, however long it lasts. A little is done per interval, in the
 * transaction that is open.
 */
#ifndef MEMMON_THIN_H
#define MEMMON_THIN_H

#include "samples.h"

#define THIN_REGIONS 64

struct thin_region {
	int64_t from_ns; /* up to the next one's, or now */
	int64_t bucket_ns;
};

struct thinner {
	sqlite3 *db;
	uint64_t max_bytes;
	uint64_t used_bytes; /* to be kept up to date */
	/* Does the process still have a row? Samples of those that have none go. */
	bool (*is_kept)(void *ctx, int64_t process);
	void *ctx;
	sqlite3_stmt *select[ENTITIES], *remove[ENTITIES], *insert[ENTITIES]; /* own ones */
	/* oldest first; none is finer than one after it */
	struct thin_region regions[THIN_REGIONS];
	size_t n;
	int64_t until_ns; /* what is older has been joined; 0 = nothing has */
	int64_t bucket_ns; /* the longest bucket so far */
	struct {
		bool active;
		size_t region;
		int64_t to_ns, bucket_ns;
		enum entity entity;
		int64_t at_ns; /* everything before has been joined */
	} pass;
	struct thin_row *rows; /* of the bucket under way, by id */
	struct thin_row *spare; /* owned; room for n_spare */
	size_t n_spare;
};

void thin_init(struct thinner *t, sqlite3 *db, uint64_t max_bytes, int64_t interval_ns);
void thin_finish(struct thinner *t); /* again is fine */

/* Joins some, where the file is too large. `added`: rows since the last call. Returns an SQLite result code. */
int thin_step(struct thinner *t, int64_t now_ns, size_t added);

#endif
