// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Turns what the BPF programs keep into records: the ring buffer's transitions, the slots of ended
 * processes, and readings out of the maps.
 */
#include "tracer_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/procfs.h"
#include "run_time.h"
#include "util/clock.h"

#define AT_LEAST_EVERY_NS 1000000000ULL

static uint64_t minus(uint64_t whole, uint64_t part)
{
	return whole > part ? whole - part : 0;
}

/* Fills what the kernel side leaves to us: bounds, faults and CPU time, what is not collected. */
static void complete_reading(struct tracer *t, struct rec_reading *r)
{
	uint32_t others = r->threads_peak < t->cpus ? r->threads_peak : t->cpus;
	uint64_t racing = 0;
	struct base *base;
	struct proc_stat stat;

	/* one fold in flight on each other CPU that runs a thread: see bpf/rss.bpf.h */
	if (t->percpu && others > 1)
		racing = (others - 1) * t->batch * (t->cpus > EXACT_CPUS ? 3 : 1);
	if (r->error_pages < racing)
		r->error_pages = racing; /* what the looks missed comes from the kernel side */
	if (!(r->flags & READING_ENDED)) {
		if (procfs_read_stat((pid_t)r->head.pid, &stat) == 0) {
			r->minor_faults = stat.minor_faults;
			r->major_faults = stat.major_faults;
			r->cpu_ns = procfs_cpu_ns(&stat);
		} else {
			r->minor_faults = r->major_faults = r->cpu_ns = UNKNOWN_U64;
		}
	}
	HASH_FIND(hh, t->bases, &r->head.pid, sizeof(r->head.pid), base);
	if (base && !base->start_ns)
		base->start_ns = r->head.start_ns;
	if (base && base->start_ns == r->head.start_ns && r->minor_faults != UNKNOWN_U64) {
		r->minor_faults = minus(r->minor_faults, base->minor_faults);
		r->major_faults = minus(r->major_faults, base->major_faults);
		r->cpu_ns = minus(r->cpu_ns, base->cpu_ns);
	}
	if (!t->volumes)
		for (int i = 0; i < VM_CALLS; i++)
			r->volume[i] = (struct vm_volume){ UNKNOWN_U64, UNKNOWN_U64 };
}

static int end_process(struct tracer *t, struct slot *slot)
{
	struct rec_exit ended = {
		.head = { .type = REC_EXIT,
			  .size = sizeof(ended),
			  .pid = slot->pid,
			  .ts_ns = slot->end_ns,
			  .start_ns = slot->start_ns },
		.wait_status = slot->wait_status,
	};
	struct base *base;
	int err;

	if (slot->flags & SLOT_ARMED)
		return 0; /* the command could not be executed: it never was watched */
	complete_reading(t, &slot->final);
	HASH_FIND(hh, t->bases, &slot->pid, sizeof(slot->pid), base);
	if (base && base->start_ns == slot->start_ns) {
		HASH_DEL(t->bases, base);
		free(base);
	}
	err = t->fn(t->ctx, &slot->final.head, slot->final.head.size);
	t->gone += slot->flags & SLOT_GONE ? 1 : 0;
	if (err < 0 || slot->flags & SLOT_GONE)
		return err; /* the reading says that it ended, and nobody knows how */
	return t->fn(t->ctx, &ended.head, ended.head.size);
}

int tracer_alarm_fd(const struct tracer *t)
{
	return bpf_map__fd(t->skel->maps.alarms);
}

static int consume_records(struct tracer *t)
{
	int err = ring_buffer__consume(t->ring);

	return err < 0 ? err : t->fn_error;
}

int tracer_drain(struct tracer *t)
{
	struct slot slot;
	uint32_t n;
	int err;

	t->fn_error = 0;
	t->skel->bss->ended_waiting = 0;
	t->skel->bss->ended_alarmed = 0;
	ring_buffer__consume(t->alarms);
	err = consume_records(t);
	if (err >= 0)
		err = tracer_reap_lingering(t);
	while (err >= 0 &&
	       !bpf_map_lookup_and_delete_elem(bpf_map__fd(t->skel->maps.ended_slots), NULL, &n)) {
		/* its start may have come since: a process must not end first and start afterwards */
		err = consume_records(t);
		if (err >= 0)
			err = bpf_map_lookup_elem(bpf_map__fd(t->skel->maps.slots), &n, &slot);
		if (!err)
			err = end_process(t, &slot);
		if (err >= 0)
			err = tracer_take_back(t, n, &slot);
	}
	return err < 0 ? err : 0;
}

