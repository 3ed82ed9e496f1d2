/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For kernels that preempt programs on tracepoints, as preempted() says (see compat.bpf.h). Until a program
 * that was preempted goes on, its CPU skips it for everybody else, and counts that. No program can prevent
 * it: one that disables preemption is preempted as it enables it again, and still under way then. So there
 *
 *  - hooks on processes have stand-ins (stand_ins.bpf.h), and what all of them missed is made up for by
 *    a look at the processes (heal.bpf.h);
 *  - of a process that lived while the hook on RSS was skipped the kernel's own high-water mark bounds
 *    what was missed, as in the sample mode (sample.bpf.h), and what the tree holds of it is mended on
 *    each CPU (`mend` in heal.bpf.h), if that hook is not under way there (tree_cpu.busy);
 *  - what else belongs to a CPU is written by one program alone, or between hold_cpu() and release_cpu().
 */
#ifndef MEMMON_PREEMPT_BPF_H
#define MEMMON_PREEMPT_BPF_H

#include "percpu.bpf.h"
#include "state.bpf.h"

__u32 hook_fd; /* of the program on rss_stat, in memmon-bpf */
__u64 hook_stats; /* address of the kernel's statistics of it, per CPU */
__u64 missed; /* runs of it that were skipped, when the reader began its pass */
__u32 heal_wanted; /* some process is to be looked at; cleared by user space */

/* weak: unknown before 6.10, where nothing is preempted */
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

/* Processes without a slot that were counted, so that stand-ins do not count them again; by start time. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u32);
} counted_untracked SEC(".maps");

static __always_inline bool preempted(void)
{
	return cfg_preempted && has_preempt_disable();
}

/*
 * Slots that a hook or a healer is at work on, so that the other leaves them alone. No atomic that returns a
 * value: the hooks are loaded on 5.10 too.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024); /* tasks that are preempted in a hook */
	__type(key, u32);
	__type(value, u32);
} slots_in_hand SEC(".maps");

/* False where somebody has it: then it is looked at later. */
static __always_inline bool take_in_hand(u32 n)
{
	u32 one = 1;

	if (!preempted() || !bpf_map_update_elem(&slots_in_hand, &n, &one, BPF_NOEXIST))
		return true;
	heal_wanted = 1;
	return false;
}

static __always_inline void let_go(u32 n)
{
	if (preempted())
		bpf_map_delete_elem(&slots_in_hand, &n);
}

/* Is the mm of a slot still the one that it was? Else it was given up unseen. */
static __always_inline bool has_own_mm(const struct slot *s)
{
	struct mm_struct *mm = (void *)s->mm;

	return !preempted() || !mm ||
	       (BPF_CORE_READ(mm, mm_users.counter) > 0 && id_of_mm(mm) == s->mm_id);
}

/* No other hook runs on this CPU until it is released. May be nested. */
static __always_inline void hold_cpu(void)
{
	if (preempted())
		bpf_preempt_disable();
}

static __always_inline void release_cpu(void)
{
	if (preempted())
		bpf_preempt_enable();
}

/* Finds the statistics of `hook_fd`. To be run by memmon-bpf itself. */
static __always_inline void learn_hook_stats(void)
{
	struct task_struct *self = (void *)bpf_get_current_task();
	struct file **files = BPF_CORE_READ(self, files, fdt, fd), *file = NULL;
	struct bpf_prog *hook;

	bpf_probe_read_kernel(&file, sizeof(file), &files[hook_fd]);
	hook = BPF_CORE_READ(file, private_data);
	hook_stats = (u64)BPF_CORE_READ(hook, stats);
}

/* Runs of the hook on RSS that the kernel skipped so far, of whichever process. */
static __noinline u64 missed_runs(void)
{
	u64 sum = 0;

	for (u32 cpu = 0; preempted() && cpu < MAX_CPUS && cpu < cfg_cpus; cpu++) {
		u64 misses = 0;

		bpf_probe_read_kernel(
			&misses, sizeof(misses),
			(void *)(hook_stats + tree_cpus[cpu].percpu_offset +
				 bpf_core_field_offset(struct bpf_prog_stats, misses)));
		sum += misses;
	}
	return sum;
}

/* Was any skipped since the process began to be watched? Then some may have been its own. */
static __always_inline bool missed_some(const struct slot *s)
{
	return preempted() && missed_runs() != s->missed;
}

#endif
