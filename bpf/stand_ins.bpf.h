/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stand-ins for the hooks on processes, for kernels that preempt them (preempt.bpf.h). The kernel skips
 * a program while the same one is under way on the CPU; so these are others. All of a hook do the same,
 * and what one has done the others find done. A start or an end is missed only where every one of them
 * is under way on one CPU at once, and the first to come does nearly all of the work.
 */
#ifndef MEMMON_STAND_INS_BPF_H
#define MEMMON_STAND_INS_BPF_H

#include "proc.bpf.h"

#define FORK_STAND_IN(name)                                                       \
	SEC("tp_btf/sched_process_fork")                                          \
	int BPF_PROG(name, struct task_struct *parent, struct task_struct *child) \
	{                                                                         \
		return book_fork(parent, child);                                  \
	}

#define EXEC_STAND_IN(name)                          \
	SEC("tp_btf/sched_process_exec")             \
	int BPF_PROG(name, struct task_struct *task) \
	{                                            \
		return book_exec(task);              \
	}

#define EXIT_STAND_IN(name)                                       \
	SEC("tp_btf/sched_process_exit")                          \
	int BPF_PROG(name, struct task_struct *task)              \
	{                                                         \
		return book_exit(task, is_last(ctx, task), true); \
	}

#define MM_END_STAND_IN(name)                    \
	SEC("tp_btf/exit_mmap")                  \
	int BPF_PROG(name, struct mm_struct *mm) \
	{                                        \
		return end_of_mm(mm);            \
	}

FORK_STAND_IN(on_fork_2)
FORK_STAND_IN(on_fork_3)
EXEC_STAND_IN(on_exec_2)
EXEC_STAND_IN(on_exec_3)
EXIT_STAND_IN(on_exit_2)
EXIT_STAND_IN(on_exit_3)
MM_END_STAND_IN(on_exit_mmap_2)
MM_END_STAND_IN(on_exit_mmap_3)

#endif
