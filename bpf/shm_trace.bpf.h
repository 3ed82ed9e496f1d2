/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chain of tracepoints, for kernels that refuse fexit: system calls that end, pages that are
 * mapped and pages that leave the cache.
 *
 * It runs on every system call and fault of the machine, so that each program turns away what is
 * not its own in a few instructions. Whatever it does not see (kernel threads, populated or locked
 * ranges of several mappings, long symbolic links, swapped pages that are freed) is booked when the inode is looked at
 * next, at the latest by the sweep that user space starts.
 */
#ifndef MEMMON_SHM_TRACE_BPF_H
#define MEMMON_SHM_TRACE_BPF_H

#include "shm_calls.bpf.h"
#include "shm_signal.bpf.h"

#define MAP_LOCKED 0x2000
#define MAP_POPULATE 0x8000
#define TS_COMPAT 2 /* x86 */
#define PSR_MODE32_BIT 0x10 /* arm64 */

/* ---- mappings ---- */

/*
 * The address of each thread's last fault: bpf_find_vma() in the fault's own tracepoint would cost
 * 13 µs, and task storage 0.2 µs. A direct-mapped table costs next to nothing; of threads whose ids
 * collide the last one wins, and what the other touched is booked later.
 */
#define FAULT_BITS 12

struct shm_fault faults[1 << FAULT_BITS];

static __always_inline int note_fault(u64 address)
{
	u64 thread = bpf_get_current_pid_tgid();
	struct shm_fault *f = &faults[thread & ((1 << FAULT_BITS) - 1)];

	f->thread = thread;
	f->address = address;
	return 0;
}

SEC("tp_btf/page_fault_user")
int BPF_PROG(on_user_fault, unsigned long address)
{
	return note_fault(address);
}

SEC("tp_btf/page_fault_kernel")
int BPF_PROG(on_kernel_fault, unsigned long address)
{
	return note_fault(address);
}

static long book_mapping(struct task_struct *task, struct vm_area_struct *vma, u32 *booked)
{
	struct file *file = vma->vm_file;

	if (file && is_shmem(file->f_mapping))
		*booked = book_inode((u64)BPF_CORE_READ(file, f_inode), false);
	return 0;
}

static __always_inline bool book_address(u64 address)
{
	u32 booked = 0;

	bpf_find_vma(bpf_get_current_task_btf(), address, book_mapping, &booked, 0);
	return booked;
}

/* The pages around are mapped first, if there are any: the address is good until something was booked. */
SEC("tp_btf/rss_stat")
int BPF_PROG(on_rss_stat, struct mm_struct *mm, int member)
{
	struct task_struct *task;
	struct shm_fault *f;
	u64 thread, address;

	if (member != MEM_SHMEM)
		return 0;
	task = bpf_get_current_task_btf();
	if ((u64)task->mm != (u64)mm)
		return 0;
	thread = bpf_get_current_pid_tgid();
	f = &faults[thread & ((1 << FAULT_BITS) - 1)];
	address = f->address;
	if (f->thread != thread || !address)
		return 0;
	if (book_address(address))
		f->address = 0;
	return 0;
}

/* ---- pages that leave the cache ---- */

/*
 * Pages that are freed are still in `alloced` here, which is settled after the last of them; a page
 * whose charge failed never was. What was charged unseen is booked first, for the sake of the peak.
 */
__noinline int drop_pages(u64 inode, u64 pages)
{
	struct shmem_inode_info *info = shmem_info(inode);
	u64 alloced = BPF_CORE_READ(info, alloced);
	u64 there = BPF_CORE_READ((struct inode *)inode, i_mapping, nrpages);
	struct shm_inode *e;

	if (cfg_marks && there + BPF_CORE_READ(info, swapped) > alloced) {
		if (is_full(super_of_inode(inode)))
			set_mark(inode);
		return 0;
	}
	e = inode_of(inode);
	if (!e)
		return 0;
	if (e->alloced != alloced) {
		e->alloced = alloced;
		book_inode(inode, false);
	}
	if ((s64)e->pages < (s64)pages)
		return 0; /* somebody else looked in between */
	__sync_fetch_and_add(&e->pages, -pages);
	book(e, -pages, false);
	if (!e->pages && (BPF_CORE_READ((struct inode *)inode, i_mapping, flags) &
			  (1UL << bpf_core_enum_value(enum mapping_flags, AS_EXITING))))
		bpf_map_delete_elem(&inodes, &inode);
	return 0;
}

