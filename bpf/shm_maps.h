/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of what the programs of bpf/shm.bpf.c and src/shm_tracer.c share through maps.
 *
 * Three tables: superblocks by device number, inodes by their address, and processes by superblock.
 * Charges are booked as differences of an inode's absolute count of pages to what was booked of it
 * before, so that an event that was missed is made up for by the next.
 */
#ifndef MEMMON_SHM_MAPS_H
#define MEMMON_SHM_MAPS_H

#include "events.h"

#define SHM_CPUS 512 /* possible CPUs; a power of two */
#define SHM_SUPERS 4096 /* tmpfs superblocks that are known at once */
#define SHM_INODES 65536 /* files that are known at once */
#define SHM_ACCOUNTS 16384 /* (superblock, process) that are known at once */
#define SHM_CALLS \
	4096 /* calls of shmem's functions that are under way at once; kprobe chain only */
#define SHM_PICKS 32 /* files that are looked at in one run */
#define SHM_WALLS 4 /* failures that a process's next ones are compared with */

struct shm_super {
	__u64 sb; /* address; another one means that the device number was used again */
	__u64 root; /* address of its root directory */
	__s64 base_pages; /* used when charges began to be traced */
	__u64 charged_pages, uncharged_pages; /* since then */
	__u64 peak_pages, peak_ns; /* highest base + charged - uncharged */
};

struct shm_inode {
	__u64 ino;
	__u32 generation; /* random: tells one inode from the next at its address */
	__u32 dev;
	__u64 pages; /* booked */
	__u64 alloced; /* the kernel's count when it was last looked at; tracepoint chain only */
	__u64 peak_pages;
	__u64 creator_start_ns;
	__u32 creator_pid; /* as our pid namespace sees it */
	__u32 flags; /* SHM_FILE_BEFORE, SHM_FILE_CREATOR */
	char comm[COMM_LEN]; /* the creator's */
};

struct shm_account_key {
	__u32 dev;
	__u32 tgid; /* in the initial pid namespace */
	__u64 start_ns;
};

/* A failure that was reported, and what had happened until then. */
struct shm_wall {
	__u64 ino;
	__u64 freed_pages; /* of the superblock */
	__u64 charged_pages; /* by the process */
	__u64 ts_ns;
	__u32 how; /* enum shm_full_how; 0 = none */
	__u32 pad;
};

struct shm_account {
	__u64 charged_pages, uncharged_pages;
	__u32 pid; /* as our pid namespace sees it; 0 = not from there */
	__u32 next_wall;
	struct shm_wall walls[SHM_WALLS];
	char comm[COMM_LEN];
};

/* The address of a thread's last fault. */
struct shm_fault {
	__u64 thread; /* both ids, in the initial pid namespace */
	__u64 address; /* 0 = seen to */
};

/* A call that is under way. */
struct shm_call_key {
	__u64 thread; /* both ids, in the initial pid namespace */
	__u32 function;
	__u32 pad;
};

struct shm_call {
	__u64 argument[2]; /* those that its end needs */
};

/* What the programs lost, each counted once. */
struct shm_lost {
	__u64 records, supers, inodes, accounts, calls;
};

/* What is handed over of a file. */
struct shm_inode_reading {
	__u64 inode; /* address */
	struct rec_shm_file rec; /* `bytes`, `peak_bytes` and `key` complete; alive is left out */
	char name[SHM_FULL_NAME]; /* of its directory entry */
};

/* … and of who has it. */
struct shm_hold {
	__u64 inode; /* address */
	__u64 start_ns;
	__u32 pid; /* as our pid namespace sees it, never 0 */
	__u32 flags; /* SHM_HOLDS_* */
	char comm[COMM_LEN];
};

_Static_assert(sizeof(struct shm_inode) == 72, "shm_inode");
_Static_assert(sizeof(struct shm_hold) == 40, "shm_hold");

#endif
