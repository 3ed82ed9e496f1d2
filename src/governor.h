/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decides how closely to watch, so that our programs stay within a budget: a share of one core that
 * they may take from all processes of the machine together. Pure: no clock, no libbpf.
 *
 * Down: when every window of one second was over the budget; first what is optional, then the hook on
 * RSS. Up: one step, after a back-off, as nobody can tell what a hook would cost while it is not
 * attached; if the first window then is over the budget, down again at once, and the back-off doubles.
 */
#ifndef MEMMON_GOVERNOR_H
#define MEMMON_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

#include "../bpf/events.h"

struct governor {
	double budget; /* share of one core; 0 = never steps down */
	enum watch_mode mode;
	bool lean; /* what is optional was dropped, and comes back last */
	bool over; /* the last window was over the budget … */
	uint64_t over_ns; /* … and all were since then */
	bool trial; /* no window has come since the last step up */
	uint64_t up_ns; /* of the last step up; 0 = none yet */
	uint64_t down_ns; /* of the last step down */
	uint64_t back_off_ns; /* from a step down to the next try; 0 = none yet */
};

void governor_init(struct governor *g, double budget, enum watch_mode mode);

/*
 * A window that ended at now_ns found our programs to take `share` of one core; `optional` = there is
 * something optional that could be dropped. Returns the mode to be in from now on.
 */
enum watch_mode governor_input(struct governor *g, uint64_t now_ns, double share, bool optional);

/* The mode could not be entered: it stays at `mode`, and it is a while to the next try. */
void governor_stay(struct governor *g, uint64_t now_ns, enum watch_mode mode);

/* Worth windows in close succession: is it about to step down, or on trial? */
bool governor_watchful(const struct governor *g);

#endif
