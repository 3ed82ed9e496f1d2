/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All differences between kernels, each behind an accessor. Never a version test: a CO-RE flavour
 * or a field's existence decides, and the verifier drops the branch that is not taken.
 */
#ifndef MEMMON_COMPAT_BPF_H
#define MEMMON_COMPAT_BPF_H

#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/*
 * Before 6.2 (f1a7941243c1 "mm: convert mm's rss stats into percpu_counter") mm->rss_stat was a
 * struct of four atomics, and each thread kept up to 64 pages of its own before it folded them.
 */
struct mm_rss_stat___atomic {
	atomic_long_t count[4];
};

struct mm_struct___atomic {
	struct mm_rss_stat___atomic rss_stat;
};

/* Before 6.0 (7f203bc89eb6 "cgroup: Replace cgroup->ancestor_ids[] with ->ancestors[]"). */
struct cgroup___ids {
	u64 ancestor_ids[1];
};

/* In 6.18 the union that d_alias is in had a name, in 7.2 it has none. */
struct dentry___named_union {
	union {
		struct hlist_node d_alias;
	} d_u;
};

#pragma clang attribute pop

/*
 * What a thread may keep for itself before 6.2: it folds after TASK_RSS_EVENTS_THRESH (64) faults and
 * two more, each of which maps up to fault_around_bytes (16 pages) of a file. It folds before it
 * unmaps and when it ends, so that a single thread hides nothing from its own events.
 */
#define THREAD_KEEPS_PAGES (66 * 16)

/* Does mm->rss_stat[] consist of per-CPU counters (6.2 and later)? A constant for the verifier. */
static __always_inline bool has_percpu_rss(void)
{
	return !bpf_core_type_exists(struct mm_rss_stat___atomic);
}

/* The id of the ancestor of `cgrp` at `level`, which must not be above cgrp's own. */
static __always_inline u64 cgroup_ancestor_id(struct cgroup *cgrp, u32 level)
{
	u64 id = 0;

	if (bpf_core_field_exists(cgrp->ancestors)) {
		struct cgroup *ancestor = NULL;
		u32 at = bpf_core_field_offset(struct cgroup, ancestors);

		bpf_probe_read_kernel(&ancestor, sizeof(ancestor),
				      (char *)cgrp + at + level * sizeof(ancestor));
		return BPF_CORE_READ(ancestor, kn, id);
	}
	bpf_probe_read_kernel(&id, sizeof(id),
			      (char *)cgrp +
				      bpf_core_field_offset(struct cgroup___ids, ancestor_ids) +
				      level * sizeof(id));
	return id;
}

/* The dentry whose d_alias, an entry of its inode's i_dentry, is at `alias`. */
static __always_inline u64 dentry_of_alias(u64 alias)
{
	if (bpf_core_field_exists(struct dentry, d_alias))
		return alias - bpf_core_field_offset(struct dentry, d_alias);
	return alias - bpf_core_field_offset(struct dentry___named_union, d_u.d_alias);
}

#endif
