/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hungry CGROUP MIB: joins the cgroup (a directory), says its pid, waits for a line, and touches MIB,
 * which the cgroup's limit should not allow: the OOM killer ends it.
 */
#include "workload.h"

int main(int argc, char **argv)
{
	size_t bytes = argument(argc, argv, 2, 256) * MIB;
	char path[4096];
	int fd;

	if (argc < 2)
		die("no CGROUP");
	snprintf(path, sizeof(path), "%s/cgroup.procs", argv[1]);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
		die(path);
	close(fd);
	say("ready %d", (int)getpid());
	wait_for_line();
	keep_touched(bytes);
	say("survived");
	return 3;
}