static int tell_readings(struct tracer *t)
{
	int err = 0;

	for (uint32_t i = 0; err >= 0 && i < t->skel->bss->n_readings; i++) {
		struct rec_reading *r = &t->skel->bss->readings[i];

		complete_reading(t, r);
		err = t->fn(t->ctx, &r->head, r->head.size);
	}
	return err < 0 ? err : 0;
}

static int read_processes(struct tracer *t, bool all)
{
	uint64_t now_ns = monotonic_ns();

	/* a pass now and then all the same: a touch may fall between two of the reader's steps */
	if (!all && t->hook && !t->skel->bss->any_touched &&
	    now_ns - t->read_at_ns < AT_LEAST_EVERY_NS)
		return 0;
	t->read_at_ns = now_ns;
	memset(t->skel->bss->sampled_now, 0, sizeof(t->skel->bss->sampled_now));
	t->skel->bss->any_touched = 0;
	t->skel->bss->read_all = all;
	return tracer_run_over(t, t->skel->progs.read_processes, SLOTS_LIVING, tell_readings);
}

static int64_t rss_of(const struct mem_pages *p)
{
	return p->kind[MEM_FILE] + p->kind[MEM_ANON] + p->kind[MEM_SHMEM];
}

/* The tree as the sum of the looks: in the sample mode nobody books what happens in between. */
static void add_samples(struct tracer *t, struct rec_tree *rec)
{
	struct rec_tree *h = &t->highest;

	if (!t->hook) {
		for (int k = 0; k < MEM_KINDS; k++) {
			rec->now.kind[k] = t->skel->bss->sampled_now[k];
			if (rec->now.kind[k] > h->peak.kind[k])
				h->peak.kind[k] = rec->now.kind[k];
		}
		if (rss_of(&rec->now) > rss_of(&h->at_peak)) {
			h->at_peak = rec->now;
			h->peak_ns = rec->head.ts_ns;
		}
	}
	for (int k = 0; k < MEM_KINDS; k++)
		if (h->peak.kind[k] > rec->peak.kind[k])
			rec->peak.kind[k] = h->peak.kind[k];
	if (rss_of(&h->at_peak) <= rss_of(&rec->at_peak))
		return;
	rec->at_peak = h->at_peak;
	rec->peak_ns = h->peak_ns;
}

static int read_tree(struct tracer *t)
{
	struct memmon_bpf__bss *bss = t->skel->bss;
	struct rec_tree rec = {
		.head = { .type = REC_TREE, .size = sizeof(rec), .ts_ns = monotonic_ns() },
		.processes_seen = bss->tree.seen,
		.processes_live = bss->tree.live,
		.processes_untracked = bss->tree.untracked,
	};
	int64_t highest = -1;
	uint64_t peak_jiffies = 0;

	for (int k = 0; k < MEM_KINDS; k++)
		rec.now.kind[k] = bss->tree.now[k];
	for (uint32_t cpu = 0; cpu < t->cpus; cpu++) {
		const struct tree_cpu *c = &bss->tree_cpus[cpu];

		if (c->live_peak > rec.processes_peak)
			rec.processes_peak = c->live_peak;
		for (int k = 0; k < MEM_KINDS; k++) {
			rec.now.kind[k] += c->unfolded[k];
			if (c->peak[k] > rec.peak.kind[k])
				rec.peak.kind[k] = c->peak[k];
		}
		if (c->peak_rss <= highest)
			continue;
		highest = c->peak_rss;
		peak_jiffies = c->peak_jiffies;
		for (int k = 0; k < MEM_KINDS; k++)
			rec.at_peak.kind[k] = c->at_peak[k];
	}
	/* what runs now may be the highest, and not folded yet */
	if (t->hook && rss_of(&rec.now) > highest) {
		rec.at_peak = rec.now;
		rec.peak_ns = rec.head.ts_ns;
	} else {
		rec.peak_ns = bss->base_ns +
			      (peak_jiffies - bss->base_jiffies) * t->skel->rodata->cfg_tick_ns;
		if (rec.peak_ns > rec.head.ts_ns)
			rec.peak_ns = rec.head.ts_ns;
	}
	if (t->sampled)
		add_samples(t, &rec);
	/*
	 * No bound with processes that are not tracked, nor before 6.2, where each thread keeps some, nor
	 * of a sum that nobody followed, or not all of it: processes may have been high at one moment
	 * between two looks.
	 */
	rec.error_pages = UNKNOWN_U64;
	if (t->percpu && !rec.processes_untracked && !t->sampled && !bss->missed)
		rec.error_pages = t->cpus * (FOLD_PAGES - 1);
	return t->fn(t->ctx, &rec.head, rec.head.size);
}

