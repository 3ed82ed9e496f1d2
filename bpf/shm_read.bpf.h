/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What user space runs itself: the set-up, a look at all inodes of shmem that exist, the sweep over
 * those that are known, and who holds them.
 */
#ifndef MEMMON_SHM_READ_BPF_H
#define MEMMON_SHM_READ_BPF_H

#include "shm_book.bpf.h"

#define S_IFMT 0170000
#define S_IFREG 0100000
#define SB_NOUSER (1UL << 31)

#define PRIME_STEPS 256 /* inodes per run of `prime` */
#define PRIME_AGAIN 64 /* how often it may lose its way within one superblock */

__u32 memfd; /* a descriptor of a memfd of ours, for set_up */
/* Where `prime` is. */
__u64 prime_sb; /* 0 = at the end, or not begun */
__u64 prime_at; /* the list entry that comes next */
__u32 prime_lost_way;
__u32 prime_gaps; /* superblocks that were given up */

/* From a memfd of ours to what all shmem has in common. */
SEC("raw_tp")
int set_up(void *ctx)
{
	struct task_struct *self = (void *)bpf_get_current_task();
	struct file **files = BPF_CORE_READ(self, files, fdt, fd), *file = NULL;
	struct file_system_type *type;

	learn_own_pidns();
	bpf_probe_read_kernel(&file, sizeof(file), files + memfd);
	shmem_aops = (u64)BPF_CORE_READ(file, f_mapping, a_ops);
	type = BPF_CORE_READ(file, f_inode, i_sb, s_type);
	shmem_supers = (u64)type + bpf_core_field_offset(struct file_system_type, fs_supers);
	return 0;
}

/* Run once, and on each CPU whose offset is not known after that. */
SEC("raw_tp")
int learn_cpus(void *ctx)
{
	u64 base = percpu_probe_base();

	for (u32 cpu = 0; cpu < SHM_CPUS && cpu < cfg_cpus; cpu++) {
		u64 offset = percpu_offset_of(cpu, base);

		if (offset)
			cpu_offsets[cpu] = offset;
	}
	return 0;
}

/* What of a superblock is used beside what was booked of it, as the kernel has it. */
static __always_inline void set_base(u64 sb)
{
	struct shm_super *s = super_of(sb);

	if (!s)
		return;
	if (limit_pages(sb)) /* else nothing is counted, and the sum of its inodes serves */
		s->base_pages = used_pages(sb) - s->charged_pages + s->uncharged_pages;
	s->peak_pages = s->base_pages + s->charged_pages - s->uncharged_pages;
	s->peak_ns = bpf_ktime_get_ns();
}

static __always_inline u64 inode_list(u64 sb)
{
	return sb + bpf_core_field_offset(struct super_block, s_inodes);
}

static __always_inline void enter_super(struct hlist_node *instance)
{
	prime_lost_way = 0;
	prime_at = 0;
	prime_sb = 0;
	if (!instance)
		return;
	prime_sb = (u64)instance - bpf_core_field_offset(struct super_block, s_instances);
	prime_at = (u64)BPF_CORE_READ((struct super_block *)prime_sb, s_inodes.next);
}

/* To the next superblock. */
static __always_inline void leave_super(void)
{
	if (!primed)
		set_base(prime_sb);
	enter_super(BPF_CORE_READ((struct super_block *)prime_sb, s_instances.next));
}

/*
 * Makes one inode known that was not. The lists may change meanwhile: an inode that is not where it
 * should be makes it begin the superblock anew. A global function: the verifier looks at it once, and
 * not PRIME_STEPS times.
 */
__noinline int prime_step(void)
{
	u64 sb = prime_sb, at = prime_at, next, inode;

	if (at == inode_list(sb)) {
		leave_super();
		return 0;
	}
	inode = at - bpf_core_field_offset(struct inode, i_sb_list);
	next = (u64)BPF_CORE_READ((struct list_head *)at, next);
	if (super_of_inode(inode) != sb || next == at || !next) {
		prime_at = (u64)BPF_CORE_READ((struct super_block *)sb, s_inodes.next);
		if (++prime_lost_way > PRIME_AGAIN) {
			prime_gaps++;
			leave_super();
		}
		return 0;
	}
	prime_at = next;
	if (is_shmem(BPF_CORE_READ((struct inode *)inode, i_mapping)))
		inode_of(inode);
	return 0;
}

/* Makes some inodes of shmem's superblocks known; user space runs it until `prime_sb` is 0 again. */
SEC("raw_tp")
int prime(void *ctx)
{
	if (!prime_sb)
		enter_super(BPF_CORE_READ((struct hlist_head *)shmem_supers, first));
	for (int i = 0; i < PRIME_STEPS && prime_sb; i++)
		prime_step();
	return 0;
}

static __always_inline u32 kind_of(struct inode *inode, const char *name)
{
	if (!(BPF_CORE_READ(inode, i_sb, s_flags) & SB_NOUSER))
		return SHM_TMPFS;
	if (name[0] == 'm' && name[1] == 'e' && name[2] == 'm' && name[3] == 'f' &&
	    name[4] == 'd' && name[5] == ':')
		return SHM_MEMFD;
	if (name[0] == 'S' && name[1] == 'Y' && name[2] == 'S' && name[3] == 'V')
		return SHM_SYSV;
	return SHM_ANON;
}

