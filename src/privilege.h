/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Least privilege: what is kept once everything is loaded. */
#ifndef MEMMON_PRIVILEGE_H
#define MEMMON_PRIVILEGE_H

#include <stdbool.h>

/*
 * Sets no_new_privs and drops every capability but those that the watch goes on to need: CAP_BPF and
 * CAP_PERFMON for maps and iterators, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH for others' /proc files;
 * with a `command` CAP_KILL, to pass signals on to it whoever it became; with a `scope`
 * CAP_DAC_OVERRIDE, to remove its cgroup. Returns 0 or a negative errno.
 */
int privilege_drop(bool command, bool scope);

#endif
