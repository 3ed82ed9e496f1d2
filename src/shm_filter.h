/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `memmon-bpf shm -c`: lets only those records pass that are about what the containers have mounted.
 * A superblock's REC_SHM_MOUNT comes before all else that is about it. Segments and memory without a
 * mount belong to no container that we could tell, and do not pass.
 */
#ifndef MEMMON_SHM_FILTER_H
#define MEMMON_SHM_FILTER_H

#include "containers.h"
#include "../bpf/events.h"

struct shm_filter {
	char (*ids)[CONTAINER_ID_DIGITS + 1];
	size_t n_ids; /* 0: everything passes */
	uint32_t *devs; /* of the superblocks that pass */
	size_t n_devs, devs_cap;
};

/* Lets pass what is mounted by all of `containers`. Returns 0 or -ENOMEM. */
int shm_filter_add(struct shm_filter *f, const struct containers *containers);
void shm_filter_finish(struct shm_filter *f); /* zeroed is fine */

bool shm_filter_passes(struct shm_filter *f, const struct rec_head *rec);

#endif