SEC("tp_btf/mm_filemap_delete_from_page_cache")
int BPF_PROG(on_delete, struct folio *folio)
{
	struct address_space *mapping = folio->mapping;

	if (!mapping || (u64)mapping->a_ops != shmem_aops)
		return 0;
	return drop_pages(as_number(mapping->host), folio_pages(folio));
}

/* ---- system calls ---- */

/* The thread's open file; NULL = none, or not shmem. */
static __always_inline struct file *shmem_file(struct task_struct *task, u32 fd)
{
	struct fdtable *table = task->files->fdt;
	struct file **files, *file = NULL;

	if (fd >= table->max_fds)
		return NULL;
	files = table->fd;
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file && is_shmem(BPF_CORE_READ(file, f_mapping)) ? file : NULL;
}

#define VECTORS 64

/* What a vector of buffers asks for; UNKNOWN_U64 with more than VECTORS of them. */
__noinline u64 vector_bytes(u64 vectors, u64 n)
{
	u64 sum = 0;

	if (n > VECTORS)
		return UNKNOWN_U64;
	for (u32 i = 0; i < VECTORS && i < n; i++) {
		struct {
			u64 base, bytes;
		} one = {};

		if (bpf_probe_read_user(&one, sizeof(one), (void *)(vectors + i * sizeof(one))))
			return UNKNOWN_U64;
		sum += one.bytes;
	}
	return sum;
}

/* The superblocks that have run out of inodes: the address of one, and whether there are more. */
struct exhausted {
	u64 sb;
	u64 several;
	u64 at; /* the next of the list */
};

static long look_at_super(u32 i, struct exhausted *e)
{
	u64 at = e->at, sb = at - bpf_core_field_offset(struct super_block, s_instances);

	if (!at)
		return 1;
	if (out_of_inodes(BPF_CORE_READ((struct super_block *)sb, s_fs_info))) {
		e->several = e->sb;
		e->sb = sb;
	}
	e->at = (u64)BPF_CORE_READ((struct hlist_node *)at, next);
	return 0;
}

/*
 * No inode was left for a new name. The path cannot be followed from here; but where just one tmpfs has
 * run out of inodes it is that one, and of several user space finds out which.
 */
__noinline int end_of_create_call(u64 path, s32 dirfd)
{
	struct wall w = {
		.how = SHM_FULL_OPEN, .error = ENOSPC, .user_path = path, .dirfd = dirfd
	};
	struct exhausted e = {};

	e.at = (u64)BPF_CORE_READ((struct hlist_head *)shmem_supers, first);
	bpf_loop(SHM_SUPERS, look_at_super, &e, 0);
	if (!e.sb)
		return 0;
	if (!e.several)
		w.sb = e.sb;
	return hit_wall(&w);
}

/* A call that makes a name found no inode for it. */
static __always_inline int end_of_naming_call(struct pt_regs *regs, u32 nr)
{
	switch (nr) {
	case NR_OPENAT:
	case NR_OPENAT2:
	case NR_MKDIRAT:
	case NR_MKNODAT:
		return end_of_create_call(call_argument_1(regs), call_argument_0(regs));
	case NR_SYMLINKAT:
		return end_of_create_call(call_argument_2(regs), call_argument_1(regs));
	case NR_LINKAT:
		return end_of_create_call(call_argument_3(regs), call_argument_2(regs));
	case NR_OPEN:
	case NR_CREAT:
	case NR_MKDIR:
	case NR_MKNOD:
		return end_of_create_call(call_argument_0(regs), AT_FDCWD);
	case NR_SYMLINK:
	case NR_LINK:
		return end_of_create_call(call_argument_1(regs), AT_FDCWD);
	}
	return 0;
}

/*
 * What there is to do with an open file at the end of a call: one that wrote (SHM_FULL_WRITE), one of
 * fallocate(2), or (0) one that may have changed what is charged. A write may be short also as its
 * source ended or a signal came: then the mark tells, or where there are none a file system without
 * a page left.
 */
