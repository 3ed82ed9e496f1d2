/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forks [BYTES [CHILDREN]]: a parent with an array of BYTES forks CHILDREN, which share it and write
 * to nothing. Says "ready" and the children's pids when all are up; they end with the next line.
 */
#include "workload.h"

#define MOST 64

int main(int argc, char **argv)
{
	size_t bytes = argument(argc, argv, 1, 200000000);
	unsigned long children = argument(argc, argv, 2, 4);
	int up[2], end[2], at = 0;
	char pids[MOST * 12] = "";
	pid_t child[MOST];

	if (children > MOST)
		children = MOST;
	make_pipe(up);
	make_pipe(end);
	say("start");
	wait_for_line();
	keep_touched(bytes);
	for (unsigned long i = 0; i < children; i++) {
		child[i] = fork_or_die();
		if (child[i] == 0) {
			close(end[1]);
			send_byte(up[1]);
			receive_byte(end[0]);
			_exit(0);
		}
		at += snprintf(pids + at, sizeof(pids) - (size_t)at, " %d", (int)child[i]);
	}
	for (unsigned long i = 0; i < children; i++)
		receive_byte(up[0]);
	say("ready%.200s", pids);
	wait_for_line();
	close(end[1]);
	for (unsigned long i = 0; i < children; i++)
		reap(child[i]);
	return 0;
}
