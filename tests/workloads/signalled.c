/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signalled: counts the SIGINTs that it gets. Says "ready", then "SIGINT" at the first, and ends with
 * status 5 at the next line; a second SIGINT by then shows as status 6.
 */
#include <signal.h>

#include "workload.h"

static volatile sig_atomic_t count;

static void on_signal(int number)
{
	(void)number;
	if (count++ == 0)
		say("SIGINT");
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	if (sigaction(SIGINT, &action, NULL))
		die("sigaction");
	say("ready %d", (int)getpid());
	wait_for_line();
	return count == 1 ? 5 : count ? 6 : 0;
}
