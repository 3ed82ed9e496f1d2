/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which process a task belongs to, as memmon-bpf's pid namespace sees it, and who pays its memory. */
#ifndef MEMMON_TASK_BPF_H
#define MEMMON_TASK_BPF_H

#include <bpf/bpf_core_read.h>

__u32 own_pidns_level; /* of memmon-bpf's pid namespace */
__u64 own_pidns; /* its address */

/* The entry of `pid` for its namespace at `level`, which must not be below pid's own. */
static __always_inline struct upid *upid_at(struct pid *pid, u32 level)
{
	return (void *)((char *)pid + bpf_core_field_offset(struct pid, numbers) +
			level * bpf_core_type_size(struct upid));
}

/* To be run by memmon-bpf itself, before any other function here. */
static __always_inline void learn_own_pidns(void)
{
	struct task_struct *self = (void *)bpf_get_current_task();
	struct pid *pid = BPF_CORE_READ(self, thread_pid);
	u32 level = BPF_CORE_READ(pid, level);
	struct upid *at = upid_at(pid, level);

	own_pidns_level = level;
	own_pidns = (u64)BPF_CORE_READ(at, ns);
}

/* The process's pid as memmon-bpf's pid namespace sees it; 0 = not from there. */
static __always_inline u32 pid_in_own_ns(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
	u32 level = own_pidns_level;
	struct upid *at;

	if (!pid || BPF_CORE_READ(pid, level) < level)
		return 0;
	at = upid_at(pid, level);
	if ((u64)BPF_CORE_READ(at, ns) != own_pidns)
		return 0;
	return BPF_CORE_READ(at, nr);
}

/* The same for the thread. */
static __always_inline u32 tid_in_own_ns(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	u32 level = own_pidns_level;
	struct upid *at;

	if (!pid || BPF_CORE_READ(pid, level) < level)
		return 0;
	at = upid_at(pid, level);
	if ((u64)BPF_CORE_READ(at, ns) != own_pidns)
		return 0;
	return BPF_CORE_READ(at, nr);
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

#endif
