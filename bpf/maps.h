/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of what the BPF programs and the tracer share through maps and global variables.
 *
 * A *slot* is one watched process, from the moment we watch it until user space has read its last
 * numbers. Slots are handed out of the queue `free_slots` by the kernel side and given back by user
 * space, so that a number is never overwritten before it was read. A *cell* is what one CPU keeps
 * of one slot; only that CPU writes it while the slot's mm is in the index. Slot 0 is nobody's.
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
#define SLOT_GONE 8U /* it ended unseen: its status and what it held and consumed are not known */

/* How the counters come to be known: by every event, or by looks at them (sample.bpf.h). */
enum sampling {
	SAMPLE_NEVER, /* the hook on rss_stat is attached */
	SAMPLE_BEGINS, /* it no longer is, and the slots are brought up to date */
	SAMPLE_ON,
};

/* `wanted`: by pid as our pid namespace sees it */
enum wanted_how {
	WANTED_NOW = 1,
	WANTED_AT_EXEC = 2,
	WANTED_DONE = 3, /* set by the kernel side: it is watched */
};

#define PICKS 32 /* slots that a program run by user space looks at in one run */

#define KINDS_UNKNOWN (-(1LL << 62)) /* of peaks.file: nobody saw what `rss` consisted of */

struct peaks {
	__s64 kind[MEM_KINDS];
	__s64 rss;
	__s64 file, anon,
		swap; /* at the instant of `rss`; shmem is the rest of it; see KINDS_UNKNOWN */
	__u64 jiffies; /* of that instant */
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
	struct mem_pages
		last; /* when it ended, where on_exit comes too late; before, the last sample */
	__u64 start_ns;
	__u64 end_ns;
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
	/* of the sample mode (sample.bpf.h) */
	__u64 mark; /* mm->hiwater_rss when it was last looked at */
	__u64 ceiling; /* the highest mark since the process was first sampled; UNKNOWN_U64 = reset */
	__u64 maxrss; /* signal->maxrss when its present program began */
	__u64 sampled; /* 1 = it ever was */
	struct peaks looked; /* the highest that looks have seen */
	/* of kernels that skip programs (preempt.bpf.h) */
	__u64 missed; /* events that had been missed when it began to be watched */
	__u64 exec_id; /* task->self_exec_id of the exec that is booked */
	__u64 exec_seen; /* of one that is not, as a healer saw it */
	__u64 mm_id; /* of the mm; see id_of_mm() */
	__u64 closing; /* the mm that is to be detached: nobody begins to mend it */
	__u64 closings; /* how often that was said: to count it is a barrier */
	__u32 menders; /* CPUs that mend what the tree holds of it */
	__u32 loose; /* its mm is not its own: off the index, and to be taken out of the tree */
	struct rec_reading final; /* written once, when the process ends */
	__u64 padding[3]; /* to whole cache lines */
};

/* Of the kinds that make up RSS, what one CPU keeps for its shortcut. */
struct share {
	__s16 part; /* this CPU's part at its last event, as booked in the tree; the kernel keeps
		     * parts below max(32, 2 × CPUs) */
	__s16 top; /* the highest part since the shortcut was opened, or as high as needs no look */
	__u32 count; /* the low half of the shared count when the shortcut was opened */
};

#define RSS_KINDS 3
#define SHARE_AT(k) ((k) == MEM_SHMEM ? 2 : (k)) /* file, anon, shmem */

/*
 * What one CPU knows of one slot. The first cache line is its *shortcut*: while it is open, no other
 * CPU changes the counters, and an event needs this line only. See rss.bpf.h.
 */
struct cell {
	__u64 mm; /* the shortcut is open for this mm; 0 = closed, by whichever CPU */
	__s32 rss; /* while open: now, */
	__s32 rss_top; /* the highest, */
	__s32 rss_above, rss_below; /* and from where on user space wants a REC_LEVEL */
	__u32 top_jiffies; /* when rss_top was reached, the low half */
	struct share share[RSS_KINDS];
	__s16 top_file, top_anon; /* the parts at rss_top; shmem's is the rest */
	__s16 swap_part;
	__u16 unused[3];

	/* brought up to date where an event goes the long way */
	__s64 base[MEM_KINDS]; /* each counter without this CPU's part */
	struct peaks peaks;
	__u32 counted; /* Σ count of RSS, its low half, when all parts were last summed up */
	__u32 unused2;
	__s64 swap; /* what slot.swap_pages was when the shortcut was opened */
	__u64 padding; /* to whole cache lines */
};

/* One per CPU: what it has not yet folded into the tree, and the highest tree total it has seen. */
struct tree_cpu {
	/* used at every event: one cache line */
	__s32 unfolded[MEM_KINDS];
	__u64 events; /* of watched processes */
	__u64 percpu_offset; /* of this CPU's copy of per-CPU variables */
	__u32 first_cell; /* the number of this CPU's cell of slot 0 */
	__u32 busy; /* the hook on RSS is at work on what belongs to the CPU; see preempt.bpf.h */
	__u32 unused[2];
	__u64 timed_events, timed_ns; /* one event in TIMED_EVERY is timed */

	__s64 peak_rss;
	__s64 at_peak[MEM_KINDS];
	__u64 peak_jiffies;
	__s64 peak[MEM_KINDS];
	__u64 lost_records;
	__u64 live_peak; /* most processes at once that this CPU has seen */
	__u64 padding[12]; /* to a power of two */
};

#define TIMED_EVERY 256
#define FOLD_PAGES 16 /* a CPU folds into the tree when it holds this many */

struct tree {
	__s64 now[MEM_KINDS]; /* folded; the sum with every `unfolded` is exact */
	__u64 seen, live, untracked;
};

/* A bucket of the index of mms. */
struct bucket {
	__u32 slot; /* 0 = none */
	__u32 residents; /* watched mms that hash here */
};

_Static_assert(sizeof(struct slot) % 64 == 0, "slots begin on cache lines");
_Static_assert(__builtin_offsetof(struct cell, base) == 64, "a shortcut is one cache line");
_Static_assert(sizeof(struct cell) == 192, "a cell is three");
_Static_assert(__builtin_offsetof(struct tree_cpu, peak_rss) == 64,
	       "an event needs one cache line");
_Static_assert(sizeof(struct tree_cpu) == 256, "CPUs do not share cache lines");

#endif
