/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What to do about a full tmpfs, in the words of who made it. */
#ifndef MEMMON_REMEDY_H
#define MEMMON_REMEDY_H

#include <stddef.h>
#include <stdint.h>

#include "../model/shm.h"

/*
 * One line of text for people, escaped, without a newline, cut to fit: how to make the mount larger, with
 * a size that would have sufficed, and what could be removed from it. "" where `mount` is NULL: nobody
 * knows what it is. Nothing is ever done by us. Returns dst.
 */
const char *remedy_write(char *dst, size_t cap, const struct shm_mount *mount,
			 const struct shm_full *full);

/*
 * The smallest power of two that is above the limit and holds what is used and what was wanted besides;
 * 0 where there is none, or no limit.
 */
uint64_t remedy_bytes(const struct shm_full *full);

#endif
