/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model's process table: every live process, and of the ended ones those of the largest peaks.
 *
 * A process is found by (pid, start_ns). What a pruned process contributed to the sums and peaks
 * stays in `retired`, `best` and `kind_peak`, so that pruning never changes a figure of the tree.
 * Room to list every process is reserved when one is added: listing cannot fail.
 */
#ifndef MEMMON_PROCESSES_H
#define MEMMON_PROCESSES_H

/* Without this uthash ends the program when memory is exhausted. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "model.h"

struct process_key {
	uint64_t start_ns;
	uint32_t pid;
	uint32_t pad; /* hashed as bytes: always 0 */
};

struct process_entry {
	struct process p;
	struct process_key key;
	char *cmdline, *container; /* owned; `p` points at them */
	uint64_t level_pages; /* RSS as last heard from any record; 0 when ended */
	uint64_t level_ns; /* and when */
	UT_hash_handle hh; /* in `all`, by key */
	UT_hash_handle by_pid; /* in `live` */
};

/* Sums over processes; UNKNOWN_U64 where no process had the figure. */
struct process_sums {
	uint64_t minor_faults, major_faults, cpu_ns;
	struct vm_volume volume[VM_CALLS];
};

struct process_table {
	struct process_entry *all;
	struct process_entry *live;
	const struct process **order; /* room for every entry of `all` */
	size_t order_cap;
	size_t n, n_live, max_ended;
	uint64_t seen, pruned; /* ever added, and dropped again */
	uint64_t level_pages; /* the sum over the live ones */
	struct process_sums retired; /* of the pruned ones */
	/* the highest RSS that any single process ever had */
	struct {
		bool known;
		struct mem_pages at_peak;
		uint64_t peak_ns, error_pages;
		bool no_kinds;
	} best;
	struct mem_pages kind_peak; /* each kind's highest of any single process */
};

void processes_init(struct process_table *t, size_t max_ended);
void processes_finish(struct process_table *t);

/* NULL when there is none. */
struct process_entry *processes_find(struct process_table *t, uint32_t pid, uint64_t start_ns);

/*
 * Finds or adds. One pid has one live process: when another one with this pid is still taken for
 * alive, its exit was lost, and the one that started earlier is ended. Returns 0 or -ENOMEM.
 */
int processes_get(struct process_table *t, uint32_t pid, uint64_t start_ns,
		  struct process_entry **out);

/* What a live process holds at ts_ns; ignored when something newer is known. True if taken. */
bool processes_set_level(struct process_table *t, struct process_entry *e,
			 const struct mem_pages *now, uint64_t ts_ns);

/* Replaces the reading; ends nothing. */
void processes_set_reading(struct process_table *t, struct process_entry *e,
			   const struct rec_reading *r);

/* May drop ended processes, this one included: do not use any entry after it. */
void processes_end(struct process_table *t, struct process_entry *e, uint64_t end_ns);

/* Drops the ended ones of the smallest peaks beyond max_ended, and lists the rest into `order`. */
void processes_list(struct process_table *t);

void processes_sum(const struct process_table *t, struct process_sums *out);

/* It has a reading, and memory of its own. */
static inline bool process_has_rss(const struct process *p)
{
	return p->has_reading && !(p->reading.flags & READING_NO_MM);
}

/* … and what its peak consisted of is known. */
static inline bool process_has_kinds(const struct process *p)
{
	return process_has_rss(p) && !(p->reading.flags & READING_NO_KINDS);
}

/* … and what it holds, or held when it ended, is known. */
static inline bool process_has_now(const struct process *p)
{
	return process_has_rss(p) && !(p->reading.flags & READING_NO_NOW);
}

#endif
