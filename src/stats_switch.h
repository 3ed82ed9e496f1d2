/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Turns the kernel's run-time statistics of BPF programs on and off (BPF_ENABLE_STATS). They cost two
 * clock readings per run of every program of the machine, so they are on in short windows only; and
 * they hang on a descriptor, so that they end with us.
 *
 * Each time takes CAP_SYS_ADMIN, which memmon-bpf drops once everything is loaded. A forked child keeps
 * that capability alone, and does nothing but open and close that one descriptor when it is told to. It
 * ends when the switch is destroyed, or when we die.
 */
#ifndef MEMMON_STATS_SWITCH_H
#define MEMMON_STATS_SWITCH_H

#include <stdbool.h>

struct stats_switch;

/* Best called early, while there is little to fork. NULL where there cannot be one. */
struct stats_switch *stats_switch_create(void);
void stats_switch_destroy(struct stats_switch *s); /* NULL is fine */

/* When it returns the statistics are on, or off. Returns 0 or a negative errno; then it is of no more use. */
int stats_switch_set(struct stats_switch *s, bool on);

#endif
