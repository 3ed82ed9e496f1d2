/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tables.h"

#define SIZE(type, member) sizeof(((type *)0)->member)
#define AT(type, column, kind, member)                                      \
	{                                                                   \
		column, kind, offsetof(type, member), SIZE(type, member), 0 \
	}
#define IF(type, column, kind, member, when)                                                   \
	{                                                                                      \
		column, kind, offsetof(type, member), SIZE(type, member), offsetof(type, when) \
	}
#define KIND(type, column, member, index, when)                                         \
	{                                                                               \
		column, COLUMN_PAGES, offsetof(type, member) + (index) * sizeof(__s64), \
			sizeof(__s64), offsetof(type, when)                             \
	}
#define KINDS(type, prefix, member, when)                          \
	KIND(type, prefix "file", member, MEM_FILE, when),         \
		KIND(type, prefix "anon", member, MEM_ANON, when), \
		KIND(type, prefix "swap", member, MEM_SWAP, when), \
		KIND(type, prefix "shmem", member, MEM_SHMEM, when)
#define TABLE(id, ...)                                                                         \
	const struct table id##_table = { .name = #id,                                         \
					  .columns = id##_columns,                             \
					  .n = sizeof(id##_columns) / sizeof(id##_columns[0]), \
					  __VA_ARGS__ }

/* ---- the whole watch -------------------------------------------------------------------------- */

#define S(column, kind, member) AT(struct snapshot, column, kind, member)
#define TREE(column, kind, member) IF(struct snapshot, column, kind, tree.member, tree.known)
#define SYSTEM(column, kind, member) IF(struct snapshot, column, kind, system.member, system.known)
#define CHARGE(column, kind, member) IF(struct snapshot, column, kind, charge.member, charge.known)
#define COST(column, kind, member) IF(struct snapshot, column, kind, cost.last.member, cost.known)
#define BPF(column, kind, member) \
	IF(struct snapshot, column, kind, bpf_time.last.member, bpf_time.known)

