/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * volumes [ROUNDS]: a known number of mmap, munmap and brk calls, some of which fail or change
 * nothing and must not be counted; then says how many calls of each succeeded and the bytes that they
 * mapped, unmapped and moved the break up by, as the kernel was asked.
 */
#include "workload.h"

#include <sys/syscall.h>

#define BRK_BYTES 12345UL /* not whole pages, as the break need not be */

static long raw_brk(unsigned long at)
{
	return syscall(SYS_brk, at);
}

int main(int argc, char **argv)
{
	unsigned long rounds = argument(argc, argv, 1, 100);
	unsigned long mmap_bytes = 0, munmap_bytes = 0, brk_bytes = 0, mmaps = 0, munmaps = 0,
		      brks = 0;
	unsigned long end;

	say("ready");
	wait_for_line();
	for (unsigned long i = 1; i <= rounds; i++) {
		size_t bytes = i * 4096 + 1; /* an odd length: counted as it was asked for */

		unmap(map(bytes, MAP_PRIVATE), bytes);
		mmaps++;
		munmaps++;
		mmap_bytes += bytes;
		munmap_bytes += bytes;

		/* no such file descriptor; an unaligned address; the present break */
		if (mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, -1, 0) != MAP_FAILED ||
		    munmap((void *)1, bytes) == 0)
			die("a call that must fail did not");
		end = (unsigned long)raw_brk(0);

		if ((unsigned long)raw_brk(end + BRK_BYTES) != end + BRK_BYTES ||
		    (unsigned long)raw_brk(end) != end)
			die("brk");
		brks++;
		brk_bytes += BRK_BYTES;
	}
	say("mmap %lu %lu munmap %lu %lu brk %lu %lu", mmaps, mmap_bytes, munmaps, munmap_bytes,
	    brks, brk_bytes);
	wait_for_line();
	return 0;
}
