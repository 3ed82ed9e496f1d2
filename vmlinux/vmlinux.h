/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel types that our BPF programs read, and of each only the fields that they read: this
 * file documents what memmon-bpf depends on. Layouts do not matter, names and types do; libbpf
 * relocates every access against the running kernel's BTF (CO-RE). Differences between kernels do
 * not belong here but in bpf/compat.bpf.h.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#include <linux/bpf.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __s16 s16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef _Bool bool;
enum { false, true };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	s64 counter;
} atomic64_t;

typedef atomic64_t atomic_long_t;

/* Any kernel struct that begins with an int serves to load a per-CPU s32 (rss.bpf.h). */
struct refcount_struct {
	atomic_t refs;
};

struct percpu_counter {
	s64 count;
	s32 *counters;
};

#if defined(__TARGET_ARCH_x86)
typedef struct {
	u64 ctx_id;
} mm_context_t;
#endif

struct mm_struct {
#if defined(__TARGET_ARCH_x86)
	mm_context_t context;
#endif
	atomic_t mm_users;
	struct percpu_counter rss_stat[4];
	unsigned long start_brk;
	unsigned long brk;
	unsigned long hiwater_rss;
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct list_head {
	struct list_head *next;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct completion;

typedef struct seqcount {
	unsigned int sequence;
} seqcount_t;

typedef struct seqcount_spinlock {
	seqcount_t seqcount;
} seqcount_spinlock_t;

typedef struct {
	seqcount_spinlock_t seqcount;
} seqlock_t;

struct signal_struct {
	atomic_t live;
	struct list_head thread_head;
	unsigned int flags;
	int group_exit_code;
	seqlock_t stats_lock;
	unsigned long min_flt;
	unsigned long maj_flt;
	unsigned long maxrss;
	unsigned long long sum_sched_runtime;
};

struct kernfs_node {
	u64 id;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct kernfs_node *kn;
	int level;
	struct cgroup_root *root;
	struct cgroup *ancestors[1];
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

enum cgroup_subsys_id {
	memory_cgrp_id = 4,
};

struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
};

struct sched_entity {
	u64 sum_exec_runtime;
};

#if defined(__TARGET_ARCH_x86)
struct thread_info {
	u32 status;
};
#endif

struct task_struct {
#if defined(__TARGET_ARCH_x86)
	struct thread_info thread_info;
#endif
	struct mm_struct *mm;
	struct list_head thread_node;
	struct completion *vfork_done;
	unsigned int flags;
	int exit_state;
	int exit_code;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	u64 start_time;
	unsigned long min_flt;
	unsigned long maj_flt;
	struct sched_entity se;
	char comm[16];
	struct files_struct *files;
	struct signal_struct *signal;
	struct css_set *cgroups;
	u64 self_exec_id;
};

struct linux_binprm;

typedef struct {
} u64_stats_t; /* of 8 bytes */

struct bpf_prog_stats {
	u64_stats_t misses;
};

struct bpf_prog {
	struct bpf_prog_stats *stats;
};

struct bpf_array {
	void *pptrs[1];
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r10;
	unsigned long r9;
	unsigned long r8;
	unsigned long ax;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs { /* by this name libbpf's macros for kprobes know the registers */
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 pstate;
};

struct pt_regs {
	u64 regs[31];
	u64 pstate;
	u64 orig_x0;
	s32 syscallno;
};
#endif

/* ---- files, tmpfs and page faults: bpf/shm*.bpf.h ---- */

typedef struct {
	unsigned int val;
} kuid_t;

struct file_system_type {
	struct hlist_head fs_supers;
};

struct dentry;

struct super_block {
	u32 s_dev;
	struct file_system_type *s_type;
	unsigned long s_flags;
	struct list_head s_inodes;
	struct hlist_node s_instances;
	void *s_fs_info;
	struct dentry *s_root;
};

struct address_space_operations;
struct inode;

struct address_space {
	struct inode *host;
	unsigned long nrpages;
	const struct address_space_operations *a_ops;
	unsigned long flags;
};

struct inode {
	unsigned short i_mode;
	kuid_t i_uid;
	struct super_block *i_sb;
	struct address_space *i_mapping;
	unsigned long i_ino;
	unsigned int i_nlink;
	long long i_size;
	struct list_head i_sb_list;
	struct hlist_head i_dentry;
	u32 i_generation;
};

struct shmem_inode_info {
	unsigned long alloced;
	unsigned long swapped;
	struct inode vfs_inode;
};

struct shmem_sb_info {
	unsigned long max_blocks;
	struct percpu_counter used_blocks;
	unsigned long max_inodes;
	unsigned long free_ispace;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
	struct inode *d_inode;
	union {
		struct hlist_node d_alias;
	};
};

struct path {
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	struct address_space *f_mapping;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_pgoff;
	struct file *vm_file;
};

enum fault_flag {
	FAULT_FLAG_USER = 0x40,
	FAULT_FLAG_REMOTE = 0x80,
	FAULT_FLAG_INTERRUPTIBLE = 0x200,
};

struct vm_fault {
	struct vm_area_struct *vma;
	enum fault_flag flags;
	unsigned long pgoff;
};

struct folio {
	unsigned long flags;
	struct address_space *mapping;
};

enum pageflags {
	PG_head = 6,
};

enum mapping_flags {
	AS_EXITING = 4,
};

struct kiocb {
	struct file *ki_filp;
};

struct iov_iter {
	unsigned long count;
};

struct io_kiocb {
	struct file *file;
};

union __sifields {
	struct {
		void *_addr;
	} _sigfault;
};

struct kernel_siginfo {
	int si_signo;
	int si_code;
	union __sifields _sifields;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	u32 fd;
	struct file *file;
};

struct bpf_iter__task_vma {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct vm_area_struct *vma;
};

#pragma clang attribute pop

#endif
