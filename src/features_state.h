/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is inside the features: shared by features.c, the table, and features_hooks.c, the hooks. */
#ifndef MEMMON_FEATURES_STATE_H
#define MEMMON_FEATURES_STATE_H

#include "features.h"
#include "probe.h"

#define FEATURE_WHY_LEN 640

struct features {
	struct feature_state table[FEATURE_COUNT];
	char why[FEATURE_COUNT][FEATURE_WHY_LEN];
	struct rights rights;
	struct kernel_btf btf;
	struct probe *probe; /* while probing */
	bool preempted, loop, exit_is_early, memlock_counts, sys_exit;
	enum feature_hook mm_end_by, last_by, volumes_by, shm_by;
};

/* Sets the state, and why it is not on. */
void feature_set(struct features *f, enum feature which, const char *state, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void feature_set_on(struct features *f, enum feature which);

/* Asks for every hook that a feature needs, and says what is lost without it. */
void features_probe_hooks(struct features *f);

#endif
