/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The best chain: fexit on shmem's own functions, which costs nobody else anything. */
#ifndef MEMMON_SHM_FEXIT_BPF_H
#define MEMMON_SHM_FEXIT_BPF_H

#include "shm_ends.bpf.h"

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

SEC("fexit/shmem_fault")
int BPF_PROG(on_fault, struct vm_fault *vmf, unsigned int ret)
{
	return end_of_fault(vmf, ret);
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
	return writes_shmem(iocb) ? end_of_write(iocb, from, ret) : 0;
}

SEC("fexit/shmem_fallocate")
int BPF_PROG(on_fallocate, struct file *file, int mode, long long offset, long long len, long ret)
{
	return end_of_fallocate(file, len, ret);
}

/*
 * Functions that make an inode; `args` counts the arguments from the directory on, in front of which
 * there may be one more.
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
