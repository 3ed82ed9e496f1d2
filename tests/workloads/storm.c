/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * storm [PROCESSES [MIB]]: each of the children changes its RSS as fast as it can, by touching pages and
 * giving them back, until it is told to calm down; then all hold MIB each and wait. Says "storm PID…"
 * when all are at it, "calm" when all hold still, and goes back to the storm with the next line:
 * ready, storm, calm, storm, calm, end.
 */
#include "workload.h"

#define MOST 64
#define PATCH (64 * 4096UL)

enum order { CALM, STORM, END };

struct board {
	volatile int order;
	volatile int at[MOST]; /* what each child does */
};

static void __attribute__((noreturn)) child(struct board *board, unsigned long i, size_t bytes)
{
	char *patch = map(PATCH, MAP_PRIVATE);

	keep_touched(bytes);
	for (;;) {
		int order = board->order;

		board->at[i] = order;
		if (order == END)
			_exit(0);
		if (order == CALM) {
			usleep(1000);
			continue;
		}
		touch(patch, PATCH);
		if (madvise(patch, PATCH, MADV_DONTNEED))
			die("madvise");
	}
}

static void command(struct board *board, unsigned long n, enum order order)
{
	board->order = order;
	for (unsigned long i = 0; i < n; i++)
		while (board->at[i] != (int)order)
			usleep(1000);
}

int main(int argc, char **argv)
{
	unsigned long n = argument(argc, argv, 1, 8);
	size_t bytes = argument(argc, argv, 2, 4) * MIB;
	struct board *board = (struct board *)map(sizeof(*board), MAP_SHARED);
	char line[MOST * 12] = "";
	pid_t pids[MOST];

	if (n > MOST)
		n = MOST;
	for (unsigned long i = 0; i < n; i++)
		board->at[i] = -1;
	say("ready");
	wait_for_line();
	for (unsigned long i = 0; i < n; i++) {
		pids[i] = fork_or_die();
		if (pids[i] == 0)
			child(board, i, bytes);
		snprintf(line + strlen(line), sizeof(line) - strlen(line), " %d", (int)pids[i]);
	}
	for (int round = 0; round < 2; round++) {
		command(board, n, STORM);
		say("storm%s", line);
		wait_for_line();
		command(board, n, CALM);
		say("calm%s", line);
		wait_for_line();
	}
	board->order = END;
	for (unsigned long i = 0; i < n; i++)
		reap(pids[i]);
	return 0;
}
