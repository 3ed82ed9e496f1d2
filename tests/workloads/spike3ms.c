/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A spike that lasts at most 3 ms, from the first page mapped to the last one given back. Where this
 * machine was too slow for one, the next try is one page larger: the highest spike, whose figures
 * are said at the end, always is the short one.
 */
#include <time.h>

#include "workload.h"

#define LIMIT_US 3000
#define TRIES 500

static long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Anonymous pages resident now: statm's resident minus shared. */
static unsigned long anon_pages(void)
{
	unsigned long size, resident, shared;
	char text[128] = "";
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		die("/proc/self/statm");
	close(fd);
	if (sscanf(text, "%lu %lu %lu", &size, &resident, &shared) != 3)
		die("/proc/self/statm");
	return resident - shared;
}

int main(int argc, char **argv)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = argument(argc, argv, 1, 2) * MIB;
	unsigned long before;
	long us = LIMIT_US + 1;

	say("ready");
	wait_for_line();
	before = anon_pages();
	for (int i = 0; i < TRIES && us > LIMIT_US; i++) {
		long start = now_us();

		bytes += page;
		unmap(map(bytes, MAP_PRIVATE | MAP_POPULATE), bytes);
		us = now_us() - start;
	}
	if (us > LIMIT_US) {
		say("too_slow");
		return 1;
	}
	say("spike_bytes %zu us %ld anon_before_bytes %zu", bytes, us, before * page);
	wait_for_line();
	return 0;
}
