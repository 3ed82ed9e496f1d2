// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The long way's sum (recount() of bpf/rss.bpf.h) over as many CPUs as one likes: the shared counts
 * of three counters and all parts but one's own, loaded through bpf_rdonly_cast at base + offset.
 * The parts lie in a map, each on a page of its own, as each CPU's variables do. They are in our own
 * cache here; a part that another CPU has just written is not, and costs more.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define MAX_SIMULATED 512
#define COUNTERS 3

/* a little more than a page, so that not all parts meet in one set of the cache */
struct part {
	char bytes[4096 + 64];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SIMULATED);
	__type(key, u32);
	__type(value, struct part);
} parts SEC(".maps");

const volatile __u32 cfg_cpus = 1;
__u64 base; /* address of the first part */
__u64 offsets[MAX_SIMULATED];
__s64 counts[COUNTERS], sums[COUNTERS];

extern void *bpf_rdonly_cast(void *obj, __u32 btf_id) __ksym;

static __always_inline s64 load_part(void *percpu, u64 offset)
{
	struct refcount_struct *at = bpf_rdonly_cast(
		(char *)percpu + offset, bpf_core_type_id_kernel(struct refcount_struct));

	return at->refs.counter;
}

#define SUM(k)                                                              \
	do {                                                                \
		s64 sum_ = counts[k];                                       \
		void *percpu_ = (void *)(base + (k) * sizeof(s32));         \
		for (u32 i_ = 0; i_ < MAX_SIMULATED && i_ < cfg_cpus; i_++) \
			if (i_ != this_cpu)                                 \
				sum_ += load_part(percpu_, offsets[i_]);    \
		sums[k] = sum_;                                             \
	} while (0)

static __noinline int sum_up(u32 this_cpu)
{
	SUM(0);
	SUM(1);
	SUM(2);
	return 0;
}

/* What calling a program costs without it. */
SEC("tc")
int on_nothing(void *ctx)
{
	return 0;
}

SEC("tc")
int on_sum(void *ctx)
{
	sum_up(0);
	return 0;
}

/* Gives the parts values, so that a sum that reads past them shows. */
SEC("tc")
int on_setup(void *ctx)
{
	u64 first = 0;

	for (u32 i = 0; i < MAX_SIMULATED && i < cfg_cpus; i++) {
		u32 at = i;
		struct part *part = bpf_map_lookup_elem(&parts, &at);
		u64 number = 0;

		if (!part)
			return 1;
		for (int k = 0; k < COUNTERS; k++)
			((s32 *)part->bytes)[k] = (s32)i + k;
		/* a pointer read back from the stack is a number */
		bpf_probe_read_kernel(&number, sizeof(number), &part);
		if (!i)
			first = number;
		offsets[i] = number - first;
	}
	base = first;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
