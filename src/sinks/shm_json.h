/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The JSON of the ledger that both schemas share. */
#ifndef MEMMON_SHM_JSON_H
#define MEMMON_SHM_JSON_H

#include "json_value.h"

/*
 * The summary's shm[]: the mounts that the watched processes have to do with. At most 1000 files of
 * each are listed, the largest. NULL when memory is exhausted.
 */
json_t *shm_json_of_watch(const struct snapshot *s);

#endif
