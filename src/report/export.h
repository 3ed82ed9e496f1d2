/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording's series as files for other programs. Each is written row by row, whatever the number of
 * rows, flushes, and returns 0 or a negative errno: of the stream, or -EINVAL where the recording is
 * damaged.
 */
#ifndef MEMMON_EXPORT_H
#define MEMMON_EXPORT_H

#include <stdio.h>

#include "../recording/recording.h"

/* The timeline with the columns of --csv of a watch; empty where a recording has no such figure. */
int timeline_csv_write(struct recording *r, const struct run *run, FILE *out);

/*
 * The JSON trace format of Chrome, which ui.perfetto.dev opens: counters of the tree, the machine, the
 * cgroup, each process and each shm mount, instants for events. Times are since the watch began.
 */
int perfetto_write(struct recording *r, const struct run *run, FILE *out);

#endif
