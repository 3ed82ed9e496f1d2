/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fields of one process. A process without a reading has no figures; one that shares its
 * parent's memory (vfork) has no RSS, while its faults, CPU time and calls are its own.
 */
#include <string.h>

#include "processes.h"
#include "value.h"

#define GET(name, value)                                                                  \
	static struct field_value name(const struct snapshot *s, const struct process *p) \
	{                                                                                 \
		(void)s;                                                                  \
		return value;                                                             \
	}
#define GET_KIND(set, kind_name, kind) \
	GET(set##_##kind_name, value_kind(has_##set(p), &p->reading.set, kind, s->page_bytes))
#define GET_KINDS(set)                  \
	GET_KIND(set, anon, MEM_ANON)   \
	GET_KIND(set, file, MEM_FILE)   \
	GET_KIND(set, shmem, MEM_SHMEM) \
	GET_KIND(set, swap, MEM_SWAP)

#define has_now process_has_now
#define has_first process_has_rss
#define has_at_peak process_has_kinds
#define has_peak process_has_rss

GET_KIND(now, rss, KIND_RSS)
GET_KIND(first, rss, KIND_RSS)
GET(at_peak_rss, value_kind(process_has_rss(p), &p->reading.at_peak, KIND_RSS, s->page_bytes))
GET_KINDS(now)
GET_KINDS(first)
GET_KINDS(at_peak)
GET_KINDS(peak)
GET(peak_at, value_since_start(process_has_rss(p), s, p->reading.peak_ns))
GET(error, value_pages(process_has_rss(p), p->reading.error_pages, s->page_bytes))
/* borrowed memory is the parent's, in smaps_rollup too */
GET(pss, value_whole(!p->has_reading || process_has_rss(p), p->pss_bytes))
GET(faults_minor, value_whole(p->has_reading, p->reading.minor_faults))
GET(faults_major, value_whole(p->has_reading, p->reading.major_faults))
GET(cpu, value_length(p->has_reading, p->reading.cpu_ns))
GET(threads, value_whole(p->has_reading, p->reading.threads_peak))
GET(start, value_since_start(true, s, p->watched_ns))
GET(end, value_since_start(p->end_ns != 0, s, p->end_ns))

static struct field_value volume_calls(const struct process *p, enum vm_call call)
{
	return value_whole(p->has_reading, p->reading.volume[call].calls);
}

static struct field_value volume_bytes(const struct process *p, enum vm_call call)
{
	return value_whole(p->has_reading && p->reading.volume[call].calls != UNKNOWN_U64,
			   p->reading.volume[call].bytes);
}

GET(mmap_calls, volume_calls(p, VM_MMAP))
GET(mmap_bytes, volume_bytes(p, VM_MMAP))
GET(munmap_calls, volume_calls(p, VM_MUNMAP))
GET(munmap_bytes, volume_bytes(p, VM_MUNMAP))
GET(brk_calls, volume_calls(p, VM_BRK))
GET(brk_bytes, volume_bytes(p, VM_BRK))

#define T FIELD_TIMELINE
#define TZ (FIELD_TIMELINE | FIELD_FROM_ZERO)
#define Z FIELD_FROM_ZERO

const struct process_field process_fields[] = {
	{ "start_s", "start_s", FIELD_SECONDS, 0,
	  "when watching the process began, from the fork or exec tracepoint", start },
	{ "end_s", "end_s", FIELD_SECONDS, 0,
	  "when the process ended, from the exit tracepoint; n/a while it lives", end },

	{ "rss", "rss.last_bytes", FIELD_BYTES, TZ,
	  "resident memory now, or held when it ended, file + anon + shmem of mm->rss_stat",
	  now_rss },
	{ "anon", "last.anon_bytes", FIELD_BYTES, TZ,
	  "resident heap, stack and private copies now, from rss_stat MM_ANONPAGES", now_anon },
	{ "file", "last.file_bytes", FIELD_BYTES, TZ,
	  "resident pages of mapped files now, from rss_stat MM_FILEPAGES", now_file },
	{ "shmem", "last.shmem_bytes", FIELD_BYTES, TZ,
	  "resident tmpfs, /dev/shm, memfd and SysV pages now, from rss_stat MM_SHMEMPAGES",
	  now_shmem },
	{ "swap", "last.swap_bytes", FIELD_BYTES, TZ,
	  "swapped out now, not part of RSS, from rss_stat MM_SWAPENTS", now_swap },
	{ "pss", "pss_bytes", FIELD_BYTES, T,
	  "share of the memory with shared pages divided, Pss in smaps_rollup (--pss)", pss },

	{ "peak.rss", "rss.peak_bytes", FIELD_BYTES, TZ,
	  "highest RSS since watching, from every rss_stat event", at_peak_rss },
	{ "peak.at", "rss.peak_at_s", FIELD_SECONDS, 0,
	  "when the RSS was highest, from the time of the rss_stat event", peak_at },
	{ "error", "rss.error_bytes", FIELD_BYTES, 0,
	  "bound of the peaks' error, what other CPUs had not yet added up; 0 = exact", error },
	{ "at_peak.anon", "at_peak.anon_bytes", FIELD_BYTES, Z,
	  "anonymous part of the RSS at the instant of its peak, from rss_stat", at_peak_anon },
	{ "at_peak.file", "at_peak.file_bytes", FIELD_BYTES, Z,
	  "file part of the RSS at the instant of its peak, from rss_stat", at_peak_file },
	{ "at_peak.shmem", "at_peak.shmem_bytes", FIELD_BYTES, Z,
	  "shared-memory part of the RSS at the instant of its peak, from rss_stat",
	  at_peak_shmem },
	{ "at_peak.swap", "at_peak.swap_bytes", FIELD_BYTES, Z,
	  "swapped out at the instant of the RSS peak, from rss_stat", at_peak_swap },
	{ "peak.anon", "peak.anon_bytes", FIELD_BYTES, Z,
	  "anonymous memory's own peak, whenever it was, from rss_stat MM_ANONPAGES", peak_anon },
	{ "peak.file", "peak.file_bytes", FIELD_BYTES, Z,
	  "mapped files' own peak, whenever it was, from rss_stat MM_FILEPAGES", peak_file },
	{ "peak.shmem", "peak.shmem_bytes", FIELD_BYTES, Z,
	  "shared memory's own peak, whenever it was, from rss_stat MM_SHMEMPAGES", peak_shmem },
	{ "peak.swap", "peak.swap_bytes", FIELD_BYTES, Z,
	  "swap's own peak, whenever it was, from rss_stat MM_SWAPENTS", peak_swap },

	{ "first", "rss.first_bytes", FIELD_BYTES, 0,
	  "RSS when watching the process began, from mm->rss_stat", first_rss },
	{ "first.anon", "first.anon_bytes", FIELD_BYTES, 0,
	  "anonymous memory when watching began, from rss_stat MM_ANONPAGES", first_anon },
	{ "first.file", "first.file_bytes", FIELD_BYTES, 0,
	  "mapped files when watching began, from rss_stat MM_FILEPAGES", first_file },
	{ "first.shmem", "first.shmem_bytes", FIELD_BYTES, 0,
	  "shared memory when watching began, from rss_stat MM_SHMEMPAGES", first_shmem },
	{ "first.swap", "first.swap_bytes", FIELD_BYTES, 0,
	  "swapped out when watching began, from rss_stat MM_SWAPENTS", first_swap },

	{ "faults.minor", "faults.minor", FIELD_COUNT, T,
	  "page faults served without I/O since watching, from task->min_flt", faults_minor },
	{ "faults.major", "faults.major", FIELD_COUNT, T,
	  "page faults that waited for I/O since watching, from task->maj_flt", faults_major },
	{ "cpu", "cpu_s", FIELD_SECONDS, T,
	  "user + system time since watching, from the tasks' run time", cpu },
	{ "threads", "threads_peak", FIELD_COUNT, 0,
	  "most threads at once since watching, from the task tracepoints", threads },
	{ "mmap.calls", "mmap.calls", FIELD_COUNT, 0,
	  "successful mmap calls, from fexit, or sys_exit with --vma", mmap_calls },
	{ "mmap.bytes", "mmap.bytes", FIELD_BYTES, 0,
	  "address space that mmap gave, from fexit, or sys_exit with --vma", mmap_bytes },
	{ "munmap.calls", "munmap.calls", FIELD_COUNT, 0,
	  "successful munmap calls, from fexit, or sys_exit with --vma", munmap_calls },
	{ "munmap.bytes", "munmap.bytes", FIELD_BYTES, 0,
	  "address space that munmap took, from fexit, or sys_exit with --vma", munmap_bytes },
	{ "brk.calls", "brk.calls", FIELD_COUNT, 0,
	  "successful brk calls that moved the break up, from fexit, or sys_exit with --vma",
	  brk_calls },
	{ "brk.bytes", "brk.bytes", FIELD_BYTES, 0,
	  "how far brk moved the break up in all, from fexit, or sys_exit with --vma", brk_bytes },
};
const size_t n_process_fields = sizeof(process_fields) / sizeof(process_fields[0]);

const struct process_field *process_field_find(const char *name)
{
	for (size_t i = 0; i < n_process_fields; i++)
		if (!strcmp(process_fields[i].name, name))
			return &process_fields[i];
	return NULL;
}

struct field_value process_field_first(const struct snapshot *s, const struct process *p,
				       const struct process_field *f)
{
	static const struct {
		struct field_value (*get)(const struct snapshot *s, const struct process *p);
		struct field_value (*first)(const struct snapshot *s, const struct process *p);
	} firsts[] = {
		{ now_rss, first_rss },       { at_peak_rss, first_rss },
		{ now_anon, first_anon },     { at_peak_anon, first_anon },
		{ peak_anon, first_anon },    { now_file, first_file },
		{ at_peak_file, first_file }, { peak_file, first_file },
		{ now_shmem, first_shmem },   { at_peak_shmem, first_shmem },
		{ peak_shmem, first_shmem },  { now_swap, first_swap },
		{ at_peak_swap, first_swap }, { peak_swap, first_swap },
	};

	if (!(f->flags & FIELD_FROM_ZERO))
		return value_unknown();
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++)
		if (firsts[i].get == f->get)
			return firsts[i].first(s, p);
	return value_unknown();
}
