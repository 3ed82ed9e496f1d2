/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_snapshot(): what the records amount to, and what may be asked of that.
 *
 * The kernel adds the tree's differences up in batches, so its figure may lag while each process's
 * own peak is exact. At the instant of any one process's peak the tree held at least that process;
 * and a tree of one process is that process. Both are put right here.
 */
#include <string.h>

#include "state.h"

/* The tree is one process, and that process's figures are known. */
static bool is_single(const struct model *m)
{
	return m->table.best.known && m->table.seen == 1 && m->tree.processes_seen == 1 &&
	       !m->tree.processes_untracked;
}

static void build_peak(struct model *m)
{
	const struct process_table *t = &m->table;
	struct snapshot *s = &m->snap;
	bool single = is_single(m);

	s->tree.at_peak = m->tree.at_peak;
	s->tree.peak_ns = m->tree.peak_ns;
	s->tree.error_pages = m->tree.error_pages;
	s->tree.no_kinds = false;
	if (single ||
	    (t->best.known && rss_pages(&t->best.at_peak) > rss_pages(&s->tree.at_peak))) {
		s->tree.at_peak = t->best.at_peak;
		s->tree.peak_ns = t->best.peak_ns;
		s->tree.no_kinds = t->best.no_kinds;
	}
	if (single)
		s->tree.error_pages = t->best.error_pages;

	s->tree.peak = m->tree.peak;
	for (int i = 0; i < MEM_KINDS; i++)
		if (single || t->kind_peak.kind[i] > s->tree.peak.kind[i])
			s->tree.peak.kind[i] = t->kind_peak.kind[i];
}

static void build_tree(struct model *m)
{
	struct snapshot *s = &m->snap;
	struct process_sums sums;

	processes_sum(&m->table, &sums);
	s->tree.minor_faults = sums.minor_faults;
	s->tree.major_faults = sums.major_faults;
	s->tree.cpu_ns = sums.cpu_ns;
	for (int i = 0; i < VM_CALLS; i++)
		s->tree.volume[i] = sums.volume[i];
	s->tree.level_peak_pages = m->level_peak_pages;
	if (!s->tree.known)
		return;
	s->tree.now = m->tree.now;
	s->tree.processes = m->tree.processes_seen;
	s->tree.processes_live = m->tree.processes_live;
	s->tree.processes_peak = m->tree.processes_peak;
	s->tree.processes_untracked = m->tree.processes_untracked;
	build_peak(m);
}

static void build_mode(struct model *m)
{
	struct snapshot *s = &m->snap;

	memcpy(s->mode.lasted_ns, m->mode_ns, sizeof(m->mode_ns));
	s->mode.steps = m->steps;
	if (s->mode.n_steps) {
		const struct mode_step *newest = &m->steps[s->mode.n_steps - 1];

		if (s->now_ns > newest->ts_ns)
			s->mode.lasted_ns[newest->mode] += s->now_ns - newest->ts_ns;
	}
}

const struct snapshot *model_snapshot(struct model *m)
{
	struct snapshot *s = &m->snap;

	build_tree(m);
	build_mode(m);
	processes_list(&m->table);
	s->processes = m->table.order;
	s->n_processes = m->table.n;
	s->n_live = m->table.n_live;
	s->processes_omitted = m->table.pruned;
	if (s->tree.known && s->tree.processes > s->n_processes &&
	    s->tree.processes - s->n_processes > s->processes_omitted)
		s->processes_omitted = s->tree.processes - s->n_processes;
	s->oom = m->oom;
	s->n_oom = m->n_oom;
	s->history = m->history;
	s->n_history = m->n_history;
	s->shm = m->shm ? shm_ledger_view(m->shm, s->now_ns) : NULL;
	return s;
}

uint64_t snapshot_missed(const struct snapshot *s, enum missed which)
{
	uint64_t runs = s->cost.last.missed_runs[which];

	return s->cost.known && runs != UNKNOWN_U64 ? runs : 0;
}

bool snapshot_lost(const struct snapshot *s)
{
	return (s->cost.known && s->cost.last.lost_records) || snapshot_missed(s, MISSED_PROCESSES);
}
