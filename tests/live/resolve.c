/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What src/containers.c makes of its arguments, for tests: resolve [--wait] [--follow] CONTAINER…
 *
 * A line for each container: "state id name image runtime ipc shm limit pid cgroup", - where not known.
 * With --follow another one at each change, after "stopped" and "started"; until its end is killed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../src/containers.h"
#include "../../src/util/clock.h"

static const char *const states[] = { "awaited", "running", "stopped", "removed" };

static const char *known(const char *text)
{
	return *text ? text : "-";
}

static void print(const struct container_target *t)
{
	const struct container *is = &t->is;

	if (t->changes & CONTAINER_HAS_STOPPED)
		printf("stopped ");
	if (t->changes & CONTAINER_HAS_STARTED)
		printf("started ");
	printf("%s %s %s %s %s %s %lld %lld %d %s\n", states[t->state], known(is->id),
	       known(is->name), known(is->image), known(is->runtime), known(is->ipc_mode),
	       (long long)is->shm_bytes, (long long)is->memory_limit_bytes, (int)is->init_pid,
	       known(is->cgroup.name));
	fflush(stdout);
}

static void follow(struct containers *c)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	enum container_state before[16];
	bool over = false;

	for (size_t i = 0; i < containers_count(c) && i < 16; i++)
		before[i] = containers_get(c, i)->state;
	while (!over) {
		nanosleep(&pause, NULL);
		containers_poll(c, monotonic_ns());
		for (size_t i = 0; i < containers_count(c) && i < 16; i++) {
			const struct container_target *t = containers_get(c, i);

			if (t->changes || t->state != before[i])
				print(t);
			before[i] = t->state;
		}
		over = containers_over(c);
	}
	puts("over");
}

int main(int argc, char **argv)
{
	bool wait = false, following = false;
	struct cgroup_mounts mounts;
	struct containers *c;
	char why[8192];
	uint64_t start_ns;
	int err;

	for (; argc > 1 && !strncmp(argv[1], "--", 2); argc--, argv++) {
		wait = wait || !strcmp(argv[1], "--wait");
		following = following || !strcmp(argv[1], "--follow");
	}
	if (cgroup_mounts_read(&mounts) || containers_create(&mounts, getenv("DOCKER_HOST"), &c))
		return 125;
	start_ns = monotonic_ns();
	err = containers_find(c, (const char *const *)argv + 1, (size_t)argc - 1, wait, why,
			      sizeof(why));
	fprintf(stderr, "%smilliseconds %llu\n", why,
		(unsigned long long)((monotonic_ns() - start_ns) / 1000000));
	for (size_t i = 0; !err && i < containers_count(c); i++)
		print(containers_get(c, i));
	if (!err && following)
		follow(c);
	containers_destroy(c);
	cgroup_mounts_finish(&mounts);
	return err ? 1 : 0;
}
