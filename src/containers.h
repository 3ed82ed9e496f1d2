/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The containers that the user named with -c, from their names to their cgroups, and what becomes of
 * them: one that starts later, restarts, or is made anew under the same name is followed.
 *
 * The engines' sockets (Docker's, of DOCKER_HOST or the default; Podman's) are asked for names; the
 * cgroups say what runs. Without a socket ids alone work. No call takes longer than about a second,
 * whatever a socket does.
 */
#ifndef MEMMON_CONTAINERS_H
#define MEMMON_CONTAINERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "os/cgroup.h"
#include "os/docker.h"

struct container {
	char id[CONTAINER_ID_DIGITS + 1];
	char name[DOCKER_TEXT]; /* hostile bytes, as image; "" = not known */
	char image[DOCKER_TEXT];
	const char *runtime; /* "docker", "podman", "containerd", "cri-o", "" = not known */
	pid_t init_pid; /* 0 = not known */
	uint64_t memory_limit_bytes; /* of its cgroup; UNKNOWN_U64 = none, or not known */
	char ipc_mode[DOCKER_TEXT]; /* "private", "shareable", "host", "none", "container:…", "" */
	uint64_t shm_bytes; /* limit of a /dev/shm of its own; UNKNOWN_U64 = none, or not known */
	struct cgroup cgroup;
};

enum container_state {
	CONTAINER_AWAITED, /* has not run yet (--wait) */
	CONTAINER_RUNNING,
	CONTAINER_STOPPED, /* ran; may run again */
	CONTAINER_REMOVED, /* ran, and its engine knows it no more, nor another of its name */
};

/* What the last containers_poll() saw; a restart is both. */
#define CONTAINER_HAS_STOPPED 1U
#define CONTAINER_HAS_STARTED 2U

struct container_target {
	const char *wanted; /* as the user named it */
	enum container_state state;
	unsigned int changes; /* CONTAINER_HAS_* */
	uint64_t stopped_cgroup_id; /* with CONTAINER_HAS_STOPPED: the cgroup that is gone */
	struct container is; /* while it runs; then what it was. `id` is "" before the first time */
};

struct containers;

/*
 * `mounts` must outlive it. Asks nobody yet. `docker_host` is DOCKER_HOST, or NULL. Returns 0 or
 * -ENOMEM.
 */
int containers_create(const struct cgroup_mounts *mounts, const char *docker_host,
		      struct containers **out);
void containers_destroy(struct containers *c); /* NULL is fine */

/*
 * Finds what each of `wanted` (which must stay valid) means: a name, an id or the start of an id. Two that mean the same are one target. With `wait` one
 * that does not run is awaited. Otherwise, or when several fit, `why` says, in lines for people that end with a
 * newline, what is wrong and what there is. Returns 0, -ENOENT (none such), -ESRCH (it does not run),
 * -EEXIST (several), -ENODEV (no memory cgroups), -ENOMEM.
 */
int containers_find(struct containers *c, const char *const *wanted, size_t n, bool wait, char *why,
		    size_t why_len);

size_t containers_count(const struct containers *c);
/* Valid until the next containers_poll(). */
const struct container_target *containers_get(const struct containers *c, size_t i);

/*
 * Looks what changed; to be called once per interval. It costs a stat(2) and a small file of /proc
 * per container that runs; engines are asked only while one does not, at most once a second and
 * for a quarter of it. Returns how many targets have `changes`.
 */
size_t containers_poll(struct containers *c, uint64_t now_ns);

/* None runs and none can come back: all were removed, and --wait was not given. */
bool containers_over(const struct containers *c);

/*
 * A container's name for its id (64 digits), "" where nobody knows it: a container_name_fn. Ids that
 * are not known cost a question to the engines, at most one in 2 s. Valid as long as `containers`.
 */
const char *containers_name(void *containers, const char *id);

#endif
