// SPDX-License-Identifier: GPL-2.0-or-later
#include "stats_switch.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cap-ng.h>

#ifndef SYS_close_range
#define SYS_close_range 436 /* the same number everywhere; Linux 5.9 */
#endif

#define ANSWER_S 2 /* it takes microseconds; a child that was stopped must not stop us */

struct stats_switch {
	int fd;
	pid_t pid;
};

static void close_all_but(int fd)
{
	if (fd > 0)
		syscall(SYS_close_range, 0U, (unsigned int)fd - 1, 0U);
	syscall(SYS_close_range, (unsigned int)fd + 1, ~0U, 0U);
}

static int keep_one_capability(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_SYS_ADMIN))
		return -EPERM;
	return capng_apply(CAPNG_SELECT_CAPS) ? -EPERM : 0;
}

/* The child: an order is a byte, 1 = on; the answer an errno, 0 = done. */
static void __attribute__((noreturn)) serve(int fd)
{
	int stats = -1, err;
	sigset_t all;
	char on;

	prctl(PR_SET_NAME, "memmon-stats");
	err = keep_one_capability();
	/* what ends us comes through the socket, not from the terminal */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	close_all_but(fd);
	while (recv(fd, &on, 1, 0) == 1) {
		if (!err && on && stats < 0) {
			stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
			err = stats < 0 ? stats : 0;
		} else if (!on && stats >= 0) {
			close(stats);
			stats = -1;
		}
		if (send(fd, &err, sizeof(err), MSG_NOSIGNAL) != (ssize_t)sizeof(err))
			break;
	}
	_exit(0);
}

struct stats_switch *stats_switch_create(void)
{
	const struct timeval timeout = { .tv_sec = ANSWER_S };
	struct stats_switch *s = calloc(1, sizeof(*s));
	int ends[2];

	if (!s)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		goto out;
	s->fd = ends[0];
	setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	s->pid = fork();
	if (s->pid == 0) {
		close(ends[0]);
		serve(ends[1]);
	}
	close(ends[1]);
	if (s->pid > 0)
		return s;
	close(s->fd);
out:
	free(s);
	return NULL;
}

void stats_switch_destroy(struct stats_switch *s)
{
	if (!s)
		return;
	close(s->fd);
	kill(s->pid, SIGKILL); /* it may be stopped; and nothing of it is lost */
	waitpid(s->pid, NULL, 0);
	free(s);
}

int stats_switch_set(struct stats_switch *s, bool on)
{
	char order = on ? 1 : 0;
	ssize_t got;
	int err;

	if (send(s->fd, &order, 1, MSG_NOSIGNAL) != 1)
		return -errno;
	do {
		got = recv(s->fd, &err, sizeof(err), 0);
	} while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(err))
		return got < 0 ? -errno : -EPIPE;
	return err;
}
