/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel's types, to be asked by name. */
#ifndef CORE_CHECK_KERNEL_H
#define CORE_CHECK_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "types.h"

struct kernel {
	struct btf *btf;
	uint32_t *buckets; /* the first type of each hash, in the order of their ids; 0 = none */
	uint32_t *chain; /* by type id: the next of the same hash */
};

/* Copies the BTF. Returns 0 or a negative errno with the reason in `why`. */
int kernel_init(struct kernel *kernel, const void *btf, size_t bytes, char *why, size_t why_len);
void kernel_finish(struct kernel *kernel);

/* The type of that very name and kind, 0 if there is none. */
uint32_t kernel_find(const struct kernel *kernel, const char *name, unsigned int kind);

/*
 * The types that `name` and `kind` may mean for CO-RE, one after the other: those of the same kind
 * whose names are the same up to a flavour. `after` is 0 for the first; returns 0 at the end.
 */
uint32_t kernel_candidate(const struct kernel *kernel, const char *name, unsigned int kind,
			  uint32_t after);

/* Does BTF_KIND_FUNC or a tracepoint (its typedef btf_trace_NAME) exist? */
bool kernel_has_function(const struct kernel *kernel, const char *name);
bool kernel_has_tracepoint(const struct kernel *kernel, const char *name);

/* Does enum bpf_func_id know the helper? 1 = yes, 0 = no, -1 = the BTF does not have that enum. */
int kernel_has_helper(const struct kernel *kernel, int helper);

#endif
