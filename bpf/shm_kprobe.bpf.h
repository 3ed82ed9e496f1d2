/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The second chain, for kernels that refuse fexit but have kprobes (arm64 before 6.4, say): the same
 * functions, and the same to do at their end. It costs others as little, and what it hooks more.
 *
 * A kretprobe does not know the arguments, so a kprobe notes them as the call begins, in `calls`, by
 * thread and function: some of these functions call one another (a write faults, a fault recalculates),
 * none calls itself. Where the begin suffices there is only that.
 *
 * An end can be missed: the kernel follows only as many calls of a function at once as twice the CPUs
 * (or ten), and runs no kprobe's program on a CPU that is at work on a map for user space. What such
 * a call left in `calls` is found as its thread calls again, and counted where something was lost.
 * The charge itself is not: it is in the next difference, if by then by another process.
 */
#ifndef MEMMON_SHM_KPROBE_BPF_H
#define MEMMON_SHM_KPROBE_BPF_H

#include "shm_ends.bpf.h"

enum {
	CALL_RECALC = 1,
	CALL_CHARGE,
	CALL_UNCHARGE,
	CALL_FAULT,
	CALL_WRITE,
	CALL_FALLOCATE,
	CALL_MKNOD,
	CALL_CREATE,
	CALL_MKDIR,
	CALL_SYMLINK,
	CALL_TMPFILE,
	CALL_LINK,
};

__u32 calls_full; /* user space clears it, and the map */

struct {
	__uint(type, BPF_MAP_TYPE_HASH); /* preallocated: faults must not allocate */
	__uint(max_entries, SHM_CALLS);
	__type(key, struct shm_call_key);
	__type(value, struct shm_call);
} calls SEC(".maps");

/* Notes what the end of the call needs. False: that, or an earlier one of the thread, was lost. */
static __noinline bool begin_call(u32 function, u64 first, u64 second)
{
	struct shm_call_key key = { .thread = bpf_get_current_pid_tgid(), .function = function };
	struct shm_call call = { .argument = { first, second } };

	if (!bpf_map_update_elem(&calls, &key, &call, BPF_NOEXIST))
		return true;
	if (bpf_map_update_elem(&calls, &key, &call, BPF_EXIST))
		calls_full = 1;
	return false;
}

/* False: the call began before it was watched, or its begin was lost. */
static __noinline bool end_call(u32 function, struct shm_call *call)
{
	struct shm_call_key key = { .thread = bpf_get_current_pid_tgid(), .function = function };
	struct shm_call *found = bpf_map_lookup_elem(&calls, &key);

	if (!found || !call)
		return false;
	*call = *found;
	bpf_map_delete_elem(&calls, &key);
	return true;
}

static __always_inline void count_lost_call(void)
{
	__sync_fetch_and_add(&lost.calls, 1);
}

/* ---- charges ---- */

static __always_inline int begin_charge(u32 function, u64 inode)
{
	if (!begin_call(function, inode, 0))
		count_lost_call();
	return 0;
}

static __always_inline int end_charge(u32 function)
{
	struct shm_call call;

	if (end_call(function, &call))
		book_inode(call.argument[0], false);
	else if (primed) /* what began before has ended by now */
		count_lost_call();
	return 0;
}

/* Since 6.6 what changes is among the arguments, and to be seen at the end only. */
SEC("kprobe/shmem_recalc_inode")
int BPF_KPROBE(on_recalc_begin, u64 inode)
{
	return begin_charge(CALL_RECALC, inode);
}

SEC("kretprobe/shmem_recalc_inode")
int BPF_KRETPROBE(on_recalc_end)
{
	return end_charge(CALL_RECALC);
}

SEC("kprobe/shmem_charge")
int BPF_KPROBE(on_charge_begin, u64 inode)
{
	return begin_charge(CALL_CHARGE, inode);
}

SEC("kretprobe/shmem_charge")
int BPF_KRETPROBE(on_charge_end)
{
	return end_charge(CALL_CHARGE);
}

SEC("kprobe/shmem_uncharge")
int BPF_KPROBE(on_uncharge_begin, u64 inode)
{
	return begin_charge(CALL_UNCHARGE, inode);
}

SEC("kretprobe/shmem_uncharge")
int BPF_KRETPROBE(on_uncharge_end)
{
	return end_charge(CALL_UNCHARGE);
}

/*
 * Before, its callers hold the lock and have made their changes as it begins. All that it does is to
 * settle the account, as pages_of() does in advance.
 */
SEC("kprobe/shmem_recalc_inode")
int BPF_KPROBE(on_recalc_call, u64 inode)
{
	book_locked(inode);
	return 0;
}

/* Once the inode has been evicted; its memory is freed after that. */
SEC("kprobe/shmem_destroy_inode")
int BPF_KPROBE(on_destroy, u64 inode)
{
	forget(inode);
	return 0;
}

/* ---- the wall: a lost end matters only where there may have been one ---- */

