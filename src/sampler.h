/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What no hook tells, read when an interval ends and handed on as records: the machine's memory,
 * what a cgroup charges, PSS; and the names that the kernel's records do not carry.
 */
#ifndef MEMMON_SAMPLER_H
#define MEMMON_SAMPLER_H

#include "containers.h"
#include "model/model.h"
#include "os/cgroup.h"

struct sampler {
	struct model *model; /* the caller's */
	const struct cgroup_mounts *mounts; /* the caller's */
	struct containers *containers; /* of -c, for their names; NULL = ids */
	const struct cgroup *charged; /* whose charge is read; NULL = none */
	bool pss;
	uint64_t pss_at_ns; /* when PSS was last read */
};

/* Reads all that is due. Returns 0 or the negative errno of the model. */
int sampler_read(struct sampler *s);

/* Command line and container of a process that started or became another program. */
int sampler_name_process(struct sampler *s, const struct rec_head *head);

/* The cgroup of an OOM victim: that outlives it as a rule. */
int sampler_name_victim(struct sampler *s, const struct rec_oom *oom);

#endif