__noinline int end_of_file_call(u32 fd, s64 ret, u32 how, u64 wanted, u64 mark)
{
	struct file *file = shmem_file(bpf_get_current_task_btf(), fd);
	u64 inode;
	bool full;

	if (!file)
		return 0;
	inode = (u64)BPF_CORE_READ(file, f_inode);
	book_inode(inode, false);
	if (!how)
		return 0;
	full = ret == -ENOSPC;
	if (how == SHM_FULL_WRITE && ret >= 0 && (u64)ret < wanted)
		full = cfg_marks ? mark == inode : is_full(super_of_inode(inode));
	if (full)
		file_hits_wall(file, how, wanted, ret < 0 ? 0 : ret);
	return 0;
}

static __noinline int end_of_call(struct pt_regs *regs, s64 ret, u32 nr, u64 mark)
{
	u64 wanted = 0;

	if (!regs)
		return 0;
	switch (nr) {
	case NR_WRITE:
	case NR_PWRITE64:
		return end_of_file_call(call_argument_0(regs), ret, SHM_FULL_WRITE,
					call_argument_2(regs), mark);
	case NR_WRITEV:
	case NR_PWRITEV:
	case NR_PWRITEV2:
		wanted = vector_bytes(call_argument_1(regs), call_argument_2(regs));
		return end_of_file_call(call_argument_0(regs), ret, SHM_FULL_WRITE, wanted, mark);
	case NR_SENDFILE:
		return end_of_file_call(call_argument_0(regs), ret, SHM_FULL_WRITE,
					call_argument_3(regs), mark);
	case NR_SPLICE:
	case NR_COPY_FILE_RANGE:
		return end_of_file_call(call_argument_2(regs), ret, SHM_FULL_WRITE,
					call_argument_4(regs), mark);
	case NR_FALLOCATE:
		return end_of_file_call(call_argument_0(regs), ret, SHM_FULL_FALLOCATE,
					call_argument_3(regs), mark);
	case NR_FTRUNCATE:
		return end_of_file_call(call_argument_0(regs), ret, 0, 0, mark);
	case NR_MMAP:
		if ((call_argument_3(regs) & (MAP_POPULATE | MAP_LOCKED)) &&
		    (ret >= 0 || ret < -4095))
			book_address(ret);
		return 0;
	case NR_MADVISE:
	case NR_MLOCK:
	case NR_MLOCK2:
		book_address(call_argument_0(regs));
		return 0;
	case NR_OPENAT:
	case NR_OPENAT2:
	case NR_OPEN:
	case NR_CREAT:
	case NR_MEMFD_CREATE:
		if (ret >= 0)
			return end_of_file_call(ret, ret, 0, 0, mark);
	}
	return ret == -ENOSPC ? end_of_naming_call(regs, nr) : 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, s64 ret)
{
	u32 nr = call_number(regs);
	bool ours = nr < CALL_WORDS * 64 &&
		    (call_words[(nr / 64) & (CALL_WORDS - 1)] >> (nr & 63) & 1);
	u64 mark;

	if (!ours && !marked)
		return 0;
	mark = take_own_mark();
	/* 32-bit system calls have other numbers */
#if defined(__TARGET_ARCH_x86)
	if (ours && (bpf_get_current_task_btf()->thread_info.status & TS_COMPAT))
		ours = false;
#else
	if (ours && (BPF_CORE_READ(regs, pstate) & PSR_MODE32_BIT))
		ours = false;
#endif
	if (ours)
		end_of_call(regs, ret, nr, mark);
	/* a page of a mapping that the call was to read or write */
	if (mark && ret == -EFAULT)
		mark_hits_wall(mark, 0, EFAULT);
	return 0;
}

/* ---- io_uring ---- */

/* Whoever does the work completes it, the thread that asked or one of the kernel's for it. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(on_uring_complete, void *ring, struct io_kiocb *req)
{
	struct file *file = BPF_CORE_READ(req, file);
	u64 mark = take_own_mark(), inode = 0;

	if (!mark && marked)
		mark = take_mark(all_workers(bpf_get_current_pid_tgid()));
	if (file && is_shmem(BPF_CORE_READ(file, f_mapping))) {
		inode = (u64)BPF_CORE_READ(file, f_inode);
		book_inode(inode, false);
	}
	if (!mark)
		return 0;
	if (mark == inode)
		file_hits_wall(file, SHM_FULL_WRITE, UNKNOWN_U64, UNKNOWN_U64);
	else
		mark_hits_wall(mark, 0, EFAULT);
	return 0;
}

#endif
