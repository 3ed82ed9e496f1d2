/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All differences between kernels, each behind an accessor. Never a version test: a CO-RE flavour
 * or a field's existence decides, and the verifier drops the branch that is not taken.
 *
 * What can be hooked differs too. There user space chooses among programs by the kernel's BTF:
 * src/features.c for src/tracer.c, and src/shm_tracer_hooks.c. The differences are:
 *
 *   exit_mmap (tracepoint)    since 6.1; before, only the function of that name can be hooked
 *   sched_process_exit        since 6.16 it comes before the mm is given up, and has `group_dead`
 *   tracepoints               since 7.0 their programs are preempted: __DECLARE_TRACE() holds SRCU-fast
 *                             where it disabled preemption before (see preempt.bpf.h); BTF has the type
 *                             of its guard, class_srcu_fast_notrace_t
 *   mark_victim               with the task since 6.12 and in stable kernels, before with a bare pid
 *   page_fault_user, _kernel  x86 only
 *   iter/task_vma             since 5.12 (3a7b35b899de "bpf: Introduce task_vma bpf_iter")
 *   shmem_recalc_inode()      since 6.6 (3c1b7528d896 "shmem: move spinlock into shmem_recalc_inode()
 *                             to fix quota support") it takes the inode's lock itself, and makes the
 *                             changes that its callers made before; shmem_charge() and
 *                             shmem_uncharge() have copies of it
 *   shmem_file_write_iter()   since 6.6 (e88e0d366f9c "tmpfs: trivial support for direct IO");
 *                             before, tmpfs used generic_file_write_iter()
 *   shmem_mknod(), …          since 5.12 a user namespace stands before the directory, since 6.3 an idmap
 *   shmem_tmpfile()           since 6.1 with a file instead of a dentry
 *   a page without charge     enters the cache and leaves it again since 6.7 (3022fd7af960 "shmem:
 *                             _add_to_page_cache() before shmem_inode_acct_blocks()")
 *
 * percpu.bpf.h deals with per-CPU variables, and a map's values on other CPUs: since 5.19 (07343110b293
 * "bpf: add bpf_map_lookup_percpu_elem for percpu map").
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

/* Before 6.6 (e07c469e979d "tmpfs: track free_ispace instead of free_inodes"). */
struct shmem_sb_info___inodes {
	unsigned long free_inodes;
};

/* Before 6.15 it bore another name (4996fc547f5b "mm: let _folio_nr_pages overlay memcg_data …"). */
struct folio___nr_pages {
	unsigned int _folio_nr_pages;
};

struct folio___pages {
	unsigned int _nr_pages;
};

/* Before 5.14 (da2f5eb3d344 "mm/doc: turn fault flags into an enum"). */
struct vm_fault___number {
	unsigned int flags;
};

/* In 6.18 the union that d_alias is in had a name, in 7.2 it has none. */
struct dentry___named_union {
	union {
		struct hlist_node d_alias;
	} d_u;
};

#pragma clang attribute pop

/* Of 6.10 (535a3692ba72 "bpf: Add support for kprobe session attach"). */
enum bpf_attach_type___session {
	BPF_TRACE_KPROBE_SESSION___any = 1,
};

/* ---- preemption ---- */

/* bpf_preempt_disable() is of 6.10 too (fc7566ad0a82 "bpf: Introduce bpf_preempt_[disable,enable] kfuncs"). */
static __always_inline bool has_preempt_disable(void)
{
	return bpf_core_enum_value_exists(enum bpf_attach_type___session,
					  BPF_TRACE_KPROBE_SESSION___any);
}

/* ---- the counters of an mm ---- */

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

/* What tells an mm from another that lay there before; 0 where the architecture has no such thing. */
static __always_inline u64 id_of_mm(struct mm_struct *mm)
{
#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ(mm, context.ctx_id); /* never used again (asm/mmu.h) */
#else
	return 0;
#endif
}

/* ---- cgroups ---- */

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

/* ---- tmpfs, faults, the page cache ---- */

#define BOGO_INODE_BYTES 1024 /* BOGO_INODE_SIZE in mm/shmem.c */

static __always_inline bool out_of_inodes(struct shmem_sb_info *info)
{
	struct shmem_sb_info___inodes *old = (void *)info;

	if (!BPF_CORE_READ(info, max_inodes))
		return false;
	if (bpf_core_field_exists(info->free_ispace))
		return BPF_CORE_READ(info, free_ispace) < BOGO_INODE_BYTES;
	return BPF_CORE_READ(old, free_inodes) == 0;
}

static __always_inline u32 fault_flags(struct vm_fault *vmf)
{
	struct vm_fault___number *old = (void *)vmf;

	return bpf_core_field_exists(old->flags) ? BPF_CORE_READ(old, flags) :
						   BPF_CORE_READ(vmf, flags);
}

/*
 * The flags are a number, or since 6.18 a struct of one (53fbef56e07d "mm: introduce memdesc_flags_t"):
 * the first word in any case.
 */
static __always_inline u64 folio_pages(struct folio *folio)
{
	struct folio___nr_pages *old = (void *)folio;
	struct folio___pages *new = (void *)folio;
	u64 flags = 0;

	bpf_probe_read_kernel(&flags, sizeof(flags), folio);
	if (!(flags & (1UL << bpf_core_enum_value(enum pageflags, PG_head))))
		return 1;
	if (bpf_core_field_exists(new->_nr_pages))
		return BPF_CORE_READ(new, _nr_pages);
	return BPF_CORE_READ(old, _folio_nr_pages);
}

/* The dentry whose d_alias, an entry of its inode's i_dentry, is at `alias`. */
static __always_inline u64 dentry_of_alias(u64 alias)
{
	if (bpf_core_field_exists(struct dentry, d_alias))
		return alias - bpf_core_field_offset(struct dentry, d_alias);
	return alias - bpf_core_field_offset(struct dentry___named_union, d_u.d_alias);
}

#endif
