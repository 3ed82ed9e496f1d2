/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `memmon-bpf shm`: the ledger of shared memory, once or for a while. */
#ifndef MEMMON_SHM_COMMAND_H
#define MEMMON_SHM_COMMAND_H

#include "shm_options.h"

/* Returns the exit status: 0 done, 1 failed, 3 a --fail-if condition held. */
int shm_run(struct shm_options *o);

#endif
