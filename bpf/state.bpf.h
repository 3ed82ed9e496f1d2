/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs keep: settings, maps, and how a slot is found by mm.
 *
 * The index is a direct-mapped table in .bss, as a hash map would cost the hot path 20 ns more. A
 * bucket names one slot and counts all that hash to it; only where it hides others is the hash map
 * `slots_by_mm`, which knows every watched mm, asked. A wrong or stale bucket cannot mislead,
 * because a slot answers only to its own mm.
 */
#ifndef MEMMON_STATE_BPF_H
#define MEMMON_STATE_BPF_H

#include "compat.bpf.h"
#include "maps.h"

/* Settings, fixed at load. Globals have UAPI types, as the skeleton declares them for user space. */
const volatile __u32 cfg_cpus = 1; /* possible CPUs, at most MAX_CPUS */
const volatile __u32 cfg_slots = 1;
const volatile __u32 cfg_alarm_ended = 512; /* ended slots waiting that are worth a wake-up */
const volatile __u64 cfg_tick_ns = 4000000; /* length of a jiffy */
const volatile __u64 cfg_slack = 0; /* pages by which the kernel's own high-water mark may be off */
const volatile bool cfg_children = true; /* watch what watched processes fork */
const volatile bool cfg_all = false; /* watch everything */
const volatile bool cfg_group_dead =
	false; /* sched_process_exit tells the last thread (6.16 and later) */
const volatile bool cfg_mm_end =
	true; /* a hook tells when an mm ends; else it ends with its process */
const volatile bool cfg_preempted = false; /* programs on tracepoints can be: see preempt.bpf.h */
const volatile bool cfg_cgroup = false; /* watch the members of `wanted_cgroups` … */
const volatile __s32 cfg_cgroup_hierarchy = 0; /* … in this hierarchy; 0 = the unified one */

struct bucket mm_index[1 << INDEX_BITS] __attribute__((aligned(64)));
struct tree tree;
struct tree_cpu tree_cpus[MAX_CPUS] __attribute__((aligned(64)));
__u64 clock_ns; /* between two readings of the clock: part of every timed event */
__u64 base_jiffies, base_ns; /* one instant in both times, to turn jiffies into nanoseconds */
__u32 any_touched; /* some slot is touched: cleared by the reader before it reads */
__u32 ended_waiting; /* slots in `ended_slots`; cleared by the reader before it empties it */
__u32 ended_alarmed; /* the reader was woken up for them; cleared with `ended_waiting` */
__u32 picked[PICKS], n_picked; /* the slots for the next run of one of user space's programs */
__u32 adopt_pass; /* 0 = the first; user space counts */
__u32 read_all; /* the reader wants untouched processes too */
__u32 sampling; /* enum sampling; user space sets it */
__s64 sampled_now[MEM_KINDS]; /* Σ of the samples of one pass; cleared by the reader before it */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* never mapped, but so it begins on a page */
	__uint(max_entries, 1); /* set at load */
	__type(key, u32);
	__type(value, struct slot);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* slots × CPUs */
	__type(key, u32);
	__type(value, struct cell);
} cells SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1); /* slots */
	__type(value, u32);
} free_slots SEC(".maps");

/* Slots of processes that ended, in that order. As long as there are slots, it cannot overflow. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1); /* slots */
	__type(value, u32);
} ended_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* slots */
	__type(key, u64); /* mm */
	__type(value, u32);
} slots_by_mm SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* slots */
	__type(key, u32); /* tgid in the initial pid namespace */
	__type(value, u32);
} slots_by_tgid SEC(".maps");

/* By slot, whether it may be in slots_by_tgid: user space maps it, to know what to look at. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* slots */
	__type(key, u32);
	__type(value, u64); /* 0, 1 */
} living SEC(".maps");

/* Whom to adopt. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32); /* pid in our namespace */
	__type(value, u32); /* enum wanted_how */
} wanted SEC(".maps");

/* Whose members, and those of the cgroups below, to watch. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, u64); /* the cgroup's id */
	__type(value, u32);
} wanted_cgroups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} records SEC(".maps");

/*
 * Carries nothing but wake-ups, which cost 8 µs each: an OOM kill, whose victim will soon be gone,
 * and many ended slots that wait for user space to give them back.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* a page; set at load */
} alarms SEC(".maps");

static __always_inline struct slot *slot_at(u32 n)
{
	return bpf_map_lookup_elem(&slots, &n);
}

static __always_inline struct cell *cell_at(u32 n, u32 cpu)
{
	u32 at = cpu * cfg_slots + n;

	return bpf_map_lookup_elem(&cells, &at);
}

/*
 * This CPU's share of the tree. A mask and not a comparison: clang moves the multiplication before
 * that, where the verifiers of older kernels lose sight of the bound.
 */
static __always_inline struct tree_cpu *this_tree_cpu(void)
{
	return &tree_cpus[bpf_get_smp_processor_id() & (MAX_CPUS - 1)];
}

/* Or clang reckons it out again at each use. */
#define keep_in_register(pointer) asm volatile("" : "+r"(pointer))

