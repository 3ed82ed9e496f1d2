/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vforkwait [MIB]: a parent that holds MIB starts a child with vfork, which says "borrowing PID PARENT"
 * and waits before it execs sleep(1) for good; so that a watch can begin in between.
 */
#include "workload.h"

int main(int argc, char **argv)
{
	size_t bytes = argument(argc, argv, 1, 64) * MIB;
	pid_t self = getpid(), pid;

	keep_touched(bytes);
	pid = vfork(); /* NOLINT: vfork is what is tested */
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		say("borrowing %d %d", (int)getpid(), (int)self);
		wait_for_line();
		execl("/bin/sleep", "sleep", "1000", (char *)NULL);
		_exit(127);
	}
	if (pid < 0)
		die("vfork");
	say("own");
	wait_for_line();
	kill(pid, SIGKILL);
	reap(pid);
	return 0;
}