/* Once a second will do: it is a look at ourselves, and costs as much as all the rest of an idle tick. */
static int read_cost(struct tracer *t, bool now)
{
	const struct memmon_bpf__bss *bss = t->skel->bss;
	struct rec_cost rec = {
		.head = { .type = REC_COST, .size = sizeof(rec), .ts_ns = monotonic_ns() },
		.event_ns = UNKNOWN_U64,
	};
	uint64_t timed_events = 0, timed_ns = 0;
	struct rusage used;
	struct proc_statm statm;

	if (!now && rec.head.ts_ns - t->cost_at_ns < AT_LEAST_EVERY_NS)
		return 0;
	t->cost_at_ns = rec.head.ts_ns;
	for (uint32_t cpu = 0; cpu < t->cpus; cpu++) {
		timed_events += bss->tree_cpus[cpu].timed_events;
		timed_ns += bss->tree_cpus[cpu].timed_ns;
		rec.lost_records += bss->tree_cpus[cpu].lost_records;
		rec.events += bss->tree_cpus[cpu].events;
	}
	if (timed_events)
		rec.event_ns = minus(timed_ns * 1000 / timed_events, bss->clock_ns * 1000);
	tracer_count_missed(t, rec.missed_runs);
	getrusage(RUSAGE_SELF, &used);
	rec.tool_cpu_ns = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000 +
			  (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000;
	rec.tool_rss_bytes = UNKNOWN_U64;
	if (procfs_read_statm(getpid(), &statm) == 0)
		rec.tool_rss_bytes = statm.resident_pages * (uint64_t)getpagesize();
	return t->fn(t->ctx, &rec.head, rec.head.size);
}

int tracer_read(struct tracer *t, bool all)
{
	int err = tracer_make_up(t, all);

	if (!err)
		err = tracer_drain(t);
	if (!err)
		err = tracer_run(t->skel->progs.settle);
	if (!err)
		err = read_processes(t, all);
	if (!err)
		err = read_tree(t);
	if (!err)
		err = read_cost(t, all);
	return err;
}

uint64_t tracer_live(const struct tracer *t)
{
	return t->skel->bss->tree.live;
}

void tracer_run_time(const struct tracer *t, struct run_time *sum)
{
	run_time_add_hooks(sum, t->skel->obj);
}

void tracer_own_time(const struct tracer *t, struct run_time *sum)
{
	uint64_t timed_events = 0, timed_ns = 0, events = 0;

	for (uint32_t cpu = 0; cpu < t->cpus; cpu++) {
		timed_events += t->skel->bss->tree_cpus[cpu].timed_events;
		timed_ns += t->skel->bss->tree_cpus[cpu].timed_ns;
		events += t->skel->bss->tree_cpus[cpu].events;
	}
	sum->runs += events;
	if (timed_events)
		sum->ns +=
			(uint64_t)((double)events *
				   (double)minus(timed_ns, timed_events * t->skel->bss->clock_ns) /
				   (double)timed_events);
}
