/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this process may do: its capabilities, whether they count outside a user namespace, a seccomp
 * filter, the kernel's lockdown, and where file systems are mounted that somebody may ask for.
 *
 * The parsers are pure functions over bytes that the kernel wrote.
 */
#ifndef MEMMON_RIGHTS_H
#define MEMMON_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>

enum right {
	RIGHT_BPF,
	RIGHT_PERFMON,
	RIGHT_SYS_PTRACE,
	RIGHT_DAC_READ_SEARCH,
	RIGHT_SYS_ADMIN,
	RIGHT_SYS_RESOURCE,
	RIGHTS,
};

enum lockdown { LOCKDOWN_UNKNOWN, LOCKDOWN_NONE, LOCKDOWN_INTEGRITY, LOCKDOWN_CONFIDENTIALITY };

struct rights {
	bool has[RIGHTS]; /* effective now */
	/* in a user namespace of its own capabilities count for nothing to bpf(2) */
	bool initial_user_namespace;
	bool seccomp; /* a filter may refuse system calls */
	enum lockdown lockdown; /* unknown: no such module, or securityfs is not mounted */
};

void rights_read(struct rights *out);

/* "CAP_BPF" */
const char *right_name(enum right right);
/* For people, after "without it: ". */
const char *right_lost(enum right right);

/* CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON. */
bool rights_allow(const struct rights *r, enum right right);

/* "none", "integrity", "confidentiality"; NULL where it is not known. */
const char *lockdown_name(enum lockdown lockdown);
/* /sys/kernel/security/lockdown: the word in brackets, as in "none [integrity] confidentiality". */
enum lockdown lockdown_parse(const char *text, size_t len);

/*
 * /proc/PID/mountinfo: where the last file system of this type is mounted, as the kernel writes it, with
 * blanks as \040. Returns 0, -ENOENT, or -ENAMETOOLONG.
 */
int mount_point_parse(const char *text, size_t len, const char *type, char *point, size_t cap);
/* The same of our own mount namespace. */
int mount_point_of(const char *type, char *point, size_t cap);

#endif
