/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A child that has ended and is not reaped. Says its pid when it is a zombie for certain. */
#include "workload.h"

int main(void)
{
	pid_t child = fork_or_die();
	siginfo_t info;

	if (child == 0)
		_exit(0);
	if (waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT))
		die("waitid");
	say("ready %d", (int)child);
	wait_for_line();
	reap(child);
	return 0;
}
