/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One watch from start to end: everything between the options and the exit status. */
#ifndef MEMMON_WATCH_H
#define MEMMON_WATCH_H

#include "options.h"

/* Runs it and returns the exit status of memmon-bpf (see DESIGN: "Exit status" in the man page). */
int watch_run(struct options *o);

#endif
