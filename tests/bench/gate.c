// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * gate DIR CPU COMMAND…: runs a command on `CPU` (-1: anywhere) and measures its CPU time, children
 * included, whoever else is around it. It speaks through two FIFOs in DIR, a line per step:
 *
 *   up    "pid PID"                   the command's process stands before its exec: attach now
 *   down  a line                      go on
 *   up    "done US KIB STATUS"        it has ended: user + system time, ru_maxrss, wait status
 *   down  a line                      the observer's figures are read: end
 */
#include <sys/resource.h>

#include "../workloads/workload.h"
#include "worker.h"

static int open_in(const char *dir, const char *name, int flags)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

static void await_line(int down)
{
	if (!receive_byte(down)) /* the bench itself has ended */
		_exit(125);
}

static long us_of(struct timeval t)
{
	return (long)t.tv_sec * 1000000 + (long)t.tv_usec;
}

int main(int argc, char **argv)
{
	int up, down, start[2], status;
	struct rusage usage;
	pid_t pid;

	if (argc < 4) {
		dprintf(STDERR_FILENO, "usage: gate DIR CPU COMMAND…\n");
		return 2;
	}
	up = open_in(argv[1], "up", O_WRONLY);
	down = open_in(argv[1], "down", O_RDONLY);
	make_pipe(start);
	pid = fork_or_die();
	if (pid == 0) {
		pin_to((int)strtol(argv[2], NULL, 10));
		close(start[1]);
		await_line(start[0]);
		execvp(argv[3], argv + 3);
		die(argv[3]);
	}
	dprintf(up, "pid %d\n", (int)pid);
	await_line(down);
	send_byte(start[1]);
	if (wait4(pid, &status, 0, &usage) != pid)
		die("wait4");
	dprintf(up, "done %ld %ld %d\n", us_of(usage.ru_utime) + us_of(usage.ru_stime),
		usage.ru_maxrss, status);
	await_line(down);
	return 0;
}
