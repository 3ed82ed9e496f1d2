/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Least privilege: what is kept once everything is loaded. */
#ifndef MEMMON_PRIVILEGE_H
#define MEMMON_PRIVILEGE_H

/* Who needs more than the least. */
#define PRIVILEGE_COMMAND 1U /* CAP_KILL, to pass signals on to a command whoever it became */
/* CAP_DAC_OVERRIDE, to remove the cgroup of --scope, or what a recording has beside it */
#define PRIVILEGE_FILES 2U
#define PRIVILEGE_IPC 4U /* CAP_SYS_ADMIN, to look into other IPC namespaces */

/*
 * Sets no_new_privs and drops every capability but those that go on to be needed: CAP_BPF and
 * CAP_PERFMON for maps and iterators, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH for others' /proc files,
 * and what `more` (PRIVILEGE_*) asks for. Returns 0 or a negative errno.
 */
int privilege_drop(unsigned int more);

#endif
