/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `make run` watches when it is given nothing else: about six seconds in which every figure of
 * memmon-bpf moves. Heap grows in steps to 100 MiB, a shared mapping of 24 MiB fills, two children
 * break copy-on-write and touch memory of their own, then everything is given back.
 *
 * For people to look at, so it paces itself by sleeping; tests use workloads that wait for pipes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB (1024UL * 1024UL)
#define STEPS 5
#define STEP_BYTES (20 * MIB)
#define SHARED_BYTES (24 * MIB)
#define CHILDREN 2
#define CHILD_BYTES (16 * MIB)

static void pause_ms(long ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	while (nanosleep(&left, &left) != 0)
		;
}

static void *map(size_t bytes, int flags)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("demo: mmap");
		exit(1);
	}
	return p;
}

static void child(char *inherited)
{
	char *own = map(CHILD_BYTES, MAP_PRIVATE);

	memset(own, 3, CHILD_BYTES);
	memset(inherited, 4, CHILD_BYTES); /* a copy of the parent's pages */
	pause_ms(900);
	_exit(0);
}

int main(void)
{
	char *steps[STEPS];
	char *shared;
	int failed = 0;

	for (int i = 0; i < STEPS; i++) {
		steps[i] = map(STEP_BYTES, MAP_PRIVATE);
		memset(steps[i], 1, STEP_BYTES);
		pause_ms(500);
	}

	shared = map(SHARED_BYTES, MAP_SHARED);
	memset(shared, 2, SHARED_BYTES);
	pause_ms(700);

	for (int i = 0; i < CHILDREN; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			perror("demo: fork");
			return 1;
		}
		if (pid == 0)
			child(steps[i]);
		pause_ms(300);
	}
	for (int i = 0; i < CHILDREN; i++) {
		int status;

		if (wait(&status) < 0 || status != 0)
			failed = 1;
	}

	munmap(shared, SHARED_BYTES);
	for (int i = STEPS - 1; i >= 0; i--) {
		munmap(steps[i], STEP_BYTES);
		pause_ms(300);
	}
	return failed;
}
