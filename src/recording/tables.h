/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which member of the snapshot is which column of schema.sql. */
#ifndef MEMMON_TABLES_H
#define MEMMON_TABLES_H

#include "../model/model.h"
#include "columns.h"

/* The members without a name of their own. */
typedef __typeof__(((struct oom_kill *)0)->top[0]) oom_largest_t;
typedef __typeof__(((struct shm_full *)0)->largest[0]) full_largest_t;

extern const struct table totals_table; /* struct snapshot */
extern const struct table processes_table; /* struct process */
extern const struct table mode_steps_table; /* struct mode_step */
extern const struct table oom_kills_table; /* struct oom_kill */
extern const struct table oom_largest_table; /* oom_largest_t */
extern const struct table shm_mounts_table; /* struct shm_mount */
extern const struct table shm_files_table; /* struct shm_file */
extern const struct table shm_chargers_table; /* struct shm_charger */
extern const struct table shm_full_table; /* struct shm_full */
extern const struct table shm_full_largest_table; /* full_largest_t */

#endif
