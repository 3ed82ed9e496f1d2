/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a watch has at hand: shared by watch.c and watch_start.c. Nobody else includes this. */
#ifndef MEMMON_WATCH_STATE_H
#define MEMMON_WATCH_STATE_H

#include "command.h"
#include "features.h"
#include "governor.h"
#include "ledger.h"
#include "outputs.h"
#include "run_time.h"
#include "sampler.h"
#include "stats_switch.h"
#include "stream.h"
#include "targets.h"
#include "tracer.h"

#define EXIT_FAILED 1
#define EXIT_CONDITION 3
#define EXIT_LOST 4
#define EXIT_FAILED_WITH_COMMAND 125

/* What measures the cost of our programs, and keeps it within the budget: see watch_govern.c. */
struct govern {
	struct governor governor;
	struct stats_switch *stats; /* NULL = the kernel's statistics cannot be had */
	uint64_t due_ns; /* when a window begins or ends next */
	bool open; /* a window is */
	uint64_t open_ns; /* since when */
	struct run_time begin; /* what had run by then */
	uint64_t from_ns, to_ns; /* the span of the estimates: */
	double run_ns, runs;
};

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
	struct stream stream; /* for developers: see stream.h */
	struct govern govern;
	char target[256];
	int signals; /* a signalfd; -1 = none yet */
	int interrupts; /* SIGINT, SIGQUIT, SIGTERM, SIGHUP so far */
	int last_signal; /* of them */
	bool lost; /* records, under --strict */
	bool command_ended; /* it is reaped at the end */
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
/* May charges be traced now? Not where that takes hooks that cost too much. */
bool watch_may_trace(const struct watch *w);

/* Measures and governs from now on. */
void watch_govern_start(struct watch *w);
/* To be called at w->govern.due_ns. Returns 0, or a negative errno from the model. */
int watch_govern(struct watch *w);
/* Ends a window that is open; what it has seen counts. */
int watch_govern_finish(struct watch *w);

#endif
