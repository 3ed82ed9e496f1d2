/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The containers that run, as the memory cgroup hierarchy shows them: without any engine's help. */
#ifndef MEMMON_CONTAINER_TREE_H
#define MEMMON_CONTAINER_TREE_H

#include "cgroup.h"
#include "container.h"

/* `path` is the container's directory, `runtime` as container_runtime() says. Nonzero ends the walk. */
typedef int (*container_fn)(void *ctx, const char *id, const char *path, const char *runtime);

/*
 * Walks the v1 memory hierarchy or, where there is none, v2, in no particular order. Containers in
 * containers are found too; a directory that vanishes meanwhile is passed over. Returns 0, what
 * `fn` returned, or -ENODEV where no such hierarchy is mounted.
 */
int container_walk(const struct cgroup_mounts *mounts, container_fn fn, void *ctx);

/*
 * The cgroup of the container `id`: that of its process `pid` up to the component with the id (a
 * container's processes may be in cgroups below), or with `pid` 0, or one that is not in it, the one
 * that a walk finds. -ENOENT: it does not run here.
 */
int container_cgroup(const struct cgroup_mounts *mounts, const char *id, pid_t pid,
		     struct cgroup *out);

struct container_process {
	pid_t pid; /* 0 = there is none */
	uint64_t start_ticks; /* since boot: tells it from a later process of the same pid */
	bool is_sure; /* else it may be one of the runtime's, which make the container and are gone then */
};

/*
 * The container's first process: of those in the cgroup and one level below it the one that is
 * pid 1 in its pid namespace, else the one that the engine calls so (`told`, 0 = nothing), else the oldest
 * that runc does not call its own.
 */
void container_init(const struct cgroup *cgroup, pid_t told, struct container_process *out);

/* "docker", "podman", "containerd", "cri-o"; "" where the cgroup's path does not tell. Static text. */
const char *container_runtime(const char *cgroup_name);

#endif
