/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pidreuse FIRST_MIB SECOND_MIB: a child that holds FIRST_MIB ends; with the next line another one gets
 * the very same pid (clone3 with set_tid, which needs root) and holds SECOND_MIB.
 */
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include "workload.h"

struct life {
	size_t bytes;
	int end[2], up[2];
};

static void live(struct life *l)
{
	close(l->end[1]);
	keep_touched(l->bytes);
	send_byte(l->up[1]);
	receive_byte(l->end[0]);
	_exit(0);
}

static void begin(struct life *l, size_t bytes)
{
	l->bytes = bytes;
	make_pipe(l->end);
	make_pipe(l->up);
}

static void finish(struct life *l, pid_t pid)
{
	close(l->end[1]);
	reap(pid);
}

int main(int argc, char **argv)
{
	struct clone_args args = { .exit_signal = SIGCHLD, .set_tid_size = 1 };
	struct life first, second;
	pid_t pid, again, wanted;

	say("start");
	wait_for_line();
	begin(&first, argument(argc, argv, 1, 40) * MIB);
	pid = fork_or_die();
	if (pid == 0)
		live(&first);
	receive_byte(first.up[0]);
	say("first %d", (int)pid);
	wait_for_line();
	finish(&first, pid);

	begin(&second, argument(argc, argv, 2, 10) * MIB);
	wanted = pid;
	args.set_tid = (uintptr_t)&wanted;
	again = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (again < 0) {
		say("no_reuse %s", strerror(errno));
		return 1;
	}
	if (again == 0) {
		end_with_parent();
		live(&second);
	}
	receive_byte(second.up[0]);
	say("second %d", (int)again);
	wait_for_line();
	finish(&second, again);
	return 0;
}
