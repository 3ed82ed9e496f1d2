/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The best chain: fexit on shmem's own functions, which costs nobody else anything.
 *
 * Every change of an inode's pages ends in shmem_recalc_inode(), whoever makes it: system calls,
 * faults, io_uring, kernel threads, reclaim.
 */
#ifndef MEMMON_SHM_FEXIT_BPF_H
#define MEMMON_SHM_FEXIT_BPF_H

#include "shm_wall.bpf.h"

#define VM_FAULT_SIGBUS 2U

/* Since 6.6 it takes the inode's lock itself. */
SEC("fexit/shmem_recalc_inode")
int BPF_PROG(on_recalc, struct inode *inode)
{
	book_inode(as_number(inode), false);
	return 0;
}

/* Compilers put a copy of it into these, which huge pages call as they are made and split. */
SEC("fexit/shmem_charge")
int BPF_PROG(on_charge, struct inode *inode)
{
	book_inode(as_number(inode), false);
	return 0;
}

SEC("fexit/shmem_uncharge")
int BPF_PROG(on_uncharge, struct inode *inode)
{
	book_inode(as_number(inode), false);
	return 0;
}

/* Before, its callers hold it. */
SEC("fexit/shmem_recalc_inode")
int BPF_PROG(on_recalc_locked, struct inode *inode)
{
	book_locked(as_number(inode));
	return 0;
}

SEC("fexit/shmem_evict_inode")
int BPF_PROG(on_evict, struct inode *inode)
{
	forget(as_number(inode));
	return 0;
}

/*
 * User space sees a signal; a system call that touched the page for it gets EFAULT. What populates a
 * mapping goes on without a word: of the faults that are not the user's, only a true exception may be
 * interrupted.
 */
SEC("fexit/shmem_fault")
int BPF_PROG(on_fault, struct vm_fault *vmf, unsigned int ret)
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

SEC("fexit/shmem_file_write_iter")
int BPF_PROG(on_write, struct kiocb *iocb, struct iov_iter *from, s64 ret)
{
	return end_of_write(iocb, from, ret);
}

/* Before 6.6 tmpfs had none of its own. */
SEC("fexit/generic_file_write_iter")
int BPF_PROG(on_generic_write, struct kiocb *iocb, struct iov_iter *from, s64 ret)
{
	if (!is_shmem(BPF_CORE_READ(iocb, ki_filp, f_mapping)))
		return 0;
	return end_of_write(iocb, from, ret);
}

SEC("fexit/shmem_fallocate")
int BPF_PROG(on_fallocate, struct file *file, int mode, long long offset, long long len, long ret)
{
	if (ret == -ENOSPC)
		file_hits_wall(file, SHM_FULL_FALLOCATE, len, 0);
	return 0;
}

static __always_inline int end_of_create(u64 dir, u64 dentry, int ret)
{
	struct wall w = { .how = SHM_FULL_OPEN, .error = ENOSPC, .dentry = dentry };

	if (ret != -ENOSPC)
		return 0;
	w.sb = super_of_inode(dir);
	hit_wall(&w);
	return 0;
}

/*
 * Functions that make an inode; `args` counts the arguments from the directory on. In front of it came a
 * user namespace with 5.12, which became an idmap with 6.3. One that calls another is one failure.
 */
#define ON_CREATE(name, args)                                                             \
	SEC("fexit/shmem_" #name)                                                         \
	int on_##name(u64 *ctx)                                                           \
	{                                                                                 \
		return cfg_dir_at ? end_of_create(ctx[1], ctx[2], (int)ctx[1 + (args)]) : \
				    end_of_create(ctx[0], ctx[1], (int)ctx[args]);        \
	}

ON_CREATE(mknod, 4)
ON_CREATE(create, 4)
ON_CREATE(mkdir, 3)
ON_CREATE(symlink, 3)

/* Its second argument is a file since 6.1, and there is no name. */
SEC("fexit/shmem_tmpfile")
int on_tmpfile(u64 *ctx)
{
	return cfg_dir_at ? end_of_create(ctx[1], 0, (int)ctx[4]) :
			    end_of_create(ctx[0], 0, (int)ctx[3]);
}

/* A further name counts as an inode. */
SEC("fexit/shmem_link")
int BPF_PROG(on_link, struct dentry *old, struct inode *dir, struct dentry *dentry, int ret)
{
	return end_of_create((u64)dir, (u64)dentry, ret);
}

#endif
