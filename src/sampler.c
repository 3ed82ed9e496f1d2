// SPDX-License-Identifier: GPL-2.0-or-later
#include "sampler.h"

#include <errno.h>
#include <stdlib.h>

#include "os/charge.h"
#include "os/container.h"
#include "os/procfs.h"
#include "util/clock.h"

/* smaps_rollup takes the target's mmap lock: not more often than this */
#define PSS_INTERVAL_NS 1000000000ULL

static int read_system(struct sampler *s)
{
	struct rec_system rec = {
		.head = { .type = REC_SYSTEM, .size = sizeof(rec), .ts_ns = monotonic_ns() }
	};
	struct proc_pressure pressure;
	struct proc_meminfo meminfo;

	if (procfs_read_meminfo(&meminfo))
		return 0; /* stays unknown; the feature table says so */
	rec.total_bytes = meminfo.total_bytes;
	rec.available_bytes = meminfo.available_bytes;
	rec.pressure_some_us = rec.pressure_full_us = UNKNOWN_U64;
	if (procfs_read_pressure(&pressure) == 0) {
		rec.pressure_some_us = pressure.some_us;
		rec.pressure_full_us = pressure.full_us;
	}
	return model_apply(s->model, &rec.head, sizeof(rec));
}

static int read_charge(struct sampler *s)
{
	struct rec_charge rec = { .head.type = REC_NONE };

	if (charge_read(s->charged, &rec))
		return 0; /* the cgroup is gone: its last figures stand */
	rec.head = (struct rec_head){ .type = REC_CHARGE,
				      .size = sizeof(rec),
				      .ts_ns = monotonic_ns() };
	return model_apply(s->model, &rec.head, sizeof(rec));
}

static int read_pss(struct sampler *s)
{
	const struct snapshot *snap = model_snapshot(s->model);
	uint64_t now = monotonic_ns();
	size_t n = snap ? snap->n_live : 0, got = 0;
	struct rec_pss *recs;
	int err = 0;

	if (!n || now - s->pss_at_ns < PSS_INTERVAL_NS)
		return 0;
	s->pss_at_ns = now;
	/* the snapshot ends with the first record applied: read first, then apply */
	recs = calloc(n, sizeof(*recs));
	if (!recs)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct process *p = snap->processes[i];
		struct proc_smaps smaps;

		if (procfs_read_smaps((pid_t)p->pid, &smaps))
			continue;
		recs[got++] = (struct rec_pss){ .head = { .type = REC_PSS,
							  .size = sizeof(*recs),
							  .pid = p->pid,
							  .ts_ns = monotonic_ns(),
							  .start_ns = p->start_ns },
						.pss_bytes = smaps.pss_bytes };
	}
	for (size_t i = 0; !err && i < got; i++)
		err = model_apply(s->model, &recs[i].head, sizeof(recs[i]));
	free(recs);
	return err;
}

int sampler_read(struct sampler *s)
{
	int err = read_system(s);

	if (!err && s->charged)
		err = read_charge(s);
	if (!err && s->pss)
		err = read_pss(s);
	return err;
}

/* The memory cgroup of a process, or its unified one. */
static int cgroup_name_of(const struct sampler *s, uint32_t pid, struct cgroup *cgroup)
{
	int err = cgroup_of_pid(s->mounts, (pid_t)pid, 1, cgroup);

	return err ? cgroup_of_pid(s->mounts, (pid_t)pid, 2, cgroup) : 0;
}

int sampler_name_process(struct sampler *s, const struct rec_head *head)
{
	char cmdline[PROC_CMDLINE_MAX], id[CONTAINER_ID_DIGITS + 1];
	struct cgroup cgroup;
	const char *name;
	int err = 0;

	/* it may have ended already: then its comm has to do */
	if (procfs_read_cmdline((pid_t)head->pid, cmdline, sizeof(cmdline)) <= 0)
		return 0;
	err = model_set_cmdline(s->model, head->pid, head->start_ns, cmdline);
	if (err || cgroup_name_of(s, head->pid, &cgroup) || !container_id(cgroup.name, id))
		return err == -ENOENT ? 0 : err;
	name = s->containers ? containers_name(s->containers, id) : "";
	if (!*name) {
		id[CONTAINER_SHORT_ID_DIGITS] = '\0';
		name = id;
	}
	err = model_set_container(s->model, head->pid, head->start_ns, name);
	return err == -ENOENT ? 0 : err;
}

int sampler_name_victim(struct sampler *s, const struct rec_oom *oom)
{
	char name[PATH_MAX];
	int err = 0;

	if (cgroup_name_by_id(s->mounts, oom->cgroup_id, name, sizeof(name)) == 0)
		err = model_set_oom_cgroup(s->model, oom->head.pid, oom->head.ts_ns, name);
	return err == -ENOENT ? 0 : err;
}
