/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where each CPU's copy of the kernel's per-CPU variables lies. Kernels without KALLSYMS_ALL do not
 * publish __per_cpu_offset, but the address of a per-CPU map's value is its generic per-CPU pointer
 * plus that very offset.
 *
 * Before 5.19 a program sees only the value of the CPU that it runs on: there user space runs the
 * set-up on every CPU whose offset it finds missing.
 */
#ifndef MEMMON_PERCPU_BPF_H
#define MEMMON_PERCPU_BPF_H

#include <bpf/bpf_core_read.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} percpu_probe SEC(".maps");

/* A pointer that was read back from the stack is a number, which the verifier lets us reckon with. */
static __always_inline u64 as_number(void *pointer)
{
	u64 number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), &pointer);
	return number;
}

/* The generic per-CPU pointer of the map's value. */
static __always_inline u64 percpu_probe_base(void)
{
	u64 base = 0;

	bpf_probe_read_kernel(&base, sizeof(base),
			      (void *)(as_number(&percpu_probe) +
				       bpf_core_field_offset(struct bpf_array, pptrs)));
	return base;
}

/* The offset of the CPU's copy, 0 where it cannot be told from here; `base` is percpu_probe_base(). */
static __always_inline u64 percpu_offset_of(u32 cpu, u64 base)
{
	void *value = NULL;
	u32 zero = 0;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_map_lookup_percpu_elem))
		value = bpf_map_lookup_percpu_elem(&percpu_probe, &zero, cpu);
	else if (cpu == bpf_get_smp_processor_id())
		value = bpf_map_lookup_elem(&percpu_probe, &zero);
	return value ? as_number(value) - base : 0;
}

#endif
