/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What there is to do as shmem's own functions end. The two chains that hook those, shm_fexit.bpf.h
 * and shm_kprobe.bpf.h, differ only in how they come by the arguments.
 *
 * Every change of an inode's pages ends in shmem_recalc_inode(), whoever makes it: system calls,
 * faults, io_uring, kernel threads, reclaim. There book_inode(), or with the inode's lock held
 * book_locked(), and in the end forget() are all it takes.
 */
#ifndef MEMMON_SHM_ENDS_BPF_H
#define MEMMON_SHM_ENDS_BPF_H

#include "shm_wall.bpf.h"

#define VM_FAULT_SIGBUS 2U

/*
 * User space sees a signal; a system call that touched the page for it gets EFAULT. What populates a
 * mapping goes on without a word: of the faults that are not the user's, only a true exception may be
 * interrupted.
 */
static __always_inline int end_of_fault(struct vm_fault *vmf, u32 ret)
{
	struct file *file;
	u32 flags;
	u64 inode;

	if (!(ret & VM_FAULT_SIGBUS))
		return 0;
	file = BPF_CORE_READ(vmf, vma, vm_file);
	inode = (u64)BPF_CORE_READ(file, f_inode);
	flags = fault_flags(vmf);
	if (!in_file(inode, BPF_CORE_READ(vmf, pgoff)) || !is_full(super_of_inode(inode)))
		return 0;
	if (flags & FAULT_FLAG_USER)
		fault_hits_wall(file, SIGBUS, 0);
	else if ((flags & FAULT_FLAG_INTERRUPTIBLE) && !(flags & FAULT_FLAG_REMOTE))
		fault_hits_wall(file, 0, EFAULT);
	return 0;
}

/* `from` has what was not written: all of it on an error. */
static __always_inline int end_of_write(struct kiocb *iocb, struct iov_iter *from, s64 ret)
{
	struct file *file = BPF_CORE_READ(iocb, ki_filp);
	u64 left = BPF_CORE_READ(from, count);

	if (ret == -ENOSPC)
		file_hits_wall(file, SHM_FULL_WRITE, left, 0);
	else if (ret >= 0 && left && is_full((u64)BPF_CORE_READ(file, f_inode, i_sb)))
		file_hits_wall(file, SHM_FULL_WRITE, left + ret, ret);
	return 0;
}

static __always_inline bool writes_shmem(struct kiocb *iocb)
{
	return is_shmem(BPF_CORE_READ(iocb, ki_filp, f_mapping));
}

static __always_inline int end_of_fallocate(struct file *file, u64 len, s64 ret)
{
	if (ret == -ENOSPC)
		file_hits_wall(file, SHM_FULL_FALLOCATE, len, 0);
	return 0;
}

/* One that calls another (shmem_create(), shmem_mknod()) is one failure. `dentry` may be 0. */
static __always_inline int end_of_create(u64 dir, u64 dentry, int ret)
{
	struct wall w = { .how = SHM_FULL_OPEN, .error = ENOSPC, .dentry = dentry };

	if (ret != -ENOSPC)
		return 0;
	w.sb = super_of_inode(dir);
	hit_wall(&w);
	return 0;
}

#endif
