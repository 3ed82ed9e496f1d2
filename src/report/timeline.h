/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording's series as snapshots, one for each moment at which something was recorded, so that the
 * sinks of a watch can be fed with them. A snapshot has what the series have; everything else in it is
 * not known. It lists the processes that live then, have had a row, and are in the last snapshot.
 */
#ifndef MEMMON_TIMELINE_H
#define MEMMON_TIMELINE_H

#include "../recording/recording.h"

struct timeline;

/* `end` is the last snapshot. Returns 0 or a negative errno. */
int timeline_open(struct recording *r, const struct snapshot *end, struct timeline **out);
/* 1 and a snapshot that is valid until the next call, 0 at the end, or a negative errno. */
int timeline_next(struct timeline *t, const struct snapshot **out);
void timeline_close(struct timeline *t); /* NULL is fine; before recording_close() */

#endif
