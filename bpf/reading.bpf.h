/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of a process as one reading, and what its threads consumed. */
#ifndef MEMMON_READING_BPF_H
#define MEMMON_READING_BPF_H

#include "sample.bpf.h"

/* All that is known of a slot, as one reading. */
static __noinline int fill_reading(struct rec_reading *r, struct slot *s, u32 n)
{
	u64 now_ns = bpf_ktime_get_ns(), mm, missed;
	struct peaks peaks, highest = {};

	if (!r || !s)
		return 0;
	r->head.type = REC_READING;
	r->head.size = sizeof(*r);
	r->head.pid = s->pid;
	r->head.ts_ns = now_ns;
	r->head.start_ns = s->start_ns;
	r->ppid = s->ppid;
	r->how = s->how;
	r->threads_peak = s->threads_peak;
	r->error_pages = has_percpu_rss() ? 0 : s->threads_peak * THREAD_KEEPS_PAGES;
	r->minor_faults = s->minor_faults;
	r->major_faults = s->major_faults;
	r->cpu_ns = s->cpu_ns;
	mm = has_own_mm(s) ? s->mm : 0;
	for (int i = 0; i < COMM_LEN; i++)
		r->comm[i] = s->comm[i];
	for (int i = 0; i < VM_CALLS; i++)
		r->volume[i] = s->volume[i];
	for (int k = 0; k < MEM_KINDS; k++) {
		r->first.kind[k] = s->first.kind[k];
		r->now.kind[k] = 0;
		r->at_peak.kind[k] = 0;
		r->peak.kind[k] = 0;
	}
	if (mm)
		sum_counters(r->now.kind, mm);
	for (int k = 0; k < MEM_KINDS; k++)
		raise(&r->peak.kind[k], s->looked.kind[k]);
	for (u32 cpu = 0; cpu < MAX_CPUS && cpu < cfg_cpus; cpu++) {
		struct cell *cell = cell_at(n, cpu);

		if (!cell)
			continue;
		peaks = cell->peaks;
		raise_by_shortcut(&peaks, cell);
		for (int k = 0; k < MEM_KINDS; k++)
			raise(&r->peak.kind[k], peaks.kind[k]);
		/* who closed the shortcut between the two put what it had seen into the peaks first */
		fence();
		for (int k = 0; k < MEM_KINDS; k++)
			raise(&r->peak.kind[k], cell->peaks.kind[k]);
		if (cell->peaks.rss > peaks.rss)
			peaks = cell->peaks;
		if (peaks.rss > highest.rss)
			highest = peaks;
	}
	if (s->looked.rss > highest.rss)
		highest = s->looked;
	r->at_peak.kind[MEM_FILE] = highest.file;
	r->at_peak.kind[MEM_ANON] = highest.anon;
	r->at_peak.kind[MEM_SHMEM] = highest.rss - highest.file - highest.anon;
	r->at_peak.kind[MEM_SWAP] = highest.swap;
	/* one that has given its mm up, at its end, had memory of its own */
	r->flags = mm || highest.rss > 0 ? 0 : READING_NO_MM;
	if (highest.file == KINDS_UNKNOWN) {
		r->flags |= READING_NO_KINDS;
		r->at_peak.kind[MEM_FILE] = r->at_peak.kind[MEM_SHMEM] = 0;
		r->at_peak.kind[MEM_ANON] = highest.rss;
	}
	missed = sample_error(s, highest.rss);
	/* what was given back unseen counts until an event goes the long way, a batch later at most */
	if (missed < cfg_slack && missed_some(s))
		missed = cfg_slack;
	if (missed > r->error_pages)
		r->error_pages = missed;
	if (s->sampled)
		r->flags |= READING_SAMPLED;
	r->peak_ns = base_ns + (highest.jiffies - base_jiffies) * cfg_tick_ns;
	if (r->peak_ns > now_ns)
		r->peak_ns = now_ns; /* a jiffy may have begun before base_ns was taken */
	return 0;
}

#define THREADS_SUMMED 512
#define SUM_TRIES 16
#define STATS_WAIT 32

/* The sequence of stats_lock, which is odd while a thread moves from the list to the sums: see below. */
__noinline int await_stats(u64 signal)
{
	u32 sequence = 1;

	for (int i = 0; i < STATS_WAIT && (sequence & 1); i++)
		sequence = BPF_CORE_READ((struct signal_struct *)signal,
					 stats_lock.seqcount.seqcount.sequence);
	fence();
	return sequence;
}

