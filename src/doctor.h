/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MEMMON_DOCTOR_H
#define MEMMON_DOCTOR_H

#include "doctor_options.h"

/*
 * Runs `memmon-bpf doctor`: probes, tries, prints. Returns the exit status: 0 when -p, shm and -c all
 * work, be it with less; 1 when one does not, or the findings could not be written.
 */
int doctor_run(const struct doctor_options *o);

#endif
