/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making up for what hooks missed, on kernels that preempt them (preempt.bpf.h). User space runs these
 * when the kernel's counts say that something was: `mend` when it was events on RSS, the others, and
 * adopt_tasks for starts, when all programs of a hook on processes were skipped at once.
 */
#ifndef MEMMON_HEAL_BPF_H
#define MEMMON_HEAL_BPF_H

#include "proc.bpf.h"

__u32 loose; /* some slot is SLOT_LOOSE; cleared by user space */

/* weak: unknown before 6.2, where nothing is preempted */
extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym __weak;
extern void bpf_task_release(struct task_struct *task) __ksym __weak;

/* The process has ended, and nobody is left who could tell how, or what it held and consumed. */
__noinline int end_unseen(u32 n)
{
	struct slot *s = slot_at(n);
	u32 tgid;

	if (!s)
		return 0;
	tgid = s->tgid;
	if (bpf_map_delete_elem(&slots_by_tgid, &tgid))
		return 0;
	s->flags |= SLOT_GONE;
	s->cpu_ns = s->minor_faults = s->major_faults = UNKNOWN_U64;
	s->sampled = 1;
	s->ceiling = UNKNOWN_U64;
	return end_process(n);
}

/* The leader of a process that is watched as alive: books its exec or end, if that was missed. */
static __noinline int catch_up(struct slot *s, u32 n, struct task_struct *leader)
{
	u32 threads;
	u64 mm;

	if (!s)
		return 0;
	if (BPF_CORE_READ(leader, start_time) != s->start_ns)
		return end_unseen(n); /* its pid is another's */
	threads = BPF_CORE_READ(leader, signal, live.counter);
	/* a zombie has passed its hook; the leader may be one long before the others */
	if (threads == 0)
		return BPF_CORE_READ(leader, exit_state) ? end_task(s, n, leader, true) : 0;
	if (threads > s->threads_peak)
		s->threads_peak = threads;
	mm = (u64)BPF_CORE_READ(leader, mm);
	if (!mm)
		return 0;
	/* an mm that is nobody's: there was no room for it in the index yet, or a mender had the slot */
	if (!s->mm && !BPF_CORE_READ(leader, vfork_done) && !bpf_map_lookup_elem(&slots_by_mm, &mm))
		s->exec_id = UNKNOWN_U64;
	return begin_program(s, n, leader, true);
}

SEC("iter/bpf_map_elem")
int heal_processes(struct bpf_iter__bpf_map_elem *ctx)
{
	struct task_struct *leader;
	u32 *at = ctx->value, n;
	struct slot *s;

	if (!at)
		return 0;
	n = once(at);
	s = slot_at(n);
	if (!s || s->starting || !take_in_hand(n))
		return 0;
	leader = bpf_task_from_pid(s->tgid);
	if (leader) {
		catch_up(s, n, leader);
		bpf_task_release(leader);
	} else {
		end_unseen(n);
	}
	let_go(n);
	return 0;
}

/*
 * Runs over all slots, twice. An mm that a process left behind unseen can be another's by now, whose events
 * are booked on the slot: it comes off the index first, and out of the tree when none of those is under way
 * any more, for which user space waits.
 */
SEC("iter/bpf_map_elem")
int heal_mms(struct bpf_iter__bpf_map_elem *ctx)
{
	u32 *at = ctx->key, n;
	struct slot *s;

	if (!at)
		return 0;
	n = *at;
	s = slot_at(n);
	if (!s || !(s->flags & SLOT_ENDED) || !s->mm)
		return 0;
	if (s->flags & SLOT_LOOSE) {
		take_out(s, n);
		fence();
		s->mm = 0;
	} else if (!has_own_mm(s) && index_remove(s->mm, n)) {
		s->flags |= SLOT_LOOSE;
		loose = 1;
	}
	return 0;
}

/* Moves what the tree holds of a slot to what its counters are, as far as that is this CPU's. */
static __always_inline void mend_part(struct slot *s, struct cell *cell, u32 cpu)
{
	struct counters c;

	cell->mm = 0;
	read_counters(&c, (struct mm_struct *)s->mm);
	for (int k = 0; k < MEM_KINDS; k++) {
		s64 shared = c.count[k] - *(volatile s64 *)&s->count_seen[k];
		s64 part = read_part(&c, k, cpu), own = part - *part_at(cell, k);

		if (!shared && !own)
			continue;
		*part_at(cell, k) = part;
		__sync_fetch_and_add(&s->count_seen[k], shared);
		__sync_fetch_and_add(&tree.now[k], shared + own);
		touch(s);
	}
}

/*
 * Who detaches the mm says so, and looks for menders; a mender says that it is one, and looks for that. So at
 * least one of them sees the other, and the last mender detaches in the place of whoever saw one.
 */
static long mend_slot(struct bpf_map *map, u32 *tgid, u32 *at, void *unused)
{
	u32 cpu = bpf_get_smp_processor_id(), n = once(at);
	struct slot *s = slot_at(n);
	struct cell *cell = cell_at(n, cpu);

	if (!s || !cell || !s->mm || !has_own_mm(s))
		return 0;
	__sync_fetch_and_add(&s->menders, 1);
	fence();
	if (!*(volatile u32 *)&s->closing)
		mend_part(s, cell, cpu);
	fence();
	__sync_fetch_and_add(&s->menders, -1);
	fence();
	if (*(volatile u32 *)&s->closing && !*(volatile u32 *)&s->menders)
		detach_mm(s, n);
	return 0;
}

/* To be run on each CPU, where it cannot be preempted. 1 = to be run there once more. */
SEC("raw_tp")
int mend(void *ctx)
{
	if (this_tree_cpu()->busy)
		return 1;
	bpf_for_each_map_elem(&slots_by_tgid, mend_slot, NULL, 0);
	look_at_tree();
	return 0;
}

#endif
