/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIGBUS as a touched page could not be had. Alone the floor of the chains: it costs nothing, as
 * hardly any signal is a SIGBUS.
 */
#ifndef MEMMON_SHM_SIGNAL_BPF_H
#define MEMMON_SHM_SIGNAL_BPF_H

#include "shm_wall.bpf.h"

#define BUS_ADRERR 2

/*
 * Threads whose page could not be charged, and its inode: set as the page leaves the cache again (since
 * 6.7), taken away as the thread is told. By thread (both ids, in the initial pid namespace).
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u64); /* address of the inode */
} marks SEC(".maps");

__u32 marked; /* entries of `marks` */

#define PF_IO_WORKER 0x00000010
#define PF_KTHREAD 0x00200000

/* A worker of io_uring stands for its whole process: another thread may come to know of it. */
#define all_workers(thread) ((thread) & ~0xffffffffULL)

static __always_inline void set_mark(u64 inode)
{
	u64 thread = bpf_get_current_pid_tgid();
	u32 flags = bpf_get_current_task_btf()->flags;

	if (flags & PF_KTHREAD)
		return; /* nobody will ask */
	if (flags & PF_IO_WORKER)
		thread = all_workers(thread);
	if (!bpf_map_update_elem(&marks, &thread, &inode, BPF_NOEXIST))
		__sync_fetch_and_add(&marked, 1);
	else
		bpf_map_update_elem(&marks, &thread, &inode, BPF_EXIST);
}

/* The inode that the thread could not have a page of; 0 = none. */
static __always_inline u64 take_mark(u64 thread)
{
	u64 inode, *found;

	found = bpf_map_lookup_elem(&marks, &thread);
	if (!found)
		return 0;
	inode = *found;
	if (!bpf_map_delete_elem(&marks, &thread))
		__sync_fetch_and_add(&marked, -1);
	return inode;
}

static __always_inline u64 take_own_mark(void)
{
	return marked ? take_mark(bpf_get_current_pid_tgid()) : 0;
}

struct touched_page {
	u64 address;
	u64 mark;
};

static long page_hits_wall(struct task_struct *task, struct vm_area_struct *vma,
			   struct touched_page *page)
{
	struct file *file = vma->vm_file;
	u64 inode, index;

	if (!file || !is_shmem(file->f_mapping))
		return 0;
	inode = (u64)BPF_CORE_READ(file, f_inode);
	index = (page->address - vma->vm_start) / cfg_page_bytes + vma->vm_pgoff;
	if (!in_file(inode, index))
		return 0;
	if (page->mark == inode || is_full(super_of_inode(inode)))
		fault_hits_wall(file, SIGBUS, 0);
	return 0;
}

/* A page of a mapping could not be had, of which only the inode is known. */
__noinline int mark_hits_wall(u64 inode, u32 signal, u32 error)
{
	struct wall w = {
		.how = SHM_FULL_FAULT,
		.signal = signal,
		.error = error,
		.inode = inode,
		.wanted_bytes = cfg_page_bytes,
	};
	struct hlist_node *name = BPF_CORE_READ((struct inode *)inode, i_dentry.first);

	w.sb = super_of_inode(inode);
	if (name)
		w.dentry = dentry_of_alias((u64)name);
	return hit_wall(&w);
}

SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int sig, struct kernel_siginfo *info, struct task_struct *task)
{
	struct touched_page page = {};

	/* the two lowest addresses stand for signals without information */
	if (sig != SIGBUS || (u64)info < 2 || BPF_CORE_READ(info, si_code) != BUS_ADRERR)
		return 0;
	if ((u64)task != bpf_get_current_task())
		return 0;
	page.address = (u64)BPF_CORE_READ(info, _sifields._sigfault._addr);
	page.mark = take_own_mark();
	/*
	 * Interrupts are off here: the lock that a look-up takes is given back later, and of all programs
	 * on this CPU only one may wait for that. Another memmon-bpf's, or a thread in mmap(2), can be
	 * in the way; the mark will do then.
	 */
	if (bpf_find_vma(bpf_get_current_task_btf(), page.address, page_hits_wall, &page, 0) &&
	    page.mark)
		mark_hits_wall(page.mark, SIGBUS, 0);
	return 0;
}

#endif
