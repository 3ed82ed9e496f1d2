/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle [MIB]: holds MIB of anonymous memory and waits: for a line, then it says "awake"; for another,
 * then it ends. In between it faults nothing.
 */
#include "workload.h"

int main(int argc, char **argv)
{
	keep_touched(argument(argc, argv, 1, 8) * MIB);
	say("ready");
	wait_for_line();
	say("awake");
	wait_for_line();
	return 0;
}
