// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Programs that ask a kernel for what it does not have, the types being those of kernel.c: some of them
 * before they use it, some not. A line that core-check must name ends with the name of its program.
 */
#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct subject {
	int first;
	long gone;
	int with_sign;
};

struct subject___new {
	long newer;
};

struct absent {
	int x;
};

enum colour {
	RED,
	MAUVE,
};

#pragma clang attribute pop

const volatile bool cfg_dare = false;
unsigned long long seen[16];

extern int kernel_never(int n) __ksym __weak;
#ifndef LOADABLE
extern int kernel_always(int n) __ksym;
#endif

static __always_inline struct subject *subject(void)
{
	return (void *)bpf_get_current_task();
}

/* ---- no complaint ---- */

SEC("raw_tp")
int asks_field(void *ctx)
{
	struct subject *s = subject();

	if (bpf_core_field_exists(s->gone))
		seen[0] = BPF_CORE_READ(s, gone);
	else
		seen[0] = BPF_CORE_READ(s, first);
	return 0;
}

SEC("raw_tp")
int asks_flavour(void *ctx)
{
	struct subject___new *n = (void *)subject();

	if (!bpf_core_field_exists(n->newer))
		return 0;
	for (int i = 0; i < 3; i++)
		seen[i] += BPF_CORE_READ(n, newer);
	return 0;
}

SEC("raw_tp")
int asks_type(void *ctx)
{
	struct absent *a = (void *)subject();

	if (bpf_core_type_exists(struct absent))
		seen[0] = BPF_CORE_READ(a, x) + bpf_core_type_size(struct absent);
	return 0;
}

SEC("raw_tp")
int asks_value(void *ctx)
{
	if (bpf_core_enum_value_exists(enum colour, MAUVE))
		seen[0] = bpf_core_enum_value(enum colour, MAUVE);
	return 0;
}

static __noinline int guarded(struct subject *s)
{
	return BPF_CORE_READ(s, gone);
}

SEC("raw_tp")
int asks_before_call(void *ctx)
{
	struct subject *s = subject();

	if (bpf_core_field_exists(s->gone))
		return guarded(s);
	return 0;
}

static long called_back_guarded(__u32 i, void *ctx)
{
	struct subject *s = subject();

	seen[i & 7] = BPF_CORE_READ(s, gone);
	return 0;
}

SEC("raw_tp")
int asks_before_callback(void *ctx)
{
	struct subject *s = subject();

	if (bpf_core_field_exists(s->gone))
		bpf_loop(3, called_back_guarded, NULL, 0);
	return 0;
}

SEC("raw_tp")
int asks_function(void *ctx)
{
	if (kernel_never)
		return kernel_never(1);
	return 0;
}

SEC("tp_btf/never_happens")
int has_no_hook(void *ctx)
{
	struct subject *s = subject();

	seen[0] = BPF_CORE_READ(s, gone);
	return 0;
}

/* ---- complaints ---- */

SEC("raw_tp")
int reads(void *ctx)
{
	struct subject *s = subject();

	seen[0] = BPF_CORE_READ(s, gone); /* reads */
	return 0;
}

SEC("raw_tp")
int asks_the_wrong_way(void *ctx)
{
	struct subject *s = subject();

	if (!bpf_core_field_exists(s->gone))
		seen[0] = BPF_CORE_READ(s, gone); /* asks_the_wrong_way */
	return 0;
}

/* What the setting is nobody knows who looks at the file alone. */
SEC("raw_tp")
int trusts_a_setting(void *ctx)
{
	struct subject *s = subject();

	if (cfg_dare)
		seen[0] = BPF_CORE_READ(s, gone); /* trusts_a_setting */
	return 0;
}

static __noinline int unguarded(struct subject *s)
{
	return BPF_CORE_READ(s, gone); /* calls */
}

SEC("raw_tp")
int calls(void *ctx)
{
	return unguarded(subject());
}

static long called_back(__u32 i, void *ctx)
{
	struct subject *s = subject();

	seen[i & 7] = BPF_CORE_READ(s, gone); /* is_called_back */
	return 0;
}

SEC("raw_tp")
int is_called_back(void *ctx)
{
	bpf_loop(3, called_back, NULL, 0);
	return 0;
}

/* Before 6.8 a global function was verified whether it can be called or not. */
__noinline int global(long at)
{
	struct subject *s = (void *)at;

	return BPF_CORE_READ(s, gone); /* calls_global */
}

SEC("raw_tp")
int calls_global(void *ctx)
{
	struct subject *s = subject();

	if (bpf_core_field_exists(s->gone))
		return global((long)s);
	return 0;
}

SEC("raw_tp")
int reads_value(void *ctx)
{
	seen[0] = bpf_core_enum_value(enum colour, MAUVE); /* reads_value */
	return 0;
}

SEC("raw_tp")
int sizes(void *ctx)
{
	seen[0] = bpf_core_type_size(struct absent); /* sizes */
	return 0;
}

/* The kernel with OTHER has eight bytes there. */
SEC("raw_tp")
int reads_half(void *ctx)
{
	struct subject *s = subject();

	seen[0] = BPF_CORE_READ(s, with_sign); /* reads_half */
	return 0;
}

SEC("raw_tp")
int loads_half(void *ctx)
{
	struct subject *s = subject();

	seen[0] = s->with_sign; /* loads_half */
	return 0;
}

/* With it libbpf refuses the whole object. */
#ifndef LOADABLE
SEC("raw_tp")
int needs_function(void *ctx)
{
	return kernel_always(1); /* needs_function */
}
#endif

SEC("tp_btf/happens")
int needs_helper(void *ctx)
{
	bpf_ringbuf_query(NULL, 0); /* needs_helper */
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