static __always_inline void count_lost_end(struct file *file)
{
	if (is_full((u64)BPF_CORE_READ(file, f_inode, i_sb)))
		count_lost_call();
}

SEC("kprobe/shmem_fault")
int BPF_KPROBE(on_fault_begin, struct vm_fault *vmf)
{
	if (!begin_call(CALL_FAULT, (u64)vmf, 0))
		count_lost_end(BPF_CORE_READ(vmf, vma, vm_file));
	return 0;
}

SEC("kretprobe/shmem_fault")
int BPF_KRETPROBE(on_fault_end, u32 ret)
{
	struct shm_call call;

	if (!end_call(CALL_FAULT, &call))
		return 0;
	return end_of_fault((struct vm_fault *)call.argument[0], ret);
}

static __always_inline int begin_write(struct kiocb *iocb, u64 from)
{
	if (!begin_call(CALL_WRITE, (u64)iocb, from))
		count_lost_end(BPF_CORE_READ(iocb, ki_filp));
	return 0;
}

static __always_inline int end_write(s64 ret)
{
	struct shm_call call;

	if (!end_call(CALL_WRITE, &call))
		return 0;
	return end_of_write((struct kiocb *)call.argument[0], (struct iov_iter *)call.argument[1],
			    ret);
}

SEC("kprobe/shmem_file_write_iter")
int BPF_KPROBE(on_write_begin, struct kiocb *iocb, u64 from)
{
	return begin_write(iocb, from);
}

SEC("kretprobe/shmem_file_write_iter")
int BPF_KRETPROBE(on_write_end, s64 ret)
{
	return end_write(ret);
}

/* Before 6.6 tmpfs had none of its own. */
SEC("kprobe/generic_file_write_iter")
int BPF_KPROBE(on_generic_write_begin, struct kiocb *iocb, u64 from)
{
	return writes_shmem(iocb) ? begin_write(iocb, from) : 0;
}

SEC("kretprobe/generic_file_write_iter")
int BPF_KRETPROBE(on_generic_write_end, s64 ret)
{
	return end_write(ret);
}

SEC("kprobe/shmem_fallocate")
int BPF_KPROBE(on_fallocate_begin, struct file *file, u64 mode, u64 offset, u64 len)
{
	if (!begin_call(CALL_FALLOCATE, (u64)file, len))
		count_lost_end(file);
	return 0;
}

SEC("kretprobe/shmem_fallocate")
int BPF_KRETPROBE(on_fallocate_end, s64 ret)
{
	struct shm_call call;

	if (!end_call(CALL_FALLOCATE, &call))
		return 0;
	return end_of_fallocate((struct file *)call.argument[0], call.argument[1], ret);
}

static __always_inline int begin_create(u32 function, u64 dir, u64 dentry)
{
	if (!begin_call(function, dir, dentry) &&
	    out_of_inodes(BPF_CORE_READ((struct inode *)dir, i_sb, s_fs_info)))
		count_lost_call();
	return 0;
}

static __always_inline int end_create(u32 function, int ret)
{
	struct shm_call call;

	if (!end_call(function, &call))
		return 0;
	return end_of_create(call.argument[0], call.argument[1], ret);
}

/* Functions that make an inode: the directory and the name, in front of which there may be one more. */
#define ON_CREATE_CALL(name, function)                                      \
	SEC("kprobe/shmem_" #name)                                          \
	int BPF_KPROBE(on_##name##_begin, u64 first, u64 second, u64 third) \
	{                                                                   \
		return cfg_dir_at ? begin_create(function, second, third) : \
				    begin_create(function, first, second);  \
	}                                                                   \
	SEC("kretprobe/shmem_" #name)                                       \
	int BPF_KRETPROBE(on_##name##_end, int ret)                         \
	{                                                                   \
		return end_create(function, ret);                           \
	}

ON_CREATE_CALL(mknod, CALL_MKNOD)
ON_CREATE_CALL(create, CALL_CREATE)
ON_CREATE_CALL(mkdir, CALL_MKDIR)
ON_CREATE_CALL(symlink, CALL_SYMLINK)

/* Its second argument is a file since 6.1, and there is no name. */
SEC("kprobe/shmem_tmpfile")
int BPF_KPROBE(on_tmpfile_begin, u64 first, u64 second)
{
	return begin_create(CALL_TMPFILE, cfg_dir_at ? second : first, 0);
}

SEC("kretprobe/shmem_tmpfile")
int BPF_KRETPROBE(on_tmpfile_end, int ret)
{
	return end_create(CALL_TMPFILE, ret);
}

/* A further name counts as an inode. */
SEC("kprobe/shmem_link")
int BPF_KPROBE(on_link_begin, u64 old, u64 dir, u64 dentry)
{
	return begin_create(CALL_LINK, dir, dentry);
}

SEC("kretprobe/shmem_link")
int BPF_KRETPROBE(on_link_end, int ret)
{
	return end_create(CALL_LINK, ret);
}

#endif
