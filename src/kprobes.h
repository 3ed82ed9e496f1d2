/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MEMMON_KPROBES_H
#define MEMMON_KPROBES_H

/*
 * May we set kprobes through perf_event_open(2), which needs no tracefs? 0, or a negative errno:
 * -ENODEV where the kernel has none (CONFIG_KPROBE_EVENTS), -EACCES or -EPERM where it refuses. A few
 * system calls that change nothing. MEMMON_FORBID=kprobe is -EPERM.
 */
int kprobes_probe(void);

#endif
