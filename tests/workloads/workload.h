/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the workloads share. A workload says on standard output where it is, one line per step, and
 * then waits for a line on standard input before it goes on; nothing here sleeps to be in time. The
 * end of standard input means "go on", so that a workload with </dev/null runs through.
 *
 * Steps use no stdio and no heap: what a workload says must not change what it measures.
 */
#ifndef MEMMON_WORKLOAD_H
#define MEMMON_WORKLOAD_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1024UL * 1024UL)

static inline void __attribute__((noreturn)) die(const char *what)
{
	dprintf(STDERR_FILENO, "%s: %s: %s\n", program_invocation_short_name, what,
		strerror(errno));
	_exit(125);
}

static inline void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	char line[256];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	line[len++] = '\n';
	if (write(STDOUT_FILENO, line, (size_t)len) != len)
		die("write");
}

static inline void wait_for_line(void)
{
	char byte = 0;
	ssize_t got;

	do {
		got = read(STDIN_FILENO, &byte, 1);
	} while ((got == 1 && byte != '\n') || (got < 0 && errno == EINTR));
	if (got < 0)
		die("read");
}

/* The number argv[at], or `otherwise` where it is not given. */
static inline unsigned long argument(int argc, char **argv, int at, unsigned long otherwise)
{
	char *end;
	unsigned long value;

	if (at >= argc)
		return otherwise;
	value = strtoul(argv[at], &end, 10);
	if (end == argv[at] || *end) {
		dprintf(STDERR_FILENO, "%s: '%s' is not a number\n", argv[0], argv[at]);
		_exit(125);
	}
	return value;
}

/* Untouched memory; `flags` beside MAP_ANONYMOUS. */
static inline char *map(size_t bytes, int flags)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static inline void unmap(char *p, size_t bytes)
{
	if (munmap(p, bytes))
		die("munmap");
}

/* Writes to every page. */
static inline void touch(char *p, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t at = 0; at < bytes; at += page)
		*(volatile char *)(p + at) = 1;
}

static inline char *map_touched(size_t bytes, int flags)
{
	char *p = map(bytes, flags);

	touch(p, bytes);
	return p;
}

/* Touched memory that is held until the process ends. */
static inline void keep_touched(size_t bytes)
{
	static char *kept;

	kept = map_touched(bytes, MAP_PRIVATE);
	(void)kept;
}

static inline void send_byte(int fd)
{
	if (write(fd, "", 1) != 1)
		die("write to a pipe");
}

/* Waits for a byte or the end of the pipe; returns whether there was a byte. */
static inline int receive_byte(int fd)
{
	ssize_t got;
	char byte;

	do {
		got = read(fd, &byte, 1);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		die("read from a pipe");
	return got == 1;
}

static inline void make_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC))
		die("pipe");
}

/* A child ends with its parent, however that ends: a failed test leaves nothing behind. */
static inline void end_with_parent(void)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		die("prctl");
}

static inline pid_t fork_or_die(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0)
		end_with_parent();
	return pid;
}

/* Reaps a child that must have ended with 0. */
static inline void reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	if (status) {
		dprintf(STDERR_FILENO, "%s: child %d ended with wait status 0x%x\n",
			program_invocation_short_name, (int)pid, (unsigned int)status);
		_exit(125);
	}
}

#endif
