/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of what the BPF programs and the tracer share through maps and global variables.
 *
 * A *slot* is one watched process, from the moment we watch it until user space has read its last
 * numbers. Slots are handed out of the queue `free_slots` by the kernel side and given back by user
 * space, so that a number is never overwritten before it was read. A *cell* is what one CPU keeps
 * of one slot; only that CPU writes it while the slot's mm is in the index.
 */
#ifndef MEMMON_MAPS_H
#define MEMMON_MAPS_H

#include "events.h"

#define MAX_CPUS 512 /* more are refused at start; a power of two */
#define EXACT_CPUS 8 /* with more, the other CPUs' parts are not summed at every event */
#define INDEX_BITS 13 /* direct-mapped buckets by mm: 2^INDEX_BITS × 8 bytes */

#define SLOT_ARMED 1U /* the command before its exec: not watched yet */
#define SLOT_ENDED 2U /* the process has ended, `final` is complete */
#define SLOT_LAST 4U /* `last` is set */

/* `wanted`: by pid as our pid namespace sees it */
enum wanted_how {
	WANTED_NOW = 1,
	WANTED_AT_EXEC = 2,
	WANTED_DONE = 3, /* set by the kernel side: it is watched */
};

struct slot {
	/* read at every event: one cache line */
	__u64 mm; /* struct mm_struct *, the key; 0 = no memory of its own */
	__s64 level_pages; /* RSS at the last REC_LEVEL */
	__s64 count_seen[MEM_KINDS]; /* the shared part of each counter that the tree has booked */
	__u32 touched; /* set by an event, cleared by the reader */
	__u32 last_cpu; /* whose cell has the newest value, while there is one thread */
	__u32 threads;
	__u32 starting; /* watch() is at work on it: not to be given back yet */

	/* read and written on rare hooks only */
	__s64 swap_pages; /* as of the last event on swap */
	struct mem_pages first; /* when it began to be watched */
	struct mem_pages baseline; /* when its present mm began to be */
	struct mem_pages last; /* when it ended, where on_exit comes too late for that */
	__u64 start_ns;
	__u64 end_ns;
	__u64 events; /* that no longer fit into the cells, which count 2^32 */
	__u32 tgid; /* in the initial pid namespace */
	__u32 pid; /* in ours */
	__u32 ppid; /* in ours */
	__u32 how; /* enum start_how */
	__u32 flags; /* SLOT_* */
	__s32 wait_status;
	__u32 remote; /* another process changed its counters (noted before 6.2 only) */
	__u32 threads_peak;
	/* of all threads over their lives, summed up when the process ends */
	__u64 minor_faults, major_faults, cpu_ns;
	__u64 brk;
	struct vm_volume volume[VM_CALLS];
	char comm[COMM_LEN];
	struct rec_reading final; /* written once, when the process ends */
	__u64 padding[5]; /* to whole cache lines */
};

/* What one CPU knows of one slot. Events on file and anon memory touch the first cache line only. */
struct cell {
	/* this CPU's part of each counter at its last event, as booked in the tree; the kernel keeps
	 * parts below max(32, 2 × CPUs) */
	__s16 part[MEM_KINDS];
	__s64 rss;
	__s64 peak_rss;
	__u32 events; /* the low 32 bits */
	__u32 counted; /* Σ count of RSS, its low 32 bits, when all parts were last summed up */
	struct {
		__s64 now; /* the counter at this CPU's last event */
		__s64 peak;
	} kind[MEM_KINDS];
	/* the kinds at the instant of peak_rss; shmem is the rest of it */
	__s64 peak_file, peak_anon, peak_swap;
	__u64 peak_jiffies;
};

/* One per CPU: what it has not yet folded into the tree, and the highest tree total it has seen. */
struct tree_cpu {
	/* used at every event: one cache line */
	__s64 unfolded[MEM_KINDS];
	__u64 events; /* of watched processes */
	__u64 percpu_offset; /* of this CPU's copy of per-CPU variables */
	__u64 timed_events, timed_ns; /* one event in TIMED_EVERY is timed */

	__s64 peak_rss;
	__s64 at_peak[MEM_KINDS];
	__u64 peak_jiffies;
	__s64 peak[MEM_KINDS];
	__u64 lost_records;
	__u64 live_peak; /* most processes at once that this CPU has seen */
	__u64 pad[4]; /* to whole cache lines, so that CPUs do not share one */
};

#define TIMED_EVERY 256
#define FOLD_PAGES 16 /* a CPU folds into the tree when it holds this many */

struct tree {
	__s64 now[MEM_KINDS]; /* folded; the sum with every `unfolded` is exact */
	__u64 seen, live, untracked;
};

/* A bucket of the index of mms. */
struct bucket {
	__u32 slot; /* number + 1; 0 = none */
	__u32 residents; /* watched mms that hash here */
};

_Static_assert(sizeof(struct slot) % 64 == 0, "slots begin on cache lines");
_Static_assert(sizeof(struct cell) == 128, "a cell is two cache lines");
_Static_assert(sizeof(struct tree_cpu) == 192, "tree_cpu is padded to cache lines");

#endif
