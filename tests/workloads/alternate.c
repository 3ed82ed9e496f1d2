/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * alternate: two children whose peaks do not coincide, one step after the other:
 *
 *	left    100    0   70    0	MiB
 *	right     0   60   50    0
 *
 * So the tree's peak is 120 MiB and the children's: neither the higher peak (100), nor the sum of the
 * peaks (160).
 */
#include "workload.h"

static const unsigned long steps[][2] = { { 100, 0 }, { 0, 60 }, { 70, 50 }, { 0, 0 } };
#define STEPS (sizeof(steps) / sizeof(steps[0]))

struct child {
	pid_t pid;
	int go[2], done[2];
};

static void live(struct child *c, int side)
{
	char *held = NULL;
	size_t bytes = 0;

	for (size_t i = 0; i < STEPS; i++) {
		receive_byte(c->go[0]);
		if (held)
			unmap(held, bytes);
		bytes = steps[i][side] * MIB;
		held = bytes ? map_touched(bytes, MAP_PRIVATE) : NULL;
		send_byte(c->done[1]);
	}
	receive_byte(c->go[0]);
	_exit(0);
}

int main(void)
{
	struct child children[2];

	say("start");
	wait_for_line();
	for (int side = 0; side < 2; side++) {
		make_pipe(children[side].go);
		make_pipe(children[side].done);
		children[side].pid = fork_or_die();
		if (children[side].pid == 0)
			live(&children[side], side);
	}
	for (size_t i = 0; i < STEPS; i++) {
		/* who gives back goes first, so that no step ever holds what the next one does too */
		int first = i > 0 && steps[i][1] < steps[i - 1][1];

		for (int turn = 0; turn < 2; turn++) {
			struct child *c = &children[first ^ turn];

			send_byte(c->go[1]);
			receive_byte(c->done[0]);
		}
	}
	say("done %d %d", (int)children[0].pid, (int)children[1].pid);
	wait_for_line();
	for (int side = 0; side < 2; side++) {
		send_byte(children[side].go[1]);
		reap(children[side].pid);
	}
	return 0;
}
