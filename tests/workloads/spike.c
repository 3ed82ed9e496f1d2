/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spike [MIB [ROUNDS [huge]]]: maps and fills MIB at once and gives it back, ROUNDS times, then says
 * what the kernel holds for its highest RSS. With `huge` in huge pages, where the kernel has them.
 */
#include <sys/resource.h>

#include "workload.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static char *map_filled(size_t bytes, int huge)
{
	char *p;

	if (!huge)
		return map(bytes, MAP_PRIVATE | MAP_POPULATE);
	p = map(bytes, MAP_PRIVATE);
	if (madvise(p, bytes, MADV_HUGEPAGE) || madvise(p, bytes, MADV_POPULATE_WRITE))
		die("madvise");
	return p;
}

int main(int argc, char **argv)
{
	size_t bytes = argument(argc, argv, 1, 192) * MIB;
	unsigned long rounds = argument(argc, argv, 2, 8);
	int huge = argc > 3 && strcmp(argv[3], "huge") == 0;
	struct rusage usage;

	say("ready");
	wait_for_line();
	for (unsigned long i = 0; i < rounds; i++)
		unmap(map_filled(bytes, huge), bytes);
	getrusage(RUSAGE_SELF, &usage);
	say("maxrss_kib %ld", usage.ru_maxrss);
	wait_for_line();
	return 0;
}
