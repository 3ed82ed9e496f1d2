/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process table: look-up, levels, readings, ends and pruning.
 *
 * Ended processes are dropped in batches: sorting all of them once per (kept + live) / 4 ends costs
 * O(log n) per process, however many come and go between two snapshots.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "processes.h"

/* UNKNOWN_U64 adds nothing; saturated, for a sum must not turn into "not known". */
static uint64_t plus(uint64_t sum, uint64_t v)
{
	if (v == UNKNOWN_U64)
		return sum;
	if (sum == UNKNOWN_U64)
		return v;
	if (__builtin_add_overflow(sum, v, &sum) || sum == UNKNOWN_U64)
		return UNKNOWN_U64 - 1;
	return sum;
}

static void sums_init(struct process_sums *sums)
{
	memset(sums, 0xff, sizeof(*sums)); /* UNKNOWN_U64 everywhere */
}

static void sums_add(struct process_sums *sums, const struct process *p)
{
	const struct rec_reading *r = &p->reading;

	if (!p->has_reading)
		return;
	sums->minor_faults = plus(sums->minor_faults, r->minor_faults);
	sums->major_faults = plus(sums->major_faults, r->major_faults);
	sums->cpu_ns = plus(sums->cpu_ns, r->cpu_ns);
	for (int i = 0; i < VM_CALLS; i++) {
		if (r->volume[i].calls == UNKNOWN_U64)
			continue;
		sums->volume[i].calls = plus(sums->volume[i].calls, r->volume[i].calls);
		sums->volume[i].bytes = plus(sums->volume[i].bytes, r->volume[i].bytes);
	}
}

static void entry_destroy(struct process_entry *e)
{
	free(e->cmdline);
	free(e->container);
	free(e);
}

void processes_init(struct process_table *t, size_t max_ended)
{
	memset(t, 0, sizeof(*t));
	t->max_ended = max_ended ? max_ended : 1;
	sums_init(&t->retired);
}

void processes_finish(struct process_table *t)
{
	struct process_entry *e, *next;

	HASH_CLEAR(by_pid, t->live);
	HASH_ITER(hh, t->all, e, next) {
		HASH_DELETE(hh, t->all, e);
		entry_destroy(e);
	}
	free(t->order);
	t->order = NULL;
}

struct process_entry *processes_find(struct process_table *t, uint32_t pid, uint64_t start_ns)
{
	struct process_key key;
	struct process_entry *e;

	memset(&key, 0, sizeof(key)); /* it is hashed as bytes */
	key.start_ns = start_ns;
	key.pid = pid;
	HASH_FIND(hh, t->all, &key, sizeof(key), e);
	return e;
}

static int reserve_order(struct process_table *t)
{
	size_t cap = t->order_cap ? t->order_cap * 2 : 64;
	const struct process **order;

	if (t->n < t->order_cap)
		return 0;
	order = realloc(t->order, cap * sizeof(*order));
	if (!order)
		return -ENOMEM;
	t->order = order;
	t->order_cap = cap;
	return 0;
}

static uint64_t order_weight(const struct process *p)
{
	if (!process_has_rss(p))
		return 0;
	return rss_pages(p->end_ns ? &p->reading.at_peak : &p->reading.now);
}

/* Live ones first, by RSS; then ended ones, by peak; ties by pid, then by start. */
static int order_cmp(const void *a, const void *b)
{
	const struct process *p = *(const struct process *const *)a;
	const struct process *q = *(const struct process *const *)b;
	uint64_t pw, qw;

	if (!p->end_ns != !q->end_ns)
		return p->end_ns ? 1 : -1;
	pw = order_weight(p);
	qw = order_weight(q);
	if (pw != qw)
		return pw < qw ? 1 : -1;
	if (p->pid != q->pid)
		return p->pid < q->pid ? -1 : 1;
	return (p->start_ns > q->start_ns) - (p->start_ns < q->start_ns);
}

static void drop(struct process_table *t, struct process_entry *e)
{
	sums_add(&t->retired, &e->p);
	HASH_DELETE(hh, t->all, e);
	entry_destroy(e);
	t->n--;
	t->pruned++;
}

void processes_list(struct process_table *t)
{
	struct process_entry *e;
	size_t n = 0, keep = t->n_live + t->max_ended;

	for (e = t->all; e; e = e->hh.next)
		t->order[n++] = &e->p;
	if (n)
		qsort(t->order, n, sizeof(*t->order), order_cmp);
	while (n > keep) {
		const struct process *p = t->order[--n];

		drop(t, processes_find(t, p->pid, p->start_ns));
	}
}

