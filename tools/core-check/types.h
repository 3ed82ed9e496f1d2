/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Types in BTF, and when CO-RE takes two of them for the same. */
#ifndef CORE_CHECK_TYPES_H
#define CORE_CHECK_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/btf.h>

#define TYPES_DEPTH 32 /* how far chains of types are followed */

/* Length of a name without its flavour, which begins with "___". */
size_t essential_length(const char *name);

/* The name at an offset, "" where there is none. Never NULL. */
const char *btf_text(const struct btf *btf, uint32_t offset);

/* The type behind typedefs and const, volatile …; `*id` becomes its id. NULL = damaged. */
const struct btf_type *btf_strip(const struct btf *btf, uint32_t *id);

/* Of an enum or enum64, with `at` less than btf_vlen(). A negative value is extended. */
uint32_t btf_enumerator_name(const struct btf_type *type, uint32_t at);
uint64_t btf_enumerator_value(const struct btf_type *type, uint32_t at);

/* An enum and an enum64 are one kind to CO-RE. */
bool same_kind(unsigned int a, unsigned int b);

/*
 * All of the following: 1 = yes, 0 = no, negative where a type is damaged. Names are compared up to
 * their flavours; those of the two types themselves were compared before.
 */

/* Are these the types of one and the same field? */
int fields_fit(const struct btf *a, uint32_t a_id, const struct btf *b, uint32_t b_id);

/* Are they the same type, whatever its members? (BPF_CORE_TYPE_EXISTS) */
int types_fit(const struct btf *a, uint32_t a_id, const struct btf *b, uint32_t b_id);

/* Has the second all that the first has? (BPF_CORE_TYPE_MATCHES) */
int types_match(const struct btf *a, uint32_t a_id, const struct btf *b, uint32_t b_id);

#endif
