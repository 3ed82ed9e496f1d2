// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules by which CO-RE takes two types for the same. The types may be damaged: every id is looked
 * up, every chain of types is followed a bounded number of steps.
 */
#include "types.h"

#include <errno.h>
#include <string.h>

size_t essential_length(const char *name)
{
	size_t length = strlen(name);

	/* a flavour has something before it and behind it, neither of which is an underscore */
	for (size_t at = length; at >= 5; at--) {
		const char *separator = name + at - 5;

		if (separator[0] != '_' && !strncmp(separator + 1, "___", 3) && separator[4] != '_')
			return at - 4;
	}
	return length;
}

const char *btf_text(const struct btf *btf, uint32_t offset)
{
	const char *text = btf__name_by_offset(btf, offset);

	return text ? text : "";
}

bool same_kind(unsigned int a, unsigned int b)
{
	bool enums = (a == BTF_KIND_ENUM || a == BTF_KIND_ENUM64) &&
		     (b == BTF_KIND_ENUM || b == BTF_KIND_ENUM64);

	return a == b || enums;
}

const struct btf_type *btf_strip(const struct btf *btf, uint32_t *id)
{
	const struct btf_type *type = btf__type_by_id(btf, *id);

	for (int i = 0; type && (btf_is_mod(type) || btf_is_typedef(type)); i++) {
		if (i == TYPES_DEPTH)
			return NULL;
		*id = type->type;
		type = btf__type_by_id(btf, *id);
	}
	return type;
}

uint32_t btf_enumerator_name(const struct btf_type *type, uint32_t at)
{
	/* a value of an enum64 is three words, the name first */
	return btf_is_enum(type) ? btf_enum(type)[at].name_off :
				   ((const uint32_t *)(type + 1))[3 * (size_t)at];
}

uint64_t btf_enumerator_value(const struct btf_type *type, uint32_t at)
{
	const uint32_t *words = (const uint32_t *)(type + 1);

	if (btf_is_enum(type))
		return (uint64_t)(int64_t)btf_enum(type)[at].val;
	return (uint64_t)words[3 * (size_t)at + 2] << 32 | words[3 * (size_t)at + 1];
}

static bool same_essential_name(const struct btf *a, uint32_t a_name, const struct btf *b,
				uint32_t b_name)
{
	const char *x = btf_text(a, a_name), *y = btf_text(b, b_name);
	size_t length = essential_length(x);

	return length == essential_length(y) && !strncmp(x, y, length);
}

int fields_fit(const struct btf *a, uint32_t a_id, const struct btf *b, uint32_t b_id)
{
	for (int depth = 0; depth < TYPES_DEPTH; depth++) {
		const struct btf_type *x = btf_strip(a, &a_id), *y = btf_strip(b, &b_id);

		if (!x || !y)
			return -EINVAL;
		if (btf_is_composite(x) && btf_is_composite(y))
			return 1;
		if (!same_kind(btf_kind(x), btf_kind(y)))
			return 0;
		switch (btf_kind(x)) {
		case BTF_KIND_PTR:
		case BTF_KIND_FLOAT:
			return 1;
		case BTF_KIND_INT:
			return !btf_int_offset(x) && !btf_int_offset(y);
		case BTF_KIND_FWD:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
			/* one without a name fits all */
			return !*btf_text(a, x->name_off) || !*btf_text(b, y->name_off) ||
			       same_essential_name(a, x->name_off, b, y->name_off);
		case BTF_KIND_ARRAY:
			a_id = btf_array(x)->type;
			b_id = btf_array(y)->type;
			break;
		default:
			return 0;
		}
	}
	return -EINVAL;
}

static int fit_within(const struct btf *a, uint32_t a_id, const struct btf *b, uint32_t b_id,
		      int level)
{
	for (int depth = 0; depth < TYPES_DEPTH; depth++) {
		const struct btf_type *x = btf_strip(a, &a_id), *y = btf_strip(b, &b_id);

		if (!x || !y)
			return -EINVAL;
		if (!same_kind(btf_kind(x), btf_kind(y)))
			return 0;
		switch (btf_kind(x)) {
		case BTF_KIND_UNKN:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_FWD:
			return 1;
		case BTF_KIND_INT:
			return !btf_int_offset(x) && !btf_int_offset(y);
		case BTF_KIND_PTR:
			a_id = x->type;
			b_id = y->type;
			break;
		case BTF_KIND_ARRAY:
			a_id = btf_array(x)->type;
			b_id = btf_array(y)->type;
			break;
		case BTF_KIND_FUNC_PROTO:
			if (btf_vlen(x) != btf_vlen(y))
				return 0;
			for (uint32_t i = 0; i < btf_vlen(x); i++) {
				int fit = level > 0 ? fit_within(a, btf_params(x)[i].type, b,
								 btf_params(y)[i].type, level - 1) :
						      -EINVAL;

				if (fit <= 0)
					return fit;
			}
			a_id = x->type;
			b_id = y->type;
			break;
		default:
			return 0;
		}
	}
	return -EINVAL;
}

