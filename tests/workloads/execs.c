/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * execs MIB PROGRAM [ARG…]: grows to MIB, then becomes PROGRAM. With `-t` before MIB a second thread
 * does the exec, which takes over the process's id.
 */
#include <pthread.h>

#include "workload.h"

static void *become(void *argv)
{
	char **args = argv;

	execvp(args[0], args);
	die(args[0]);
}

int main(int argc, char **argv)
{
	int at = argc > 1 && strcmp(argv[1], "-t") == 0 ? 2 : 1;
	pthread_t thread;

	if (argc < at + 2) {
		say("usage: execs [-t] MIB PROGRAM [ARG...]");
		return 2;
	}
	say("start");
	wait_for_line();
	keep_touched(argument(argc, argv, at, 8) * MIB);
	say("grown");
	wait_for_line();
	if (at == 1)
		become(argv + 2);
	if (pthread_create(&thread, NULL, become, argv + 3))
		die("pthread_create");
	for (;;)
		pause();
}
