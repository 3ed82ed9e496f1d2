/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copy of a snapshot that a paused screen shows: the model's own is gone with the next record,
 * but a paused screen can still be sorted, scrolled and resized.
 */
#include <stdlib.h>
#include <string.h>

#include "live.h"

struct live_copy {
	struct snapshot s;
	struct process *processes;
	const struct process **order;
	struct history_point *history;
	struct oom_kill *oom;
	struct shm_view shm;
	struct shm_mount *mounts; /* without files and chargers, which are not shown */
	const struct shm_mount **mount_order;
};

static void *copy_array(const void *from, size_t n, size_t size)
{
	void *to = calloc(n + 1, size);

	if (to && n)
		memcpy(to, from, n * size);
	return to;
}

static int copy_processes(struct live_copy *copy, const struct snapshot *s)
{
	copy->processes = calloc(s->n_processes + 1, sizeof(*copy->processes));
	copy->order = calloc(s->n_processes + 1, sizeof(*copy->order));
	if (!copy->processes || !copy->order)
		return -1;
	for (size_t i = 0; i < s->n_processes; i++) {
		struct process *p = &copy->processes[i];

		*p = *s->processes[i];
		/* not shown */
		p->container = NULL;
		/* a missing command line is shown as the comm: no reason to fail */
		p->cmdline = p->cmdline ? strdup(p->cmdline) : NULL;
		copy->order[i] = p;
	}
	return 0;
}

static void free_mount(struct shm_mount *m)
{
	free((char *)m->point);
	free((char *)m->container);
	free((struct shm_full *)m->full);
}

static int copy_mount(struct shm_mount *to, const struct shm_mount *from)
{
	struct shm_full *full = copy_array(from->full, from->n_full, sizeof(*from->full));

	*to = *from;
	to->point = strdup(from->point);
	to->container = strdup(from->container);
	to->container_id = to->runtime = "";
	to->files = NULL;
	to->chargers = NULL;
	to->n_files = to->n_chargers = 0;
	to->full = full;
	for (size_t i = 0; full && i < from->n_full; i++)
		full[i].container = NULL;
	return to->point && to->container && full ? 0 : -1;
}

static int copy_shm(struct live_copy *copy, const struct snapshot *s)
{
	if (!s->shm)
		return 0;
	copy->mounts = calloc(s->shm->n_mounts + 1, sizeof(*copy->mounts));
	copy->mount_order = calloc(s->shm->n_mounts + 1, sizeof(*copy->mount_order));
	if (!copy->mounts || !copy->mount_order)
		return -1;
	copy->shm = (struct shm_view){ .known = s->shm->known, .mounts = copy->mount_order };
	for (size_t i = 0; i < s->shm->n_mounts; i++) {
		copy->mount_order[i] = &copy->mounts[i];
		copy->shm.n_mounts++;
		if (copy_mount(&copy->mounts[i], s->shm->mounts[i]))
			return -1;
	}
	return 0;
}

struct live_copy *live_copy_create(const struct snapshot *s)
{
	struct live_copy *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	copy->s = *s;
	copy->s.shm = s->shm ? &copy->shm : NULL;
	copy->history = copy_array(s->history, s->n_history, sizeof(*s->history));
	copy->oom = copy_array(s->oom, s->n_oom, sizeof(*s->oom));
	if (copy_shm(copy, s) || !copy->history || !copy->oom || copy_processes(copy, s)) {
		copy->s.n_processes = 0;
		live_copy_destroy(copy);
		return NULL;
	}
	copy->s.history = copy->history;
	copy->s.oom = copy->oom;
	copy->s.processes = copy->order;
	/* owned by the model and not shown */
	for (size_t i = 0; i < s->n_oom; i++)
		copy->oom[i].cgroup = NULL;
	return copy;
}

const struct snapshot *live_copy_snapshot(const struct live_copy *copy)
{
	return &copy->s;
}

void live_copy_destroy(struct live_copy *copy)
{
	if (!copy)
		return;
	for (size_t i = 0; i < copy->s.n_processes; i++)
		free((char *)copy->processes[i].cmdline);
	for (size_t i = 0; i < copy->shm.n_mounts; i++)
		free_mount(&copy->mounts[i]);
	free(copy->mounts);
	free(copy->mount_order);
	free(copy->processes);
	free(copy->order);
	free(copy->history);
	free(copy->oom);
	free(copy);
}
