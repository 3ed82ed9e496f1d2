/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MEMMON_DIFF_H
#define MEMMON_DIFF_H

#include "diff_options.h"

/* Compares as the options say. Returns the exit status. */
int diff_run(const struct diff_options *o);

#endif
