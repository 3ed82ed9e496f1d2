/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counters of an mm, and what the tree holds of it; all but the hot path, which is rss.bpf.h.
 *
 * mm->rss_stat[k] is a percpu_counter: `count` plus one part per CPU, each part below the kernel's
 * batch. The value is the sum.
 *
 * What the tree holds of an mm is Σ cell.part + Σ slot.count_seen. An event replaces its own CPU's part,
 * which nobody else writes, and moves count_seen by what it is off; the differences gather per CPU and
 * fold into `tree` in small batches. As they are differences to what the tree holds, an error made by a
 * race heals at the next event and never adds up.
 */
#ifndef MEMMON_BOOKS_BPF_H
#define MEMMON_BOOKS_BPF_H

#include "preempt.bpf.h"

#define NO_CPU (~0U) /* of slot.last_cpu */

struct counters {
	s64 count[MEM_KINDS];
	u64 percpu[MEM_KINDS]; /* address of the per-CPU parts; 0 before 6.2 */
};

#define READ_COUNTER(c, mm, k)                                                          \
	do {                                                                            \
		if (has_percpu_rss()) {                                                 \
			(c)->count[k] = BPF_CORE_READ(mm, rss_stat[k].count);           \
			(c)->percpu[k] = (u64)BPF_CORE_READ(mm, rss_stat[k].counters);  \
		} else {                                                                \
			struct mm_struct___atomic *old_ = (void *)(mm);                 \
			(c)->count[k] = BPF_CORE_READ(old_, rss_stat.count[k].counter); \
			(c)->percpu[k] = 0;                                             \
		}                                                                       \
	} while (0)

static __always_inline void read_counters(struct counters *c, struct mm_struct *mm)
{
	READ_COUNTER(c, mm, MEM_FILE);
	READ_COUNTER(c, mm, MEM_ANON);
	READ_COUNTER(c, mm, MEM_SWAP);
	READ_COUNTER(c, mm, MEM_SHMEM);
}

static __always_inline s64 read_part(const struct counters *c, int k, u32 cpu)
{
	s32 part = 0;

	if (has_percpu_rss() && cpu < MAX_CPUS)
		bpf_probe_read_kernel(&part, sizeof(part),
				      (void *)(c->percpu[k] + tree_cpus[cpu].percpu_offset));
	return part;
}

/* The exact value of each counter of `mm`, for rare hooks. */
static __noinline int sum_counters(s64 *now, u64 mm)
{
	struct counters c;

	if (!now)
		return 0;
	read_counters(&c, (struct mm_struct *)mm);
	fence(); /* counts before parts: see SUM_OTHERS */
	for (int k = 0; k < MEM_KINDS; k++)
		now[k] = c.count[k];
	for (u32 cpu = 0; has_percpu_rss() && cpu < MAX_CPUS && cpu < cfg_cpus; cpu++)
		for (int k = 0; k < MEM_KINDS; k++)
			now[k] += read_part(&c, k, cpu);
	return 0;
}

static __always_inline void raise(s64 *peak, s64 value)
{
	if (value > *peak)
		*peak = value;
}

static __always_inline s64 min(s64 a, s64 b)
{
	return a < b ? a : b;
}

/* A counter as this CPU sees it. */
static __always_inline s64 now_of(const struct cell *cell, int k)
{
	return cell->base[k] + (k == MEM_SWAP ? cell->swap_part : cell->share[SHARE_AT(k)].part);
}

static __always_inline void raise_rss(struct peaks *p, s64 rss, s64 file, s64 anon, s64 swap)
{
	if (rss <= p->rss)
		return;
	p->rss = rss;
	p->file = file;
	p->anon = anon;
	p->swap = swap;
	p->jiffies = bpf_jiffies64();
}

