/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What user space runs itself: the set-up, adopting what runs already, and reading the numbers. */
#ifndef MEMMON_READ_BPF_H
#define MEMMON_READ_BPF_H

#include "proc.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} percpu_probe SEC(".maps");

/* A pointer that was read back from the stack is a number, which the verifier lets us reckon with. */
static __always_inline u64 as_number(void *pointer)
{
	u64 number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), &pointer);
	return number;
}

/*
 * Learns what reading the clock costs, how jiffies relate to it, our pid namespace, and where each CPU's copy of the per-CPU variables lies. Kernels without
 * KALLSYMS_ALL do not publish __per_cpu_offset, but the address of a per-CPU map's value is its
 * generic per-CPU pointer plus that very offset.
 */
SEC("raw_tp")
int set_up(void *ctx)
{
	struct task_struct *self = (void *)bpf_get_current_task();
	struct pid *pid = BPF_CORE_READ(self, thread_pid);
	u32 zero = 0, level = BPF_CORE_READ(pid, level);
	struct upid *at;
	u64 base;

	at = (void *)((char *)pid + bpf_core_field_offset(struct pid, numbers) +
		      level * bpf_core_type_size(struct upid));
	for (int i = 0; i < 16; i++) {
		u64 from = bpf_ktime_get_ns(), took = bpf_ktime_get_ns() - from;

		if (!clock_ns || took < clock_ns)
			clock_ns = took;
	}
	base_jiffies = bpf_jiffies64();
	base_ns = bpf_ktime_get_ns();
	own_pidns_level = level;
	own_pidns = (u64)BPF_CORE_READ(at, ns);
	for (u32 cpu = 0; cpu < MAX_CPUS && cpu < cfg_cpus; cpu++)
		tree_cpus[cpu].first_cell = cpu * cfg_slots;
	if (!has_percpu_rss())
		return 0;
	bpf_probe_read_kernel(&base, sizeof(base),
			      (void *)(as_number(&percpu_probe) +
				       bpf_core_field_offset(struct bpf_array, pptrs)));
	for (u32 cpu = 0; cpu < MAX_CPUS && cpu < cfg_cpus; cpu++) {
		void *value = bpf_map_lookup_percpu_elem(&percpu_probe, &zero, cpu);

		if (value)
			tree_cpus[cpu].percpu_offset = as_number(value) - base;
	}
	return 0;
}

/* Folds what this CPU has gathered, where a program cannot be preempted. */
SEC("raw_tp")
int settle(void *ctx)
{
	return fold_tree(this_tree_cpu());
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

	if (!task || !task->mm || (task->flags & (PF_KTHREAD | PF_EXITING)))
		return 0;
	tgid = task->tgid;
	pid = pid_in_own_ns(task);
	how = bpf_map_lookup_elem(&wanted, &pid);
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
	mm = task->vfork_done ? 0 : (u64)task->mm;
	if (how && *how == WANTED_AT_EXEC)
		done = watch(task, 0, START_COMMAND);
	else
		done = watch(task, mm, START_ADOPTED);
	if (done != WATCH_NOT)
		bpf_seq_write(ctx->meta->seq, &pid, sizeof(pid));
	return 0;
}

SEC("iter/bpf_map_elem")
int read_processes(struct bpf_iter__bpf_map_elem *ctx)
{
	u32 zero = 0, *n = ctx->value;
	struct rec_reading *r = bpf_map_lookup_elem(&scratch, &zero);
	struct slot *s;

	if (!n || !r)
		return 0;
	s = slot_at(*n);
	if (!s || (s->flags & (SLOT_ARMED | SLOT_ENDED)) || !(s->touched || read_all))
		return 0;
	/* as an addition, which is a barrier: touched is cleared before its shortcut is closed */
	if (s->touched)
		__sync_fetch_and_add(&s->touched, -1);
	close_shortcut(*n, s->last_cpu);
	fill_reading(r, s, *n);
	/* where the buffer is full the kernel comes again with the same element */
	if (bpf_seq_write(ctx->meta->seq, r, sizeof(*r)))
		touch(s);
	return 0;
}

#endif
