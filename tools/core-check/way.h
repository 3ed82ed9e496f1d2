/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way into a type that a relocation describes: walked in the object's types, and found again by the
 * names of its members in a type of the kernel.
 */
#ifndef CORE_CHECK_WAY_H
#define CORE_CHECK_WAY_H

#include "core.h"

#define MAX_STEPS 64 /* libbpf's limit, which counts anonymous members too */

/* One step of a way: a member by its name, or an element of an array. */
struct step {
	uint32_t type; /* that has the member, or is the element's */
	uint32_t at;
	const char *name; /* NULL = an element */
};

struct way {
	const struct btf *btf;
	uint32_t root;
	uint64_t bits; /* from the beginning of the root */
	unsigned int n;
	unsigned int raw; /* steps with the anonymous ones */
	struct step steps[MAX_STEPS];
};

/* Where a way ended in a type of the kernel, for the message. */
struct dead_end {
	unsigned int depth; /* the step; the deepest of all candidates counts */
	enum { END_NO_TYPE, END_NO_MEMBER, END_OTHER_KIND, END_NO_ELEMENT, END_MISMATCH } how;
};

/* What a relocation asks about: a field, a type, or the value of an enum. */
bool way_by_field(enum bpf_core_relo_kind kind);
bool way_by_type(enum bpf_core_relo_kind kind);
bool way_by_value(enum bpf_core_relo_kind kind);

/* The way of a relocation in the object's own types. 0, or negative where its access string does not fit. */
int way_walk(struct way *way, const struct btf *btf, const struct core_relocation *relocation);

/*
 * The same in the kernel's type `candidate`. 1 = found; 0 = there is none, which `end` gets; negative where
 * the kernel's types are damaged.
 */
int way_find(const struct way *local, enum bpf_core_relo_kind kind, const struct btf *btf,
	     uint32_t candidate, struct way *way, struct dead_end *end);

#endif
