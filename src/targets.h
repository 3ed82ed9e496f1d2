/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at the pids, cgroup and containers that the user named before anything is loaded. */
#ifndef MEMMON_TARGETS_H
#define MEMMON_TARGETS_H

#include "containers.h"
#include "options.h"
#include "os/cgroup.h"

/*
 * Turns thread ids into process ids in `o`, and refuses pids that cannot be watched: none such, a
 * kernel thread, a zombie. Prints what is wrong with which. Returns 0 or a negative errno.
 */
int targets_check_pids(struct options *o);

/* Has the process ended, or is about to? False where /proc does not say. */
bool targets_has_ended(pid_t pid);

/* Finds the cgroup of -g. Prints what is wrong. Returns 0 or a negative errno. */
int targets_find_cgroup(const struct options *o, const struct cgroup_mounts *mounts,
			struct cgroup *out);

/*
 * Finds the containers of -c; `mounts` must outlive them. With --wait `*out` may hold some that do not
 * run yet. Prints what is wrong. Returns 0 or a negative errno.
 */
int targets_find_containers(const struct options *o, const struct cgroup_mounts *mounts,
			    struct containers **out);

/* What is followed, for people, not escaped: "container web (0123456789ab) and 2 more". */
void targets_describe_containers(const struct containers *c, char *dst, size_t cap);

/* The number of the hierarchy of a cgroup as the kernel counts them; 0 for v2; -1 = not found. */
int targets_hierarchy(const struct cgroup *cgroup);

/* What is watched, for people, not escaped: "pid 4711 (python3) and its children". */
void targets_describe(const struct options *o, char *dst, size_t cap);

#endif
