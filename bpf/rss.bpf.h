/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counters of an mm, its peak, and the tree's: the hot path.
 *
 * mm->rss_stat[k] is a percpu_counter: `count` plus one part per CPU, each part below the kernel's
 * batch. The value is the sum. Every change fires rss_stat on the CPU that made it, just after it.
 *
 * A process's peak: each event brings its CPU's cell up to date and raises the peak kept there; the
 * peak is the maximum over cells. As long as one thread stays on one CPU, only that CPU's part of
 * one counter can have changed. Otherwise all parts are summed, which is exact; on more than
 * EXACT_CPUS only after some count moved, as 128 loads per event would cost 300 ns.
 *
 * The tree's peak: what the tree holds of an mm is Σ cell.part + Σ slot.count_seen. An event replaces
 * its own CPU's part, which nobody else writes, and moves count_seen by what it is off; the
 * differences gather per CPU and fold into `tree` in small batches. As they are differences to what
 * the tree holds, an error made by a race heals at the next event and never adds up.
 */
#ifndef MEMMON_RSS_BPF_H
#define MEMMON_RSS_BPF_H

#include "state.bpf.h"

#define EXACT_CPUS 8
#define NOT_COUNTED (-1) /* of cell.counted and slot.last_cpu */

/* weak: unknown before 6.2, where the one program that calls it is not loaded */
extern void *bpf_rdonly_cast(void *obj, __u32 btf_id) __ksym __weak;

struct counters {
	s64 count[MEM_KINDS];
	u64 percpu[MEM_KINDS]; /* address of the per-CPU parts; 0 before 6.2 */
};

#define READ_COUNTER(c, mm, k)                                                                     \
	do {                                                                                       \
		if (has_percpu_rss()) {                                                            \
			(c)->count[k] = BPF_CORE_READ(mm, rss_stat[k].count);                      \
			(c)->percpu[k] = (u64)BPF_CORE_READ(mm, rss_stat[k].counters);             \
		} else {                                                                           \
			struct mm_struct___atomic *old_ = (void *)(mm);                            \
			(c)->count[k] = BPF_CORE_READ(old_, rss_stat.count[k].counter);            \
			(c)->percpu[k] = 0;                                                        \
		}                                                                                  \
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
		bpf_probe_read_kernel(&part, sizeof(part), (void *)(c->percpu[k] + percpu_offset[cpu]));
	return part;
}

