// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Relocations of every kind, against the types of kernel.c. Nobody runs this: what matters is what libbpf
 * makes of it, and that core-check says the same.
 */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct inner {
	int a;
	long b[3];
};

enum colour {
	RED,
	GREEN = 1,
	BLUE,
};

enum colour___gone {
	MAUVE___gone = 4,
};

struct subject {
	int first;
	unsigned int small;
	unsigned int narrow;
	int with_sign;
	void *pointer;
	enum colour colour;
	unsigned long flags;
	int going;
	int anonymous;
	long deeper;
	char deepest;
	struct inner in[4];
	int tail[];
};

/* At the beginning: clang 14 wants them aligned like long. */
struct subject___bits {
	unsigned int bits : 5;
	int signed_bits : 9;
	unsigned int wide_bits : 3;
};

struct subject___renamed {
	int never;
};

struct shape {
	const char *name;
	struct inner *in;
};

struct shape___more {
	int x;
	int y;
};

struct shape___other_call {
	int (*call)(struct subject *of, unsigned int n, int more);
};

union either {
	long other;
};

struct either___wrong {
	long other;
};

typedef struct {
	int counter;
} counted;

typedef int (*callback)(struct subject *of, long n);
typedef int (*callback___two)(struct subject *of);

struct nowhere {
	int x;
};

struct twin {
	int same;
};

#pragma clang attribute pop

unsigned long long seen[128];

#define SEE(n, value) (seen[n] = (unsigned long long)(value))

SEC("raw_tp")
int fields(void *ctx)
{
	struct subject *s = (void *)bpf_get_current_task();
	struct subject___renamed *r = (void *)s;
	counted *c = (void *)s;

	/* loads: the size of a number may change with its offset */
	SEE(0, s->first);
	SEE(1, s->small);
	SEE(2, s->narrow);
	SEE(3, s->with_sign);
	SEE(4, s->pointer);
	SEE(5, s->colour);
	SEE(6, s->flags);
	SEE(7, s->going);
	SEE(8, s->anonymous);
	SEE(9, s->deeper);
	SEE(10, s->deepest);
	SEE(11, s->in[2].b[1]);
	SEE(12, s->tail[3]);
	SEE(13, r->never);
	SEE(14, c->counter);
	/* stores */
	s->first = 1;
	s->small = (unsigned int)seen[0];
	s->deeper = (long)seen[1];
	return 0;
}

SEC("raw_tp")
int offsets(void *ctx)
{
	struct subject *s = (void *)bpf_get_current_task();
	struct twin *t = (void *)s;

	SEE(20, BPF_CORE_READ(s, first));
	SEE(21, BPF_CORE_READ(s, deeper));
	SEE(22, BPF_CORE_READ(s, in[3].a));
	SEE(23, BPF_CORE_READ(s, going));
	SEE(24, BPF_CORE_READ(t, same));
	SEE(25, bpf_core_field_offset(struct subject, in));
	SEE(26, bpf_core_field_offset(struct subject, flags));
	SEE(27, bpf_core_field_size(s->in));
	SEE(28, bpf_core_field_size(s->small));
	SEE(29, bpf_core_field_size(s->going));
	SEE(30, bpf_core_field_size(s->in[1]));
	return 0;
}

SEC("raw_tp")
int questions(void *ctx)
{
	struct subject *s = (void *)bpf_get_current_task();
	struct subject___renamed *r = (void *)s;
	struct shape___more *m = (void *)s;

	SEE(40, bpf_core_field_exists(s->first));
	SEE(41, bpf_core_field_exists(s->going));
	SEE(42, bpf_core_field_exists(s->flags));
	SEE(43, bpf_core_field_exists(s->deepest));
	SEE(44, bpf_core_field_exists(r->never));
	SEE(45, bpf_core_field_exists(s->in[3].b));
	SEE(46, bpf_core_field_exists(m->x));
	SEE(47, bpf_core_field_exists(m->y));
	SEE(48, bpf_core_type_exists(struct subject));
	SEE(49, bpf_core_type_exists(struct nowhere));
	SEE(50, bpf_core_type_exists(struct shape));
	SEE(51, bpf_core_type_exists(struct shape___more));
	SEE(52, bpf_core_type_exists(struct shape___other_call));
	SEE(53, bpf_core_type_exists(union either));
	SEE(54, bpf_core_type_exists(struct either___wrong));
	SEE(55, bpf_core_type_exists(counted));
	SEE(56, bpf_core_type_exists(callback));
	SEE(57, bpf_core_type_exists(callback___two));
	SEE(58, bpf_core_type_exists(enum colour));
	SEE(59, bpf_core_type_size(struct subject));
	SEE(60, bpf_core_type_size(struct nowhere));
	SEE(61, bpf_core_type_size(counted));
	SEE(62, bpf_core_type_id_local(struct subject));
	SEE(63, bpf_core_type_id_kernel(struct subject));
	SEE(64, bpf_core_type_id_kernel(struct nowhere));
	SEE(65, bpf_core_enum_value_exists(enum colour, RED));
	SEE(66, bpf_core_enum_value_exists(enum colour, GREEN));
	SEE(67, bpf_core_enum_value_exists(enum colour___gone, MAUVE___gone));
	SEE(68, bpf_core_enum_value(enum colour, GREEN));
	SEE(69, bpf_core_enum_value(enum colour, BLUE));
	SEE(70, bpf_core_enum_value(enum colour, RED));
	SEE(71, bpf_core_enum_value(enum colour___gone, MAUVE___gone));
	return 0;
}

SEC("raw_tp")
int bit_fields(void *ctx)
{
	struct subject___bits *s = (void *)bpf_get_current_task();

	SEE(80, BPF_CORE_READ_BITFIELD_PROBED(s, bits));
	SEE(81, BPF_CORE_READ_BITFIELD_PROBED(s, signed_bits));
	SEE(82, BPF_CORE_READ_BITFIELD_PROBED(s, wide_bits));
	SEE(83, BPF_CORE_READ_BITFIELD(s, bits));
	SEE(84, BPF_CORE_READ_BITFIELD(s, signed_bits));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
