/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clock of all our times: CLOCK_MONOTONIC, which is bpf_ktime_get_ns() in the kernel. */
#ifndef MEMMON_CLOCK_H
#define MEMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#endif
