/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making up for what hooks missed, on kernels that preempt them (preempt.bpf.h). User space runs these
 * when the kernel's counts say that something was: `mend` when it was events on RSS, the others, and
 * adopt_tasks for starts, when all programs of a hook on processes were skipped at once.
 */
#ifndef MEMMON_HEAL_BPF_H
#define MEMMON_HEAL_BPF_H

#include "proc.bpf.h"

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
	detach_mm(s, n); /* before anything is read of it */
	return end_process(n);
}

/* The leader of a process that is watched as alive: books its exec or end, if that was missed. */
static __noinline int catch_up(struct slot *s, u32 n, struct task_struct *leader)
{
	u32 threads;

	if (!s)
		return 0;
	if (BPF_CORE_READ(leader, start_time) != s->start_ns)
		return end_unseen(n); /* its pid is another's */
	threads = BPF_CORE_READ(leader, signal, live.counter);
	/* a zombie has passed its hook; the leader may be one long before the others */
	if (threads == 0 && BPF_CORE_READ(leader, exit_state))
		return book_exit(leader, true, true);
	if (BPF_CORE_READ(leader, mm))
		book_exec(leader, true);
	if (threads > s->threads_peak)
		s->threads_peak = threads;
	return 0;
}

SEC("iter/bpf_map_elem")
int heal_processes(struct bpf_iter__bpf_map_elem *ctx)
{
	struct task_struct *leader;
	u32 *n = ctx->value;
	struct slot *s;

	if (!n)
		return 0;
	s = slot_at(*n);
	if (!s || s->starting)
		return 0;
	leader = bpf_task_from_pid(s->tgid);
	if (!leader)
		return end_unseen(*n);
	catch_up(s, *n, leader);
	bpf_task_release(leader);
	return 0;
}

/* The mm of a process that has ended has no users any more: its end was missed, or is about to be told. */
SEC("iter/bpf_map_elem")
int heal_mms(struct bpf_iter__bpf_map_elem *ctx)
{
	u32 *n = ctx->value;
	struct mm_struct *mm;
	struct slot *s;

	if (!n)
		return 0;
	s = slot_at(*n);
	if (!s || !(s->flags & SLOT_ENDED))
		return 0;
	mm = (void *)s->mm;
	if (mm && BPF_CORE_READ(mm, mm_users.counter) <= 0)
		detach_mm(s, *n);
	return 0;
}

/* Moves what the tree holds of a slot to what its counters are, as far as that is this CPU's. */
static long mend_slot(struct bpf_map *map, u32 *tgid, u32 *n, void *unused)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct slot *s = slot_at(*n);
	struct cell *cell = cell_at(*n, cpu);
	struct counters c;
	u64 mm;

	if (!s || !cell)
		return 0;
	mm = s->mm;
	if (!mm)
		return 0;
	cell->mm = 0;
	read_counters(&c, (struct mm_struct *)mm);
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
	/* as in rebook() */
	if (!bpf_map_lookup_elem(&slots_by_mm, &mm))
		take_out(s, *n);
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
