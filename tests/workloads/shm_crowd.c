/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shm_crowd DIRECTORY MOUNTS PROCESSES [NAMESPACES]: a machine with many tmpfs mounts and processes.
 * In mount namespaces of its own, between which MOUNTS and PROCESSES are shared out evenly, it mounts
 * a tmpfs of 1 MiB with one file of a page on each directory DIRECTORY/0, DIRECTORY/1, …, which must be
 * there, and starts the processes, which wait. It says "ready", waits for a line, and ends; with its
 * processes its mounts are gone.
 */
#include "workload.h"

#include <sched.h>
#include <sys/mount.h>

static const char *directory;

static void mount_one(unsigned long number)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%lu", directory, number);
	if (mount("crowd", path, "tmpfs", 0, "size=1m"))
		die(path);
	snprintf(path, sizeof(path), "%s/%lu/file", directory, number);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "crowd", 5) != 5)
		die(path);
	close(fd);
}

/* A namespace with its mounts, and its processes, of which this is one. */
static void live(unsigned long first, unsigned long mounts, unsigned long processes, int ready)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("unshare");
	for (unsigned long i = 0; i < mounts; i++)
		mount_one(first + i);
	for (unsigned long i = 1; i < processes; i++)
		if (fork_or_die() == 0)
			for (;;)
				pause();
	send_byte(ready);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	unsigned long mounts = argument(argc, argv, 2, 200);
	unsigned long processes = argument(argc, argv, 3, 2000);
	unsigned long namespaces = argument(argc, argv, 4, 1);
	int ready[2];

	if (argc < 2 || !namespaces || processes < namespaces || mounts < namespaces) {
		dprintf(STDERR_FILENO,
			"usage: shm_crowd DIRECTORY MOUNTS PROCESSES [NAMESPACES]\n");
		return 125;
	}
	directory = argv[1];
	make_pipe(ready);
	for (unsigned long i = 0; i < namespaces; i++) {
		unsigned long first = mounts * i / namespaces, end = mounts * (i + 1) / namespaces;

		if (fork_or_die() == 0)
			live(first, end - first,
			     processes * (i + 1) / namespaces - processes * i / namespaces,
			     ready[1]);
	}
	close(ready[1]);
	for (unsigned long i = 0; i < namespaces; i++)
		if (!receive_byte(ready[0]))
			die("a namespace");
	say("ready");
	wait_for_line();
	return 0;
}
