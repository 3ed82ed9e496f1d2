// SPDX-License-Identifier: GPL-2.0-or-later
/* Attaches the empty program, says "ready", and holds it until its standard input ends. */
#include "../workloads/workload.h"
#include "empty.skel.h"

int main(void)
{
	struct empty_bpf *empty = empty_bpf__open_and_load();

	if (!empty || empty_bpf__attach(empty))
		die("load the empty program");
	say("ready");
	receive_byte(STDIN_FILENO);
	empty_bpf__destroy(empty);
	return 0;
}
