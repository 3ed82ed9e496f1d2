/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What user space runs itself: the set-up, adopting what runs already, and reading the numbers. */
#ifndef MEMMON_READ_BPF_H
#define MEMMON_READ_BPF_H

#include "percpu.bpf.h"
#include "proc.bpf.h"
#include "rss.bpf.h"

/*
 * Learns what reading the clock costs, how jiffies relate to it, our pid namespace, and where each
 * CPU's copy of the per-CPU variables lies.
 */
SEC("raw_tp")
int set_up(void *ctx)
{
	u64 base;

	learn_own_pidns();
	if (preempted())
		learn_hook_stats();
	for (int i = 0; i < 16; i++) {
		u64 from = bpf_ktime_get_ns(), took = bpf_ktime_get_ns() - from;

		if (!clock_ns || took < clock_ns)
			clock_ns = took;
	}
	base_jiffies = bpf_jiffies64();
	base_ns = bpf_ktime_get_ns();
	base = percpu_probe_base();
	for (u32 cpu = 0; cpu < MAX_CPUS && cpu < cfg_cpus; cpu++) {
		tree_cpus[cpu].first_cell = cpu * cfg_slots;
		if (has_percpu_rss())
			tree_cpus[cpu].percpu_offset = percpu_offset_of(cpu, base);
	}
	return 0;
}

/* Before a pass of the reader. It runs where it cannot be preempted. */
SEC("raw_tp")
int settle(void *ctx)
{
	missed = missed_runs();
	return look_at_tree();
}

/* Runs over all threads of the machine; user space repeats it until it adds nobody. */
SEC("iter/task")
int adopt_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	u32 tgid, pid, n, *how;
	struct slot *parent;
	u64 mm;
	int done;

	mm = task ? (u64)BPF_CORE_READ(task, mm) : 0;
	if (!mm || (BPF_CORE_READ(task, flags) & (PF_KTHREAD | PF_EXITING)))
		return 0;
	tgid = BPF_CORE_READ(task, tgid);
	pid = pid_in_own_ns(task);
	how = bpf_map_lookup_elem(&wanted, &pid);
	if (how && *how == WANTED_DONE)
		how = NULL; /* it ended; its pid may be another's by now */
	if (bpf_map_lookup_elem(&slots_by_tgid, &tgid)) {
		if (how && *how == WANTED_NOW)
			*how = WANTED_DONE;
		return 0;
	}
	if (!how && !cfg_all && !task_in_cgroup(task)) {
		if (!cfg_children)
			return 0;
		parent = find_by_tgid(BPF_CORE_READ(task, group_leader, real_parent, tgid), &n);
		if (!parent || (parent->flags & SLOT_ARMED))
			return 0;
	}
	/* between vfork and exec it runs in its parent's mm */
	if (BPF_CORE_READ(task, vfork_done))
		mm = 0;
	if (how && *how == WANTED_AT_EXEC)
		done = watch(task, 0, START_COMMAND);
	else
		done = watch(task, mm, START_ADOPTED);
	if (done != WATCH_NOT)
		bpf_seq_write(ctx->meta->seq, &pid, sizeof(pid));
	return 0;
}

/*
 * Brings every slot up to date while the hook on rss_stat is not attached: before the sample mode, and
 * after it, so that the next event finds what the tree holds no further off than by what happened
 * since. What such an event replaces heals as ever.
 */
__noinline int rebook_slot(u32 n)
{
	struct slot *s = living_slot(n);
	s64 now[MEM_KINDS];
	u64 mm;

	if (!s || (s->flags & (SLOT_ARMED | SLOT_ENDED)))
		return 0;
	mm = s->mm;
	if (!mm || !has_own_mm(s))
		return 0;
	settle_shortcuts(n);
	sample(s, n);
	book_present(s, n, mm, now);
	/* whoever detaches it takes it off the index first: if that went by, what was booked is undone */
	if (!bpf_map_lookup_elem(&slots_by_mm, &mm))
		take_out(s, n);
	touch(s);
	return 0;
}

SEC("raw_tp")
int rebook(void *ctx)
{
	for (u32 i = 0; i < PICKS && i < n_picked; i++)
		rebook_slot(picked[i]);
	return 0;
}

/* A sampled slot: true where there is something to tell of it since the last look. */
static __always_inline bool look_again(struct slot *s, u32 n)
{
	struct mem_pages before = s->last;
	u64 mark = s->mark;

	sample(s, n);
	return mark != s->mark || before.kind[MEM_FILE] != s->last.kind[MEM_FILE] ||
	       before.kind[MEM_ANON] != s->last.kind[MEM_ANON] ||
	       before.kind[MEM_SWAP] != s->last.kind[MEM_SWAP] ||
	       before.kind[MEM_SHMEM] != s->last.kind[MEM_SHMEM];
}

static __always_inline void add_sample(const struct slot *s)
{
	if (sampling == SAMPLE_ON && s->mm)
		for (int k = 0; k < MEM_KINDS; k++)
			sampled_now[k] += s->last.kind[k];
}

/* Those of the last run of read_processes. */
struct rec_reading readings[PICKS];
__u32 n_readings;

/* A global function, as all that programs call for each slot: the kernel verifies it once, and not PICKS times. */
__noinline int read_slot(u32 n)
{
	struct slot *s = living_slot(n);

	if (!s || (s->flags & (SLOT_ARMED | SLOT_ENDED)))
		return 0;
	if (!has_own_mm(s)) {
		heal_wanted = 1; /* or it ends just now */
		return 0;
	}
	if (sampling == SAMPLE_ON && look_again(s, n))
		touch(s);
	if (!s->touched && !read_all) {
		add_sample(s);
		return 0;
	}
	if (sampling == SAMPLE_NEVER && missed > s->missed)
		sample(s, n);
	/* as an addition, which is a barrier on x86: touched is cleared before its shortcut is closed */
	if (s->touched)
		__sync_fetch_and_add(&s->touched, -1);
	fence();
	close_shortcut(n, s->last_cpu);
	fill_reading(&readings[n_readings & (PICKS - 1)], s, n);
	n_readings++;
	add_sample(s);
	return 0;
}

SEC("raw_tp")
int read_processes(void *ctx)
{
	n_readings = 0;
	for (u32 i = 0; i < PICKS && i < n_picked; i++)
		read_slot(picked[i]);
	return 0;
}

#endif
