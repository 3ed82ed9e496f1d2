/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MEMMON_REPORT_H
#define MEMMON_REPORT_H

#include "report_options.h"

/* Shows a recording as the options say. Returns the exit status. */
int report_run(const struct report_options *o);

#endif
