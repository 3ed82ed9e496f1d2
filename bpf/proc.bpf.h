/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which processes are watched, from when to when: fork, exec, exit, moves between cgroups, the end
 * of an mm, and the OOM killer's choice. All of these are rare next to rss_stat.
 *
 * A process is a thread group. It keeps its slot from fork over any number of execs to its exit;
 * its mm comes and goes below it. A child that shares its parent's mm (vfork) has a slot without
 * an mm until it execs, so that the tree counts the memory once.
 */
#ifndef MEMMON_PROC_BPF_H
#define MEMMON_PROC_BPF_H

#include "rss.bpf.h"

#define PF_EXITING 0x00000004
#define PF_KTHREAD 0x00200000
#define SIGNAL_GROUP_EXIT 0x00000004

/* The process's pid as memmon-bpf's pid namespace sees it; 0 = not from there. */
static __always_inline u32 pid_in_own_ns(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
	u32 level = own_pidns_level;
	struct upid *at;

	if (!pid || BPF_CORE_READ(pid, level) < level)
		return 0;
	at = (void *)((char *)pid + bpf_core_field_offset(struct pid, numbers) +
		      level * bpf_core_type_size(struct upid));
	if ((u64)BPF_CORE_READ(at, ns) != own_pidns)
		return 0;
	return BPF_CORE_READ(at, nr);
}

static __always_inline bool in_cgroup(struct cgroup *cgrp)
{
	return cgrp && BPF_CORE_READ(cgrp, level) >= (int)cfg_cgroup_level &&
	       BPF_CORE_READ(cgrp, root, hierarchy_id) == cfg_cgroup_hierarchy &&
	       cgroup_ancestor_id(cgrp, cfg_cgroup_level) == cfg_cgroup_id;
}

/* The cgroup that the memory controller charges for `task`, in v1's hierarchy or in v2. */
static __always_inline struct cgroup *memory_cgroup(struct task_struct *task)
{
	u32 id = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *css = NULL;

	bpf_probe_read_kernel(&css, sizeof(css),
			      (char *)set + bpf_core_field_offset(struct css_set, subsys) +
				      id * sizeof(css));
	return BPF_CORE_READ(css, cgroup);
}

static __always_inline bool task_in_cgroup(struct task_struct *task)
{
	if (!cfg_cgroup)
		return false;
	if (cfg_cgroup_hierarchy == 0)
		return in_cgroup(BPF_CORE_READ(task, cgroups, dfl_cgrp));
	return in_cgroup(memory_cgroup(task));
}

static __always_inline void count_live(void)
{
	struct tree_cpu *t = this_tree_cpu();
	u64 live;

	/* no atomics that return a value: they need 5.12 */
	__sync_fetch_and_add(&tree.live, 1);
	__sync_fetch_and_add(&tree.seen, 1);
	live = *(volatile u64 *)&tree.live;
	if (t && live > t->live_peak)
		t->live_peak = live;
}

static __always_inline void emit_start(struct slot *s, u16 type)
{
	struct rec_start rec = {
		.head = { .type = type,
			  .size = sizeof(rec),
			  .pid = s->pid,
			  .ts_ns = bpf_ktime_get_ns(),
			  .start_ns = s->start_ns },
		.ppid = s->ppid,
		.how = s->how,
	};

	for (int k = 0; k < MEM_KINDS; k++)
		rec.now.kind[k] = s->baseline.kind[k];
	for (int i = 0; i < COMM_LEN; i++)
		rec.comm[i] = s->comm[i];
	emit(&rec, sizeof(rec));
}

/*
 * Gives `task` a slot and, if `mm` is not 0, books that mm on it. Returns whether it did: not when
 * the process is watched already, is not visible from our pid namespace, or no slot is free, which
 * is counted.
 */
