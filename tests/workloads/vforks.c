/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vforks [MIB [CHILDREN]]: a parent that holds MIB starts CHILDREN with vfork, one after the other.
 * Until its exec a child shares the parent's memory, which must count once. Each writes a page of the
 * parent's memory before its exec.
 */
#include "workload.h"

static char *page_of_ours;

int main(int argc, char **argv)
{
	size_t bytes = argument(argc, argv, 1, 64) * MIB;
	unsigned long children = argument(argc, argv, 2, 20);

	say("start");
	wait_for_line();
	keep_touched(bytes);
	page_of_ours = map(MIB, MAP_PRIVATE);
	for (unsigned long i = 0; i < children; i++) {
		pid_t pid = vfork(); /* NOLINT: vfork is what is tested */

		if (pid == 0) {
			page_of_ours[i * 4096 % MIB] = 1;
			execl("/bin/true", "true", (char *)NULL);
			_exit(127);
		}
		if (pid < 0)
			die("vfork");
		reap(pid);
	}
	say("done");
	wait_for_line();
	return 0;
}
