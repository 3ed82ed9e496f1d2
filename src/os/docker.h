/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Engine API of Docker, which Podman speaks too: the list of containers and one of them. Its
 * answers are parsed strictly; one that is not what the API says is refused whole, with -EPROTO.
 */
#ifndef MEMMON_DOCKER_H
#define MEMMON_DOCKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "container.h"

#define DOCKER_LIST_MAX 65536 /* containers of a list; more are refused */
#define DOCKER_TEXT 256

/* All texts are hostile bytes; "" = not known, or cut out as it was too long to be one. */
struct docker_container {
	char id[CONTAINER_ID_DIGITS + 1];
	char name[DOCKER_TEXT]; /* without the API's leading slash */
	char image[DOCKER_TEXT];
	char state[16]; /* "running", "exited", "created", "paused", "restarting", … */
	bool running; /* its processes exist: running or paused */
	/* UNKNOWN_U64, 0 and "" where only the list was read */
	pid_t pid; /* of its first process, as the engine sees it; 0 = none */
	uint64_t shm_bytes; /* the size that its own /dev/shm was asked to have */
	char ipc_mode[DOCKER_TEXT]; /* "private", "shareable", "host", "none", "container:…" */
};

struct docker_list {
	struct docker_container *items;
	size_t n;
};

/*
 * The bodies of GET /containers/json and of GET /containers/ID/json. Return 0, -EPROTO or -ENOMEM;
 * `out` needs no preparation and is empty after an error.
 */
int docker_parse_list(const char *text, size_t len, struct docker_list *out);
int docker_parse_container(const char *text, size_t len, struct docker_container *out);
void docker_list_finish(struct docker_list *l); /* zeroed, finished or NULL is fine */

/*
 * All containers that the engine behind `socket` knows, also those that do not run. Takes until
 * `deadline_ns` (monotonic) at most. Returns 0 or a negative errno; docker_reason() has its words.
 */
int docker_list(const char *socket, uint64_t deadline_ns, struct docker_list *out);

/*
 * One container by name, id or prefix of an id. -ESRCH: there is none; -EINVAL: it cannot be a
 * container's name; -EPROTO also where a prefix fits several.
 */
int docker_inspect(const char *socket, const char *name, uint64_t deadline_ns,
		   struct docker_container *out);

const char *docker_reason(int err);

/*
 * Where the socket is that a DOCKER_HOST ("unix:///run/docker.sock") means; NULL and "" mean the
 * default. -EOPNOTSUPP: it is not a unix socket of this machine.
 */
int docker_socket(const char *host, const char **path);

#endif
