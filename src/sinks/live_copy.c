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

struct live_copy *live_copy_create(const struct snapshot *s)
{
	struct live_copy *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	copy->s = *s;
	copy->history = copy_array(s->history, s->n_history, sizeof(*s->history));
	copy->oom = copy_array(s->oom, s->n_oom, sizeof(*s->oom));
	if (!copy->history || !copy->oom || copy_processes(copy, s)) {
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
	free(copy->processes);
	free(copy->order);
	free(copy->history);
	free(copy->oom);
	free(copy);
}
