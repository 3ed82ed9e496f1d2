/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The peak of an mm, and the tree's: the hot path.
 *
 * Every change of a counter fires rss_stat on the CPU that made it, just after it.
 *
 * A process's peak: each event brings its CPU's cell up to date and raises the peak kept there; the
 * peak is the maximum over cells. The long way (look()) sums all parts, which is exact; on more than
 * EXACT_CPUS only after some count moved, as 128 loads per event would cost 300 ns.
 *
 * The shortcut (follow()): as long as one thread stays on one CPU, only that CPU's part of one
 * counter can have changed. Then its cell's first line holds all that an event needs. The long way
 * opens it. Whoever may change the counters from elsewhere closes it: an event on another CPU
 * (through slot.last_cpu), a second thread, the end of the mm. So does the reader, which lets the
 * next event come the long way and mark the slot as touched again.
 */
#ifndef MEMMON_RSS_BPF_H
#define MEMMON_RSS_BPF_H

#include "books.bpf.h"

/* weak: unknown before 6.2, where the one program that calls it is not loaded */
extern void *bpf_rdonly_cast(void *obj, __u32 btf_id) __ksym __weak;

static __noinline int emit_level(struct slot *s, const struct cell *cell)
{
	struct rec_level rec = {
		.head = { .type = REC_LEVEL, .size = sizeof(rec), .ts_ns = bpf_ktime_get_ns() },
	};

	if (!s || !cell)
		return 0;
	rec.head.pid = s->pid;
	rec.head.start_ns = s->start_ns;
	rec.now.kind[MEM_FILE] = now_of(cell, MEM_FILE);
	rec.now.kind[MEM_ANON] = now_of(cell, MEM_ANON);
	rec.now.kind[MEM_SHMEM] = now_of(cell, MEM_SHMEM);
	rec.now.kind[MEM_SWAP] = s->swap_pages;
	s->level_pages = rss_of(rec.now.kind);
	emit(&rec, sizeof(rec));
	return 0;
}

/* Is |pages| at least `bound`? In one comparison. */
static __always_inline bool reaches(s32 pages, s32 bound)
{
	return (u32)(pages + bound - 1) > (u32)(2 * bound - 2);
}

/* Moves this CPU's share of the tree by `pages`. */
static __always_inline void add_to_tree(struct tree_cpu *t, int k, s32 pages)
{
	s32 unfolded = t->unfolded[k] + pages;

	t->unfolded[k] = unfolded;
	if (reaches(unfolded, FOLD_PAGES))
		fold_tree(t);
}

