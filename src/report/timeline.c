/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../model/processes.h"
#include "rows.h"

/* Figures of the rows, as recording_figures() has them. */
enum {
	TREE_RSS,
	TREE_ANON,
	TREE_FILE,
	TREE_SHMEM,
	TREE_SWAP,
	TREE_FOOTPRINT,
	TREE_PROCESSES,
	TREE_MINOR,
	TREE_MAJOR,
	TREE_CPU,
	TREE_LOST,
	TREE_SAMPLED
};
enum {
	PROCESS_RSS,
	PROCESS_ANON,
	PROCESS_FILE,
	PROCESS_SHMEM,
	PROCESS_SWAP,
	PROCESS_PSS,
	PROCESS_MINOR,
	PROCESS_MAJOR,
	PROCESS_CPU
};
enum { SYSTEM_AVAILABLE, SYSTEM_SOME, SYSTEM_FULL };
enum { CHARGE_CURRENT, CHARGE_ANON, CHARGE_FILE, CHARGE_SHMEM, CHARGE_KERNEL, CHARGE_LIMIT };

struct tracked {
	int64_t id;
	struct process p; /* as of now */
	uint64_t end_ns; /* when it will end; 0 = it does not */
};

struct timeline {
	const struct snapshot *end;
	struct rows rows;
	struct snapshot now;
	struct tracked *tracked; /* by id */
	size_t n_tracked;
	const struct process **live;
	struct mode_step step;
};

static uint64_t known(int64_t figure)
{
	return figure == SAMPLE_UNKNOWN ? UNKNOWN_U64 : (uint64_t)figure;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	if (a == UNKNOWN_U64 || b == UNKNOWN_U64)
		return a == UNKNOWN_U64 ? b : a;
	return a > b ? a : b;
}

/* The four kinds, in the order of both entities' figures. */
static void set_kinds(struct mem_pages *p, const int64_t *anon, uint64_t page_bytes)
{
	static const enum mem_kind order[] = { MEM_ANON, MEM_FILE, MEM_SHMEM, MEM_SWAP };

	for (int i = 0; i < MEM_KINDS; i++)
		p->kind[order[i]] = anon[i] == SAMPLE_UNKNOWN ? 0 : anon[i] / (int64_t)page_bytes;
}

/* Of a peak the rows have only the sum. */
static void raise_peak(struct mem_pages *peak, int64_t rss, uint64_t page_bytes)
{
	if (rss != SAMPLE_UNKNOWN && rss / (int64_t)page_bytes > peak->kind[MEM_ANON])
		peak->kind[MEM_ANON] = rss / (int64_t)page_bytes;
}

/*
 * What only grows makes no row by itself: between rows it is not known. The RSS was not higher than it is
 * where no row says so.
 */
static void forget_what_grows(struct timeline *t)
{
	struct snapshot *s = &t->now;

	s->tree.minor_faults = s->tree.major_faults = s->tree.cpu_ns = UNKNOWN_U64;
	s->tree.level_peak_pages = s->tree.known ? rss_pages(&s->tree.now) : UNKNOWN_U64;
	s->system.pressure_some_us = s->system.pressure_full_us = UNKNOWN_U64;
	for (size_t i = 0; i < t->n_tracked; i++) {
		struct rec_reading *r = &t->tracked[i].p.reading;

		r->minor_faults = r->major_faults = r->cpu_ns = UNKNOWN_U64;
	}
}

/* Each returns whether an interval ended with that row. */

static bool take_tree(struct timeline *t, const struct sample *row)
{
	struct snapshot *s = &t->now;

	s->tree.known = row->last[TREE_RSS] != SAMPLE_UNKNOWN;
	set_kinds(&s->tree.now, &row->last[TREE_ANON], s->page_bytes);
	raise_peak(&s->tree.at_peak, row->max[TREE_RSS], s->page_bytes);
	s->tree.level_peak_pages = known(row->max[TREE_RSS]);
	if (s->tree.level_peak_pages != UNKNOWN_U64)
		s->tree.level_peak_pages /= s->page_bytes;
	s->tree.footprint_bytes = known(row->last[TREE_FOOTPRINT]);
	s->tree.footprint_peak_bytes =
		larger(s->tree.footprint_peak_bytes, known(row->max[TREE_FOOTPRINT]));
	s->tree.processes_live = known(row->last[TREE_PROCESSES]);
	s->tree.minor_faults = known(row->last[TREE_MINOR]);
	s->tree.major_faults = known(row->last[TREE_MAJOR]);
	s->tree.cpu_ns = known(row->last[TREE_CPU]);
	s->cost.known = row->last[TREE_LOST] != SAMPLE_UNKNOWN;
	s->cost.last.lost_records = known(row->last[TREE_LOST]);
	s->mode.known = row->last[TREE_SAMPLED] != SAMPLE_UNKNOWN;
	t->step.mode = row->last[TREE_SAMPLED] == 1 ? MODE_SAMPLE : MODE_FULL;
	return true;
}

