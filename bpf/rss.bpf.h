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

#define NO_CPU (~0U) /* of slot.last_cpu */

/* weak: unknown before 6.2, where the one program that calls it is not loaded */
extern void *bpf_rdonly_cast(void *obj, __u32 btf_id) __ksym __weak;

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

static __always_inline void raise_rss_peak(struct cell *cell, s64 rss, s64 file, s64 anon, s64 swap)
{
	if (rss <= cell->peak_rss)
		return;
	cell->peak_rss = rss;
	cell->peak_file = file;
	cell->peak_anon = anon;
	cell->peak_swap = swap;
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
		cell->counted = ~(u32)rss_of(c.count); /* nothing is summed up yet */
	}
	cell = cell_at(n, 0);
	if (cell) {
		raise_rss_peak(cell, rss_of(now), now[MEM_FILE], now[MEM_ANON], now[MEM_SWAP]);
		for (int k = 0; k < MEM_KINDS; k++)
			raise(&cell->kind[k].peak, now[k]);
	}
	for (int k = 0; k < MEM_KINDS; k++) {
		s->baseline.kind[k] = now[k];
		__sync_fetch_and_add(&tree.now[k], now[k]);
	}
	s->swap_pages = now[MEM_SWAP];
	s->level_pages = rss_of(now);
	s->last_cpu = NO_CPU;
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

	if (!s || !s->mm || !index_remove(s->mm, n))
		return 0;
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
	/* last: user space takes it as leave to give the slot to another process */
	barrier();
	s->mm = 0;
	return 0;
}

static __noinline int emit_level(struct slot *s, const struct cell *cell)
{
	struct rec_level rec = {
		.head = { .type = REC_LEVEL, .size = sizeof(rec), .ts_ns = bpf_ktime_get_ns() },
	};

	if (!s || !cell)
		return 0;
	s->level_pages = cell->rss;
	rec.head.pid = s->pid;
	rec.head.start_ns = s->start_ns;
	rec.now.kind[MEM_FILE] = cell->kind[MEM_FILE].now;
	rec.now.kind[MEM_ANON] = cell->kind[MEM_ANON].now;
	rec.now.kind[MEM_SHMEM] = cell->kind[MEM_SHMEM].now;
	rec.now.kind[MEM_SWAP] = s->swap_pages;
	emit(&rec, sizeof(rec));
	return 0;
}

/* Is |pages| at least `bound`? In one comparison. */
static __always_inline bool reaches(s64 pages, s64 bound)
{
	return (u64)(pages + bound - 1) > (u64)(2 * bound - 2);
}

/*
 * Books one counter's change on the tree. Returns whether the shared count moved, so that more than
 * this CPU's part has changed.
 */
static __always_inline bool book(struct slot *s, struct cell *cell, struct tree_cpu *t, int k,
				 s64 count, s64 part)
{
	s64 unfolded = t->unfolded[k] + part - cell->part[k];
	s64 moved = count - *(volatile s64 *)&s->count_seen[k];

	cell->part[k] = part;
	if (moved) {
		/* not an exchange, which needs 5.12: the tree and count_seen move by the same difference */
		__sync_fetch_and_add(&s->count_seen[k], moved);
		unfolded += moved;
	}
	t->unfolded[k] = unfolded;
	if (reaches(unfolded, FOLD_PAGES))
		fold_tree(t);
	return moved;
}

/*
 * One part, loaded directly: the cast makes any kernel address readable without a helper call, and
 * a bad one reads as 0.
 */
static __always_inline s64 load_part(void *percpu, u64 offset)
{
	struct refcount_struct *at = bpf_rdonly_cast(
		(char *)percpu + offset, bpf_core_type_id_kernel(struct refcount_struct));

	return at->refs.counter;
}

#define SUM_PARTS(sum, k)                                                        \
	do {                                                                     \
		void *percpu_ = mm->rss_stat[k].counters;                        \
		for (u32 i = 0; i < MAX_CPUS && i < cfg_cpus; i++)               \
			(sum) += load_part(percpu_, tree_cpus[i].percpu_offset); \
	} while (0)

/* Sums up the counters of RSS anew. */
static __noinline int recount(struct cell *cell, struct mm_struct *mm)
{
	s64 file, anon, shmem;

	if (!cell)
		return 0;
	/* counts before parts: a fold on another CPU in between can hide pages, never count them twice */
	file = mm->rss_stat[MEM_FILE].count;
	anon = mm->rss_stat[MEM_ANON].count;
	shmem = mm->rss_stat[MEM_SHMEM].count;
	cell->counted = file + anon + shmem;
	barrier();
	SUM_PARTS(file, MEM_FILE);
	SUM_PARTS(anon, MEM_ANON);
	SUM_PARTS(shmem, MEM_SHMEM);
	cell->kind[MEM_FILE].now = file;
	cell->kind[MEM_ANON].now = anon;
	cell->kind[MEM_SHMEM].now = shmem;
	cell->rss = file + anon + shmem;
	return 0;
}