static const struct column totals_columns[] = {
	S("now_ns", COLUMN_TIME, now_ns),
	S("tree_known", COLUMN_BOOL, tree.known),
	KINDS(struct snapshot, "first_", tree.first, tree.known),
	KINDS(struct snapshot, "last_", tree.now, tree.known),
	KINDS(struct snapshot, "at_peak_", tree.at_peak, tree.known),
	KINDS(struct snapshot, "peak_", tree.peak, tree.known),
	TREE("peak_ns", COLUMN_TIME, peak_ns),
	TREE("error", COLUMN_UPAGES, error_pages),
	TREE("no_kinds", COLUMN_BOOL, no_kinds),
	TREE("processes", COLUMN_COUNT, processes),
	TREE("processes_live", COLUMN_COUNT, processes_live),
	TREE("processes_peak", COLUMN_COUNT, processes_peak),
	TREE("processes_untracked", COLUMN_COUNT, processes_untracked),
	S("processes_omitted", COLUMN_COUNT, processes_omitted),
	S("faults_minor", COLUMN_U64, tree.minor_faults),
	S("faults_major", COLUMN_U64, tree.major_faults),
	S("cpu_ns", COLUMN_U64, tree.cpu_ns),
	S("mmap_calls", COLUMN_U64, tree.volume[VM_MMAP].calls),
	S("mmap_bytes", COLUMN_U64, tree.volume[VM_MMAP].bytes),
	S("munmap_calls", COLUMN_U64, tree.volume[VM_MUNMAP].calls),
	S("munmap_bytes", COLUMN_U64, tree.volume[VM_MUNMAP].bytes),
	S("brk_calls", COLUMN_U64, tree.volume[VM_BRK].calls),
	S("brk_bytes", COLUMN_U64, tree.volume[VM_BRK].bytes),
	S("footprint_first", COLUMN_U64, tree.footprint_first_bytes),
	S("footprint_last", COLUMN_U64, tree.footprint_bytes),
	S("footprint_peak", COLUMN_U64, tree.footprint_peak_bytes),
	S("interval_peak", COLUMN_UPAGES, tree.level_peak_pages),
	S("system_known", COLUMN_BOOL, system.known),
	SYSTEM("total", COLUMN_U64, total_bytes),
	SYSTEM("available_first", COLUMN_U64, available_first_bytes),
	SYSTEM("available_last", COLUMN_U64, available_bytes),
	SYSTEM("available_min", COLUMN_U64, available_min_bytes),
	SYSTEM("available_min_ns", COLUMN_TIME, available_min_ns),
	SYSTEM("pressure_some_us", COLUMN_U64, pressure_some_us),
	SYSTEM("pressure_full_us", COLUMN_U64, pressure_full_us),
	S("charge_known", COLUMN_BOOL, charge.known),
	CHARGE("charge_peak", COLUMN_U64, peak_bytes),
	CHARGE("charge_current", COLUMN_U64, last.current_bytes),
	CHARGE("charge_own_peak", COLUMN_U64, last.peak_bytes),
	CHARGE("charge_limit", COLUMN_U64, last.limit_bytes),
	CHARGE("charge_anon", COLUMN_U64, last.anon_bytes),
	CHARGE("charge_file", COLUMN_U64, last.file_bytes),
	CHARGE("charge_shmem", COLUMN_U64, last.shmem_bytes),
	CHARGE("charge_kernel", COLUMN_U64, last.kernel_bytes),
	S("cost_known", COLUMN_BOOL, cost.known),
	COST("events", COLUMN_COUNT, events),
	COST("event_pns", COLUMN_U64, event_ns),
	COST("tool_cpu_ns", COLUMN_U64, tool_cpu_ns),
	COST("tool_rss", COLUMN_U64, tool_rss_bytes),
	COST("lost_records", COLUMN_COUNT, lost_records),
	S("bpf_time_known", COLUMN_BOOL, bpf_time.known),
	BPF("bpf_time_flags", COLUMN_U32, flags),
	BPF("bpf_span_ns", COLUMN_COUNT, span_ns),
	BPF("bpf_run_ns", COLUMN_COUNT, run_ns),
	BPF("bpf_runs", COLUMN_COUNT, runs),
	S("mode_known", COLUMN_BOOL, mode.known),
	S("ever_sampled", COLUMN_BOOL, mode.ever_sampled),
	S("mode_full_ns", COLUMN_COUNT, mode.lasted_ns[MODE_FULL]),
	S("mode_lean_ns", COLUMN_COUNT, mode.lasted_ns[MODE_LEAN]),
	S("mode_sample_ns", COLUMN_COUNT, mode.lasted_ns[MODE_SAMPLE]),
	S("modes_omitted", COLUMN_COUNT, mode.steps_omitted),
	COST("missed_rss", COLUMN_U64, missed_runs[MISSED_RSS]),
	COST("missed_processes", COLUMN_U64, missed_runs[MISSED_PROCESSES]),
	COST("missed_volumes", COLUMN_U64, missed_runs[MISSED_VOLUMES]),
};
/* what is behind a pointer */
TABLE(totals, .keys = { "id" }, .more = { "shm_known", "shm_survey_ns", "shm_full" });

/* ---- processes -------------------------------------------------------------------------------- */

#define P(column, kind, member) AT(struct process, column, kind, member)
#define READING(column, kind, member) IF(struct process, column, kind, reading.member, has_reading)

static const struct column processes_columns[] = {
	P("pid", COLUMN_U32, pid),
	P("ppid", COLUMN_U32, ppid),
	P("how", COLUMN_U32, how),
	P("start_ns", COLUMN_TIME, start_ns),
	P("watched_ns", COLUMN_TIME, watched_ns),
	P("end_ns", COLUMN_TIME, end_ns),
	IF(struct process, "wait_status", COLUMN_I32, wait_status, has_status),
	P("comm", COLUMN_CHARS, comm),
	P("cmdline", COLUMN_TEXT, cmdline),
	P("container", COLUMN_TEXT, container),
	READING("reading_ns", COLUMN_STAMP, head.ts_ns),
	READING("flags", COLUMN_U32, flags),
	READING("threads_peak", COLUMN_U32, threads_peak),
	KINDS(struct process, "first_", reading.first, has_reading),
	KINDS(struct process, "last_", reading.now, has_reading),
	KINDS(struct process, "at_peak_", reading.at_peak, has_reading),
	KINDS(struct process, "peak_", reading.peak, has_reading),
	READING("peak_ns", COLUMN_TIME, peak_ns),
	READING("error", COLUMN_UPAGES, error_pages),
	READING("faults_minor", COLUMN_U64, minor_faults),
	READING("faults_major", COLUMN_U64, major_faults),
	READING("cpu_ns", COLUMN_U64, cpu_ns),
	READING("mmap_calls", COLUMN_U64, volume[VM_MMAP].calls),
	READING("mmap_bytes", COLUMN_U64, volume[VM_MMAP].bytes),
	READING("munmap_calls", COLUMN_U64, volume[VM_MUNMAP].calls),
	READING("munmap_bytes", COLUMN_U64, volume[VM_MUNMAP].bytes),
	READING("brk_calls", COLUMN_U64, volume[VM_BRK].calls),
	READING("brk_bytes", COLUMN_U64, volume[VM_BRK].bytes),
	P("pss", COLUMN_U64, pss_bytes),
};
TABLE(processes, .keys = { "id" });

