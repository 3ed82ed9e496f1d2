/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command after `--`: a child that waits before its exec until it is watched, so that nothing of
 * its run is missed. It inherits everything, as under time(1): start it before capabilities are
 * dropped.
 */
#ifndef MEMMON_COMMAND_H
#define MEMMON_COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "os/scope.h"

/* What a process changes for itself and the command must not inherit. */
struct command_signals {
	sigset_t mask;
	struct sigaction chld, pipe;
};

struct command {
	pid_t pid; /* 0 = none */
	int go; /* write end: the child execs when it reads a byte */
	int failed; /* read end: the errno of an exec that failed; closed by one that worked */
	bool outside; /* it failed before the exec: it could not enter its scope */
};

/* Forks the child, into `scope` (NULL = none), with `signals`. Returns 0 or a negative errno. */
int command_start(struct command *c, char *const *argv, const struct scope *scope,
		  const struct command_signals *signals);

/* Lets it exec and waits until it has. Returns 0, or the negative errno of what failed; see `outside`. */
int command_exec(struct command *c);

/* Ends a child that never was let go; closes what is open. Does not touch a running command. */
void command_finish(struct command *c);

/* A wait status as an exit status: 128+N where signal N ended it. */
int command_exit_status(int wait_status);

#endif