/* Raises `p` by what the shortcut of `cell` has seen since it was opened. */
static __always_inline void raise_by_shortcut(struct peaks *p, const struct cell *cell)
{
	u64 now = bpf_jiffies64();

	raise(&p->kind[MEM_FILE], cell->base[MEM_FILE] + cell->share[SHARE_AT(MEM_FILE)].top);
	raise(&p->kind[MEM_ANON], cell->base[MEM_ANON] + cell->share[SHARE_AT(MEM_ANON)].top);
	raise(&p->kind[MEM_SHMEM], cell->base[MEM_SHMEM] + cell->share[SHARE_AT(MEM_SHMEM)].top);
	if (cell->rss_top <= p->rss)
		return;
	p->rss = cell->rss_top;
	p->file = cell->base[MEM_FILE] + cell->top_file;
	p->anon = cell->base[MEM_ANON] + cell->top_anon;
	p->swap = cell->swap; /* an event on swap goes the long way */
	p->jiffies = now - (u32)((u32)now - cell->top_jiffies);
}

/* Was the tree never higher than now? Of a CPU that is held. */
static __always_inline void raise_tree(struct tree_cpu *t, const s64 *now)
{
	s64 rss = rss_of(now);

	if (sampling)
		return; /* nobody books what the processes do meanwhile */
	for (int k = 0; k < MEM_KINDS; k++)
		raise(&t->peak[k], now[k]);
	if (rss <= t->peak_rss)
		return;
	t->peak_rss = rss;
	for (int k = 0; k < MEM_KINDS; k++)
		t->at_peak[k] = now[k];
	t->peak_jiffies = bpf_jiffies64();
}

/*
 * Moves what this CPU has gathered into the tree and looks whether the tree was never higher. Of the hook on
 * RSS alone, which gathers: another program may have preempted it in the midst of that.
 */
static __noinline int fold_tree(struct tree_cpu *t)
{
	s64 now[MEM_KINDS];

	if (!t)
		return 0;
	hold_cpu();
	for (int k = 0; k < MEM_KINDS; k++) {
		s64 unfolded = t->unfolded[k];

		if (unfolded) {
			__sync_fetch_and_add(&tree.now[k], unfolded);
			t->unfolded[k] = 0;
		}
		now[k] = *(volatile s64 *)&tree.now[k];
	}
	raise_tree(t, now);
	release_cpu();
	return 0;
}

/* Looks whether the tree was never higher, after it was moved by another program. */
static __noinline int look_at_tree(void)
{
	struct tree_cpu *t = this_tree_cpu();
	s64 now[MEM_KINDS];

	hold_cpu();
	for (int k = 0; k < MEM_KINDS; k++)
		now[k] = *(volatile s64 *)&tree.now[k] + t->unfolded[k];
	raise_tree(t, now);
	release_cpu();
	return 0;
}

/* This CPU's part of counter k, as booked. */
static __always_inline s16 *part_at(struct cell *cell, int k)
{
	return k == MEM_SWAP ? &cell->swap_part : &cell->share[SHARE_AT(k)].part;
}

/* Lets the next event on any CPU come the long way. */
static __always_inline void close_shortcuts(u32 n)
{
	for (u32 cpu = 0; cpu < MAX_CPUS && cpu < cfg_cpus; cpu++) {
		struct cell *cell = cell_at(n, cpu);

		if (cell)
			cell->mm = 0;
	}
}

static __always_inline void close_shortcut(u32 n, u32 cpu)
{
	struct cell *cell = cpu == NO_CPU ? NULL : cell_at(n, cpu);

	if (cell)
		cell->mm = 0;
}

/*
 * Moves what the tree holds of a slot to what its mm's counters are now, which are summed up in `now`;
 * what the slot held before may be nothing. No shortcut is open.
 */
