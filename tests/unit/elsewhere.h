/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A child process in namespaces of its own, which prepares something there and then waits. */
#ifndef ELSEWHERE_H
#define ELSEWHERE_H

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct elsewhere {
	pid_t pid;
	int ask, answer; /* a byte makes it run `then`; end of file makes it end */
};

typedef bool (*elsewhere_fn)(const char *arg);

static inline void elsewhere_child(int flags, elsewhere_fn prepare, elsewhere_fn then,
				   const char *arg, int ask, int answer)
{
	char byte;
	bool ok;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ok = !unshare(flags) &&
	     (!(flags & CLONE_NEWNS) || !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	if (!ok)
		_exit(2);
	ok = prepare(arg);
	while (write(answer, ok ? "y" : "n", 1) == 1 && read(ask, &byte, 1) == 1)
		ok = then && then(arg);
	_exit(0);
}

/* Runs `then` there; its result. */
static inline bool elsewhere_do(struct elsewhere *e)
{
	char byte = 'n';

	return write(e->ask, "g", 1) == 1 && read(e->answer, &byte, 1) == 1 && byte == 'y';
}

static inline void elsewhere_end(struct elsewhere *e)
{
	close(e->ask);
	close(e->answer);
	waitpid(e->pid, NULL, 0);
}

/* False when this machine does not let us; a preparation that fails is the test's own fault. */
static inline bool elsewhere_begin(struct elsewhere *e, int flags, elsewhere_fn prepare,
				   elsewhere_fn then, const char *arg)
{
	int ask[2], answer[2];
	char byte = 0;

	if (pipe(ask) || pipe(answer))
		abort();
	e->pid = fork();
	if (!e->pid) {
		close(ask[1]);
		close(answer[0]);
		elsewhere_child(flags, prepare, then, arg, ask[0], answer[1]);
	}
	close(ask[0]);
	close(answer[1]);
	e->ask = ask[1];
	e->answer = answer[0];
	if (read(e->answer, &byte, 1) == 1 && byte == 'y')
		return true;
	if (byte == 'n') {
		fprintf(stderr, "elsewhere: the preparation failed\n");
		abort();
	}
	elsewhere_end(e);
	return false;
}

#endif
