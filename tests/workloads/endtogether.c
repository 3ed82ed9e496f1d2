/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * endtogether [THREADS [PAGES]]: each thread faults in PAGES pages; when all have, the process exits
 * with all of its threads alive.
 */
#include <pthread.h>

#include "workload.h"

static pthread_barrier_t all_done;
static size_t bytes;

static void *fault(void *unused)
{
	char *at = map(bytes, MAP_PRIVATE);

	(void)unused;
	madvise(at, bytes, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < bytes; i += 4096)
		at[i] = 1;
	pthread_barrier_wait(&all_done);
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned long threads = argument(argc, argv, 1, 8);
	pthread_t thread;

	bytes = argument(argc, argv, 2, 1000) * 4096;
	pthread_barrier_init(&all_done, NULL, (unsigned int)threads);
	for (unsigned long i = 1; i < threads; i++)
		if (pthread_create(&thread, NULL, fault, NULL))
			die("pthread_create");
	fault(NULL);
	_exit(0);
}