static __noinline int book_present(struct slot *s, u32 n, u64 mm, s64 *now)
{
	struct counters c;

	if (!s || !now)
		return 0;
	read_counters(&c, (struct mm_struct *)mm);
	fence();
	for (int k = 0; k < MEM_KINDS; k++) {
		s64 moved = c.count[k] - *(volatile s64 *)&s->count_seen[k];

		now[k] = c.count[k];
		__sync_fetch_and_add(&s->count_seen[k], moved);
		__sync_fetch_and_add(&tree.now[k], moved);
	}
	for (u32 cpu = 0; cpu < MAX_CPUS && cpu < cfg_cpus; cpu++) {
		struct cell *cell = cell_at(n, cpu);

		if (!cell)
			continue;
		for (int k = 0; k < MEM_KINDS; k++) {
			s16 part = read_part(&c, k, cpu); /* as it is kept */
			s64 moved = part - *part_at(cell, k);

			*part_at(cell, k) = part;
			now[k] += part;
			if (moved)
				__sync_fetch_and_add(&tree.now[k], moved);
		}
		cell->counted = ~(u32)rss_of(c.count); /* nothing is summed up yet */
	}
	s->swap_pages = now[MEM_SWAP];
	s->level_pages = rss_of(now);
	s->last_cpu = NO_CPU;
	return 0;
}

/*
 * Begins to book the events of `mm` on a slot, with what it holds now as the baseline. The caller
 * looks at the tree, unless it can be preempted without being able to hold the CPU.
 */
static __noinline int attach_mm(struct slot *s, u32 n, u64 mm)
{
	struct cell *cell;
	s64 now[MEM_KINDS];

	if (!s || !mm)
		return 0;
	book_present(s, n, mm, now);
	cell = cell_at(n, 0);
	if (cell) {
		raise_rss(&cell->peaks, rss_of(now), now[MEM_FILE], now[MEM_ANON], now[MEM_SWAP]);
		for (int k = 0; k < MEM_KINDS; k++)
			raise(&cell->peaks.kind[k], now[k]);
	}
	for (int k = 0; k < MEM_KINDS; k++)
		s->baseline.kind[k] = now[k];
	s->brk = BPF_CORE_READ((struct mm_struct *)mm, brk);
	s->mark = BPF_CORE_READ((struct mm_struct *)mm, hiwater_rss);
	s->mm_id = id_of_mm((struct mm_struct *)mm);
	s->closing = 0;
	touch(s);
	s->mm = mm;
	fence(); /* an event that finds the slot finds what is booked */
	index_insert(mm, n);
	return 0;
}

/* Takes what the tree still holds of a slot out of it. */
static __noinline int take_out(struct slot *s, u32 n)
{
	if (!s)
		return 0;
	for (u32 cpu = 0; cpu < MAX_CPUS && cpu < cfg_cpus; cpu++) {
		struct cell *cell = cell_at(n, cpu);

		if (!cell)
			continue;
		cell->mm = 0;
		for (int k = 0; k < MEM_KINDS; k++) {
			s64 part = *part_at(cell, k);

			*part_at(cell, k) = 0;
			if (part)
				__sync_fetch_and_add(&tree.now[k], -part);
		}
	}
	for (int k = 0; k < MEM_KINDS; k++) {
		s64 held = *(volatile s64 *)&s->count_seen[k];

		/* the tree and count_seen move by the same difference, whoever else moves them */
		__sync_fetch_and_add(&s->count_seen[k], -held);
		__sync_fetch_and_add(&tree.now[k], -held);
	}
	return 0;
}

/*
 * The mm of a slot is gone, or no longer this process's: takes what remains of it out of the tree. If a CPU
 * mends that now (mend_slot() in heal.bpf.h) it is the one to do so.
 */
static __noinline int detach_mm(struct slot *s, u32 n, u64 mm)
{
	if (!s || !mm || s->mm != mm)
		return 0;
	if (preempted()) {
		s->closing = mm;
		__sync_fetch_and_add(&s->closings, 1);
		fence();
		if (*(volatile u32 *)&s->menders)
			return 0;
	}
	if (!index_remove(mm, n))
		return 0;
	touch(s);
	take_out(s, n);
	/* last: user space takes it as leave to give the slot to another process */
	fence();
	s->mm = 0;
	return 0;
}

#endif
