/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a watch has at hand: shared by watch.c and watch_start.c. Nobody else includes this. */
#ifndef MEMMON_WATCH_STATE_H
#define MEMMON_WATCH_STATE_H

#include "command.h"
#include "features.h"
#include "ledger.h"
#include "outputs.h"
#include "sampler.h"
#include "targets.h"
#include "tracer.h"

#define EXIT_FAILED 1
#define EXIT_CONDITION 3
#define EXIT_LOST 4
#define EXIT_FAILED_WITH_COMMAND 125

struct watch {
	struct options *o;
	struct features *features;
	struct tracer *tracer;
	struct ledger *ledger; /* of shared memory; NULL until the first line is out, or for good */
	struct model *model;
	struct sampler sampler;
	struct cgroup_mounts mounts;
	struct cgroup cgroup; /* of -g */
	struct containers *containers; /* of -c; NULL = none */
	struct containers *names; /* without -c: who knows a container's name; NULL = nobody */
	struct scope scope; /* of --scope */
	struct command command;
	struct command_signals inherited;
	struct run run;
	struct outputs outputs;
	char target[256];
	int signals; /* a signalfd; -1 = none yet */
	int interrupts; /* SIGINT, SIGQUIT, SIGTERM, SIGHUP so far */
	int last_signal; /* of them */
	bool lost; /* records, under --strict */
	bool reaped; /* the command has ended and run.wait_status is valid */
	bool quit;
	uint64_t start_ns;
};

/* Says what is wrong; returns a negative errno. */
int watch_say(const char *what, const char *why);

/*
 * Finds the targets, opens the outputs, loads and attaches, starts the command. Returns 0, or the exit
 * status with which the watch failed; what was said about it is said.
 */
int watch_start(struct watch *w);

/*
 * Begins to look at the targets' shared memory: for a command and for containers before they go on,
 * for others after the first line. Where it cannot, that is said and the watch goes on without.
 */
void watch_start_ledger(struct watch *w);
void watch_end_ledger(struct watch *w); /* again is fine */

#endif
