/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The getters of the fields about shared memory, for the table in fields.c. They are about the
 * target's tmpfs mounts where there are any, else about all that the ledger has.
 */
#ifndef MEMMON_SHM_FIELDS_H
#define MEMMON_SHM_FIELDS_H

#include "fields.h"

struct field_value shm_field_used(const struct snapshot *s);
struct field_value shm_field_used_bytes(const struct snapshot *s);
struct field_value shm_field_free_bytes(const struct snapshot *s);
struct field_value shm_field_peak_bytes(const struct snapshot *s);
struct field_value shm_field_inodes(const struct snapshot *s);
struct field_value shm_field_full_in(const struct snapshot *s);
struct field_value shm_field_full(const struct snapshot *s);
struct field_value shm_field_orphans(const struct snapshot *s);
struct field_value shm_field_orphan_bytes(const struct snapshot *s);

#endif