int types_fit(const struct btf *a, uint32_t a_id, const struct btf *b, uint32_t b_id)
{
	return fit_within(a, a_id, b, b_id, TYPES_DEPTH);
}

/* ---- "type matches" ---------------------------------------------------------------------------- */

/* Has the second every name of the first, in the same size? */
static int enums_match(const struct btf *a, const struct btf_type *x, const struct btf *b,
		       const struct btf_type *y)
{
	if (x->size != y->size || btf_vlen(x) > btf_vlen(y))
		return 0;
	for (uint32_t i = 0; i < btf_vlen(x); i++) {
		uint32_t j = 0;

		while (j < btf_vlen(y) && !same_essential_name(a, btf_enumerator_name(x, i), b,
							       btf_enumerator_name(y, j)))
			j++;
		if (j == btf_vlen(y))
			return 0;
	}
	return 1;
}

static int match_within(const struct btf *a, uint32_t a_id, const struct btf *b, uint32_t b_id,
			bool behind_pointer, int level);

/* Has the second a matching member for every one of the first? */
static int members_match(const struct btf *a, const struct btf_type *x, const struct btf *b,
			 const struct btf_type *y, int level)
{
	if (btf_vlen(x) > btf_vlen(y))
		return 0;
	for (uint32_t i = 0; i < btf_vlen(x); i++) {
		const struct btf_member *wanted = btf_members(x) + i;
		int match = 0;

		for (uint32_t j = 0; !match && j < btf_vlen(y); j++) {
			const struct btf_member *there = btf_members(y) + j;

			if (same_essential_name(a, wanted->name_off, b, there->name_off))
				match = match_within(a, wanted->type, b, there->type, false,
						     level - 1);
		}
		if (match <= 0)
			return match;
	}
	return 1;
}

/* A struct or union behind a pointer may be only declared, on either side. */
static bool same_behind_pointer(const struct btf_type *x, const struct btf_type *y)
{
	bool x_union = btf_is_fwd(x) ? btf_kflag(x) : btf_is_union(x);
	bool y_union = btf_is_fwd(y) ? btf_kflag(y) : btf_is_union(y);

	return (btf_is_fwd(y) || btf_is_composite(y)) && x_union == y_union;
}

static int match_within(const struct btf *a, uint32_t a_id, const struct btf *b, uint32_t b_id,
			bool behind_pointer, int level)
{
	if (level <= 0)
		return -EINVAL;
	for (int depth = 0; depth < TYPES_DEPTH; depth++) {
		const struct btf_type *x = btf_strip(a, &a_id), *y = btf_strip(b, &b_id);
		bool same;

		if (!x || !y)
			return -EINVAL;
		same = btf_kind(x) == btf_kind(y);
		if (!same_essential_name(a, x->name_off, b, y->name_off))
			return 0;
		switch (btf_kind(x)) {
		case BTF_KIND_UNKN:
			return same;
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
			return btf_is_any_enum(y) ? enums_match(a, x, b, y) : 0;
		case BTF_KIND_FWD:
			if (behind_pointer)
				return same_behind_pointer(x, y);
			return same && btf_kflag(x) == btf_kflag(y);
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			if (behind_pointer)
				return same || (btf_is_fwd(y) && same_behind_pointer(x, y));
			return same ? members_match(a, x, b, y, level) : 0;
		case BTF_KIND_INT:
			return same && x->size == y->size &&
			       !((btf_int_encoding(x) ^ btf_int_encoding(y)) & BTF_INT_SIGNED);
		case BTF_KIND_PTR:
			if (!same)
				return 0;
			behind_pointer = true;
			a_id = x->type;
			b_id = y->type;
			break;
		case BTF_KIND_ARRAY:
			if (!same || btf_array(x)->nelems != btf_array(y)->nelems)
				return 0;
			a_id = btf_array(x)->type;
			b_id = btf_array(y)->type;
			break;
		case BTF_KIND_FUNC_PROTO:
			if (!same || btf_vlen(x) != btf_vlen(y))
				return 0;
			for (uint32_t i = 0; i < btf_vlen(x); i++) {
				int match = match_within(a, btf_params(x)[i].type, b,
							 btf_params(y)[i].type, behind_pointer,
							 level - 1);

				if (match <= 0)
					return match;
			}
			a_id = x->type;
			b_id = y->type;
			break;
		default:
			return 0;
		}
	}
	return -EINVAL;
}

int types_match(const struct btf *a, uint32_t a_id, const struct btf *b, uint32_t b_id)
{
	return match_within(a, a_id, b, b_id, false, TYPES_DEPTH);
}
