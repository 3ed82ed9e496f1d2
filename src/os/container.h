/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which container a cgroup belongs to. */
#ifndef MEMMON_CONTAINER_H
#define MEMMON_CONTAINER_H

#include <stdbool.h>

#define CONTAINER_ID_DIGITS 64
#define CONTAINER_SHORT_ID_DIGITS 12 /* as `docker ps` shows it */

/*
 * The id in a cgroup's path as /proc/PID/cgroup shows it (Docker, Podman, containerd, CRI-O, with
 * either cgroup driver, also inside Kubernetes), of the innermost container where they are nested.
 * Returns false when there is none.
 */
bool container_id(const char *cgroup_name, char id[CONTAINER_ID_DIGITS + 1]);

#endif
