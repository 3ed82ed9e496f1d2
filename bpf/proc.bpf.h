/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which processes are watched, from when to when: fork, exec, exit, moves between cgroups, the end
 * of an mm, and the OOM killer's choice. All of these are rare next to rss_stat.
 *
 * A process is a thread group. It keeps its slot from fork over any number of execs to its exit;
 * its mm comes and goes below it. A child that shares its parent's mm (vfork) has a slot without
 * an mm until it execs, so that the tree counts the memory once.
 *
 * Tasks are read by BPF_CORE_READ(): at each plain access the verifier may search the kernel's whole BTF
 * by name, which takes 2 ms.
 */
#ifndef MEMMON_PROC_BPF_H
#define MEMMON_PROC_BPF_H

#include "percpu.bpf.h"
#include "reading.bpf.h"
#include "task.bpf.h"
#include "vma.bpf.h"

#define PF_EXITING 0x00000004
#define PF_KTHREAD 0x00200000
#define SIGNAL_GROUP_EXIT 0x00000004

enum { WATCH_NOT, WATCH_NEW, WATCH_AGAIN }; /* see watch() */

#define CGROUP_LEVELS 32 /* deeper ones are not looked at: systemd and Kubernetes need ten */

/* Is it one of those wanted, or below one? */
static __noinline bool in_cgroup(struct cgroup *cgrp)
{
	int level;

	if (!cgrp || BPF_CORE_READ(cgrp, root, hierarchy_id) != cfg_cgroup_hierarchy)
		return false;
	level = BPF_CORE_READ(cgrp, level);
	for (int l = 0; l <= level && l < CGROUP_LEVELS; l++) {
		u64 id = cgroup_ancestor_id(cgrp, l);

		if (bpf_map_lookup_elem(&wanted_cgroups, &id))
			return true;
	}
	return false;
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
	hold_cpu();
	if (live > t->live_peak)
		t->live_peak = live;
	release_cpu();
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

static __always_inline void end_slot(struct slot *s, u32 n)
{
	s->flags |= SLOT_ENDED;
	bpf_map_push_elem(&ended_slots, &n, BPF_ANY);
	__sync_fetch_and_add(&ended_waiting, 1);
	if (*(volatile u32 *)&ended_waiting > cfg_alarm_ended && !ended_alarmed) {
		ended_alarmed = 1;
		raise_alarm();
	}
}

/* Ends a slot that never was anybody's: user space clears it without a word. */
static __always_inline int drop_slot(struct slot *s, u32 n)
{
	s->flags = SLOT_ARMED;
	s->starting = 0;
	end_slot(s, n);
	return WATCH_NOT;
}

/* What a process had before it was seen stands in the mark of its mm. */
static __always_inline void take_mark(struct slot *s, u32 n)
{
	raise_to_mark(s, n, s->mark);
	raise_ceiling(s, s->mark);
}

/* An mm that is new is nobody's: the end of one that lay there before was missed. */
static __always_inline void forget_mm(u64 mm)
{
	struct slot *s;
	u32 n;

	if (!preempted())
		return;
	s = find_by_mm(mm, &n);
	if (s)
		detach_mm(s, n, mm);
}

static __always_inline void count_untracked(u64 start_ns)
{
	u32 one = 1;

	if (preempted() && bpf_map_update_elem(&counted_untracked, &start_ns, &one, BPF_NOEXIST))
		return;
	__sync_fetch_and_add(&tree.seen, 1);
	__sync_fetch_and_add(&tree.untracked, 1);
}

/*
 * Gives the process of `task` a slot and, if `mm` is not 0, books that mm on it. An mm that another
 * slot has is booked there. Returns WATCH_NOT when the process is watched already, is not visible
 * from our pid namespace, or no slot is free, which is counted; WATCH_AGAIN when `task` ended or
 * changed its mm meanwhile and its process should be looked at once more.
 *
 * Two CPUs may come here with the same process, and it may exit at any step: whoever puts its tgid
 * into slots_by_tgid has it, and whoever takes it out ends it.
 */
static __noinline int watch(struct task_struct *task, u64 mm, u32 how)
{
	struct task_struct *leader;
	u32 tgid, n, pid;
	struct slot *s;
	u64 start_ns;

	if (!task)
		return WATCH_NOT;
	leader = BPF_CORE_READ(task, group_leader);
	start_ns = BPF_CORE_READ(leader, start_time);
	tgid = BPF_CORE_READ(task, tgid);
	pid = pid_in_own_ns(task);
	if (!pid || bpf_map_lookup_elem(&slots_by_tgid, &tgid))
		return WATCH_NOT;
	if (preempted() && bpf_map_lookup_elem(&counted_untracked, &start_ns))
		return WATCH_NOT; /* it stays so */
	if (bpf_map_pop_elem(&free_slots, &n)) {
		/* of the passes over all threads that adopt, only the leader of the first counts */
		if (how != START_ADOPTED || (task == leader && !adopt_pass))
			count_untracked(start_ns);
		return WATCH_NOT;
	}
	s = slot_at(n);
	if (!s)
		return WATCH_NOT;
	/* a free slot and its cells are all zero: user space hands them back so */
	s->start_ns = start_ns;
	s->tgid = tgid;
	s->pid = pid;
	s->ppid = pid_in_own_ns(BPF_CORE_READ(leader, real_parent));
	s->how = how;
	s->maxrss = BPF_CORE_READ(leader, signal, maxrss);
	s->exec_id = BPF_CORE_READ(leader, self_exec_id);
	s->missed = missed_runs();
	bpf_probe_read_kernel(&s->comm, sizeof(s->comm), &leader->comm);
	if (how == START_COMMAND)
		s->flags = SLOT_ARMED;
	else
		s->starting = 1;
	if (!own_process(tgid, n))
		return drop_slot(s, n);
	if (how == START_COMMAND)
		return WATCH_NEW; /* it waits for us */
	if (how == START_FORKED)
		forget_mm(mm); /* which is new */
	if (mm && !bpf_map_lookup_elem(&slots_by_mm, &mm))
		attach_mm(s, n, mm);
	else if (mm && preempted())
		heal_wanted = 1; /* borrowed, or its last owner is not done with it */
	if (preempted() && how == START_ADOPTED && start_ns > base_ns)
		take_mark(s, n); /* it began unseen */
	s->threads = BPF_CORE_READ(task, signal, live.counter);
	s->threads_peak = s->threads;
	/* an exit before the claim found nothing to end, and an mm given up before the index nobody */
	if (s->threads == 0 || (mm && (u64)BPF_CORE_READ(task, mm) != mm) ||
	    (how == START_ADOPTED && !mm && !BPF_CORE_READ(task, vfork_done))) {
		detach_mm(s, n, mm);
		if (disown_process(tgid, n)) {
			drop_slot(s, n);
			return WATCH_AGAIN;
		}
	}
	s->first = s->baseline;
	count_live();
	touch(s);
	emit_start(s, REC_START);
	fence();
	s->starting = 0;
	return WATCH_NEW;
}

/* `parent` has a new child, or a thread more. */
static __noinline int book_fork(struct task_struct *parent, struct task_struct *child)
{
	u32 parent_tgid = BPF_CORE_READ(parent, tgid), child_tgid = BPF_CORE_READ(child, tgid), n;
	struct slot *s = find_by_tgid(parent_tgid, &n);
	u64 mm = (u64)BPF_CORE_READ(child, mm);

	if (parent_tgid == child_tgid) {
		if (s) {
			u32 threads = BPF_CORE_READ(parent, signal, live.counter),
			    before = s->threads;

			s->threads = threads;
			s->last_cpu = NO_CPU;
			fence();
			if (before <= 1)
				close_shortcuts(n);
			if (threads > s->threads_peak)
				s->threads_peak = threads;
		}
		return 0;
	}
	if (!mm)
		return 0; /* a kernel thread */
	if (cfg_all || (cfg_children && s && !(s->flags & SLOT_ARMED)) ||
	    (cfg_cgroup && task_in_cgroup(child))) {
		watch(child, mm == (u64)BPF_CORE_READ(parent, mm) ? 0 : mm, START_FORKED);
		look_at_tree();
	}
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	return book_fork(parent, child);
}

/* Has the slot not got the mm of its process, though that is not borrowed from another's? */
static __always_inline bool lacks_mm(const struct slot *s, struct task_struct *task, u64 mm)
{
	const struct slot *owner;
	u32 n;

	if (!mm || s->mm || BPF_CORE_READ(task, vfork_done))
		return false;
	owner = find_by_mm(mm, &n);
	return !owner || owner->flags & SLOT_ENDED;
}

/* Lets go of what a slot had, and of who had the mm. False where that takes a healer: later. */
static __always_inline bool make_way(struct slot *s, u32 n, u64 mm)
{
	detach_mm(s, n, s->mm); /* only where others still use the old mm: else it died before */
	forget_mm(mm);
	return !preempted() ||
	       (!*(volatile u64 *)&s->mm && !bpf_map_lookup_elem(&slots_by_mm, &mm));
}

/* `task`, of a slot that is in hand, runs another program; `late`: since when, nobody knows. */
static __noinline int begin_program(struct slot *s, u32 n, struct task_struct *task, bool late)
{
	u64 id = BPF_CORE_READ(task, self_exec_id), mm = (u64)BPF_CORE_READ(task, mm), maxrss;
	bool armed;

	if (!s || (s->exec_id == id && !(late && lacks_mm(s, task, mm))))
		return 0;
	maxrss = BPF_CORE_READ(task, signal, maxrss);
	if (!(s->flags & SLOT_ARMED) && (sampling == SAMPLE_ON || late || missed_some(s)))
		sample_gone(s, n, maxrss);
	if (!has_own_mm(s) || !make_way(s, n, mm)) {
		heal_wanted = 1;
		return 0;
	}
	s->exec_id = id;
	s->maxrss = maxrss;
	armed = s->flags & SLOT_ARMED;
	bpf_probe_read_kernel(&s->comm, sizeof(s->comm), &task->comm);
	attach_mm(s, n, mm);
	if (late && mm)
		take_mark(s, n);
	s->threads = BPF_CORE_READ(task, signal, live.counter);
	if (!s->threads_peak)
		s->threads_peak = 1;
	if (armed) {
		s->flags = 0;
		s->first = s->baseline;
		count_live();
	}
	touch(s);
	look_at_tree();
	emit_start(s, armed ? REC_START : REC_EXEC);
	return 0;
}

static __always_inline int book_exec(struct task_struct *task)
{
	u32 n;
	struct slot *s = find_by_tgid(BPF_CORE_READ(task, tgid), &n);

	if (!s)
		return 0;
	if (preempted() && s->starting) {
		heal_wanted = 1; /* watch() is at work on it, and may have read the old mm */
		return 0;
	}
	if (!take_in_hand(n))
		return 0;
	if (preempted()) /* it may have been adopted in the midst of the exec, with the name before */
		bpf_probe_read_kernel(&s->comm, sizeof(s->comm), &task->comm);
	begin_program(s, n, task, false);
	let_go(n);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	return book_exec(task);
}

/*
 * Its last reading, and its slot is user space's. Who calls has taken it out of slots_by_tgid. A global
 * function, which the kernel verifies once and not once per call.
 */
__noinline int end_process(u32 n)
{
	struct slot *s = slot_at(n);
	bool armed;

	if (!s)
		return 0;
	armed = s->flags & SLOT_ARMED;
	s->end_ns = bpf_ktime_get_ns();
	fill_reading(&s->final, s, n);
	s->final.flags |= READING_ENDED;
	/* the last thread hid nothing that it did not fold in the end, before others unmapped any of it */
	if (!has_percpu_rss() && !s->remote && !s->sampled)
		s->final.error_pages -= THREAD_KEEPS_PAGES;
	if (s->flags & SLOT_LAST)
		s->final.now = s->last;
	else if ((!s->mm || !has_own_mm(s)) && !(s->final.flags & READING_NO_MM))
		s->final.flags |= READING_NO_NOW;
	if (!cfg_mm_end)
		detach_mm(s, n, s->mm);
	end_slot(s, n);
	/* after that, as a watch is over when none lives: the last end must be there to be read */
	if (!armed)
		__sync_fetch_and_add(&tree.live, -1);
	return 0;
}

/* The process of `task`, of a slot that is in hand, has ended. `loop`: the kernel has bpf_loop(). */
static __always_inline int end_task(struct slot *s, u32 n, struct task_struct *task, bool loop)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	u32 tgid = BPF_CORE_READ(task, tgid);

	if (preempted())
		begin_program(s, n, task, true);
	if (!disown_process(tgid, n))
		return 0;
	if (loop)
		sum_threads_by_loop(s, n, signal);
	else
		sum_threads(s, n, signal);
	if (BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT)
		s->wait_status = BPF_CORE_READ(signal, group_exit_code);
	else
		s->wait_status = BPF_CORE_READ(task, group_leader, exit_code);
	look_at_tree();
	if (sampling == SAMPLE_ON || missed_some(s)) {
		if (s->mm && has_own_mm(s))
			sample(s, n);
		else if (!(s->flags & SLOT_LAST))
			sample_gone(s, n, BPF_CORE_READ(signal, maxrss));
	}
	return end_process(n);
}