/* Takes it off the live ones; keeps the entry. */
static void retire(struct process_table *t, struct process_entry *e, uint64_t end_ns)
{
	if (!e->p.end_ns) {
		HASH_DELETE(by_pid, t->live, e);
		t->n_live--;
		t->level_pages -= e->level_pages;
		e->level_pages = 0;
	}
	e->p.end_ns = end_ns ? end_ns : 1; /* 0 would mean that it lives */
}

void processes_end(struct process_table *t, struct process_entry *e, uint64_t end_ns)
{
	size_t slack = (t->max_ended + t->n_live) / 4 + 64;

	retire(t, e, end_ns);
	if (t->n - t->n_live > t->max_ended + slack)
		processes_list(t);
}

static struct process_entry *add(struct process_table *t, uint32_t pid, uint64_t start_ns)
{
	struct process_entry *e;

	if (reserve_order(t))
		return NULL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->key.pid = e->p.pid = pid;
	e->key.start_ns = e->p.start_ns = start_ns;
	e->p.pss_bytes = UNKNOWN_U64;
	HASH_ADD(hh, t->all, key, sizeof(e->key), e);
	if (!e->hh.tbl)
		goto out_free;
	HASH_ADD(by_pid, t->live, key.pid, sizeof(e->key.pid), e);
	if (!e->by_pid.tbl)
		goto out_delete;
	t->n++;
	t->n_live++;
	t->seen++;
	return e;

out_delete:
	HASH_DELETE(hh, t->all, e);
out_free:
	free(e);
	return NULL;
}

int processes_get(struct process_table *t, uint32_t pid, uint64_t start_ns,
		  struct process_entry **out)
{
	struct process_entry *e = processes_find(t, pid, start_ns), *other = NULL;

	if (!e) {
		/* pid 0 stands for every process that our pid namespace does not see */
		if (pid)
			HASH_FIND(by_pid, t->live, &pid, sizeof(pid), other);
		e = add(t, pid, start_ns);
		if (!e)
			return -ENOMEM;
		if (other && other->p.start_ns < start_ns)
			retire(t, other, start_ns);
		else if (other)
			retire(t, e, other->p.start_ns);
	}
	*out = e;
	return 0;
}

bool processes_set_level(struct process_table *t, struct process_entry *e,
			 const struct mem_pages *now, uint64_t ts_ns)
{
	if (e->p.end_ns || ts_ns < e->level_ns)
		return false;
	t->level_pages -= e->level_pages;
	e->level_pages = rss_pages(now);
	e->level_ns = ts_ns;
	t->level_pages += e->level_pages;
	return true;
}

static void note_peak(struct process_table *t, const struct rec_reading *r)
{
	if (!t->best.known || rss_pages(&r->at_peak) > rss_pages(&t->best.at_peak)) {
		t->best.known = true;
		t->best.at_peak = r->at_peak;
		t->best.peak_ns = r->peak_ns;
		t->best.error_pages = r->error_pages;
		t->best.no_kinds = r->flags & READING_NO_KINDS;
	} else if (rss_pages(&r->at_peak) == rss_pages(&t->best.at_peak) &&
		   r->error_pages > t->best.error_pages) {
		/* the same peak, known less exactly since another CPU took part */
		t->best.error_pages = r->error_pages;
	}
	for (int i = 0; i < MEM_KINDS; i++)
		if (r->peak.kind[i] > t->kind_peak.kind[i])
			t->kind_peak.kind[i] = r->peak.kind[i];
}

void processes_set_reading(struct process_table *t, struct process_entry *e,
			   const struct rec_reading *r)
{
	static const struct mem_pages nothing;

	e->p.reading = *r;
	e->p.reading.comm[COMM_LEN - 1] = '\0';
	e->p.has_reading = true;
	processes_set_level(t, e, process_has_rss(&e->p) ? &r->now : &nothing, r->head.ts_ns);
	if (process_has_rss(&e->p))
		note_peak(t, r);
}

void processes_sum(const struct process_table *t, struct process_sums *out)
{
	const struct process_entry *e;

	*out = t->retired;
	for (e = t->all; e; e = e->hh.next)
		sums_add(out, &e->p);
}
