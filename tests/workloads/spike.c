/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spike [MIB [ROUNDS]]: maps and fills MIB at once and gives it back, ROUNDS times, then says what
 * the kernel holds for its highest RSS.
 */
#include <sys/resource.h>

#include "workload.h"

int main(int argc, char **argv)
{
	size_t bytes = argument(argc, argv, 1, 192) * MIB;
	unsigned long rounds = argument(argc, argv, 2, 8);
	struct rusage usage;

	say("ready");
	wait_for_line();
	for (unsigned long i = 0; i < rounds; i++)
		unmap(map(bytes, MAP_PRIVATE | MAP_POPULATE), bytes);
	getrusage(RUSAGE_SELF, &usage);
	say("maxrss_kib %ld", usage.ru_maxrss);
	wait_for_line();
	return 0;
}
