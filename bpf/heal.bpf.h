/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making up for what hooks missed, on kernels that preempt them (preempt.bpf.h). User space runs these
 * when the kernel's counts say that something was: `mend` when it was events on RSS, the others, and
 * adopt_tasks for starts, when all programs of a hook on processes were skipped at once.
 */
#ifndef MEMMON_HEAL_BPF_H
#define MEMMON_HEAL_BPF_H

#include "proc.bpf.h"

__u32 any_loose; /* some slot is `loose`; cleared by user space */

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
	if (!disown_process(tgid, n))
		return 0;
	s->flags |= SLOT_GONE;
	s->cpu_ns = s->minor_faults = s->major_faults = UNKNOWN_U64;
	s->sampled = 1;
	s->ceiling = UNKNOWN_U64;
	return end_process(n);
}

/* The leader of a process that is watched as alive: is there nothing to book of it? */
static __always_inline bool is_booked(const struct slot *s, struct task_struct *leader)
{
	u64 mm = (u64)BPF_CORE_READ(leader, mm);

	return BPF_CORE_READ(leader, start_time) == s->start_ns &&
	       BPF_CORE_READ(leader, signal, live.counter) > 0 &&
	       (!mm ||
		(BPF_CORE_READ(leader, self_exec_id) == s->exec_id && !lacks_mm(s, leader, mm)));
}

/* Books its exec or end, if that was missed. */
static __noinline int catch_up(struct slot *s, u32 n, struct task_struct *leader)
{
	if (!s)
		return 0;
	if (BPF_CORE_READ(leader, start_time) != s->start_ns)
		return end_unseen(n); /* its pid is another's */
	if (BPF_CORE_READ(leader, signal, live.counter) > 0) {
		u64 id = BPF_CORE_READ(leader, self_exec_id);

		/* its hook comes a little later: missed is what is not booked at the next pass either */
		if (s->exec_id == id || s->exec_seen == id)
			return begin_program(s, n, leader, true);
		s->exec_seen = id;
		heal_wanted = 1;
		return 0;
	}
	/* a zombie has passed its hook; the leader may be one long before the others */
	if (BPF_CORE_READ(leader, exit_state))
		return end_task(s, n, leader, true);
	heal_wanted = 1; /* it is about to be one */
	return 0;
}

/* The slot is taken in hand only where that is needed, and not for long: its hooks would pass by. */
__noinline int heal_process(u32 n)
{
	struct slot *s = living_slot(n);
	struct task_struct *leader;

	if (!s || s->starting)
		return 0;
	leader = bpf_task_from_pid(s->tgid);
	hold_cpu();
	if (leader && !is_booked(s, leader) && take_in_hand(n)) {
		catch_up(s, n, leader);
		let_go(n);
	} else if (!leader && take_in_hand(n)) {
		end_unseen(n);
		let_go(n);
	}
	release_cpu();
	if (leader)
		bpf_task_release(leader);
	return 0;
}

/* Of a kind that may ask for a task by its pid. */
SEC("syscall")
int heal_processes(void *ctx)
{
	for (u32 i = 0; i < PICKS && i < n_picked; i++)
		heal_process(picked[i]);
	return 0;
}

/*
 * To be run over all slots, twice. An mm that a process left behind unseen can be another's by now, whose events
 * are booked on the slot: it comes off the index first, and out of the tree when none of those is under way
 * any more, nor who took it off the index before, for which user space waits.
 */
__noinline int heal_mm(u32 n)
{
	struct slot *s = slot_at(n);
	u32 owner;
	u64 mm;

	if (!s || s->starting || !s->mm)
		return 0;
	mm = s->mm;
	if (s->loose) {
		take_out(s, n);
		fence();
		s->mm = 0;
		s->loose = 0;
	} else if (!has_own_mm(s)) {
		if (find_by_mm(mm, &owner) == s)
			index_remove(mm, n);
		s->loose = 1;
		any_loose = 1;
	}
	return 0;
}

SEC("raw_tp")
int heal_mms(void *ctx)
{
	for (u32 i = 0; i < PICKS && i < n_picked; i++)
		heal_mm(picked[i]);
	return 0;
}

/* Moves what the tree holds of a slot to what the counters of its mm are, as far as that is this CPU's. */
static __always_inline void mend_part(struct slot *s, struct cell *cell, u32 cpu, u64 mm)
{
	struct counters c;

	cell->mm = 0;
	read_counters(&c, (struct mm_struct *)mm);
	for (int k = 0; k < MEM_KINDS; k++) {
		s64 shared = c.count[k] - *(volatile s64 *)&s->count_seen[k];
		s16 part = read_part(&c, k, cpu); /* as it is kept */
		s64 own = part - *part_at(cell, k);

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
 * least one of them sees the other, and the mender detaches in the place of whoever saw it.
 */
static long mend_slot(struct bpf_map *map, u32 *tgid, u32 *at, void *unused)
{
	u32 cpu = bpf_get_smp_processor_id(), n = once(at);
	struct slot *s = slot_at(n);
	struct cell *cell = cell_at(n, cpu);
	u64 mm;

	if (!s || !cell)
		return 0;
	mm = *(volatile u64 *)&s->mm;
	if (!mm || !has_own_mm(s))
		return 0;
	__sync_fetch_and_add(&s->menders, 1);
	fence();
	if (*(volatile u64 *)&s->closing != mm && *(volatile u64 *)&s->mm == mm)
		mend_part(s, cell, cpu, mm);
	fence();
	__sync_fetch_and_add(&s->menders, -1);
	fence();
	if (*(volatile u64 *)&s->closing == mm)
		detach_mm(s, n, mm);
	return 0;
}

/*
 * To be run on each CPU, where it interrupts whatever runs there, held or not. 1 = the hook was at work, so
 * that it is to be run there once more.
 */
SEC("raw_tp")
int mend(void *ctx)
{
	if (this_tree_cpu()->busy)
		return 1;
	bpf_for_each_map_elem(&slots_by_tgid, mend_slot, NULL, 0);
	return 0;
}

#endif