static __noinline int on_swap(struct slot *s, struct cell *cell, struct tree_cpu *t,
			      struct mm_struct *mm)
{
	s64 count = mm->rss_stat[MEM_SWAP].count, swap = count;

	if (!s || !cell || !t)
		return 0;
	barrier();
	SUM_PARTS(swap, MEM_SWAP);
	s->swap_pages = swap;
	raise(&cell->kind[MEM_SWAP].peak, swap);
	book(s, cell, t, MEM_SWAP, count,
	     load_part(mm->rss_stat[MEM_SWAP].counters, t->percpu_offset));
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

/* Finds the booking of a watched mm. `b` is its bucket, which has residents. */
static __always_inline bool find_booking(struct booking *at, struct mm_struct *mm,
					 const struct bucket *b)
{
	u32 shown = b->slot, n = shown - 1;
	struct slot *s = NULL;

	if (shown)
		s = slot_at(n);
	if (!s || s->mm != (u64)mm) {
		if (shown && b->residents == 1)
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
	if (!++at->cell->events)
		__sync_fetch_and_add(&s->events, 1ULL << 32);
	at->timed_from = at->tree->events++ % TIMED_EVERY ? 0 : bpf_ktime_get_ns();
	touch(s);
	return true;
}

static __always_inline void finish_booking(const struct booking *at)
{
	struct cell *cell = at->cell;

	raise_rss_peak(cell, cell->rss, cell->kind[MEM_FILE].now, cell->kind[MEM_ANON].now,
		       at->slot->swap_pages);
	if (reaches(cell->rss - at->slot->level_pages, LEVEL_PAGES))
		emit_level(at->slot, cell);
	if (at->timed_from) {
		at->tree->timed_ns += bpf_ktime_get_ns() - at->timed_from;
		at->tree->timed_events++;
	}
}

/*
 * Does the cell hold but for what this CPU's own part of this counter has changed by? With one
 * thread, as long as all events come from this CPU and no count moves. With several, on few CPUs
 * never; on many the other CPUs' parts are taken to stand until some count moves.
 */
static __always_inline bool still_counted(const struct booking *at, struct mm_struct *mm,
					  bool count_moved)
{
	if (at->slot->threads == 1)
		return !count_moved && at->slot->last_cpu == at->cpu;
	return cfg_cpus > EXACT_CPUS && at->cell->counted == (u32)(mm->rss_stat[MEM_FILE].count +
								   mm->rss_stat[MEM_ANON].count +
								   mm->rss_stat[MEM_SHMEM].count);
}

static __always_inline void on_member(const struct booking *at, struct mm_struct *mm, int k,
				      s64 count, void *percpu)
{
	s64 part = load_part(percpu, at->tree->percpu_offset), own = part - at->cell->part[k];
	struct cell *cell = at->cell;

	if (still_counted(at, mm, book(at->slot, cell, at->tree, k, count, part))) {
		cell->kind[k].now += own;
		cell->rss += own;
	} else {
		recount(cell, mm);
		if (at->slot->threads == 1)
			at->slot->last_cpu = at->cpu;
	}
	raise(&cell->kind[k].peak, cell->kind[k].now);
}

/* Only a literal index into mm->rss_stat[] is relocated, and only a constant one passes the verifier. */
#define ON_MEMBER(k) on_member(&at, mm, k, mm->rss_stat[k].count, mm->rss_stat[k].counters)

/* Inlined, as a call and its return cost 5 ns here; what needs stack is in functions of its own. */
static __always_inline int on_watched(struct mm_struct *mm, int member, const struct bucket *b)
{
	struct booking at;

	if (!find_booking(&at, mm, b))
		return 0;
	if (member == MEM_ANON)
		ON_MEMBER(MEM_ANON);
	else if (member == MEM_FILE)
		ON_MEMBER(MEM_FILE);
	else if (member == MEM_SHMEM)
		ON_MEMBER(MEM_SHMEM);
	else
		return on_swap(at.slot, at.cell, at.tree, mm);
	finish_booking(&at);
	return 0;
}

SEC("tp_btf/rss_stat")
int BPF_PROG(on_rss_stat, struct mm_struct *mm, int member)
{
	const struct bucket *b = bucket_of(low_half(mm));

	return b->residents ? on_watched(mm, member, b) : 0;
}

/* Before 6.2 the counters are plain atomics, and events come only when a thread folds its own. */
SEC("tp_btf/rss_stat")
int BPF_PROG(on_rss_stat_atomic, struct mm_struct *mm, int member)
{
	const struct bucket *b = bucket_of(low_half(mm));
	struct mm_struct___atomic *old = (void *)mm;
	s64 count[MEM_KINDS];
	struct booking at;

	if (!b->residents || !find_booking(&at, mm, b))
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
		at.cell->kind[k].now = count[k];
		raise(&at.cell->kind[k].peak, count[k]);
	}
	at.cell->rss = rss_of(count);
	finish_booking(&at);
	return 0;
}

#endif