/* Which inodes the next run is to look at, by address, and what the last run of read_inodes found. */
__u64 picked[SHM_PICKS];
__u32 n_picked;
struct shm_inode_reading readings[SHM_PICKS];
__u32 n_readings;

static __always_inline void fill_reading(struct shm_inode_reading *r, u64 at, struct shm_inode *e)
{
	struct inode *inode = (void *)at;
	struct hlist_node *alias = BPF_CORE_READ(inode, i_dentry.first);

	__builtin_memset(r, 0, sizeof(*r));
	r->inode = at;
	r->rec.head.type = REC_SHM_FILE;
	r->rec.head.pid = e->creator_pid;
	r->rec.head.ts_ns = bpf_ktime_get_ns();
	r->rec.head.start_ns = e->creator_start_ns;
	r->rec.dev = e->dev;
	r->rec.flags = e->flags;
	if (!BPF_CORE_READ(inode, i_nlink))
		r->rec.flags |= SHM_FILE_UNLINKED;
	r->rec.ino = e->ino;
	r->rec.uid = BPF_CORE_READ(inode, i_uid.val);
	r->rec.size_bytes = BPF_CORE_READ(inode, i_size);
	r->rec.bytes = pages_of(at) * cfg_page_bytes;
	r->rec.peak_bytes = e->peak_pages * cfg_page_bytes;
	for (int i = 0; i < COMM_LEN; i++)
		r->rec.comm[i] = e->comm[i];
	if (alias) {
		struct dentry *dentry = (void *)dentry_of_alias((u64)alias);

		bpf_probe_read_kernel_str(r->name, sizeof(r->name),
					  BPF_CORE_READ(dentry, d_name.name));
	}
	r->rec.kind = kind_of(inode, r->name);
	if (r->rec.kind != SHM_TMPFS) /* its numbers repeat */
		r->rec.key = 1ULL << 32 | e->generation;
}

/* Forgets the inode if it is gone. */
static __always_inline struct shm_inode *still_there(u64 inode)
{
	struct shm_inode *e = bpf_map_lookup_elem(&inodes, &inode);

	if (!e)
		return NULL;
	if (e->generation == BPF_CORE_READ((struct inode *)inode, i_generation) &&
	    !is_evicted(inode))
		return e;
	forget(inode);
	return NULL;
}

/* A global function: the verifier looks at it once, and not SHM_PICKS times. */
__noinline int read_inode(u64 inode)
{
	struct shm_inode *e = still_there(inode);

	if (!e || (BPF_CORE_READ((struct inode *)inode, i_mode) & S_IFMT) != S_IFREG)
		return 0;
	fill_reading(&readings[n_readings & (SHM_PICKS - 1)], inode, e);
	n_readings++;
	return 0;
}

/* What is known of files. */
SEC("raw_tp")
int read_inodes(void *ctx)
{
	n_readings = 0;
	for (u32 i = 0; i < SHM_PICKS && i < n_picked; i++)
		read_inode(picked[i]);
	return 0;
}

__noinline int sweep_inode(u64 inode)
{
	if (still_there(inode))
		book_inode(inode, true);
	return 0;
}

/* For chains that may have missed something: that is booked, by nobody. */
SEC("raw_tp")
int sweep(void *ctx)
{
	for (u32 i = 0; i < SHM_PICKS && i < n_picked; i++)
		sweep_inode(picked[i]);
	return 0;
}

/* The last one handed over: a process often maps a file piece by piece. */
__u64 held_inode;
__u32 held_pid;

static __always_inline int tell_holder(struct seq_file *seq, struct task_struct *task,
				       struct file *file, u32 flags)
{
	struct shm_hold hold = { .flags = flags };

	if (!file || (u64)file->f_mapping->a_ops != shmem_aops)
		return 0;
	hold.inode = (u64)file->f_inode;
	hold.pid = pid_in_own_ns(task);
	if (!hold.pid || (hold.inode == held_inode && hold.pid == held_pid))
		return 0;
	hold.start_ns = BPF_CORE_READ(task, group_leader, start_time);
	BPF_CORE_READ_INTO(&hold.comm, task, group_leader, comm);
	if (!bpf_seq_write(seq, &hold, sizeof(hold)) && flags == SHM_HOLDS_MAP) {
		held_inode = hold.inode;
		held_pid = hold.pid;
	}
	return 0;
}

SEC("iter/task_file")
int read_openers(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	if (!task || !file)
		return 0;
	return tell_holder(ctx->meta->seq, task, file, SHM_HOLDS_OPEN);
}

/* Not on 5.10. */
SEC("iter/task_vma")
int read_mappers(struct bpf_iter__task_vma *ctx)
{
	struct task_struct *task = ctx->task;
	struct vm_area_struct *vma = ctx->vma;

	if (!task || !vma)
		return 0;
	return tell_holder(ctx->meta->seq, task, vma->vm_file, SHM_HOLDS_MAP);
}

#endif
