// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Types of a kernel that does not exist, for the tests of core-check: compiled for BPF, they become BTF.
 * With OTHER defined they are as another version might have them.
 */
struct inner {
	long before;
	int a;
	long b[3];
};

enum colour {
#ifndef OTHER
	RED,
	GREEN = 7,
	BLUE = -3,
#else
	BLUE = 5,
	GREEN,
#endif
};

struct wrapped {
	unsigned long value;
};

struct subject {
	char padding[24];
#ifndef OTHER
	int first;
	unsigned short small;
	unsigned int narrow;
	int with_sign;
	void *pointer;
	enum colour colour;
	unsigned long flags;
	int going;
#else
	void *pointer;
	unsigned long small; /* larger than the programs think */
	unsigned short narrow; /* smaller */
	long with_sign; /* larger, and a load cannot extend the sign */
	int first;
	enum colour colour;
	struct wrapped flags; /* another kind of type */
#endif
	struct {
		int anonymous;
		union {
			long deeper;
			char deepest;
		};
	};
	unsigned int bits : 5;
	int signed_bits : 9;
#ifdef OTHER
	unsigned long long wide_bits : 37;
#else
	unsigned int wide_bits : 3;
#endif
	struct inner in[4];
	int tail[];
};

struct shape {
	int x;
	const char *name;
	struct inner *in;
	int (*call)(struct subject *of, unsigned int n);
};

union either {
	int one;
	long other;
};

typedef struct {
	int counter;
} counted;

typedef int (*callback)(struct subject *of, long n);

/* Two of a name, as kernels have them at times; programs see both. */
struct twin {
	int same;
	int apart;
};

struct twin___2 {
	int same;
	long between;
	int apart;
};

enum bpf_func_id {
	BPF_FUNC_unspec,
	BPF_FUNC_map_lookup_elem,
	BPF_FUNC_get_current_task = 35,
	BPF_FUNC_probe_read_kernel = 113,
#ifndef OTHER
	BPF_FUNC_loop = 181,
#endif
	__BPF_FUNC_MAX_ID = 300,
};

typedef void (*btf_trace_happens)(void *data, struct subject *of);

int shared_function(struct subject *of);
int shared_function(struct subject *of)
{
	return of->first;
}

#ifndef OTHER
int kernel_only(int n);
int kernel_only(int n)
{
	return n + 1;
}
#endif

struct subject *a_subject;
struct shape *a_shape;
union either *an_either;
counted *a_counted;
callback a_callback;
struct twin *a_twin;
struct twin___2 *another_twin;
enum colour a_colour;
enum bpf_func_id a_helper;
btf_trace_happens a_tracepoint;
