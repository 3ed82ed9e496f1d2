/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the shm programs keep, and what they read of the kernel's own books on tmpfs.
 *
 * Whatever has shmem's address space operations is shmem: regular files, memfds, System V segments,
 * shared anonymous memory, and long symbolic links, whose pages count as well. Inodes are known by
 * address; their random generation tells whether the address still means the same one.
 */
#ifndef MEMMON_SHM_STATE_BPF_H
#define MEMMON_SHM_STATE_BPF_H

#include "compat.bpf.h"
#include "percpu.bpf.h"
#include "shm_maps.h"
#include "task.bpf.h"

/* Settings, fixed at load. */
const volatile __u32 cfg_cpus = 1; /* possible CPUs, at most SHM_CPUS */
const volatile __u32 cfg_page_bytes = 4096;
const volatile __u32 cfg_dir_at =
	1; /* which argument of shmem_mknod() and the like is the directory */
const volatile bool cfg_charges = false; /* a chain that traces charges is loaded */
const volatile bool cfg_marks = false; /* a page that could not be charged leaves the cache again */

__u64 shmem_aops; /* shmem's address space operations */
__u64 shmem_supers; /* its list of superblocks: address of a struct hlist_head */
__u64 cpu_offsets[SHM_CPUS];
__u32 primed; /* what existed before has been looked at: an inode not known yet is new */
struct shm_lost lost;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SHM_SUPERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32); /* s_dev */
	__type(value, struct shm_super);
} supers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SHM_INODES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64); /* address */
	__type(value, struct shm_inode);
} inodes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SHM_ACCOUNTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct shm_account_key);
	__type(value, struct shm_account);
} accounts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} records SEC(".maps");

/* Carries nothing but wake-ups. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* a page; set at load */
} alarms SEC(".maps");

/*
 * Addresses are kept as numbers, and these take a copy: clang makes a field of ours that stands in
 * BPF_CORE_READ() one of the kernel's.
 */
static __always_inline u64 super_of_inode(u64 inode)
{
	return (u64)BPF_CORE_READ((struct inode *)inode, i_sb);
}

static __always_inline u64 number_of_inode(u64 inode)
{
	return BPF_CORE_READ((struct inode *)inode, i_ino);
}

static __always_inline u32 dev_of_super(u64 sb)
{
	return BPF_CORE_READ((struct super_block *)sb, s_dev);
}

static __always_inline struct shmem_inode_info *shmem_info(u64 inode)
{
	return (void *)(inode - bpf_core_field_offset(struct shmem_inode_info, vfs_inode));
}

/*
 * The pages that are charged for an inode. `alloced` lags behind pages that leave the cache until the
 * caller of that has settled the account; pages in the cache that are not charged yet are no matter.
 */
static __always_inline u64 pages_of(u64 inode)
{
	struct shmem_inode_info *info = shmem_info(inode);
	u64 alloced = BPF_CORE_READ(info, alloced), there;

	there = BPF_CORE_READ(info, swapped) +
		BPF_CORE_READ((struct inode *)inode, i_mapping, nrpages);
	return there < alloced ? there : alloced;
}

static __always_inline bool is_shmem(struct address_space *mapping)
{
	return mapping && (u64)BPF_CORE_READ(mapping, a_ops) == shmem_aops;
}

/*
 * The exact sum of a per-CPU counter. Functions with loops are global ones: the verifier looks at them
 * once, and not again for each way that leads to them.
 */
__noinline u64 used_pages(u64 sb)
{
	struct shmem_sb_info *info = BPF_CORE_READ((struct super_block *)sb, s_fs_info);
	u64 counters = (u64)BPF_CORE_READ(info, used_blocks.counters);
	s64 sum = BPF_CORE_READ(info, used_blocks.count);

	if (!counters)
		return 0;
	for (u32 cpu = 0; cpu < SHM_CPUS && cpu < cfg_cpus; cpu++) {
		s32 part = 0;

		if (cpu_offsets[cpu])
			bpf_probe_read_kernel(&part, sizeof(part),
					      (void *)(counters + cpu_offsets[cpu]));
		sum += part;
	}
	return sum > 0 ? sum : 0;
}

/* 0 = no limit */
static __always_inline u64 limit_pages(u64 sb)
{
	struct shmem_sb_info *info = BPF_CORE_READ((struct super_block *)sb, s_fs_info);

	return BPF_CORE_READ(info, max_blocks);
}

static __always_inline bool is_full(u64 sb)
{
	u64 limit = limit_pages(sb);

	return limit && used_pages(sb) >= limit;
}

/* The superblock's entry, made where there is none; NULL and counted where there is no room. */
static __noinline struct shm_super *super_of(u64 sb)
{
	struct shm_super fresh = { .sb = sb };
	u32 dev = dev_of_super(sb);
	struct shm_super *s = bpf_map_lookup_elem(&supers, &dev);

	fresh.root = (u64)BPF_CORE_READ((struct super_block *)sb, s_root);
	if (s && s->sb == fresh.sb && s->root == fresh.root)
		return s;
	bpf_map_update_elem(&supers, &dev, &fresh, s ? BPF_EXIST : BPF_NOEXIST);
	s = bpf_map_lookup_elem(&supers, &dev);
	if (!s)
		__sync_fetch_and_add(&lost.supers, 1);
	return s;
}

static const struct shm_account no_account;

/* What the current process did to a superblock; NULL and counted where there is no room. */
static __noinline struct shm_account *account_of(u32 dev)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct shm_account_key key = { .dev = dev, .tgid = bpf_get_current_pid_tgid() >> 32 };
	struct shm_account *a;

	key.start_ns = BPF_CORE_READ(task, group_leader, start_time);
	a = bpf_map_lookup_elem(&accounts, &key);
	if (a)
		return a;
	bpf_map_update_elem(&accounts, &key, &no_account, BPF_NOEXIST);
	a = bpf_map_lookup_elem(&accounts, &key);
	if (!a) {
		__sync_fetch_and_add(&lost.accounts, 1);
		return NULL;
	}
	a->pid = pid_in_own_ns(task);
	BPF_CORE_READ_INTO(&a->comm, task, group_leader, comm);
	return a;
}

/* Before its inode is freed it leaves the list of its superblock and points to itself. */
static __always_inline bool is_evicted(u64 inode)
{
	u64 list = inode + bpf_core_field_offset(struct inode, i_sb_list);

	return (u64)BPF_CORE_READ((struct inode *)inode, i_sb_list.next) == list;
}

#endif