static __noinline bool watch(struct task_struct *task, u64 mm, u32 how)
{
	u32 tgid, n, pid;
	struct slot *s;

	if (!task)
		return false;
	task = BPF_CORE_READ(task, group_leader);
	tgid = BPF_CORE_READ(task, tgid);
	pid = pid_in_own_ns(task);
	if (!pid || bpf_map_lookup_elem(&slots_by_tgid, &tgid))
		return false;
	if (bpf_map_pop_elem(&free_slots, &n)) {
		__sync_fetch_and_add(&tree.seen, 1);
		__sync_fetch_and_add(&tree.untracked, 1);
		return false;
	}
	s = slot_at(n);
	if (!s)
		return false;
	/* a free slot and its cells are all zero: user space hands them back so */
	s->start_ns = BPF_CORE_READ(task, start_time);
	s->tgid = tgid;
	s->pid = pid;
	s->ppid = pid_in_own_ns(BPF_CORE_READ(task, real_parent));
	s->how = how;
	s->threads = BPF_CORE_READ(task, signal, live.counter);
	s->threads_peak = s->threads;
	s->minor_faults = BPF_CORE_READ(task, signal, min_flt);
	s->major_faults = BPF_CORE_READ(task, signal, maj_flt);
	s->cpu_ns = BPF_CORE_READ(task, signal, sum_sched_runtime);
	bpf_probe_read_kernel(&s->comm, sizeof(s->comm), &task->comm);
	if (how == START_COMMAND) {
		s->flags = SLOT_ARMED;
		bpf_map_update_elem(&slots_by_tgid, &tgid, &n, BPF_ANY);
		return true;
	}
	attach_mm(s, n, mm);
	s->first = s->baseline;
	touch(s);
	count_live();
	bpf_map_update_elem(&slots_by_tgid, &tgid, &n, BPF_ANY);
	emit_start(s, REC_START);
	return true;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	u32 parent_tgid = parent->tgid, child_tgid = child->tgid, n;
	struct slot *s = find_by_tgid(parent_tgid, &n);
	u64 mm = (u64)child->mm;

	if (parent_tgid == child_tgid) {
		if (s) {
			u32 threads = parent->signal->live.counter;

			s->threads = threads;
			s->last_cpu = NO_CPU;
			if (threads > s->threads_peak)
				s->threads_peak = threads;
		}
		return 0;
	}
	if (!mm)
		return 0; /* a kernel thread */
	if (cfg_all || (cfg_children && s && !(s->flags & SLOT_ARMED)) ||
	    (cfg_cgroup && task_in_cgroup(child))) {
		watch(child, mm == (u64)parent->mm ? 0 : mm, START_FORKED);
		fold_tree(this_tree_cpu());
	}
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	struct slot *s;
	bool armed;
	u32 n;

	s = find_by_tgid(task->tgid, &n);
	if (!s)
		return 0;
	armed = s->flags & SLOT_ARMED;
	bpf_probe_read_kernel(&s->comm, sizeof(s->comm), &task->comm);
	detach_mm(s, n); /* only where others still use the old mm: else it died before */
	attach_mm(s, n, (u64)task->mm);
	s->threads = 1;
	if (armed) {
		s->flags = 0;
		s->first = s->baseline;
		s->minor_faults = 0;
		s->major_faults = 0;
		s->cpu_ns = 0;
		count_live();
	}
	fold_tree(this_tree_cpu());
	emit_start(s, armed ? REC_START : REC_EXEC);
	return 0;
}

/* All that is known of a slot, as one reading. */
static __noinline int fill_reading(struct rec_reading *r, struct slot *s, u32 n)
{
	u64 now_ns = bpf_ktime_get_ns(), peak_jiffies = 0, mm;
	s64 peak_rss = -1;

	if (!r || !s)
		return 0;
	r->head.type = REC_READING;
	r->head.size = sizeof(*r);
	r->head.pid = s->pid;
	r->head.ts_ns = now_ns;
	r->head.start_ns = s->start_ns;
	r->ppid = s->ppid;
	r->how = s->how;
	r->threads_peak = s->threads_peak;
	r->events = s->events;
	r->error_pages = has_percpu_rss() ? 0 : s->threads_peak * THREAD_KEEPS_PAGES;
	r->minor_faults = s->minor_faults;
	r->major_faults = s->major_faults;
	r->cpu_ns = s->cpu_ns;
	mm = s->mm;
	for (int i = 0; i < COMM_LEN; i++)
		r->comm[i] = s->comm[i];
	for (int i = 0; i < VM_CALLS; i++)
		r->volume[i] = s->volume[i];
	for (int k = 0; k < MEM_KINDS; k++) {
		r->first.kind[k] = s->first.kind[k];
		r->now.kind[k] = 0;
		r->at_peak.kind[k] = 0;
		r->peak.kind[k] = 0;
	}
	if (mm)
		sum_counters(r->now.kind, mm);
	for (u32 cpu = 0; cpu < MAX_CPUS && cpu < cfg_cpus; cpu++) {
		struct cell *cell = cell_at(n, cpu);

		if (!cell)
			continue;
		r->events += cell->events;
		for (int k = 0; k < MEM_KINDS; k++)
			raise(&r->peak.kind[k], cell->kind[k].peak);
		if (cell->peak_rss <= peak_rss)
			continue;
		peak_rss = cell->peak_rss;
		peak_jiffies = cell->peak_jiffies;
		r->at_peak.kind[MEM_FILE] = cell->peak_file;
		r->at_peak.kind[MEM_ANON] = cell->peak_anon;
		r->at_peak.kind[MEM_SHMEM] = cell->peak_rss - cell->peak_file - cell->peak_anon;
		r->at_peak.kind[MEM_SWAP] = cell->peak_swap;
	}
	/* one that has given its mm up, at its end, had memory of its own */
	r->flags = mm || peak_rss > 0 ? 0 : READING_NO_MM;
	r->peak_ns = base_ns + (peak_jiffies - base_jiffies) * cfg_tick_ns;
	if (r->peak_ns > now_ns)
		r->peak_ns = now_ns; /* a jiffy may have begun before base_ns was taken */
	return 0;
}

