/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every hook of our BPF objects, as `doctor` lists them: what it gives, whether it can be used here, and
 * what does its work where it cannot. The list is made from the objects themselves, so that none is
 * forgotten.
 */
#ifndef MEMMON_HOOKS_H
#define MEMMON_HOOKS_H

#include "features.h"
#include "sinks/doctor.h"

/*
 * Probes each, with the kernel's types from `btf` (a file; NULL = the kernel's own). `*out` is the
 * caller's to free. Returns 0 or -ENOMEM.
 */
int hooks_probe(const struct features *f, const char *btf, struct doctor_hook **out, size_t *n);

#endif
