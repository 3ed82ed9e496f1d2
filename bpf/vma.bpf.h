/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Volumes of mmap, munmap and brk, where they come cheap: fexit on the three system calls, or else
 * kprobes. Without either only sys_exit remains, which taxes every system call of the machine; it is
 * loaded when --vma asks for it.
 */
#ifndef MEMMON_VMA_BPF_H
#define MEMMON_VMA_BPF_H

#include "preempt.bpf.h"

const volatile bool cfg_volumes_by_kprobe = false;

#if defined(__TARGET_ARCH_x86)
#define SYSCALL_PREFIX "__x64_sys_"
#define NR_MMAP 9
#define NR_MUNMAP 11
#define NR_BRK 12
#define syscall_number(regs) ((int)BPF_CORE_READ(regs, orig_ax))
#define length_argument(regs) BPF_CORE_READ(regs, si)
#elif defined(__TARGET_ARCH_arm64)
#define SYSCALL_PREFIX "__arm64_sys_"
#define NR_MMAP 222
#define NR_MUNMAP 215
#define NR_BRK 214
#define syscall_number(regs) BPF_CORE_READ(regs, syscallno)
#define length_argument(regs) BPF_CORE_READ(regs, regs[1])
#endif

static __always_inline void add_volume(struct slot *s, int call, u64 bytes)
{
	__sync_fetch_and_add(&s->volume[call].calls, 1);
	__sync_fetch_and_add(&s->volume[call].bytes, bytes);
	touch(s);
}

/* The current process, where its calls are counted. */
static __always_inline struct slot *calling_slot(void)
{
	u32 n;
	struct slot *s = find_by_tgid(bpf_get_current_pid_tgid() >> 32, &n);

	return s && !(s->flags & SLOT_ARMED) ? s : NULL;
}

static __always_inline bool is_error(long ret)
{
	return ret < 0 && ret >= -4095;
}

/*
 * Where the break stood before. Where an exec can go by unseen what is known may be another program's, of which
 * nothing counts; or it was read in the midst of the exec, before the break got its place, where it begins.
 */
static __always_inline u64 break_before(const struct slot *s)
{
	struct task_struct *self = (void *)bpf_get_current_task();
	struct mm_struct *mm;
	u64 start;

	if (!preempted())
		return s->brk;
	mm = BPF_CORE_READ(self, mm);
	start = BPF_CORE_READ(mm, start_brk);
	if ((u64)mm != s->mm)
		return UNKNOWN_U64;
	return s->brk < start ? start : s->brk;
}

/* A call that fails, or only asks, returns the break as it is. */
static __always_inline int count_brk(struct slot *s, u64 now)
{
	u64 before = break_before(s);

	if (now > before)
		add_volume(s, VM_BRK, now - before);
	s->brk = now;
	return 0;
}

static __always_inline int count_call(int call, struct pt_regs *regs, long ret)
{
	struct slot *s = calling_slot();

	if (!s)
		return 0;
	if (call == VM_BRK)
		return count_brk(s, ret);
	if (!is_error(ret))
		add_volume(s, call, length_argument(regs));
	return 0;
}

SEC("fexit/" SYSCALL_PREFIX "mmap")
int BPF_PROG(on_mmap, struct pt_regs *regs, long ret)
{
	return count_call(VM_MMAP, regs, ret);
}

SEC("fexit/" SYSCALL_PREFIX "munmap")
int BPF_PROG(on_munmap, struct pt_regs *regs, long ret)
{
	return count_call(VM_MUNMAP, regs, ret);
}

SEC("fexit/" SYSCALL_PREFIX "brk")
int BPF_PROG(on_brk, struct pt_regs *regs, long ret)
{
	return count_call(VM_BRK, regs, ret);
}

/*
 * 32-bit system calls have other numbers. The ABI of the one under way stands in the thread, or on arm64
 * in the mode that the CPU was in.
 */