/*
 * The thread's exit comes before its mm is given up since 6.16 (where the tracepoint moved and got
 * its `group_dead`). Earlier kernels drop the mm first: there on_exit_mm notes what was held.
 */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct signal_struct *signal = task->signal;
	u32 tgid = task->tgid, n;
	struct slot *s = find_by_tgid(tgid, &n);

	if (!s)
		return 0;
	__sync_fetch_and_add(&s->minor_faults, task->min_flt);
	__sync_fetch_and_add(&s->major_faults, task->maj_flt);
	__sync_fetch_and_add(&s->cpu_ns, task->se.sum_exec_runtime);
	s->threads = signal->live.counter;
	s->last_cpu = NO_CPU;
	/* the last thread; of two that end together only one gets past the delete */
	if (signal->live.counter != 0 || bpf_map_delete_elem(&slots_by_tgid, &tgid))
		return 0;
	if (signal->flags & SIGNAL_GROUP_EXIT)
		s->wait_status = signal->group_exit_code;
	else
		s->wait_status = task->group_leader->exit_code;
	s->end_ns = bpf_ktime_get_ns();
	if (!(s->flags & SLOT_ARMED))
		__sync_fetch_and_add(&tree.live, -1);
	fold_tree(this_tree_cpu());
	fill_reading(&s->final, s, n);
	s->final.flags |= READING_ENDED;
	/* the last thread hid nothing that it did not fold in the end, before others unmapped any of it */
	if (!has_percpu_rss() && !s->remote)
		s->final.error_pages -= THREAD_KEEPS_PAGES;
	if (s->flags & SLOT_LAST)
		s->final.now = s->last;
	else if (!s->mm && !(s->final.flags & READING_NO_MM))
		s->final.flags |= READING_NO_NOW;
	if (!cfg_mm_end)
		detach_mm(s, n);
	s->flags |= SLOT_ENDED;
	bpf_map_push_elem(&ended_slots, &n, BPF_ANY);
	__sync_fetch_and_add(&ended_waiting, 1);
	if (*(volatile u32 *)&ended_waiting > cfg_alarm_ended && !ended_alarmed) {
		ended_alarmed = 1;
		raise_alarm();
	}
	return 0;
}

/* A thread is about to give its mm up; of the last thread every counter has been folded. */
SEC("fentry/exit_mm_release")
int BPF_PROG(on_exit_mm, struct task_struct *task, struct mm_struct *mm)
{
	u32 n;
	struct slot *s;

	if (!mm || task->signal->live.counter != 0)
		return 0;
	s = find_by_tgid(task->tgid, &n);
	if (s && s->mm == (u64)mm) {
		sum_counters(s->last.kind, (u64)mm);
		s->flags |= SLOT_LAST;
	}
	return 0;
}

static __always_inline int end_of_mm(struct mm_struct *mm)
{
	struct slot *s;
	u32 n;

	if (!bucket_of(low_half(mm))->residents)
		return 0;
	s = find_by_mm((u64)mm, &n);
	if (s && s->mm == (u64)mm) {
		detach_mm(s, n);
		fold_tree(this_tree_cpu());
	}
	return 0;
}

SEC("tp_btf/exit_mmap")
int BPF_PROG(on_exit_mmap, struct mm_struct *mm)
{
	return end_of_mm(mm);
}

/* Where there is no such tracepoint (before 6.1). */
SEC("fexit/exit_mmap")
int BPF_PROG(on_exit_mmap_fexit, struct mm_struct *mm)
{
	return end_of_mm(mm);
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(on_cgroup_attach, struct cgroup *cgrp, const char *path, struct task_struct *task)
{
	if (in_cgroup(cgrp) && task->mm && !(task->flags & PF_KTHREAD)) {
		watch(task, (u64)task->mm, START_JOINED);
		fold_tree(this_tree_cpu());
	}
	return 0;
}

SEC("tp_btf/mark_victim")
int BPF_PROG(on_oom_victim, struct task_struct *task)
{
	struct rec_oom rec = {
		.head = { .type = REC_OOM, .size = sizeof(rec), .ts_ns = bpf_ktime_get_ns() },
	};
	u64 mm = (u64)task->mm;

	rec.head.pid = pid_in_own_ns(task);
	rec.head.start_ns = BPF_CORE_READ(task, group_leader, start_time);
	rec.cgroup_id = BPF_CORE_READ(memory_cgroup(task), kn, id);
	bpf_probe_read_kernel(&rec.comm, sizeof(rec.comm), &task->comm);
	if (mm)
		sum_counters(rec.now.kind, mm);
	emit(&rec, sizeof(rec));
	raise_alarm();
	return 0;
}

#endif
