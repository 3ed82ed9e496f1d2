/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the tracer in step with the containers of -c, which start, stop and start again. */
#ifndef MEMMON_FOLLOW_H
#define MEMMON_FOLLOW_H

#include "containers.h"
#include "tracer.h"

/* The hierarchy by which containers are watched, for struct tracer_config; negative = none. */
int follow_hierarchy(const struct cgroup_mounts *mounts);

/* Asks for those that run. Returns 0 or a negative errno. */
int follow_start(const struct containers *c, struct tracer *t);

/*
 * Looks what changed since the last call, which is cheap, and asks for and adopts what started.
 * Returns how many started, or a negative errno.
 */
int follow_poll(struct containers *c, struct tracer *t);

#endif