/* ---- what has a moment ------------------------------------------------------------------------ */

static const struct column mode_steps_columns[] = {
	AT(struct mode_step, "at_ns", COLUMN_TIME, ts_ns),
	AT(struct mode_step, "mode", COLUMN_U32, mode),
	AT(struct mode_step, "why", COLUMN_U32, why),
	AT(struct mode_step, "share_ppm", COLUMN_U64, share_ppm),
	AT(struct mode_step, "budget_ppm", COLUMN_COUNT, budget_ppm),
};
TABLE(mode_steps, .keys = { "number" }, .more = { "text" });

static const struct column oom_kills_columns[] = {
	AT(struct oom_kill, "at_ns", COLUMN_TIME, ts_ns),
	AT(struct oom_kill, "pid", COLUMN_U32, pid),
	AT(struct oom_kill, "comm", COLUMN_CHARS, comm),
	AT(struct oom_kill, "cgroup", COLUMN_TEXT, cgroup),
	AT(struct oom_kill, "file", COLUMN_PAGES, pages.kind[MEM_FILE]),
	AT(struct oom_kill, "anon", COLUMN_PAGES, pages.kind[MEM_ANON]),
	AT(struct oom_kill, "swap", COLUMN_PAGES, pages.kind[MEM_SWAP]),
	AT(struct oom_kill, "shmem", COLUMN_PAGES, pages.kind[MEM_SHMEM]),
};
TABLE(oom_kills, .keys = { "number" });

static const struct column oom_largest_columns[] = {
	AT(oom_largest_t, "pid", COLUMN_U32, pid),
	AT(oom_largest_t, "comm", COLUMN_CHARS, comm),
	AT(oom_largest_t, "rss", COLUMN_COUNT, rss_bytes),
};
TABLE(oom_largest, .keys = { "kill", "position" });

/* ---- shared memory ---------------------------------------------------------------------------- */

#define M(column, kind, member) AT(struct shm_mount, column, kind, member)

static const struct column shm_mounts_columns[] = {
	M("dev", COLUMN_U32, rec.dev),
	M("point", COLUMN_TEXT, point),
	M("container_id", COLUMN_TEXT, container_id),
	M("container", COLUMN_TEXT, container),
	M("runtime", COLUMN_TEXT, runtime),
	M("pid", COLUMN_U32, rec.head.pid),
	M("start_ns", COLUMN_TIME, rec.head.start_ns),
	M("comm", COLUMN_CHARS, rec.comm),
	M("seen_ns", COLUMN_STAMP, rec.head.ts_ns),
	M("flags", COLUMN_U32, rec.flags),
	M("gone", COLUMN_BOOL, gone),
	M("size", COLUMN_U64, rec.limit_bytes),
	M("used", COLUMN_U64, rec.used_bytes),
	M("inodes_limit", COLUMN_U64, rec.limit_inodes),
	M("inodes", COLUMN_U64, rec.used_inodes),
	M("traced_peak", COLUMN_U64, rec.peak_bytes),
	M("traced_peak_ns", COLUMN_TIME, rec.peak_ns),
	M("charged", COLUMN_U64, rec.charged_bytes),
	M("uncharged", COLUMN_U64, rec.uncharged_bytes),
	M("peak", COLUMN_U64, peak_bytes),
	M("peak_ns", COLUMN_TIME, peak_ns),
	M("attributed", COLUMN_BOOL, attributed),
	M("unattributed", COLUMN_I64, unattributed_bytes),
	M("growth", COLUMN_REAL, growth_bytes_s),
	M("full_in_s", COLUMN_REAL, full_in_s),
	M("orphans", COLUMN_COUNT, orphans),
	M("orphan_bytes", COLUMN_COUNT, orphan_bytes),
	M("full_omitted", COLUMN_COUNT, full_omitted),
};
TABLE(shm_mounts, .keys = { "id", "position", "files_omitted", "files_omitted_bytes" });

