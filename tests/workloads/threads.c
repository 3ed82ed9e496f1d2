/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * threads COUNT MIB [leader-exits]: COUNT threads wait for a line, touch MIB each and hold it until
 * the next one. With `leader-exits` the thread that ran main() ends before that: the process goes on
 * without its leader, whose /proc/PID shows a zombie without memory. Says the id of a living thread.
 */
#include <pthread.h>
#include <sys/syscall.h>

#include "workload.h"

struct crew {
	unsigned long count;
	size_t bytes;
	pthread_barrier_t step;
	pthread_t leader;
	int leader_exits;
};

static void pass(struct crew *crew)
{
	int err = pthread_barrier_wait(&crew->step);

	if (err && err != PTHREAD_BARRIER_SERIAL_THREAD)
		die("pthread_barrier_wait");
}

static void *hold(void *data)
{
	struct crew *crew = data;
	char *p;

	pass(crew);
	p = map_touched(crew->bytes, MAP_PRIVATE);
	pass(crew);
	pass(crew);
	unmap(p, crew->bytes);
	return NULL;
}

/* Leads the others through the steps; the leader itself, or the thread that outlives it. */
static void *conduct(void *data)
{
	struct crew *crew = data;

	if (crew->leader_exits && pthread_join(crew->leader, NULL))
		die("pthread_join");
	say("ready %ld", (long)syscall(SYS_gettid));
	wait_for_line();
	pass(crew);
	pass(crew);
	say("touched");
	wait_for_line();
	pass(crew);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct crew crew;
	pthread_t thread;

	crew.count = argument(argc, argv, 1, 8);
	crew.bytes = argument(argc, argv, 2, 8) * MIB;
	crew.leader = pthread_self();
	crew.leader_exits = argc > 3 && strcmp(argv[3], "leader-exits") == 0;
	if (pthread_barrier_init(&crew.step, NULL, (unsigned int)crew.count + 1))
		die("pthread_barrier_init");
	for (unsigned long i = 0; i < crew.count; i++) {
		if (pthread_create(&thread, NULL, hold, &crew))
			die("pthread_create");
	}
	if (crew.leader_exits) {
		if (pthread_create(&thread, NULL, conduct, &crew))
			die("pthread_create");
	} else {
		conduct(&crew);
	}
	/* the process ends with its last thread, with 0 */
	pthread_exit(NULL);
}