static __always_inline bool is_compat(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	struct task_struct *self = (void *)bpf_get_current_task();

	return BPF_CORE_READ(self, thread_info.status) & 2; /* TS_COMPAT */
#else
	return BPF_CORE_READ(regs, pstate) & 0x10; /* PSR_MODE32_BIT */
#endif
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long ret)
{
	if (is_compat(regs))
		return 0;
	switch (syscall_number(regs)) {
	case NR_MMAP:
		return count_call(VM_MMAP, regs, ret);
	case NR_MUNMAP:
		return count_call(VM_MUNMAP, regs, ret);
	case NR_BRK:
		return count_call(VM_BRK, regs, ret);
	}
	return 0;
}

/* ---- kprobes ---- */

/*
 * A kretprobe does not know the arguments, so a kprobe notes the length as the call begins. Where many
 * threads wait in one call at once (for the lock of their mm) the kernel follows only some of them: an
 * end that was missed is noticed as the thread calls again or ends, and is taken for a success. Of
 * brk, which needs no arguments, the bytes are in the next call's.
 */
struct vm_begun {
	u64 length;
	u32 call; /* VM_MMAP, VM_MUNMAP */
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH); /* preallocated */
	__uint(max_entries, 4096); /* watched threads that are in such a call at once */
	__type(key, u64); /* both ids, in the initial pid namespace */
	__type(value, struct vm_begun);
} vm_calls SEC(".maps");

/* Counts the thread's last call, if its end was missed. */
static __always_inline void count_missed_end(struct slot *s, u64 thread)
{
	struct vm_begun *left = bpf_map_lookup_elem(&vm_calls, &thread);

	if (!left)
		return;
	if (left->call == VM_MMAP)
		add_volume(s, VM_MMAP, left->length);
	else
		add_volume(s, VM_MUNMAP, left->length);
	bpf_map_delete_elem(&vm_calls, &thread);
}

static __always_inline int begin_call(int call, struct pt_regs *regs)
{
	struct vm_begun begun = { .call = call };
	u64 thread = bpf_get_current_pid_tgid();
	struct slot *s = calling_slot();

	if (!s)
		return 0;
	count_missed_end(s, thread);
	begun.length = length_argument(regs);
	if (bpf_map_update_elem(&vm_calls, &thread, &begun, BPF_ANY))
		count_lost_record();
	return 0;
}

static __always_inline int end_call(int call, long ret)
{
	u64 thread = bpf_get_current_pid_tgid();
	struct slot *s = calling_slot();
	struct vm_begun *begun;

	if (!s)
		return 0;
	begun = bpf_map_lookup_elem(&vm_calls, &thread);
	if (!begun)
		return 0; /* before we watched */
	if (!is_error(ret))
		add_volume(s, call, begun->length);
	bpf_map_delete_elem(&vm_calls, &thread);
	return 0;
}

SEC("kprobe/" SYSCALL_PREFIX "mmap")
int BPF_KPROBE(on_mmap_begin, struct pt_regs *regs)
{
	return begin_call(VM_MMAP, regs);
}

SEC("kretprobe/" SYSCALL_PREFIX "mmap")
int BPF_KRETPROBE(on_mmap_end, long ret)
{
	return end_call(VM_MMAP, ret);
}

SEC("kprobe/" SYSCALL_PREFIX "munmap")
int BPF_KPROBE(on_munmap_begin, struct pt_regs *regs)
{
	return begin_call(VM_MUNMAP, regs);
}

SEC("kretprobe/" SYSCALL_PREFIX "munmap")
int BPF_KRETPROBE(on_munmap_end, long ret)
{
	return end_call(VM_MUNMAP, ret);
}

SEC("kretprobe/" SYSCALL_PREFIX "brk")
int BPF_KRETPROBE(on_brk_end, long ret)
{
	struct slot *s = calling_slot();

	return s ? count_brk(s, ret) : 0;
}

/* The current thread, of a watched process, ends. */
static __always_inline void end_thread_calls(struct slot *s)
{
	if (cfg_volumes_by_kprobe)
		count_missed_end(s, bpf_get_current_pid_tgid());
}

#endif