#define F(column, kind, member) AT(struct shm_file, column, kind, member)

static const struct column shm_files_columns[] = {
	F("path", COLUMN_TEXT, path),
	F("ino", COLUMN_I64, rec.ino), /* any 64 bits */
	F("key", COLUMN_I64, rec.key),
	F("kind", COLUMN_U32, rec.kind),
	F("flags", COLUMN_U32, rec.flags),
	F("uid", COLUMN_U32, rec.uid),
	F("state", COLUMN_U32, state),
	F("size", COLUMN_U64, rec.size_bytes),
	F("bytes", COLUMN_U64, rec.bytes),
	F("peak", COLUMN_U64, rec.peak_bytes),
	F("creator_pid", COLUMN_U32, rec.head.pid),
	F("creator_start_ns", COLUMN_TIME, rec.head.start_ns),
	F("creator", COLUMN_CHARS, rec.comm),
	F("holders_omitted", COLUMN_COUNT, holders_omitted),
};
TABLE(shm_files, .keys = { "mount", "position" }, .more = { "holders" });

static const struct column shm_chargers_columns[] = {
	AT(struct shm_charger, "pid", COLUMN_U32, pid),
	AT(struct shm_charger, "alive", COLUMN_BOOL, alive),
	AT(struct shm_charger, "comm", COLUMN_CHARS, comm),
	AT(struct shm_charger, "charged", COLUMN_U64, charged_bytes),
	AT(struct shm_charger, "uncharged", COLUMN_U64, uncharged_bytes),
	AT(struct shm_charger, "held", COLUMN_COUNT, held_bytes),
};
TABLE(shm_chargers, .keys = { "mount", "position" });

#define FULL(column, kind, member) AT(struct shm_full, column, kind, member)

static const struct column shm_full_columns[] = {
	FULL("at_ns", COLUMN_TIME, rec.head.ts_ns),
	FULL("pid", COLUMN_U32, rec.head.pid),
	FULL("tid", COLUMN_U32, rec.tid),
	FULL("start_ns", COLUMN_TIME, rec.head.start_ns),
	FULL("comm", COLUMN_CHARS, rec.comm),
	FULL("container", COLUMN_TEXT, container),
	FULL("name", COLUMN_CHARS, rec.name),
	FULL("dev", COLUMN_U32, rec.dev),
	FULL("how", COLUMN_U32, rec.how),
	FULL("error", COLUMN_U32, rec.error),
	FULL("signal", COLUMN_U32, rec.signal),
	FULL("ino", COLUMN_I64, rec.ino),
	FULL("wanted", COLUMN_U64, rec.wanted_bytes),
	FULL("done", COLUMN_U64, rec.done_bytes),
	FULL("size", COLUMN_U64, rec.limit_bytes),
	FULL("used", COLUMN_U64, rec.used_bytes),
	FULL("cgroup_id", COLUMN_I64, rec.cgroup_id),
	FULL("times", COLUMN_COUNT, times),
	FULL("orphans", COLUMN_COUNT, orphans),
	FULL("orphan_bytes", COLUMN_COUNT, orphan_bytes),
};
TABLE(shm_full, .keys = { "number", "mount", "position" }, .more = { "text", "remedy" });

static const struct column shm_full_largest_columns[] = {
	AT(full_largest_t, "name", COLUMN_CHARS, name),
	AT(full_largest_t, "bytes", COLUMN_COUNT, bytes),
	AT(full_largest_t, "creator_pid", COLUMN_U32, creator_pid),
	AT(full_largest_t, "comm", COLUMN_CHARS, comm),
};
TABLE(shm_full_largest, .keys = { "number", "position" });