static uint64_t moment(const struct timeline *t, int64_t at_ns)
{
	return t->now.start_ns + (uint64_t)(at_ns > 0 ? at_ns : 0);
}

static int compare_ids(const void *left, const void *right)
{
	const struct tracked *a = left, *b = right;

	return (a->id > b->id) - (a->id < b->id);
}

static bool take_process(struct timeline *t, const struct sample *row)
{
	struct tracked key = { .id = row->id };
	struct tracked *found = bsearch(&key, t->tracked, t->n_tracked, sizeof(key), compare_ids);
	struct rec_reading *r;

	if (!found)
		return false; /* one of those that are no longer in the snapshot */
	r = &found->p.reading;
	found->p.has_reading = true;
	r->flags = READING_NO_KINDS;
	if (row->last[PROCESS_RSS] == SAMPLE_UNKNOWN)
		r->flags |= READING_NO_MM;
	set_kinds(&r->now, &row->last[PROCESS_ANON], t->now.page_bytes);
	raise_peak(&r->at_peak, row->max[PROCESS_RSS], t->now.page_bytes);
	r->minor_faults = known(row->last[PROCESS_MINOR]);
	r->major_faults = known(row->last[PROCESS_MAJOR]);
	r->cpu_ns = known(row->last[PROCESS_CPU]);
	found->p.pss_bytes = known(row->last[PROCESS_PSS]);
	/* its last row is of the time of its end */
	return !found->end_ns || moment(t, row->at_ns) < found->end_ns;
}

static bool take_system(struct timeline *t, const struct sample *row)
{
	struct snapshot *s = &t->now;
	uint64_t available = known(row->last[SYSTEM_AVAILABLE]);
	uint64_t least = known(row->min[SYSTEM_AVAILABLE]);

	s->system.known = available != UNKNOWN_U64;
	s->system.available_bytes = available;
	if (least < s->system.available_min_bytes)
		s->system.available_min_bytes = least;
	s->system.pressure_some_us = known(row->last[SYSTEM_SOME]);
	s->system.pressure_full_us = known(row->last[SYSTEM_FULL]);
	return true;
}

static bool take_charge(struct timeline *t, const struct sample *row)
{
	struct snapshot *s = &t->now;
	struct rec_charge *c = &s->charge.last;

	s->charge.known = true;
	c->current_bytes = known(row->last[CHARGE_CURRENT]);
	c->anon_bytes = known(row->last[CHARGE_ANON]);
	c->file_bytes = known(row->last[CHARGE_FILE]);
	c->shmem_bytes = known(row->last[CHARGE_SHMEM]);
	c->kernel_bytes = known(row->last[CHARGE_KERNEL]);
	c->limit_bytes = known(row->last[CHARGE_LIMIT]);
	s->charge.peak_bytes = larger(s->charge.peak_bytes, known(row->max[CHARGE_CURRENT]));
	return true;
}

typedef bool take_fn(struct timeline *t, const struct sample *row);

static take_fn *const takers[ENTITIES] = {
	[ENTITY_TREE] = take_tree,
	[ENTITY_PROCESS] = take_process,
	[ENTITY_SYSTEM] = take_system,
	[ENTITY_CHARGE] = take_charge,
};

