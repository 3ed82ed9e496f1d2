/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --scope: a cgroup of its own for a command, so that what the command is charged can be told from
 * everything else, each page once.
 */
#ifndef MEMMON_SCOPE_H
#define MEMMON_SCOPE_H

#include "cgroup.h"

struct scope {
	struct cgroup cgroup; /* the one that was made; path[0] is NUL when there is none */
	char origin[PATH_MAX]; /* the directory of the cgroup that we are in ourselves */
	char enabled
		[PATH_MAX]; /* v2: the directory whose cgroup.subtree_control we changed; or "" */
};

/*
 * Makes the cgroup "memmon-bpf-PID". v1: below our own memory cgroup. v2: below our own cgroup or its
 * nearest ancestor that gives its children the memory controller, or that can be made to: one with
 * processes of its own cannot (the no-internal-process rule). Nobody is moved yet.
 *
 * Returns 0 or -ENODEV (no such hierarchy is mounted), -EOPNOTSUPP (no ancestor can give memory),
 * or the negative errno of mkdir(2): -EACCES, -EPERM, -EROFS without the right to make one, -EAGAIN
 * at cgroup.max.descendants. `s` needs no preparation and is safe to destroy after a failure.
 */
int scope_create(struct scope *s, const struct cgroup_mounts *mounts);

/* The same for a cgroup other than our own; `name` as in /proc/PID/cgroup. */
int scope_create_near(struct scope *s, const struct cgroup_mounts *mounts, int version,
		      const char *name);

/*
 * Moves the process `pid` (0 = the caller, for use between fork and exec) in. Memory that it was
 * charged before stays with its old cgroup. Allocates nothing.
 */
int scope_enter(const struct scope *s, pid_t pid);

/*
 * Removes the cgroup, and what was enabled for it. Processes that are still in it go on living in
 * the cgroup that we are in. Tries for at most a second; returns 0, -EBUSY when the command made
 * cgroups below it that are in use, or another negative errno. The path stays readable in `s` for
 * the message. NULL, zeroed or destroyed before is fine.
 */
int scope_destroy(struct scope *s);

#endif
