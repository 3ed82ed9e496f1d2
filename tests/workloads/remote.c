/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * remote [MIB]: a parent that changes its child's memory while the child sleeps. It says both pids;
 * with the first line it writes MIB into the child's untouched memory (process_vm_writev), with the
 * second it pages them out again (process_madvise), if the machine has swap.
 */
#include <sys/syscall.h>
#include <sys/uio.h>

#include "workload.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static void write_into(pid_t pid, char *at, size_t bytes)
{
	static char data[64 * 1024];

	memset(data, 7, sizeof(data));
	for (size_t done = 0; done < bytes; done += sizeof(data)) {
		struct iovec here = { data, sizeof(data) }, there = { at + done, sizeof(data) };

		if (process_vm_writev(pid, &here, 1, &there, 1, 0) != (ssize_t)sizeof(data))
			die("process_vm_writev");
	}
}

static long page_out(pid_t pid, char *at, size_t bytes)
{
	struct iovec there = { at, bytes };
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (pidfd < 0)
		die("pidfd_open");
	return syscall(SYS_process_madvise, pidfd, &there, 1UL, MADV_PAGEOUT, 0U);
}

int main(int argc, char **argv)
{
	size_t bytes = argument(argc, argv, 1, 32) * MIB;
	char *memory = map(bytes, MAP_PRIVATE);
	int end[2];
	pid_t child;

	make_pipe(end);
	child = fork_or_die();
	if (child == 0) {
		close(end[1]);
		receive_byte(end[0]);
		_exit(0);
	}
	say("ready %d %d", (int)getpid(), (int)child);
	wait_for_line();
	write_into(child, memory, bytes);
	say("written");
	wait_for_line();
	if (page_out(child, memory, bytes) < 0)
		say("no_pageout %s", strerror(errno));
	else
		say("paged_out");
	wait_for_line();
	close(end[1]);
	reap(child);
	return 0;
}
