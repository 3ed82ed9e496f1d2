/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Differences between kernels in what the shm programs read; the rules are those of compat.bpf.h. */
#ifndef MEMMON_SHM_COMPAT_BPF_H
#define MEMMON_SHM_COMPAT_BPF_H

#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

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

#pragma clang attribute pop

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

static __always_inline u64 folio_pages(struct folio *folio)
{
	struct folio___nr_pages *old = (void *)folio;
	struct folio___pages *new = (void *)folio;
	u64 flags = 0;

	/* flags is a number, or a struct of one since 6.18: the first word in any case */
	bpf_probe_read_kernel(&flags, sizeof(flags), folio);
	if (!(flags & (1UL << bpf_core_enum_value(enum pageflags, PG_head))))
		return 1;
	if (bpf_core_field_exists(new->_nr_pages))
		return BPF_CORE_READ(new, _nr_pages);
	return BPF_CORE_READ(old, _folio_nr_pages);
}

#endif
