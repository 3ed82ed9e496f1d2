/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sample mode: the hook on rss_stat is not attached, which costs the watched processes nothing, and
 * the reader looks at the counters of every slot instead, once per interval.
 *
 * Between two looks the kernel's own high-water mark, mm->hiwater_rss, goes on. The kernel raises it to
 * the RSS of that moment before it lowers the RSS (munmap, MADV_DONTNEED, truncation, reclaim), and at
 * exec and exit signal->maxrss takes it over with the last RSS. So whatever RSS a process had was seen
 * by a look, or was lowered before it and stands in the mark that is read after the counters.
 *
 * The mark is approximate: it is built of the `count`s without the CPUs' parts, each of which is below
 * the kernel's batch, so of three kinds × CPUs × (batch - 1) pages at most (cfg_slack); before 6.2 of
 * what the threads keep for themselves. With R the peak that we tell, S the highest look, H the highest
 * mark while sampled and T the truth:
 *
 *   S <= T <= max(S, H + slack), and T >= H - slack where H grew while sampled.
 *
 * R is S, or H where that is certainly higher (H > S + slack, and it grew). Either way the error is at
 * most max(0, H + slack - R). Where the mark stands from before (an old peak of a process that was
 * adopted later) the bound is as wide as that. There is none (UNKNOWN_U64) once somebody reset the mark
 * (/proc/PID/clear_refs), and what two threads lose by racing in the kernel's own update is not in it.
 *
 * The same holds where the hook is attached and the kernel skipped some of its runs (preempt.bpf.h): then
 * what it saw counts as looks.
 */
#ifndef MEMMON_SAMPLE_BPF_H
#define MEMMON_SAMPLE_BPF_H

#include "books.bpf.h"

static __always_inline u64 slack_of(const struct slot *s)
{
	return has_percpu_rss() ? cfg_slack : (u64)s->threads_peak * THREAD_KEEPS_PAGES;
}

/* The highest RSS that hook and looks have seen. */
static __noinline s64 highest_seen(struct slot *s, u32 n)
{
	s64 highest;

	if (!s)
		return 0;
	highest = s->looked.rss;
	for (u32 cpu = 0; cpu < MAX_CPUS && cpu < cfg_cpus; cpu++) {
		struct cell *cell = cell_at(n, cpu);

		if (!cell)
			continue;
		raise(&highest, cell->rss_top);
		fence(); /* as in fill_reading() */
		raise(&highest, cell->peaks.rss);
	}
	return highest;
}

/* The process certainly had so many pages, of which kind nobody saw. */
static __always_inline void raise_to_mark(struct slot *s, u32 n, u64 mark)
{
	if ((s64)mark > highest_seen(s, n) + (s64)slack_of(s))
		raise_rss(&s->looked, (s64)mark, KINDS_UNKNOWN, 0, 0);
}

static __always_inline void raise_ceiling(struct slot *s, u64 mark)
{
	if (mark > s->ceiling)
		s->ceiling = mark;
	s->sampled = 1;
}

/* A look at the counters of a slot and at its mark. The counters first: see above. */
static __noinline int sample(struct slot *s, u32 n)
{
	s64 now[MEM_KINDS];
	u64 mm, mark;

	if (!s)
		return 0;
	mm = s->mm;
	if (!mm)
		return 0;
	sum_counters(now, mm);
	fence();
	mark = BPF_CORE_READ((struct mm_struct *)mm, hiwater_rss);
	fence();
	if (*(volatile u64 *)&s->mm != mm || !has_own_mm(s))
		return 0; /* it ended meanwhile: who knows what was read */
	raise_rss(&s->looked, rss_of(now), now[MEM_FILE], now[MEM_ANON], now[MEM_SWAP]);
	for (int k = 0; k < MEM_KINDS; k++) {
		raise(&s->looked.kind[k], now[k]);
		s->last.kind[k] = now[k];
	}
	s->swap_pages = now[MEM_SWAP];
	/* until the sample mode begins the hook saw all: who reset the mark does not matter */
	if (sampling != SAMPLE_BEGINS && mark < s->mark)
		s->ceiling = UNKNOWN_U64;
	else if (sampling != SAMPLE_BEGINS && mark > s->mark)
		raise_to_mark(s, n, mark);
	s->mark = mark;
	raise_ceiling(s, mark);
	return 0;
}

/* The mm of a slot has gone since the last look: what remains of it is in signal->maxrss. */
static __noinline int sample_gone(struct slot *s, u32 n, u64 maxrss)
{
	/* without memory of its own maxrss is that of the process it borrowed from */
	if (!s || highest_seen(s, n) <= 0)
		return 0;
	if (maxrss > s->maxrss && maxrss > s->mark)
		raise_to_mark(s, n, maxrss);
	raise_ceiling(s, maxrss);
	return 0;
}

/* What the looks missed at most, in pages beyond the peak that is told. */
static __always_inline u64 sample_error(const struct slot *s, s64 peak_rss)
{
	u64 highest = s->ceiling + slack_of(s);

	if (!s->sampled)
		return 0;
	if (s->ceiling == UNKNOWN_U64)
		return UNKNOWN_U64;
	return (s64)highest > peak_rss ? highest - (u64)peak_rss : 0;
}

#endif
