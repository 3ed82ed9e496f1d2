// SPDX-License-Identifier: GPL-2.0-or-later
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* What the child says of its failure. */
struct failure {
	int err;
	int outside; /* bool */
};

/* In the child: nothing but async-signal-safe calls. */
static void wait_and_exec(char *const *argv, const struct scope *scope,
			  const struct command_signals *signals, int go, int failed)
{
	struct failure failure = { .err = scope ? scope_enter(scope, 0) : 0 };
	ssize_t got;
	char byte;

	do {
		got = read(go, &byte, 1);
	} while (got < 0 && errno == EINTR);
	if (got != 1)
		_exit(125); /* the parent died or gave up */
	failure.outside = failure.err != 0;
	if (!failure.err) {
		sigaction(SIGCHLD, &signals->chld, NULL);
		sigaction(SIGPIPE, &signals->pipe, NULL);
		sigprocmask(SIG_SETMASK, &signals->mask, NULL);
		execvp(argv[0], argv);
		failure.err = -errno;
	}
	if (write(failed, &failure, sizeof(failure)) != (ssize_t)sizeof(failure))
		_exit(125);
	_exit(failure.err == -ENOENT ? 127 : 126);
}

int command_start(struct command *c, char *const *argv, const struct scope *scope,
		  const struct command_signals *signals)
{
	int go[2], failed[2], err;

	*c = (struct command){ .go = -1, .failed = -1 };
	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (pipe2(failed, O_CLOEXEC)) {
		err = -errno;
		close(go[0]);
		close(go[1]);
		return err;
	}
	c->pid = fork();
	err = -errno;
	if (c->pid == 0) {
		close(go[1]);
		close(failed[0]);
		wait_and_exec(argv, scope, signals, go[0], failed[1]);
	}
	close(go[0]);
	close(failed[1]);
	c->go = go[1];
	c->failed = failed[0];
	if (c->pid > 0)
		return 0;
	c->pid = 0;
	command_finish(c);
	return err;
}

int command_exec(struct command *c)
{
	struct failure failure;
	ssize_t got;

	if (write(c->go, "", 1) != 1)
		return -errno;
	close_fd(&c->go);
	do {
		got = read(c->failed, &failure, sizeof(failure));
	} while (got < 0 && errno == EINTR);
	close_fd(&c->failed);
	if (got != (ssize_t)sizeof(failure))
		return 0;
	c->outside = failure.outside;
	return failure.err;
}

void command_finish(struct command *c)
{
	bool waits = c->pid > 0 && c->go >= 0;

	close_fd(&c->go); /* a child that still waits reads the end of the file, and exits */
	close_fd(&c->failed);
	if (waits)
		waitpid(c->pid, NULL, 0);
}

int command_exit_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}