/* A thread of a process ends, the last one or not. */
static __always_inline int book_exit(struct task_struct *task, bool last, bool loop)
{
	u32 n;
	struct slot *s = find_by_tgid(BPF_CORE_READ(task, tgid), &n);

	if (!s)
		return 0;
	end_thread_calls(s);
	s->threads = BPF_CORE_READ(task, signal, live.counter);
	s->last_cpu = NO_CPU;
	if (!last || !take_in_hand(n))
		return 0;
	end_task(s, n, task, loop);
	let_go(n);
	return 0;
}

/*
 * The thread's exit comes before its mm is given up since 6.16 (where the tracepoint moved and got
 * its `group_dead`). Earlier kernels drop the mm first: there on_exit_mm notes what was held. Without
 * group_dead several threads that end together may see that none lives.
 */
#define is_last(ctx, task) \
	(cfg_group_dead ? (ctx)[1] & 1 : BPF_CORE_READ(task, signal, live.counter) == 0)

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	return book_exit(task, is_last(ctx, task), true);
}

/* Where there is no bpf_loop(). */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit_unrolled, struct task_struct *task)
{
	return book_exit(task, is_last(ctx, task), false);
}

/* A thread is about to give its mm up; of the last thread every counter has been folded. */
static __always_inline int give_up_mm(struct task_struct *task, u64 mm)
{
	u32 n;
	struct slot *s;

	if (!mm || BPF_CORE_READ(task, signal, live.counter) != 0)
		return 0;
	s = find_by_tgid(BPF_CORE_READ(task, tgid), &n);
	if (s && s->mm == mm) {
		if (sampling == SAMPLE_ON)
			sample(s, n);
		sum_counters(s->last.kind, mm);
		s->flags |= SLOT_LAST;
	}
	return 0;
}

