/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Volumes of mmap, munmap and brk, where they come cheap: fexit on the three system calls. Without
 * fexit only sys_exit remains, which taxes every system call of the machine; it is loaded when
 * --vma asks for it.
 */
#ifndef MEMMON_VMA_BPF_H
#define MEMMON_VMA_BPF_H

#include "proc.bpf.h"

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

static __always_inline int count_call(int call, struct pt_regs *regs, long ret)
{
	u32 n;
	struct slot *s = find_by_tgid(bpf_get_current_pid_tgid() >> 32, &n);

	if (!s || (s->flags & SLOT_ARMED))
		return 0;
	if (call == VM_BRK) {
		u64 before = s->brk, now = ret;

		/* a call that fails, or only asks, returns the break as it is */
		if (now > before)
			add_volume(s, VM_BRK, now - before);
		s->brk = now;
	} else if (ret >= 0 || ret < -4095) {
		add_volume(s, call, length_argument(regs));
	}
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

#endif
