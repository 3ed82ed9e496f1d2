/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which hooks this kernel lets us use. Its BTF says what there is; whether programs of a kind are
 * allowed is tried with an empty one, which is gone again when the call returns. Answers are kept.
 */
#ifndef MEMMON_PROBE_H
#define MEMMON_PROBE_H

#include <stdbool.h>
#include <stddef.h>

struct btf;
struct probe;

/*
 * `btf` (NULL = none) must outlive it. Without `allowed`, that is, without the capabilities, nothing is
 * tried. NULL when memory is exhausted.
 */
struct probe *probe_create(const struct btf *btf, bool allowed);
void probe_destroy(struct probe *p); /* NULL is fine */

/* Why a hook cannot be used, beside the negative errno that the kernel gave. */
enum probe_error {
	PROBE_FORBIDDEN = -10001, /* MEMMON_FORBID says so */
	PROBE_ABSENT = -10002, /* the kernel has no such function, tracepoint, iterator, kind */
	PROBE_UNTRIED = -10003, /* the capabilities are missing */
	PROBE_NO_KPROBES = -10004, /* the kernel has none */
	PROBE_NO_BTF = -10005, /* there is no BTF to find it in */
};

/*
 * Can the hook of a libbpf section name, as in "fexit/shmem_fault", be used? 0, an enum probe_error, or
 * the negative errno with which the kernel refused it.
 */
int probe_hook(struct probe *p, const char *section);
/* The same without trying: 0, PROBE_FORBIDDEN, PROBE_ABSENT or PROBE_NO_BTF. */
int probe_has(const struct probe *p, const char *section);
/* For people, after "… is ": "refused by this kernel (Operation not permitted)". Returns dst. */
const char *probe_reason(int err, char *dst, size_t cap);

/* May programs read the kernel's memory? 0, PROBE_UNTRIED, or why the verifier refused it. */
int probe_reading(const struct probe *p);

/* Parameters of a tracepoint with BTF, without its context; -1 where there is none. */
int probe_parameters(const struct probe *p, const char *tracepoint);
/* Is its parameter `n` a pointer? */
bool probe_is_pointer(const struct probe *p, const char *tracepoint, int n);
/* The same of a function, -1 where there is none of that name. */
int probe_function_parameters(const struct probe *p, const char *function);
bool probe_has_struct(const struct probe *p, const char *name);
bool probe_has_typedef(const struct probe *p, const char *name);
/* Has `enum bpf_func_id` this value? */
bool probe_has_helper(const struct probe *p, const char *name);

#endif
