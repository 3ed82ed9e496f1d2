/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fields of the whole snapshot: the target, the machine, the cgroup's charge, our own cost.
 * A getter per field, then the table; process_fields.c has those of one process.
 */
#include <string.h>

#include "shm_fields.h"
#include "value.h"

#define GET(name, value)                                         \
	static struct field_value name(const struct snapshot *s) \
	{                                                        \
		return value;                                    \
	}
#define GET_TREE_KIND(set, kind_name, kind) \
	GET(set##_##kind_name, value_kind(s->tree.known, &s->tree.set, kind, s->page_bytes))
#define GET_TREE_KINDS(set)                  \
	GET_TREE_KIND(set, anon, MEM_ANON)   \
	GET_TREE_KIND(set, file, MEM_FILE)   \
	GET_TREE_KIND(set, shmem, MEM_SHMEM) \
	GET_TREE_KIND(set, swap, MEM_SWAP)

GET(duration, value_since_start(true, s, s->now_ns))

GET(processes, value_whole(s->tree.known, s->tree.processes))
GET(processes_live, value_whole(s->tree.known, s->tree.processes_live))
GET(processes_peak, value_whole(s->tree.known, s->tree.processes_peak))
GET(processes_untracked, value_whole(s->tree.known, s->tree.processes_untracked))

GET_TREE_KIND(now, rss, KIND_RSS)
GET_TREE_KIND(first, rss, KIND_RSS)
GET_TREE_KIND(at_peak, rss, KIND_RSS)
GET_TREE_KINDS(now)
GET_TREE_KINDS(first)
GET_TREE_KINDS(peak)

static struct field_value at_peak_kind(const struct snapshot *s, enum mem_kind kind)
{
	return value_kind(s->tree.known && !s->tree.no_kinds, &s->tree.at_peak, (int)kind,
			  s->page_bytes);
}

GET(at_peak_anon, at_peak_kind(s, MEM_ANON))
GET(at_peak_file, at_peak_kind(s, MEM_FILE))
GET(at_peak_shmem, at_peak_kind(s, MEM_SHMEM))
GET(at_peak_swap, at_peak_kind(s, MEM_SWAP))
GET(peak_at, value_since_start(s->tree.known, s, s->tree.peak_ns))
GET(peak_error, value_pages(s->tree.known, s->tree.error_pages, s->page_bytes))
GET(interval_peak, value_pages(s->tree.known, s->tree.level_peak_pages, s->page_bytes))

GET(footprint, value_whole(true, s->tree.footprint_bytes))
GET(footprint_first, value_whole(true, s->tree.footprint_first_bytes))
GET(footprint_peak, value_whole(true, s->tree.footprint_peak_bytes))

GET(faults_minor, value_whole(true, s->tree.minor_faults))
GET(faults_major, value_whole(true, s->tree.major_faults))
GET(cpu, value_length(true, s->tree.cpu_ns))
GET(mmap_calls, value_whole(true, s->tree.volume[VM_MMAP].calls))
GET(mmap_bytes, value_whole(true, s->tree.volume[VM_MMAP].bytes))
GET(munmap_calls, value_whole(true, s->tree.volume[VM_MUNMAP].calls))
GET(munmap_bytes, value_whole(true, s->tree.volume[VM_MUNMAP].bytes))
GET(brk_calls, value_whole(true, s->tree.volume[VM_BRK].calls))
GET(brk_bytes, value_whole(true, s->tree.volume[VM_BRK].bytes))

static struct field_value used(const struct snapshot *s, uint64_t available_bytes)
{
	uint64_t total = s->system.total_bytes;

	if (available_bytes == UNKNOWN_U64 || total == UNKNOWN_U64)
		return value_unknown();
	return value_whole(s->system.known, total > available_bytes ? total - available_bytes : 0);
}

static struct field_value system_used_from_zero(const struct snapshot *s)
{
	struct field_value peak = used(s, s->system.available_min_bytes);
	struct field_value first = used(s, s->system.available_first_bytes);

	if (!peak.known || !first.known)
		return value_unknown();
	peak.whole -= first.whole;
	return peak;
}

static struct field_value pressure(const struct snapshot *s, uint64_t us)
{
	return value_real(s->system.known && us != UNKNOWN_U64, (double)us / 1e6);
}

GET(system_total, value_whole(s->system.known, s->system.total_bytes))
GET(available, value_whole(s->system.known, s->system.available_bytes))
GET(available_first, value_whole(s->system.known, s->system.available_first_bytes))
GET(available_min, value_whole(s->system.known, s->system.available_min_bytes))
GET(available_min_at, value_since_start(s->system.known, s, s->system.available_min_ns))
GET(system_used, used(s, s->system.available_bytes))
GET(system_used_first, used(s, s->system.available_first_bytes))
GET(system_used_peak, used(s, s->system.available_min_bytes))
GET(pressure_some, pressure(s, s->system.pressure_some_us))
GET(pressure_full, pressure(s, s->system.pressure_full_us))

GET(charged_current, value_whole(s->charge.known, s->charge.last.current_bytes))
GET(charged_peak, value_whole(s->charge.known, s->charge.peak_bytes))
GET(charged_limit, value_whole(s->charge.known, s->charge.last.limit_bytes))
GET(charged_anon, value_whole(s->charge.known, s->charge.last.anon_bytes))
GET(charged_file, value_whole(s->charge.known, s->charge.last.file_bytes))
GET(charged_shmem, value_whole(s->charge.known, s->charge.last.shmem_bytes))
GET(charged_kernel, value_whole(s->charge.known, s->charge.last.kernel_bytes))

static struct field_value bpf_ns_per_event(const struct snapshot *s)
{
	uint64_t ns_1000 = s->cost.last.event_ns;

	return value_real(s->cost.known && ns_1000 != UNKNOWN_U64, (double)ns_1000 / 1000);
}

static struct field_value bpf_cpu(const struct snapshot *s)
{
	struct field_value ns = bpf_ns_per_event(s);

	return value_real(ns.known, (double)s->cost.last.events * ns.real / 1e9);
}

static struct field_value share_of_target_cpu(const struct snapshot *s)
{
	struct field_value bpf = bpf_cpu(s), target = cpu(s);

	if (!bpf.known || !target.known || target.real <= 0)
		return value_unknown();
	return value_real(true, bpf.real / target.real);
}

static struct field_value bpf_share(const struct snapshot *s)
{
	const struct rec_bpf_time *r = &s->bpf_time.last;

	return value_real(s->bpf_time.known && r->span_ns,
			  r->span_ns ? (double)r->run_ns / (double)r->span_ns : 0);
}

static struct field_value sampled(const struct snapshot *s)
{
	return value_whole(s->mode.known,
			   s->mode.n_steps &&
				   s->mode.steps[s->mode.n_steps - 1].mode == MODE_SAMPLE);
}

/* The newest window may have been a while ago. */
static struct field_value bpf_runs(const struct snapshot *s)
{
	const struct rec_bpf_time *r = &s->bpf_time.last;
	double whole = (double)(s->now_ns - s->start_ns);

	if (!s->bpf_time.known || !r->span_ns)
		return value_unknown();
	return value_whole(true, (uint64_t)((double)r->runs * whole / (double)r->span_ns));
}

GET(mode_full, value_length(s->mode.known, s->mode.lasted_ns[MODE_FULL]))
GET(mode_lean, value_length(s->mode.known, s->mode.lasted_ns[MODE_LEAN]))
GET(mode_sample, value_length(s->mode.known, s->mode.lasted_ns[MODE_SAMPLE]))
GET(events, value_whole(s->cost.known, s->cost.last.events))
GET(tool_cpu, value_length(s->cost.known, s->cost.last.tool_cpu_ns))
GET(tool_rss, value_whole(s->cost.known, s->cost.last.tool_rss_bytes))
GET(lost_records, value_whole(s->cost.known, s->cost.last.lost_records))
GET(missed_rss, value_whole(s->cost.known, s->cost.last.missed_runs[MISSED_RSS]))
GET(missed_processes, value_whole(s->cost.known, s->cost.last.missed_runs[MISSED_PROCESSES]))
GET(missed_volumes, value_whole(s->cost.known, s->cost.last.missed_runs[MISSED_VOLUMES]))

#define T FIELD_TIMELINE
#define TZ (FIELD_TIMELINE | FIELD_FROM_ZERO)
#define Z FIELD_FROM_ZERO

const struct field snapshot_fields[] = {
	{ "duration", "duration_s", FIELD_SECONDS, 0,
	  "how long the watch has lasted, by the kernel's monotonic clock", duration },

	{ "processes", "target.processes", FIELD_COUNT, 0,
	  "processes ever watched, from the fork, exec and exit tracepoints", processes },
	{ "peak_processes", "target.peak_processes", FIELD_COUNT, 0,
	  "most processes at once, from the same tracepoints", processes_peak },
	{ "processes.live", "target.live_processes", FIELD_COUNT, T,
	  "processes alive now, from the same tracepoints", processes_live },
	{ "processes.untracked", "target.untracked_processes", FIELD_COUNT, 0,
	  "processes counted without figures of their own, as the BPF map was full",
	  processes_untracked },

	{ "rss", NULL, FIELD_BYTES, TZ,
	  "resident memory now, file + anon + shmem of all processes, from mm->rss_stat", now_rss },
	{ "anon", NULL, FIELD_BYTES, TZ,
	  "resident heap, stack and private copies now, from rss_stat MM_ANONPAGES", now_anon },
	{ "file", NULL, FIELD_BYTES, TZ,
	  "resident pages of mapped files now, from rss_stat MM_FILEPAGES", now_file },
	{ "shmem", NULL, FIELD_BYTES, TZ,
	  "resident tmpfs, /dev/shm, memfd and SysV pages now, from rss_stat MM_SHMEMPAGES",
	  now_shmem },
	{ "swap", NULL, FIELD_BYTES, TZ,
	  "swapped out now, not part of RSS, from rss_stat MM_SWAPENTS", now_swap },
	{ "footprint", NULL, FIELD_BYTES, TZ,
	  "memory now with shared pages counted once, sum of Pss in smaps_rollup (--pss)",
	  footprint },

	{ "peak.rss", "target.peak.rss_bytes", FIELD_BYTES, TZ,
	  "highest RSS of all processes together at one instant, from every rss_stat event",
	  at_peak_rss },
	{ "peak.anon", "target.peak.anon_bytes", FIELD_BYTES, Z,
	  "anonymous part of the RSS at the instant of its peak, from rss_stat", at_peak_anon },
	{ "peak.file", "target.peak.file_bytes", FIELD_BYTES, Z,
	  "file part of the RSS at the instant of its peak, from rss_stat", at_peak_file },
	{ "peak.shmem", "target.peak.shmem_bytes", FIELD_BYTES, Z,
	  "shared-memory part of the RSS at the instant of its peak, from rss_stat",
	  at_peak_shmem },
	{ "peak.swap", "target.peak.swap_bytes", FIELD_BYTES, Z,
	  "swapped out at the instant of the RSS peak, from rss_stat", at_peak_swap },
	{ "peak.footprint", "target.peak.footprint_bytes", FIELD_BYTES, Z,
	  "highest footprint that was sampled, sum of Pss in smaps_rollup (--pss)",
	  footprint_peak },
	{ "peak.at", "target.peak.at_s", FIELD_SECONDS, 0,
	  "when the RSS was highest, from the time of the rss_stat event", peak_at },
	{ "peak.error", "target.peak.error_bytes", FIELD_BYTES, 0,
	  "bound of the peak's error, what CPUs had not yet added up; 0 = exact", peak_error },
	{ "interval.peak", NULL, FIELD_BYTES, T,
	  "highest RSS within the interval, from rss_stat crossing 1 MiB buckets per process",
	  interval_peak },

	{ "first.rss", "target.first.rss_bytes", FIELD_BYTES, 0,
	  "RSS when the watch began, from mm->rss_stat", first_rss },
	{ "first.footprint", "target.first.footprint_bytes", FIELD_BYTES, 0,
	  "first footprint that was sampled, sum of Pss in smaps_rollup (--pss)", footprint_first },
	{ "first.anon", "target.first.anon_bytes", FIELD_BYTES, 0,
	  "anonymous memory when the watch began, from rss_stat MM_ANONPAGES", first_anon },
	{ "first.file", "target.first.file_bytes", FIELD_BYTES, 0,
	  "mapped files when the watch began, from rss_stat MM_FILEPAGES", first_file },
	{ "first.shmem", "target.first.shmem_bytes", FIELD_BYTES, 0,
	  "shared memory when the watch began, from rss_stat MM_SHMEMPAGES", first_shmem },
	{ "first.swap", "target.first.swap_bytes", FIELD_BYTES, 0,
	  "swapped out when the watch began, from rss_stat MM_SWAPENTS", first_swap },

	{ "last.rss", "target.last.rss_bytes", FIELD_BYTES, Z, "newest RSS, from mm->rss_stat",
	  now_rss },
	{ "last.footprint", "target.last.footprint_bytes", FIELD_BYTES, Z,
	  "last footprint that was sampled, sum of Pss in smaps_rollup (--pss)", footprint },
	{ "last.anon", "target.last.anon_bytes", FIELD_BYTES, Z,
	  "newest anonymous memory, from rss_stat MM_ANONPAGES", now_anon },
	{ "last.file", "target.last.file_bytes", FIELD_BYTES, Z,
	  "newest mapped files, from rss_stat MM_FILEPAGES", now_file },
	{ "last.shmem", "target.last.shmem_bytes", FIELD_BYTES, Z,
	  "newest shared memory, from rss_stat MM_SHMEMPAGES", now_shmem },
	{ "last.swap", "target.last.swap_bytes", FIELD_BYTES, Z,
	  "newest swapped out, from rss_stat MM_SWAPENTS", now_swap },

	{ "max.anon", "target.kind_peak.anon_bytes", FIELD_BYTES, Z,
	  "anonymous memory's own peak, whenever it was, from rss_stat MM_ANONPAGES", peak_anon },
	{ "max.file", "target.kind_peak.file_bytes", FIELD_BYTES, Z,
	  "mapped files' own peak, whenever it was, from rss_stat MM_FILEPAGES", peak_file },
	{ "max.shmem", "target.kind_peak.shmem_bytes", FIELD_BYTES, Z,
	  "shared memory's own peak, whenever it was, from rss_stat MM_SHMEMPAGES", peak_shmem },
	{ "max.swap", "target.kind_peak.swap_bytes", FIELD_BYTES, Z,
	  "swap's own peak, whenever it was, from rss_stat MM_SWAPENTS", peak_swap },

	{ "faults.minor", "target.faults.minor", FIELD_COUNT, T,
	  "page faults served without I/O since watching, from task->min_flt", faults_minor },
	{ "faults.major", "target.faults.major", FIELD_COUNT, T,
	  "page faults that waited for I/O since watching, from task->maj_flt", faults_major },
	{ "cpu", "target.cpu_s", FIELD_SECONDS, T,
	  "user + system time of all processes since watching, from the tasks' run time", cpu },
	{ "mmap.calls", "target.mmap.calls", FIELD_COUNT, 0,
	  "successful mmap calls, from fexit, or sys_exit with --vma", mmap_calls },
	{ "mmap.bytes", "target.mmap.bytes", FIELD_BYTES, 0,
	  "address space that mmap gave, from fexit, or sys_exit with --vma", mmap_bytes },
	{ "munmap.calls", "target.munmap.calls", FIELD_COUNT, 0,
	  "successful munmap calls, from fexit, or sys_exit with --vma", munmap_calls },
	{ "munmap.bytes", "target.munmap.bytes", FIELD_BYTES, 0,
	  "address space that munmap took, from fexit, or sys_exit with --vma", munmap_bytes },
	{ "brk.calls", "target.brk.calls", FIELD_COUNT, 0,
	  "successful brk calls that moved the break up, from fexit, or sys_exit with --vma",
	  brk_calls },
	{ "brk.bytes", "target.brk.bytes", FIELD_BYTES, 0,
	  "how far brk moved the break up in all, from fexit, or sys_exit with --vma", brk_bytes },

	{ "charged.current", "target.charged.current_bytes", FIELD_BYTES, T,
	  "what the cgroup charges now, from memory.current (v1 memory.usage_in_bytes)",
	  charged_current },
	{ "charged.peak", "target.charged.peak_bytes", FIELD_BYTES, 0,
	  "highest charge, from memory.peak (v1 max_usage_in_bytes), else the highest seen",
	  charged_peak },
	{ "charged.limit", "target.charged.limit_bytes", FIELD_BYTES, 0,
	  "the cgroup's limit, from memory.max (v1 limit_in_bytes); n/a without one",
	  charged_limit },
	{ "charged.anon", "target.charged.anon_bytes", FIELD_BYTES, 0,
	  "anonymous memory charged now, from memory.stat", charged_anon },
	{ "charged.file", "target.charged.file_bytes", FIELD_BYTES, 0,
	  "page cache charged now, from memory.stat", charged_file },
	{ "charged.shmem", "target.charged.shmem_bytes", FIELD_BYTES, 0,
	  "shared memory charged now, from memory.stat", charged_shmem },
	{ "charged.kernel", "target.charged.kernel_bytes", FIELD_BYTES, 0,
	  "kernel memory charged now, from memory.stat (v1 memory.kmem.usage_in_bytes)",
	  charged_kernel },

	{ "system.total", "system.total_bytes", FIELD_BYTES, 0,
	  "memory of the machine, MemTotal in /proc/meminfo", system_total },
	{ "system.available", "system.available.last_bytes", FIELD_BYTES, T,
	  "memory that can be had without swapping now, MemAvailable in /proc/meminfo", available },
	{ "system.available.first", "system.available.first_bytes", FIELD_BYTES, 0,
	  "MemAvailable when the watch began, from /proc/meminfo", available_first },
	{ "system.available.min", "system.available.min_bytes", FIELD_BYTES, 0,
	  "lowest MemAvailable that was sampled, from /proc/meminfo", available_min },
	{ "system.available.min_at", "system.available.min_at_s", FIELD_SECONDS, 0,
	  "when MemAvailable was lowest, from /proc/meminfo", available_min_at },
	{ "system.used", NULL, FIELD_BYTES, TZ,
	  "memory of the machine in use now, MemTotal - MemAvailable of /proc/meminfo",
	  system_used },
	{ "system.used.peak", "system.used_peak_bytes", FIELD_BYTES, Z,
	  "most memory in use that was sampled, MemTotal - MemAvailable of /proc/meminfo",
	  system_used_peak },
	{ "system.used.from_zero", "system.used_peak_from_zero_bytes", FIELD_BYTES, 0,
	  "most memory in use less that in use when the watch began, from /proc/meminfo",
	  system_used_from_zero },
	{ "system.pressure.some", "system.pressure.some_s", FIELD_SECONDS, 0,
	  "time some task waited for memory since watching, from /proc/pressure/memory",
	  pressure_some },
	{ "system.pressure.full", "system.pressure.full_s", FIELD_SECONDS, 0,
	  "time all tasks waited for memory since watching, from /proc/pressure/memory",
	  pressure_full },

	{ "shm.used", NULL, FIELD_RATIO, 0,
	  "share of its limit that the fullest /dev/shm or tmpfs uses now, from statfs",
	  shm_field_used },
	{ "shm.bytes", NULL, FIELD_BYTES, 0,
	  "bytes that the target's /dev/shm, or every tmpfs, use now, from statfs",
	  shm_field_used_bytes },
	{ "shm.free", NULL, FIELD_BYTES, 0,
	  "least that is free now of a /dev/shm or tmpfs with a limit, from statfs",
	  shm_field_free_bytes },
	{ "shm.peak", NULL, FIELD_BYTES, 0,
	  "highest use of any one /dev/shm or tmpfs since watching", shm_field_peak_bytes },
	{ "shm.inodes", NULL, FIELD_RATIO, 0,
	  "share of its inodes that the fullest /dev/shm or tmpfs uses now, from statfs",
	  shm_field_inodes },
	{ "shm.full_in", NULL, FIELD_SECONDS, 0,
	  "time until the first /dev/shm or tmpfs is full at its present growth",
	  shm_field_full_in },
	{ "shm.full", NULL, FIELD_COUNT, 0,
	  "how often processes hit a full /dev/shm or tmpfs since watching", shm_field_full },
	{ "shm.orphans", NULL, FIELD_COUNT, 0,
	  "files of /dev/shm or tmpfs that nobody holds and whose creator is dead",
	  shm_field_orphans },
	{ "shm.orphan_bytes", NULL, FIELD_BYTES, 0, "what those orphaned files take",
	  shm_field_orphan_bytes },

	{ "overhead.events", "overhead.events", FIELD_COUNT, 0,
	  "rss_stat events of watched processes, counted by our BPF program", events },
	{ "overhead.bpf_ns_per_event", "overhead.bpf_ns_per_event", FIELD_NS, 0,
	  "mean time of our BPF program per event, timed on one event in 256", bpf_ns_per_event },
	{ "overhead.bpf_cpu_s", "overhead.bpf_cpu_s", FIELD_SECONDS, 0,
	  "time that our BPF program took in all, events x time per event", bpf_cpu },
	{ "overhead.tool_cpu_s", "overhead.tool_cpu_s", FIELD_SECONDS, 0,
	  "user + system time of memmon-bpf itself, from getrusage", tool_cpu },
	{ "overhead.tool_rss_bytes", "overhead.tool_rss_bytes", FIELD_BYTES, 0,
	  "RSS of memmon-bpf itself, from /proc/self/statm", tool_rss },
	{ "overhead.lost_records", "overhead.lost_records", FIELD_COUNT, T,
	  "records lost as the BPF ring buffer was full, counted by our BPF programs",
	  lost_records },
	{ "overhead.missed_runs.rss", "overhead.missed_runs.rss", FIELD_COUNT, 0,
	  "skipped runs on changes of RSS, counted by the kernel; the bounds of peaks allow for it",
	  missed_rss },
	{ "overhead.missed_runs.processes", "overhead.missed_runs.processes", FIELD_COUNT, 0,
	  "skipped runs on processes: at most so many starts, ends or OOM kills are missing",
	  missed_processes },
	{ "overhead.missed_runs.volumes", "overhead.missed_runs.volumes", FIELD_COUNT, 0,
	  "skipped runs on mmap, munmap and brk: at most so many calls are missing from these",
	  missed_volumes },
	{ "overhead.share_of_target_cpu", "overhead.share_of_target_cpu", FIELD_RATIO, 0,
	  "time of our BPF program as a share of the target's run time", share_of_target_cpu },
	{ "overhead.bpf_share_of_core", "overhead.bpf_share_of_core", FIELD_RATIO, 0,
	  "estimate of the share of one core in our BPF programs, from bpf(2) run-time statistics",
	  bpf_share },
	{ "overhead.bpf_runs", "overhead.bpf_runs", FIELD_COUNT, 0,
	  "estimate of how often our BPF programs ran, from bpf(2) run-time statistics", bpf_runs },
	{ "sampled", NULL, FIELD_COUNT, T,
	  "1 while RSS is sampled once per interval (--budget, --sample), from our own log",
	  sampled },
	{ "mode.full", "overhead.mode.full_s", FIELD_SECONDS, 0,
	  "how long every event was seen and all hooks were attached, from our own log",
	  mode_full },
	{ "mode.lean", "overhead.mode.lean_s", FIELD_SECONDS, 0,
	  "how long every event was seen without optional hooks, from our own log", mode_lean },
	{ "mode.sample", "overhead.mode.sample_s", FIELD_SECONDS, 0,
	  "how long RSS was sampled, from our own log", mode_sample },
};
const size_t n_snapshot_fields = sizeof(snapshot_fields) / sizeof(snapshot_fields[0]);

const struct field *field_find(const char *name)
{
	for (size_t i = 0; i < n_snapshot_fields; i++)
		if (!strcmp(snapshot_fields[i].name, name))
			return &snapshot_fields[i];
	return NULL;
}

struct field_value field_first(const struct snapshot *s, const struct field *f)
{
	static const struct {
		struct field_value (*get)(const struct snapshot *s);
		struct field_value (*first)(const struct snapshot *s);
	} firsts[] = {
		{ now_rss, first_rss },
		{ at_peak_rss, first_rss },
		{ now_anon, first_anon },
		{ at_peak_anon, first_anon },
		{ peak_anon, first_anon },
		{ now_file, first_file },
		{ at_peak_file, first_file },
		{ peak_file, first_file },
		{ now_shmem, first_shmem },
		{ at_peak_shmem, first_shmem },
		{ peak_shmem, first_shmem },
		{ now_swap, first_swap },
		{ at_peak_swap, first_swap },
		{ peak_swap, first_swap },
		{ footprint, footprint_first },
		{ footprint_peak, footprint_first },
		{ system_used, system_used_first },
		{ system_used_peak, system_used_first },
	};

	if (!(f->flags & FIELD_FROM_ZERO))
		return value_unknown();
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++)
		if (firsts[i].get == f->get)
			return firsts[i].first(s);
	return value_unknown();
}