SEC("fentry/exit_mm_release")
int BPF_PROG(on_exit_mm, struct task_struct *task, struct mm_struct *mm)
{
	return give_up_mm(task, (u64)mm);
}

SEC("kprobe/exit_mm_release")
int BPF_KPROBE(on_exit_mm_call, struct task_struct *task, u64 mm)
{
	return give_up_mm(task, mm);
}

static __always_inline int end_of_mm(struct mm_struct *mm)
{
	struct slot *s;
	u32 n;

	if (!bucket_of(low_half(mm))->residents)
		return 0;
	s = find_by_mm((u64)mm, &n);
	if (s)
		detach_mm(s, n, (u64)mm);
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

/*
 * And no fexit. A kretprobe would miss some where many processes end at once, and leave them their slots;
 * this is called as the last reference is dropped, if an idle CPU kept one a little later. Its counters
 * have been 0 since exit_mmap().
 */
SEC("kprobe/__mmdrop")
int BPF_KPROBE(on_mmdrop, struct mm_struct *mm)
{
	return end_of_mm(mm);
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(on_cgroup_attach, struct cgroup *cgrp, const char *path, struct task_struct *task)
{
	u64 mm = (u64)BPF_CORE_READ(task, mm);

	if (mm && in_cgroup(cgrp) && !(BPF_CORE_READ(task, flags) & PF_KTHREAD)) {
		watch(task, mm, START_JOINED);
		look_at_tree();
	}
	return 0;
}

SEC("tp_btf/mark_victim")
int BPF_PROG(on_oom_victim, struct task_struct *task)
{
	struct rec_oom rec = {
		.head = { .type = REC_OOM, .size = sizeof(rec), .ts_ns = bpf_ktime_get_ns() },
	};
	u64 mm = (u64)BPF_CORE_READ(task, mm);

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
