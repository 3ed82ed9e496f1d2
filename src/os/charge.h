/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a cgroup charges: each page once, whoever maps it. */
#ifndef MEMMON_CHARGE_H
#define MEMMON_CHARGE_H

#include <stddef.h>

#include "../../bpf/events.h"
#include "cgroup.h"

/*
 * memory.stat of a cgroup of `version`: fills anon, file (without shmem), shmem, and with v2 kernel.
 * The figures include the cgroups below. What the text lacks becomes UNKNOWN_U64.
 */
void charge_parse_stat(const char *text, size_t len, int version, struct rec_charge *out);

/*
 * memory.max and the like: a number of bytes, or "max". Returns UNKNOWN_U64 for "max", for a limit
 * of 2^62 or more (v1's way to say that there is none), and for what is no number.
 */
uint64_t charge_parse_limit(const char *text, size_t len);

/*
 * Fills everything but `head`. Each figure that the cgroup does not have is UNKNOWN_U64 (the root
 * of v2 has no memory.current, Linux before 5.19 no memory.peak). Returns 0, -ENODEV when the cgroup
 * is gone, -ENODATA when it tells nothing about memory at all, or the negative errno of a read.
 */
int charge_read(const struct cgroup *cgroup, struct rec_charge *out);

#endif