/* Fibonacci hash of the low half of the address: the verifier forbids arithmetic on the pointer. */
static __always_inline struct bucket *bucket_of(u32 mm_low)
{
	return &mm_index[(mm_low * 0x9e3779b1U) >> (32 - INDEX_BITS)];
}

/* A pointer's low half, as a number. */
#define low_half(pointer)                                                        \
	({                                                                       \
		u32 low_;                                                        \
		asm volatile("%0 = %1" : "=w"(low_) : "w"((u32)(u64)(pointer))); \
		low_;                                                            \
	})

/*
 * What stands in front of it is so for all CPUs before what stands behind it. x86 keeps the program's
 * order, but for a load behind a store. Elsewhere that takes a barrier, which BPF has no instruction for
 * before 6.15; but to give a lock back and take one is one, and each look at a queue takes its lock.
 */
static __always_inline void fence(void)
{
#if defined(__TARGET_ARCH_x86)
	barrier();
#else
	u32 n;

	bpf_map_peek_elem(&free_slots, &n);
	bpf_map_peek_elem(&free_slots, &n);
#endif
}

/* The pointer; what it points to is not loaded before `value` was. For where a fence costs too much. */
static __always_inline void *once_loaded(s64 value, void *pointer)
{
#if defined(__TARGET_ARCH_x86)
	barrier();
#else
	/* the CPU does not see through a dependency, not even through this one */
	asm volatile("%0 ^= %0\n\t%1 += %0" : "+r"(value), "+r"(pointer));
#endif
	return pointer;
}

/* The number of a slot in an element of a map, which may become another's meanwhile. */
static __always_inline u32 once(const u32 *n)
{
	return *(const volatile u32 *)n;
}

static __always_inline struct slot *find_by_mm(u64 mm, u32 *n)
{
	u32 *found = bpf_map_lookup_elem(&slots_by_mm, &mm);

	if (!found)
		return NULL;
	*n = once(found);
	return slot_at(*n);
}

static __always_inline struct slot *find_by_tgid(u32 tgid, u32 *n)
{
	u32 *found = bpf_map_lookup_elem(&slots_by_tgid, &tgid);

	if (!found)
		return NULL;
	*n = once(found);
	return slot_at(*n);
}

static __always_inline void set_living(u32 n, u64 value)
{
	u64 *at = bpf_map_lookup_elem(&living, &n);

	if (at)
		*at = value;
}

/* Gives the process to slot `n`. Returns false where another one has it. */
static __always_inline bool own_process(u32 tgid, u32 n)
{
	set_living(n, 1);
	if (!bpf_map_update_elem(&slots_by_tgid, &tgid, &n, BPF_NOEXIST))
		return true;
	set_living(n, 0);
	return false;
}

/* Takes it from slot `n`. Returns false where another CPU does. */
static __always_inline bool disown_process(u32 tgid, u32 n)
{
	if (bpf_map_delete_elem(&slots_by_tgid, &tgid))
		return false;
	set_living(n, 0);
	return true;
}

/* The slot, if a process has it that was not seen to end; else NULL. */
static __always_inline struct slot *living_slot(u32 n)
{
	struct slot *s = slot_at(n);
	u32 tgid, found = 0;

	if (!s)
		return NULL;
	tgid = s->tgid;
	find_by_tgid(tgid, &found);
	return found == n ? s : NULL;
}

/* The order of the steps lets a concurrent event miss the shortcut, but never the slot. */
static __always_inline void index_insert(u64 mm, u32 n)
{
	struct bucket *b = bucket_of(low_half(mm));

	if (bpf_map_update_elem(&slots_by_mm, &mm, &n, BPF_NOEXIST))
		return;
	__sync_fetch_and_add(&b->residents, 1);
	if (!b->slot)
		b->slot = n;
}

/* Returns false where another CPU removes it. */
static __always_inline bool index_remove(u64 mm, u32 n)
{
	struct bucket *b = bucket_of(low_half(mm));

	if (b->slot == n)
		b->slot = 0;
	if (bpf_map_delete_elem(&slots_by_mm, &mm))
		return false;
	__sync_fetch_and_add(&b->residents, -1);
	return true;
}

static __always_inline void touch(struct slot *s)
{
	if (s->touched)
		return;
	s->touched = 1;
	any_touched = 1;
}

static __always_inline void raise_alarm(void)
{
	u32 nothing = 0;

	bpf_ringbuf_output(&alarms, &nothing, sizeof(nothing), BPF_RB_FORCE_WAKEUP);
}

static __always_inline s64 rss_of(const s64 *kind)
{
	return kind[MEM_FILE] + kind[MEM_ANON] + kind[MEM_SHMEM];
}

/* As an addition that is whole: another program may be at it on this CPU. */
static __always_inline void count_lost_record(void)
{
	__sync_fetch_and_add(&this_tree_cpu()->lost_records, 1);
}

static __always_inline void emit(void *record, u32 size)
{
	/* never a wake-up: it costs 3 µs on the hot path; user space polls */
	if (bpf_ringbuf_output(&records, record, size, BPF_RB_NO_WAKEUP))
		count_lost_record();
}

#endif