static int compare_rss(const void *left, const void *right)
{
	const struct process *a = *(const struct process *const *)left;
	const struct process *b = *(const struct process *const *)right;
	uint64_t x = process_has_rss(a) ? rss_pages(&a->reading.now) : 0;
	uint64_t y = process_has_rss(b) ? rss_pages(&b->reading.now) : 0;

	if (x != y)
		return x < y ? 1 : -1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

static void list_live(struct timeline *t)
{
	struct snapshot *s = &t->now;

	s->n_live = 0;
	for (size_t i = 0; i < t->n_tracked; i++) {
		const struct tracked *tracked = &t->tracked[i];

		/* from its first row on */
		if (tracked->p.has_reading && tracked->p.watched_ns <= s->now_ns &&
		    (!tracked->end_ns || tracked->end_ns > s->now_ns))
			t->live[s->n_live++] = &tracked->p;
	}
	qsort(t->live, s->n_live, sizeof(*t->live), compare_rss);
	s->n_processes = s->n_live;
}

/* Takes all rows of the next moment. 1, 0 at the end, or a negative errno. */
static int take_moment(struct timeline *t, int64_t *at_ns, bool *interval)
{
	enum entity e;
	const struct sample *row = rows_next(&t->rows, &e);

	if (!row)
		return 0;
	*at_ns = row->at_ns;
	for (; row && row->at_ns == *at_ns; row = rows_next(&t->rows, &e)) {
		int err;

		*interval |= takers[e](t, row);
		err = rows_advance(&t->rows);
		if (err)
			return err;
	}
	return 1;
}

int timeline_next(struct timeline *t, const struct snapshot **out)
{
	bool interval = false;
	int64_t at_ns = 0;

	forget_what_grows(t);
	while (!interval) {
		int err = take_moment(t, &at_ns, &interval);

		if (err != 1)
			return err;
	}
	t->now.now_ns = moment(t, at_ns);
	list_live(t);
	*out = &t->now;
	return 1;
}

/* A process before its first row: who it is, and what it held at first. */
static struct process at_first(const struct process *end)
{
	struct process p = *end;
	struct rec_reading *r = &p.reading;

	p.end_ns = 0;
	p.has_status = false;
	p.has_reading = false;
	p.pss_bytes = UNKNOWN_U64;
	r->error_pages = UNKNOWN_U64;
	r->at_peak = (struct mem_pages){ { 0 } };
	r->minor_faults = r->major_faults = r->cpu_ns = UNKNOWN_U64;
	for (int i = 0; i < VM_CALLS; i++)
		r->volume[i].calls = UNKNOWN_U64;
	return p;
}

static void begin(struct timeline *t, const struct snapshot *end)
{
	struct snapshot *s = &t->now;

	s->page_bytes = end->page_bytes;
	s->start_ns = s->now_ns = end->start_ns;
	s->tree.first = end->tree.first;
	s->tree.no_kinds = true;
	s->tree.error_pages = UNKNOWN_U64;
	s->tree.processes = s->tree.processes_peak = UNKNOWN_U64;
	s->tree.processes_live = s->tree.processes_untracked = UNKNOWN_U64;
	s->tree.minor_faults = s->tree.major_faults = s->tree.cpu_ns = UNKNOWN_U64;
	for (int i = 0; i < VM_CALLS; i++)
		s->tree.volume[i].calls = UNKNOWN_U64;
	s->tree.footprint_first_bytes = end->tree.footprint_first_bytes;
	s->tree.footprint_bytes = s->tree.footprint_peak_bytes = UNKNOWN_U64;
	s->tree.level_peak_pages = UNKNOWN_U64;
	s->system.total_bytes = end->system.total_bytes;
	s->system.available_first_bytes = end->system.available_first_bytes;
	s->system.available_bytes = s->system.available_min_bytes = UNKNOWN_U64;
	s->system.pressure_some_us = s->system.pressure_full_us = UNKNOWN_U64;
	s->charge.peak_bytes = UNKNOWN_U64;
	s->cost.last.events = s->cost.last.event_ns = s->cost.last.tool_cpu_ns = UNKNOWN_U64;
	s->cost.last.tool_rss_bytes = UNKNOWN_U64;
	for (int i = 0; i < MISSED_KINDS; i++)
		s->cost.last.missed_runs[i] = UNKNOWN_U64;
	for (int i = 0; i < WATCH_MODES; i++)
		s->mode.lasted_ns[i] = UNKNOWN_U64;
	s->mode.steps = &t->step;
	s->mode.n_steps = 1;
	s->processes = t->live;
}

int timeline_open(struct recording *r, const struct snapshot *end, struct timeline **out)
{
	struct timeline *t = calloc(1, sizeof(*t));
	bool wanted[ENTITIES];
	int err = -ENOMEM;

	if (!t)
		return err;
	t->end = end;
	t->tracked = calloc(end->n_processes + 1, sizeof(*t->tracked));
	t->live = calloc(end->n_processes + 1, sizeof(*t->live));
	if (!t->tracked || !t->live)
		goto fail;
	for (size_t i = 0; i < end->n_processes; i++) {
		const struct process *p = end->processes[i];

		t->tracked[i] = (struct tracked){ .id = recording_process_id(r, p),
						  .p = at_first(p),
						  .end_ns = p->end_ns };
	}
	t->n_tracked = end->n_processes;
	qsort(t->tracked, t->n_tracked, sizeof(*t->tracked), compare_ids);
	begin(t, end);
	for (int e = 0; e < ENTITIES; e++)
		wanted[e] = takers[e];
	err = rows_open(&t->rows, r, wanted);
	if (err)
		goto fail;
	*out = t;
	return 0;
fail:
	timeline_close(t);
	return err;
}

void timeline_close(struct timeline *t)
{
	if (!t)
		return;
	rows_close(&t->rows);
	free(t->tracked);
	free(t->live);
	free(t);
}