/* The exact value of each counter of `mm`, for rare hooks. */
static __noinline int sum_counters(s64 *now, u64 mm)
{
	struct counters c;

	if (!now)
		return 0;
	read_counters(&c, (struct mm_struct *)mm);
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

static __always_inline void raise_peak(struct cell *cell, s64 rss, s64 file, s64 anon, s64 shmem, s64 swap)
{
	if (rss <= cell->peak_rss)
		return;
	cell->peak_rss = rss;
	cell->at_peak[MEM_FILE] = file;
	cell->at_peak[MEM_ANON] = anon;
	cell->at_peak[MEM_SHMEM] = shmem;
	cell->at_peak[MEM_SWAP] = swap;
	cell->peak_jiffies = bpf_jiffies64();
}

/* Moves what this CPU has gathered into the tree and looks whether the tree was never higher. */
static __noinline int fold_tree(struct tree_cpu *t)
{
	s64 now[MEM_KINDS], rss;

	if (!t)
		return 0;
	for (int k = 0; k < MEM_KINDS; k++) {
		s64 unfolded = t->unfolded[k];

		if (unfolded) {
			__sync_fetch_and_add(&tree.now[k], unfolded);
			t->unfolded[k] = 0;
		}
		now[k] = *(volatile s64 *)&tree.now[k];
		raise(&t->peak[k], now[k]);
	}
	rss = rss_of(now);
	if (rss > t->peak_rss) {
		t->peak_rss = rss;
		for (int k = 0; k < MEM_KINDS; k++)
			t->at_peak[k] = now[k];
		t->peak_jiffies = bpf_jiffies64();
	}
	return 0;
}

/*
 * Begins to book the events of `mm` on a slot, with what it holds now as the baseline. The caller
 * folds the tree, unless it can be preempted.
 */
static __noinline int attach_mm(struct slot *s, u32 n, u64 mm)
{
	struct counters c;
	struct cell *cell;
	s64 now[MEM_KINDS];

	if (!s || !mm)
		return 0;
	read_counters(&c, (struct mm_struct *)mm);
	for (int k = 0; k < MEM_KINDS; k++) {
		s->count_seen[k] = c.count[k];
		now[k] = c.count[k];
	}
	for (u32 cpu = 0; cpu < MAX_CPUS && cpu < cfg_cpus; cpu++) {
		cell = cell_at(n, cpu);
		if (!cell)
			continue;
		for (int k = 0; k < MEM_KINDS; k++) {
			cell->part[k] = read_part(&c, k, cpu);
			now[k] += cell->part[k];
		}
		cell->counted = NOT_COUNTED;
	}
	cell = cell_at(n, 0);
	if (cell) {
		raise_peak(cell, rss_of(now), now[MEM_FILE], now[MEM_ANON], now[MEM_SHMEM], now[MEM_SWAP]);
		for (int k = 0; k < MEM_KINDS; k++)
			raise(&cell->peak[k], now[k]);
	}
	for (int k = 0; k < MEM_KINDS; k++) {
		s->baseline.kind[k] = now[k];
		__sync_fetch_and_add(&tree.now[k], now[k]);
	}
	s->swap_pages = now[MEM_SWAP];
	s->level_pages = rss_of(now);
	s->last_cpu = NOT_COUNTED;
	s->brk = BPF_CORE_READ((struct mm_struct *)mm, brk);
	touch(s);
	s->mm = mm;
	index_insert(mm, n);
	return 0;
}

/* The mm is gone, or no longer this process's: takes what remains of it out of the tree. */
static __noinline int detach_mm(struct slot *s, u32 n)
{
	s64 held[MEM_KINDS];

	if (!s || !s->mm)
		return 0;
	index_remove(s->mm, n);
	s->mm = 0;
	touch(s);
	for (int k = 0; k < MEM_KINDS; k++)
		held[k] = s->count_seen[k];
	for (u32 cpu = 0; cpu < MAX_CPUS && cpu < cfg_cpus; cpu++) {
		struct cell *cell = cell_at(n, cpu);

		for (int k = 0; cell && k < MEM_KINDS; k++) {
			held[k] += cell->part[k];
			cell->part[k] = 0;
		}
	}
	for (int k = 0; k < MEM_KINDS; k++) {
		s->count_seen[k] = 0;
		__sync_fetch_and_add(&tree.now[k], -held[k]);
	}
	return 0;
}

static __always_inline void emit_level(struct slot *s, s64 file, s64 anon, s64 shmem)
{
	struct rec_level rec = {
		.head = { .type = REC_LEVEL,
			  .size = sizeof(rec),
			  .pid = s->pid,
			  .ts_ns = bpf_ktime_get_ns(),
			  .start_ns = s->start_ns },
	};

	rec.now.kind[MEM_FILE] = file;
	rec.now.kind[MEM_ANON] = anon;
	rec.now.kind[MEM_SHMEM] = shmem;
	rec.now.kind[MEM_SWAP] = s->swap_pages;
	emit(&rec, sizeof(rec));
}

/*
 * Books one counter's change on the tree. Returns whether the shared count moved, so that more than
 * this CPU's part has changed.
 */
static __always_inline bool book(struct slot *s, struct cell *cell, struct tree_cpu *t, int k, s64 count,
				 s32 part)
{
	s64 unfolded = t->unfolded[k] + part - cell->part[k], moved;

	cell->part[k] = part;
	moved = count - *(volatile s64 *)&s->count_seen[k];
	if (moved) {
		/* not an exchange, which needs 5.12: the tree and count_seen move by the same difference */
		__sync_fetch_and_add(&s->count_seen[k], moved);
		unfolded += moved;
	}
	t->unfolded[k] = unfolded;
	if (unfolded >= cfg_fold_pages || unfolded <= -cfg_fold_pages)
		fold_tree(t);
	return moved;
}

/*
 * One part, loaded directly: the cast makes any kernel address readable without a helper call, and
 * a bad one reads as 0.
 */
static __always_inline s32 load_part(void *percpu, u64 offset)
{
	struct refcount_struct *at =
		bpf_rdonly_cast((char *)percpu + offset, bpf_core_type_id_kernel(struct refcount_struct));

	return at->refs.counter;
}

#define SUM_PARTS(k)                                                                               \
	do {                                                                                       \
		void *percpu_ = mm->rss_stat[k].counters;                                          \
		s64 sum_ = 0;                                                                      \
		for (u32 i = 0; i < MAX_CPUS && i < cfg_cpus; i++)                                 \
			sum_ += load_part(percpu_, percpu_offset[i]);                              \
		cell->value[k] = count[k] + sum_;                                                  \
	} while (0)

/* Sums up the counters of RSS anew. */
static __noinline int recount(struct cell *cell, struct mm_struct *mm)
{
	s64 count[MEM_KINDS];

	if (!cell)
		return 0;
	/* counts before parts: a fold on another CPU in between can hide pages, never count them twice */
	count[MEM_FILE] = mm->rss_stat[MEM_FILE].count;
	count[MEM_ANON] = mm->rss_stat[MEM_ANON].count;
	count[MEM_SHMEM] = mm->rss_stat[MEM_SHMEM].count;
	barrier();
	SUM_PARTS(MEM_FILE);
	SUM_PARTS(MEM_ANON);
	SUM_PARTS(MEM_SHMEM);
	cell->counted = count[MEM_FILE] + count[MEM_ANON] + count[MEM_SHMEM];
	return 0;
}

static __always_inline int on_swap(struct slot *s, struct cell *cell, struct tree_cpu *t,
				   struct mm_struct *mm, u32 own)
{
	s64 count = mm->rss_stat[MEM_SWAP].count, swap = count;
	void *percpu = mm->rss_stat[MEM_SWAP].counters;

	barrier();
	for (u32 cpu = 0; cpu < MAX_CPUS && cpu < cfg_cpus; cpu++)
		swap += load_part(percpu, percpu_offset[cpu]);
	s->swap_pages = swap;
	raise(&cell->peak[MEM_SWAP], swap);
	book(s, cell, t, MEM_SWAP, count, load_part(percpu, percpu_offset[own]));
	return 0;
}

/* Where an event is booked. */
struct booking {
	struct slot *slot;
	struct cell *cell;
	struct tree_cpu *tree;
	u32 cpu;
	u64 timed_from; /* 0 = this event is not timed */
};

/* Finds the booking of a watched mm; false for all others, as cheaply as can be. */
static __always_inline bool find_booking(struct booking *at, struct mm_struct *mm)
{
	struct bucket *b = bucket_of(low_half(mm));
	u32 shown = b->slot, residents = b->residents, n = shown - 1;
	struct slot *s = NULL;

	if (!residents)
		return false;
	if (shown)
		s = slot_at(n);
	if (!s || s->mm != (u64)mm) {
		if (shown && residents == 1)
			return false;
		s = find_by_mm((u64)mm, &n);
		if (!s || s->mm != (u64)mm)
			return false;
	}
	at->slot = s;
	at->cpu = bpf_get_smp_processor_id();
	at->cell = cell_at(n, at->cpu);
	if (!at->cell || at->cpu >= MAX_CPUS)
		return false;
	at->tree = &tree_cpus[at->cpu];
	at->cell->events++;
	at->timed_from = at->tree->events++ % TIMED_EVERY ? 0 : bpf_ktime_get_ns();
	touch(s);
	return true;
}

static __always_inline void finish_booking(const struct booking *at, s64 file, s64 anon, s64 shmem)
{
	s64 rss = file + anon + shmem, moved = rss - at->slot->level_pages;

	raise_peak(at->cell, rss, file, anon, shmem, at->slot->swap_pages);
	if (moved >= LEVEL_PAGES || moved <= -LEVEL_PAGES) {
		at->slot->level_pages = rss;
		emit_level(at->slot, file, anon, shmem);
	}
	if (at->timed_from) {
		at->tree->timed_ns += bpf_ktime_get_ns() - at->timed_from;
		at->tree->timed_events++;
	}
}

/*
 * Does the cell's value hold but for what this CPU's own part of this counter has changed by? With one
 * thread, as long as all events come from this CPU and no count moves. With several, on few CPUs
 * never; on many the other CPUs' parts are taken to stand until some count moves.
 */
static __always_inline bool still_counted(const struct booking *at, struct mm_struct *mm, bool count_moved)
{
	if (at->slot->threads == 1)
		return !count_moved && at->slot->last_cpu == at->cpu;
	return cfg_cpus > EXACT_CPUS &&
	       at->cell->counted == mm->rss_stat[MEM_FILE].count + mm->rss_stat[MEM_ANON].count +
					    mm->rss_stat[MEM_SHMEM].count;
}

static __always_inline void on_member(const struct booking *at, struct mm_struct *mm, int k, s64 count,
				      void *percpu)
{
	s32 part = load_part(percpu, percpu_offset[at->cpu]);
	s64 own = part - at->cell->part[k];

	if (still_counted(at, mm, book(at->slot, at->cell, at->tree, k, count, part))) {
		at->cell->value[k] += own;
	} else {
		recount(at->cell, mm);
		if (at->slot->threads == 1)
			at->slot->last_cpu = at->cpu;
	}
	raise(&at->cell->peak[k], at->cell->value[k]);
}

/* Only a literal index into mm->rss_stat[] is relocated, and only a constant one passes the verifier. */
#define ON_MEMBER(k) on_member(&at, mm, k, mm->rss_stat[k].count, mm->rss_stat[k].counters)

SEC("tp_btf/rss_stat")
int BPF_PROG(on_rss_stat, struct mm_struct *mm, int member)
{
	struct booking at;

	if (!find_booking(&at, mm))
		return 0;
	if (member == MEM_ANON)
		ON_MEMBER(MEM_ANON);
	else if (member == MEM_FILE)
		ON_MEMBER(MEM_FILE);
	else if (member == MEM_SHMEM)
		ON_MEMBER(MEM_SHMEM);
	else
		return on_swap(at.slot, at.cell, at.tree, mm, at.cpu);
	finish_booking(&at, at.cell->value[MEM_FILE], at.cell->value[MEM_ANON], at.cell->value[MEM_SHMEM]);
	return 0;
}

/* Before 6.2 the counters are plain atomics, and events come only when a thread folds its own. */
SEC("tp_btf/rss_stat")
int BPF_PROG(on_rss_stat_atomic, struct mm_struct *mm, int member)
{
	struct mm_struct___atomic *old = (void *)mm;
	s64 count[MEM_KINDS];
	struct booking at;

	if (!find_booking(&at, mm))
		return 0;
	if (bpf_get_current_pid_tgid() >> 32 != at.slot->tgid)
		at.slot->remote = 1;
	count[MEM_FILE] = BPF_CORE_READ(old, rss_stat.count[MEM_FILE].counter);
	count[MEM_ANON] = BPF_CORE_READ(old, rss_stat.count[MEM_ANON].counter);
	count[MEM_SWAP] = BPF_CORE_READ(old, rss_stat.count[MEM_SWAP].counter);
	count[MEM_SHMEM] = BPF_CORE_READ(old, rss_stat.count[MEM_SHMEM].counter);
	at.slot->swap_pages = count[MEM_SWAP];
	for (int k = 0; k < MEM_KINDS; k++) {
		book(at.slot, at.cell, at.tree, k, count[k], 0);
		raise(&at.cell->peak[k], count[k]);
	}
	finish_booking(&at, count[MEM_FILE], count[MEM_ANON], count[MEM_SHMEM]);
	return 0;
}

#endif
