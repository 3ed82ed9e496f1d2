/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mount and IPC namespaces of the machine and a process in each, see namespaces(7).
 *
 * Found are those that a process's first thread is in. A namespace that only another thread or a
 * bind mount (`unshare --mount=FILE`) keeps is not.
 */
#ifndef MEMMON_NAMESPACES_H
#define MEMMON_NAMESPACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct namespace
{
	uint32_t ino; /* the kernel's number of it */
	/* the lowest pid in it; of a mount namespace the lowest whose root is the namespace's own
	 * (chroot(2) hides mounts), if there is one */
	pid_t pid;
	pid_t spare; /* another one, should the first end meanwhile; 0 = none */
	bool rooted; /* `pid` is not in a chroot, as far as one can tell */
};

struct namespace_list {
	struct namespace *items; /* in the order of their lowest pids */
	size_t n;
};

struct namespaces {
	struct namespace_list mnt, ipc;
	size_t processes;
	size_t refused; /* processes that we may not look into */
};

/* Returns 0, -ENOMEM, or why /proc cannot be read. `out` needs no preparation. */
int namespaces_find(struct namespaces *out);
void namespaces_finish(struct namespaces *n); /* zeroed, finished or NULL is fine */

/* The number of a process's namespace ("mnt", "ipc"; pid 0 = our own); 0 = it cannot be had. */
uint32_t namespace_of(pid_t pid, const char *kind);

/* "mnt:[4026531832]", the target of a link in /proc/PID/ns; 0 = no such text. */
uint32_t namespace_parse(const char *link, size_t len);

#endif
