/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a CO-RE relocation becomes on a kernel, by the rules that libbpf and the kernel document
 * (Documentation/bpf/llvm_reloc.rst, enum bpf_core_relo_kind in linux/bpf.h).
 */
#ifndef CORE_CHECK_CORE_H
#define CORE_CHECK_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/bpf.h>

#include "kernel.h"

#define CORE_WHY_LEN 160

/* A relocation as the compiler wrote it. */
struct core_relocation {
	uint32_t type; /* id in the object's BTF */
	enum bpf_core_relo_kind kind;
	const char *access; /* "0:1:2": indices of members and elements; of an enum, its value's */
};

enum core_outcome {
	CORE_VALUE, /* `after` takes the place of `before` */
	CORE_MISSING, /* there is no such field or value: libbpf makes the instruction invalid */
	CORE_REFUSED, /* libbpf would refuse to load the object */
};

struct core_result {
	enum core_outcome outcome;
	bool found; /* some type of the kernel matched; else an existence is 0, and so is a type's size */
	uint64_t before, after;
	bool checked; /* the instruction must hold `before` */
	/* of a field whose offset is asked for and which is no bit field, its bytes here and there */
	uint32_t bytes_before, bytes_after;
	bool resizable; /* a load or store may change from the one to the other */
	bool scalar; /* both are numbers, enums or pointers */
	bool other_kind; /* not found, as what bears the name is another kind of type */
	char why[CORE_WHY_LEN]; /* where it was not found, or is refused */
};

void core_resolve(const struct btf *local, const struct core_relocation *relocation,
		  const struct kernel *kernel, struct core_result *result);

/* Is it a question that has an answer on every kernel? */
bool core_is_question(enum bpf_core_relo_kind kind);

/* "byte offset", "type exists", … */
const char *core_kind_name(enum bpf_core_relo_kind kind);

/* "struct task_struct.mm", "enum pageflags: PG_head"; as far as it makes sense. */
void core_describe(const struct btf *local, const struct core_relocation *relocation, char *text,
		   size_t len);

#endif
