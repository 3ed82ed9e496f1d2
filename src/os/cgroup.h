/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding cgroups: which hierarchies are mounted, where a process stands in them, and what the
 * user's `-g CGROUP` means. See cgroups(7).
 */
#ifndef MEMMON_CGROUP_H
#define MEMMON_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A mounted hierarchy, or the part of one that is mounted. */
struct cgroup_mount {
	char point[PATH_MAX]; /* where it is mounted */
	char root[PATH_MAX]; /* the cgroup that the mount point shows; "/" = the whole hierarchy */
	int version; /* 1 or 2 */
	bool memory; /* v1: the memory controller's hierarchy; v2: true */
};

struct cgroup_mounts {
	struct cgroup_mount *mounts;
	size_t n;
};

struct cgroup {
	char path[PATH_MAX]; /* its directory in the file system */
	char name
		[PATH_MAX]; /* its path in the hierarchy, as /proc/PID/cgroup shows it: "/docker/…" */
	int version; /* 1 (the memory hierarchy) or 2 */
	uint64_t id; /* the kernel's id of it: the directory's inode number */
	unsigned int level; /* depth below the root that our cgroup namespace sees, which is 0 */
};

#define CGROUP_MOUNTS_MAX 256 /* further ones are ignored */

/*
 * /proc/self/mountinfo. Of two mounts on one mount point the later one counts, as it hides the
 * other. Returns 0 (also when there is none: n is 0) or -ENOMEM. `out` needs no preparation.
 */
int cgroup_mounts_parse(struct cgroup_mounts *out, const char *text, size_t len);
int cgroup_mounts_read(struct cgroup_mounts *out);
void cgroup_mounts_finish(struct cgroup_mounts *m); /* zeroed, finished or NULL is fine */

/*
 * The mount of the v1 memory hierarchy (version 1) or of v2, preferably of the whole of it; NULL
 * when there is none.
 */
const struct cgroup_mount *cgroup_mounts_find(const struct cgroup_mounts *m, int version);

/*
 * /proc/PID/cgroup: the path in the v1 memory hierarchy, or in v2, without the kernel's
 * " (deleted)". Returns 0, -ENOENT when the text has no such line, -ENAMETOOLONG.
 */
int cgroup_parse_proc(const char *text, size_t len, int version, char *path, size_t cap);

/*
 * The cgroup of a process (0 = our own). -ESRCH: it is gone; -ENODEV: no such hierarchy is mounted;
 * -ENOENT: the cgroup lies outside what is mounted.
 */
int cgroup_of_pid(const struct cgroup_mounts *m, pid_t pid, int version, struct cgroup *out);

/*
 * What the user names: a directory in a mounted hierarchy ("/sys/fs/cgroup/memory/docker/abc", "."),
 * or a path within the hierarchy ("/docker/abc", "system.slice/x.service"), which is looked up in
 * the v1 memory hierarchy first, if there is one, and then in v2. Returns 0 or
 *   -ENOENT      there is no such cgroup
 *   -ENOTDIR     it exists, but is no cgroup
 *   -EOPNOTSUPP  it is a cgroup of another v1 controller, which says nothing about memory
 *   -ENODEV      no cgroup file system with memory is mounted
 * or what stat(2) says. cgroup_reason() has words for all of them.
 */
int cgroup_resolve(const struct cgroup_mounts *m, const char *arg, struct cgroup *out);
const char *cgroup_reason(int err);

/* The cgroup whose directory is `path`, which must lie under `mount`. -ENOTDIR: no directory. */
int cgroup_at(const struct cgroup_mount *mount, const char *path, struct cgroup *out);

/*
 * The cgroup with the kernel's id `id` in the v1 memory hierarchy or in v2, whichever has the memory
 * controller; needs CAP_DAC_READ_SEARCH. Writes its name. Returns 0, -ENODEV, or what
 * open_by_handle_at(2) says: -ESTALE when it is gone.
 */
int cgroup_name_by_id(const struct cgroup_mounts *m, uint64_t id, char *name, size_t cap);

/*
 * The directory of the cgroup `name` under `mount`. -ENOENT: outside what is mounted;
 * -ENAMETOOLONG.
 */
int cgroup_directory(const struct cgroup_mount *mount, const char *name, char *path, size_t cap);

#endif