/* Books one counter's change on the tree: that of this CPU's part, and that of the shared count. */
static __always_inline void book(struct slot *s, struct cell *cell, struct tree_cpu *t, int k,
				 s64 count, s64 part)
{
	s64 moved = count - *(volatile s64 *)&s->count_seen[k], own = part - *part_at(cell, k);

	*part_at(cell, k) = part;
	/* not an exchange, which needs 5.12: the tree and count_seen move by the same difference */
	if (moved)
		__sync_fetch_and_add(&s->count_seen[k], moved);
	add_to_tree(t, k, own + moved);
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

/* Sets base[k], and the count that it rests on; counts before parts: a fold on another CPU in
 * between can hide pages, never count them twice. */
#define SUM_OTHERS(cell, k, this_cpu)                                                    \
	do {                                                                             \
		s64 sum_ = mm->rss_stat[k].count;                                        \
		void *percpu_ = once_loaded(sum_, mm->rss_stat[k].counters);             \
		if ((k) != MEM_SWAP)                                                     \
			(cell)->share[SHARE_AT(k)].count = sum_;                         \
		for (u32 i_ = 0; i_ < MAX_CPUS && i_ < cfg_cpus; i_++)                   \
			if (i_ != (this_cpu))                                            \
				sum_ += load_part(percpu_, tree_cpus[i_].percpu_offset); \
		(cell)->base[k] = sum_;                                                  \
	} while (0)

/* Sums up the counters of RSS anew, but for this CPU's parts, which are booked. */
static __noinline int recount(struct cell *cell, struct mm_struct *mm, u32 this_cpu)
{
	if (!cell)
		return 0;
	cell->counted = mm->rss_stat[MEM_FILE].count + mm->rss_stat[MEM_ANON].count +
			mm->rss_stat[MEM_SHMEM].count;
	SUM_OTHERS(cell, MEM_FILE, this_cpu);
	SUM_OTHERS(cell, MEM_ANON, this_cpu);
	SUM_OTHERS(cell, MEM_SHMEM, this_cpu);
	return 0;
}

/* Where an event is booked. */
struct booking {
	struct slot *slot;
	struct cell *cell;
	struct tree_cpu *tree;
	u32 n; /* the slot's number */
	u32 cpu;
};

/* Finds the booking of a watched mm. `b` is its bucket, which has residents. */
static __always_inline bool find_booking(struct booking *at, u64 mm, const struct bucket *b)
{
	u32 n = b->slot;
	struct slot *s = slot_at(n);

	if (!s || s->mm != mm) {
		if (n && b->residents == 1)
			return false;
		s = find_by_mm(mm, &n);
		if (!s || s->mm != mm)
			return false;
	}
	at->slot = s;
	at->n = n;
	at->cpu = bpf_get_smp_processor_id();
	at->cell = cell_at(n, at->cpu);
	if (!at->cell || at->cpu >= MAX_CPUS)
		return false;
	at->tree = &tree_cpus[at->cpu];
	return true;
}

static __always_inline void count_event(const struct booking *at)
{
	at->tree->events++;
	touch(at->slot);
}

/* Raises the peaks to what the cell holds now. Returns RSS. */
static __always_inline s64 raise_peaks(const struct booking *at)
{
	struct cell *cell = at->cell;
	s64 file = now_of(cell, MEM_FILE), anon = now_of(cell, MEM_ANON),
	    shmem = now_of(cell, MEM_SHMEM), rss = file + anon + shmem;

	raise(&cell->peaks.kind[MEM_FILE], file);
	raise(&cell->peaks.kind[MEM_ANON], anon);
	raise(&cell->peaks.kind[MEM_SHMEM], shmem);
	raise_rss(&cell->peaks, rss, file, anon, at->slot->swap_pages);
	if (rss - at->slot->level_pages >= LEVEL_PAGES ||
	    at->slot->level_pages - rss >= LEVEL_PAGES)
		emit_level(at->slot, cell);
	return rss;
}

/* Is every change of the counters made on this CPU from now on? Then no other CPU's is open. */
static __always_inline bool claim(const struct booking *at)
{
	u32 before;

	if (at->slot->threads != 1)
		return false;
	if (at->slot->last_cpu == at->cpu)
		return true;
	before = __sync_lock_test_and_set(&at->slot->last_cpu, at->cpu);
	if (before != at->cpu)
		close_shortcut(at->n, before);
	return true;
}

#define SHORTCUT_PAGES (1LL << 30) /* larger processes go the long way: the line has 32 bits */

static __always_inline void reset_top(struct cell *cell, int k)
{
	cell->share[SHARE_AT(k)].top = min(cell->peaks.kind[k] - cell->base[k], 32767);
}

/* base[] has changed: what was seen by the old one is in the peaks. */
static __always_inline void reset_tops(struct cell *cell)
{
	reset_top(cell, MEM_FILE);
	reset_top(cell, MEM_ANON);
	reset_top(cell, MEM_SHMEM);
	cell->rss_top = 0;
}

/* Closes every shortcut, and puts what they have seen where it outlives what they rest on. */
static __noinline int settle_shortcuts(u32 n)
{
	for (u32 cpu = 0; cpu < MAX_CPUS && cpu < cfg_cpus; cpu++) {
		struct cell *cell = cell_at(n, cpu);

		if (!cell)
			continue;
		cell->mm = 0;
		raise_by_shortcut(&cell->peaks, cell);
		reset_tops(cell);
	}
	return 0;
}

static __always_inline void open_shortcut(const struct booking *at, u64 mm, s64 rss)
{
	struct cell *cell = at->cell;
	struct slot *s = at->slot;

	if (rss < 0 || cell->peaks.rss >= SHORTCUT_PAGES)
		return;
	cell->swap = s->swap_pages;
	cell->rss = rss;
	cell->rss_above = s->level_pages + LEVEL_PAGES - 1;
	cell->rss_below = s->level_pages - LEVEL_PAGES + 1;
	cell->rss_top = min(cell->peaks.rss, cell->rss_above);
	/* an exchange, as it is a full barrier: whoever closes it wrote his reason first */
	__sync_lock_test_and_set(&cell->mm, mm);
	if (*(volatile u32 *)&s->last_cpu != at->cpu || *(volatile u32 *)&s->threads != 1)
		cell->mm = 0;
	if (!*(volatile u32 *)&s->touched)
		touch(s);
}

/*
 * Do the other CPUs' parts stand as they were last summed up? With several threads, on few CPUs
 * that is never assumed; on many, until some count moves.
 */
static __always_inline bool still_counted(const struct booking *at, struct mm_struct *mm)
{
	return at->slot->threads != 1 && cfg_cpus > EXACT_CPUS &&
	       at->cell->counted ==
		       (u32)(mm->rss_stat[MEM_FILE].count + mm->rss_stat[MEM_ANON].count +
			     mm->rss_stat[MEM_SHMEM].count);
}

#define BOOK(at, k)                                                        \
	book((at)->slot, (at)->cell, (at)->tree, k, mm->rss_stat[k].count, \
	     load_part(mm->rss_stat[k].counters, (at)->tree->percpu_offset))

static __always_inline void go_the_long_way(const struct booking *at, struct mm_struct *mm,
					    int member)
{
	struct cell *cell = at->cell;
	bool alone = claim(at);
	s64 rss;

	count_event(at);
	raise_by_shortcut(&cell->peaks, cell);
	if (preempted()) { /* events on the others may have been missed */
		BOOK(at, MEM_ANON);
		BOOK(at, MEM_FILE);
		BOOK(at, MEM_SHMEM);
	} else if (member == MEM_ANON) {
		BOOK(at, MEM_ANON);
	} else if (member == MEM_FILE) {
		BOOK(at, MEM_FILE);
	} else if (member == MEM_SHMEM) {
		BOOK(at, MEM_SHMEM);
	}
	if (member == MEM_SWAP) {
		BOOK(at, MEM_SWAP);
		SUM_OTHERS(cell, MEM_SWAP, at->cpu);
		at->slot->swap_pages = now_of(cell, MEM_SWAP);
		raise(&cell->peaks.kind[MEM_SWAP], at->slot->swap_pages);
	}
	if (!still_counted(at, mm))
		recount(cell, mm, at->cpu);
	rss = raise_peaks(at);
	reset_tops(cell);
	if (alone)
		open_shortcut(at, (u64)mm, rss);
}

/* A new peak of RSS, seen through the shortcut. */
static __always_inline void rise(struct cell *cell, s32 rss)
{
	cell->rss_top = rss;
	cell->top_file = cell->share[SHARE_AT(MEM_FILE)].part;
	cell->top_anon = cell->share[SHARE_AT(MEM_ANON)].part;
	cell->top_jiffies = bpf_jiffies64();
}

/* Takes an event in through the open shortcut; false where it needs the long way. */
static __always_inline bool follow(struct cell *cell, struct tree_cpu *t, int k, s32 part,
				   s64 count)
{
	struct share *share = &cell->share[SHARE_AT(k)];
	s32 own, rss;

	if ((u32)count != share->count)
		return false;
	own = part - share->part;
	rss = cell->rss + own;
	if (rss > cell->rss_above || rss < cell->rss_below)
		return false;
	share->part = part;
	cell->rss = rss;
	if (part > share->top)
		share->top = part;
	if (rss > cell->rss_top)
		rise(cell, rss);
	t->events++;
	add_to_tree(t, k, own);
	return true;
}

/* The part first: what is in a register when it is loaded has to be saved. */
#define FOLLOW(k)                                                                  \
	({                                                                         \
		s32 part_ = load_part(mm->rss_stat[k].counters, t->percpu_offset); \
		follow(cell, t, k, part_, mm->rss_stat[k].count);                  \
	})

/* Only a literal index into mm->rss_stat[] is relocated, and only a constant one passes the verifier. */
static __always_inline bool follow_member(struct cell *cell, struct tree_cpu *t,
					  struct mm_struct *mm, int member)
{
	if (member == MEM_ANON)
		return FOLLOW(MEM_ANON);
	if (member == MEM_FILE)
		return FOLLOW(MEM_FILE);
	return member == MEM_SHMEM && FOLLOW(MEM_SHMEM);
}

/*
 * Everything but a plain event through the shortcut. One in TIMED_EVERY comes here to be timed. The CPU is
 * held, as what is read of the counters should be of one moment.
 */
static __noinline int look(struct mm_struct *mm, int member, const struct bucket *b)
{
	struct booking at;
	u64 from = 0;

	if (!b || !find_booking(&at, (u64)mm, b))
		return 0;
	hold_cpu();
	if (at.tree->events % TIMED_EVERY == 0)
		from = bpf_ktime_get_ns();
	if (!from || at.cell->mm != (u64)mm || !follow_member(at.cell, at.tree, mm, member))
		go_the_long_way(&at, mm, member);
	if (from) {
		at.tree->timed_ns += bpf_ktime_get_ns() - from;
		at.tree->timed_events++;
	}
	release_cpu();
	return 0;
}

static __always_inline void set_busy(struct tree_cpu *t, u32 busy)
{
	if (!preempted())
		return;
	barrier();
	t->busy = busy;
	barrier();
}

SEC("tp_btf/rss_stat")
int BPF_PROG(on_rss_stat, struct mm_struct *mm, int member)
{
	const struct bucket *b = bucket_of(low_half(mm));
	struct tree_cpu *t;
	struct cell *cell;
	u32 at;

	if (!b->residents)
		return 0;
	t = this_tree_cpu();
	keep_in_register(t);
	set_busy(t, 1);
	at = t->first_cell + b->slot; /* that of slot 0 is never open */
	cell = bpf_map_lookup_elem(&cells, &at);
	keep_in_register(cell);
	if (!cell || cell->mm != (u64)mm || t->events % TIMED_EVERY == 0 ||
	    !follow_member(cell, t, mm, member))
		look(mm, member, b);
	set_busy(t, 0);
	return 0;
}

SEC("tp_btf/rss_stat")
int BPF_PROG(on_rss_stat_atomic, struct mm_struct *mm, int member)
{
	const struct bucket *b = bucket_of(low_half(mm));
	struct mm_struct___atomic *old = (void *)mm;
	s64 count[MEM_KINDS];
	struct booking at;

	if (!b->residents || !find_booking(&at, (u64)mm, b))
		return 0;
	count_event(&at);
	if (bpf_get_current_pid_tgid() >> 32 != at.slot->tgid)
		at.slot->remote = 1;
	count[MEM_FILE] = BPF_CORE_READ(old, rss_stat.count[MEM_FILE].counter);
	count[MEM_ANON] = BPF_CORE_READ(old, rss_stat.count[MEM_ANON].counter);
	count[MEM_SWAP] = BPF_CORE_READ(old, rss_stat.count[MEM_SWAP].counter);
	count[MEM_SHMEM] = BPF_CORE_READ(old, rss_stat.count[MEM_SHMEM].counter);
	at.slot->swap_pages = count[MEM_SWAP];
	raise(&at.cell->peaks.kind[MEM_SWAP], count[MEM_SWAP]);
	for (int k = 0; k < MEM_KINDS; k++) {
		book(at.slot, at.cell, at.tree, k, count[k], 0);
		at.cell->base[k] = count[k];
	}
	raise_peaks(&at);
	return 0;
}

#endif
