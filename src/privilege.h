/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Least privilege: what is kept once everything is loaded. */
#ifndef MEMMON_PRIVILEGE_H
#define MEMMON_PRIVILEGE_H

/*
 * Drops every capability but those that reading goes on to need (CAP_BPF and CAP_PERFMON for maps
 * and iterators, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH for others' /proc files, and, with
 * `keep_cgroup`, CAP_DAC_OVERRIDE to remove the scope's cgroup), and sets no_new_privs. Returns 0 or
 * a negative errno.
 */
int privilege_drop(int keep_cgroup);

#endif
