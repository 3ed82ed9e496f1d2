/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Failures to create a file come with the path that the process gave and no superblock, where several
 * tmpfs have run out of inodes at once.
 */
#ifndef MEMMON_SHM_TRACER_PATH_H
#define MEMMON_SHM_TRACER_PATH_H

#include "../bpf/events.h"

/*
 * Looks where the path in `rec->name` leads the process (`rec->pad` is the directory's descriptor it
 * gave), and sets the superblock and its figures. -ENOENT where that is no tmpfs without inodes left,
 * or the process has gone.
 */
int shm_tracer_find_mount(struct rec_shm_full *rec);

/* Leaves the last part of the path in `rec->name`. */
void shm_tracer_cut_name(struct rec_shm_full *rec);

#endif
