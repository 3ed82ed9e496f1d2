/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shm_wall DIRECTORY CASE…: hits the wall of the tmpfs of 4 MiB that is mounted there, in each CASE in
 * one way and as its user sees it once, by a process of the case's own. After each it says
 *   CASE PID HOW ERRNO SIGNAL WANTED DONE
 * with what a report of it must have ("-" where there is no such thing, WANTED in bytes), and removes
 * its files. The tmpfs must be empty.
 */
#include "workload.h"

#include <dirent.h>
#include <sys/uio.h>

#define LIMIT (4 * MIB)
#define PAGE ((unsigned long)sysconf(_SC_PAGESIZE))

static const char *directory;

static void path_of(char *path, size_t len, const char *name)
{
	snprintf(path, len, "%s/%s", directory, name);
}

static int open_file(const char *name)
{
	char path[4096];
	int fd;

	path_of(path, sizeof(path), name);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		die(name);
	return fd;
}

static void expect(int failed, int error, const char *what)
{
	if (!failed || errno != error)
		die(what);
}

/* All in one call that stops at the limit: the user sees a short count. */
static void short_write(void)
{
	char *source = map_touched(LIMIT + MIB, MAP_PRIVATE);

	if (write(open_file("short"), source, LIMIT + MIB) != (ssize_t)LIMIT)
		die("the write that crosses the limit");
	say("short %d write 28 - %lu %lu", (int)getpid(), LIMIT + MIB, LIMIT);
}

/* As dd(1) does it: calls that fit, until one does not. */
static void blocks(void)
{
	char *source = map_touched(64 * 1024, MAP_PRIVATE);
	int fd = open_file("blocks");

	for (size_t at = 0; at < LIMIT; at += 64 * 1024)
		if (write(fd, source, 64 * 1024) != 64 * 1024)
			die("write");
	expect(write(fd, source, 64 * 1024) < 0, ENOSPC, "the write beyond the limit");
	say("blocks %d write 28 - %d 0", (int)getpid(), 64 * 1024);
}

static void vectors(void)
{
	char *source = map_touched(2 * MIB, MAP_PRIVATE);
	struct iovec three[] = { { source, MIB }, { source, 2 * MIB }, { source, 2 * MIB - 5 } };

	if (pwritev(open_file("vectors"), three, 3, 0) != (ssize_t)LIMIT)
		die("the pwritev that crosses the limit");
	say("pwritev %d write 28 - %lu %lu", (int)getpid(), 5 * MIB - 5, LIMIT);
}

static void allocate(void)
{
	int fd = open_file("allocated");

	if (fallocate(fd, 0, 0, MIB))
		die("fallocate");
	expect(fallocate(fd, 0, MIB, 3 * MIB + PAGE) < 0, ENOSPC, "fallocate of too much");
	say("fallocate %d fallocate 28 - %lu 0", (int)getpid(), 3 * MIB + PAGE);
}

static void allocate_large(void)
{
	expect(fallocate(open_file("allocated"), 0, 0, 1024 * MIB) < 0, ENOSPC,
	       "fallocate of more than the mount has");
	say("fallocate-large %d fallocate 28 - %lu 0", (int)getpid(), 1024 * MIB);
}

static char *map_file(int fd)
{
	char *p;

	if (ftruncate(fd, LIMIT + MIB))
		die("ftruncate");
	p = mmap(NULL, LIMIT + MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/* Dies. */
static void touch_mapping(void)
{
	char *p = map_file(open_file("touched"));

	say("touch %d fault - 7 %lu 0", (int)getpid(), PAGE);
	touch(p, LIMIT + MIB);
}

static void copy_into_mapping(void)
{
	char *p = map_file(open_file("copied"));
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	touch(p, LIMIT);
	expect(read(zero, p + LIMIT, PAGE) < 0, EFAULT, "read into the full mapping");
	say("copy %d fault 14 - %lu 0", (int)getpid(), PAGE);
}

static void inodes(void)
{
	char path[4096], name[32];
	int fd;

	for (unsigned int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "inode%u", i);
		path_of(path, sizeof(path), name);
		fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
		if (fd < 0) {
			expect(1, ENOSPC, "open");
			say("inodes %d open 28 - - -", (int)getpid());
			return;
		}
		close(fd);
	}
	die("there is no end of inodes");
}

static const struct {
	const char *name;
	void (*run)(void);
	int signal;
} cases[] = {
	{ "short", short_write, 0 },
	{ "blocks", blocks, 0 },
	{ "pwritev", vectors, 0 },
	{ "fallocate", allocate, 0 },
	{ "fallocate-large", allocate_large, 0 },
	{ "touch", touch_mapping, SIGBUS },
	{ "copy", copy_into_mapping, 0 },
	{ "inodes", inodes, 0 },
};

static void remove_files(void)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	if (!dir)
		die(directory);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && unlinkat(dirfd(dir), entry->d_name, 0))
			die(entry->d_name);
	closedir(dir);
}

static void run(size_t at)
{
	pid_t child = fork_or_die();
	int status, signal;

	if (child == 0) {
		cases[at].run();
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child)
		die("waitpid");
	signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (signal != cases[at].signal || (!signal && status)) {
		dprintf(STDERR_FILENO, "shm_wall: %s: wait status 0x%x\n", cases[at].name,
			(unsigned int)status);
		_exit(125);
	}
	remove_files();
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		dprintf(STDERR_FILENO, "usage: shm_wall DIRECTORY CASE…\n");
		return 125;
	}
	directory = argv[1];
	for (int i = 2; i < argc; i++) {
		size_t at = 0;

		while (at < sizeof(cases) / sizeof(cases[0]) &&
		       strcmp(cases[at].name, argv[i]) != 0)
			at++;
		if (at == sizeof(cases) / sizeof(cases[0])) {
			errno = EINVAL;
			die(argv[i]);
		}
		run(at);
	}
	return 0;
}
