/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is inside the model: shared by model.c, which takes records in, and snapshot.c, which gives
 * the snapshot out. Nobody else includes this.
 */
#ifndef MEMMON_STATE_H
#define MEMMON_STATE_H

#include "processes.h"

#define OOM_KILLS 64 /* the newest are kept */
#define MODE_STEPS 64

struct model {
	/* system, charge, cost, times and footprint are kept right here, the rest is built */
	struct snapshot snap;
	struct process_table table;
	struct shm_ledger *shm; /* NULL until a record is about it */
	struct rec_tree tree; /* the last one */
	bool started; /* the first record has come */
	bool first_known; /* snap.tree.first is set */
	bool ticked; /* the newest record is a REC_TICK */
	uint64_t level_peak_pages; /* within the current interval */
	uint64_t charge_highest_bytes; /* highest current seen; UNKNOWN_U64 = none */
	uint64_t pressure_first_us[2]; /* some, full */
	struct oom_kill oom[OOM_KILLS];
	char *oom_cgroup[OOM_KILLS]; /* owned; oom[].cgroup points at them */
	size_t n_oom;
	struct mode_step steps[MODE_STEPS];
	uint64_t mode_ns[WATCH_MODES]; /* how long in each mode, until the newest step */
	struct history_point history[HISTORY_POINTS];
	size_t n_history;
	struct model_tap tap; /* zeroed: nobody listens */
};

#endif