/* What the threads that were released consumed: it stands in the signal struct. */
static __always_inline void begin_sum(struct slot *s, struct signal_struct *signal)
{
	s->cpu_ns = BPF_CORE_READ(signal, sum_sched_runtime);
	s->minor_faults = BPF_CORE_READ(signal, min_flt);
	s->major_faults = BPF_CORE_READ(signal, maj_flt);
}

static __always_inline struct list_head *threads_of(struct signal_struct *signal)
{
	return (void *)((char *)signal + bpf_core_field_offset(struct signal_struct, thread_head));
}

/* Adds the thread at `at`, on that list. Returns the next. */
static __always_inline struct list_head *add_thread(struct slot *s, struct list_head *at)
{
	struct task_struct *thread =
		(void *)((char *)at - bpf_core_field_offset(struct task_struct, thread_node));

	s->cpu_ns += BPF_CORE_READ(thread, se.sum_exec_runtime);
	s->minor_faults += BPF_CORE_READ(thread, min_flt);
	s->major_faults += BPF_CORE_READ(thread, maj_flt);
	return BPF_CORE_READ(at, next);
}

/*
 * What the threads of slot `n` consumed. False with more than THREADS_SUMMED on the list. A global
 * function, which the kernel verifies once and not once per try.
 */
__noinline int sum_threads_once(u64 of, u32 n)
{
	struct signal_struct *signal = (void *)of;
	struct list_head *head, *at;
	struct slot *s = slot_at(n);

	if (!s)
		return false;
	begin_sum(s, signal);
	head = threads_of(signal);
	at = BPF_CORE_READ(head, next);
	for (int i = 0; i < THREADS_SUMMED && at != head; i++)
		at = add_thread(s, at);
	return at == head;
}

/*
 * What all threads consumed over their lives. Those that end at this moment move from the list to the
 * signal struct, under its stats_lock (__exit_signal() in kernel/exit.c), and would be missed or counted
 * twice: then once more, with fewer on the list. Not known (UNKNOWN_U64) where that never ends.
 */
static __noinline int sum_threads(struct slot *s, u32 n, struct signal_struct *signal)
{
	if (!s || !signal)
		return 0;
	for (int i = 0; i < SUM_TRIES; i++) {
		u32 sequence = await_stats(as_number(signal));

		if (!(sequence & 1) && sum_threads_once(as_number(signal), n)) {
			fence();
			if (BPF_CORE_READ(signal, stats_lock.seqcount.seqcount.sequence) ==
			    sequence)
				return 0;
		}
	}
	s->cpu_ns = s->minor_faults = s->major_faults = UNKNOWN_U64;
	return 0;
}

/* The same by bpf_loop(), of 5.17, whose loops are verified in no time. */
struct sum_loop {
	struct signal_struct *signal;
	struct list_head *head, *at;
	u32 n, sequence;
	u32 known;
};

static long look_at_stats(u32 i, struct sum_loop *l)
{
	struct signal_struct *signal = l->signal;

	l->sequence = BPF_CORE_READ(signal, stats_lock.seqcount.seqcount.sequence);
	return !(l->sequence & 1);
}

static long sum_thread(u32 i, struct sum_loop *l)
{
	struct slot *s = slot_at(l->n);

	if (!s || l->at == l->head)
		return 1;
	l->at = add_thread(s, l->at);
	return 0;
}

static long try_to_sum(u32 i, struct sum_loop *l)
{
	struct signal_struct *signal = l->signal;
	struct list_head *head = threads_of(signal);
	struct slot *s = slot_at(l->n);

	if (!s)
		return 1;
	bpf_loop(STATS_WAIT, look_at_stats, l, 0);
	if (l->sequence & 1)
		return 0;
	fence();
	begin_sum(s, signal);
	l->head = head;
	l->at = BPF_CORE_READ(head, next);
	bpf_loop(THREADS_SUMMED, sum_thread, l, 0);
	fence();
	l->known = l->at == head &&
		   BPF_CORE_READ(signal, stats_lock.seqcount.seqcount.sequence) == l->sequence;
	return l->known;
}

static __noinline int sum_threads_by_loop(struct slot *s, u32 n, struct signal_struct *signal)
{
	struct sum_loop l = { .signal = signal, .n = n };

	if (!s)
		return 0;
	bpf_loop(SUM_TRIES, try_to_sum, &l, 0);
	if (!l.known)
		s->cpu_ns = s->minor_faults = s->major_faults = UNKNOWN_U64;
	return 0;
}

#endif
