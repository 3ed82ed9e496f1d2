// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shm_touch FILE MIB: makes FILE of that size, maps it, and writes a byte to each page in turn. On a
 * full tmpfs it dies of SIGBUS; with a third argument it says how many pages it could have, and waits.
 */
#include "workload.h"

int main(int argc, char **argv)
{
	unsigned long bytes = argc > 2 ? strtoul(argv[2], NULL, 10) * MIB : 0;
	unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE), pages = 0;
	volatile char *map;
	int fd;

	if (!bytes) {
		errno = EINVAL;
		die("usage: shm_touch FILE MIB [wait]");
	}
	fd = open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)bytes))
		die(argv[1]);
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		die("mmap");
	for (; pages < bytes / page; pages++)
		map[pages * page] = 1;
	if (argc > 3) {
		say("touched %lu", pages);
		wait_for_line();
	}
	return 0;
}
