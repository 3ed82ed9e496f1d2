// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A relocation names a type and a way into it by the names of members. The way is walked in the
 * object's types, and then by the same names in each type of the kernel that bears the name. All that
 * match must agree. (libbpf also strikes those that did not match an earlier relocation of the same
 * type off its list: where that matters, this is the stricter of the two.)
 *
 * The types may be damaged: every id is looked up, every chain of types is followed a bounded number
 * of steps.
 */
#include "core.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "way.h"

static int __attribute__((format(printf, 2, 3)))
refuse(struct core_result *result, const char *format, ...)
{
	va_list args;

	result->outcome = CORE_REFUSED;
	va_start(args, format);
	vsnprintf(result->why, sizeof(result->why), format, args);
	va_end(args);
	return -EINVAL;
}

bool core_is_question(enum bpf_core_relo_kind kind)
{
	return kind == BPF_CORE_FIELD_EXISTS || kind == BPF_CORE_TYPE_EXISTS ||
	       kind == BPF_CORE_ENUMVAL_EXISTS || kind == BPF_CORE_TYPE_MATCHES;
}

const char *core_kind_name(enum bpf_core_relo_kind kind)
{
	static const char *const names[] = {
		[BPF_CORE_FIELD_BYTE_OFFSET] = "byte offset",
		[BPF_CORE_FIELD_BYTE_SIZE] = "byte size",
		[BPF_CORE_FIELD_EXISTS] = "field exists",
		[BPF_CORE_FIELD_SIGNED] = "signedness",
		[BPF_CORE_FIELD_LSHIFT_U64] = "left shift",
		[BPF_CORE_FIELD_RSHIFT_U64] = "right shift",
		[BPF_CORE_TYPE_ID_LOCAL] = "local type id",
		[BPF_CORE_TYPE_ID_TARGET] = "type id",
		[BPF_CORE_TYPE_EXISTS] = "type exists",
		[BPF_CORE_TYPE_SIZE] = "type size",
		[BPF_CORE_ENUMVAL_EXISTS] = "enum value exists",
		[BPF_CORE_ENUMVAL_VALUE] = "enum value",
		[BPF_CORE_TYPE_MATCHES] = "type matches",
	};

	return (unsigned int)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

/* ---- what is at the end of the way ------------------------------------------------------------- */

struct value {
	uint64_t number;
	uint32_t bytes, type; /* of a field whose offset `number` is */
	bool checked;
};

#define MISSING (-EUCLEAN) /* as libbpf says it to itself */

/* Of the element of an array, which has an offset and a size. */
static int value_of_element(const struct way *way, enum bpf_core_relo_kind kind,
			    struct value *value)
{
	const struct step *last = &way->steps[way->n - 1];
	int64_t bytes = btf__resolve_size(way->btf, last->type);

	if (bytes < 0 || bytes > UINT32_MAX)
		return -EINVAL;
	if (kind == BPF_CORE_FIELD_BYTE_SIZE) {
		value->number = (uint64_t)bytes;
		return 0;
	}
	if (kind != BPF_CORE_FIELD_BYTE_OFFSET)
		return -EINVAL;
	value->number = way->bits / 8;
	value->bytes = (uint32_t)bytes;
	value->type = last->type;
	return 0;
}

/* The bytes that hold a bit field: the smallest number, at a multiple of its size. */
static int bytes_around(uint64_t bits, uint32_t width, uint32_t declared, uint64_t *offset,
			uint32_t *bytes)
{
	*bytes = declared;
	if (!declared || declared > 8)
		return -EINVAL;
	for (;;) {
		*offset = bits / 8 / *bytes * *bytes;
		if (bits + width - *offset * 8 <= (uint64_t)*bytes * 8)
			return 0;
		if (*bytes >= 8)
			return -E2BIG;
		*bytes *= 2;
	}
}

static int value_of_field(const struct way *way, enum bpf_core_relo_kind kind, struct value *value)
{
	const struct step *last = &way->steps[way->n - 1];
	const struct btf_type *type, *field;
	uint32_t id, bytes, width;
	uint64_t offset;
	bool bitfield;
	int64_t size;
	int err = 0;

	if (!last->name)
		return value_of_element(way, kind, value);
	type = btf__type_by_id(way->btf, last->type);
	id = btf_members(type)[last->at].type;
	field = btf_strip(way->btf, &id);
	if (!field)
		return -EINVAL;
	width = btf_member_bitfield_size(type, last->at);
	bitfield = width > 0;
	if (bitfield) {
		err = bytes_around(way->bits, width, field->size, &offset, &bytes);
		if (err)
			return err;
	} else {
		size = btf__resolve_size(way->btf, id);
		if (size < 0 || size > UINT32_MAX / 8)
			return -EINVAL;
		bytes = (uint32_t)size;
		offset = way->bits / 8;
		width = bytes * 8;
	}
	/* where a bit field is read from is up to the compiler */
	value->checked = !bitfield;
	switch (kind) {
	case BPF_CORE_FIELD_BYTE_OFFSET:
		value->number = offset;
		if (!bitfield) {
			value->bytes = bytes;
			value->type = id;
		}
		return 0;
	case BPF_CORE_FIELD_BYTE_SIZE:
		value->number = bytes;
		return 0;
	case BPF_CORE_FIELD_SIGNED:
		value->number = (btf_is_any_enum(field) && btf_kflag(field)) ||
				(btf_is_int(field) && (btf_int_encoding(field) & BTF_INT_SIGNED));
		value->checked = true;
		return 0;
	case BPF_CORE_FIELD_LSHIFT_U64:
		value->number = 64 - (way->bits + width - offset * 8);
		return 0;
	case BPF_CORE_FIELD_RSHIFT_U64:
		value->number = 64 - (uint64_t)width;
		value->checked = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static int value_of_type(const struct way *way, enum bpf_core_relo_kind kind, struct value *value)
{
	int64_t size;

	switch (kind) {
	case BPF_CORE_TYPE_EXISTS:
	case BPF_CORE_TYPE_MATCHES:
		value->number = 1;
		return 0;
	case BPF_CORE_TYPE_ID_TARGET:
		value->number = way->root;
		value->checked = false; /* linking renumbers the types */
		return 0;
	case BPF_CORE_TYPE_SIZE:
		size = btf__resolve_size(way->btf, way->root);
		value->number = (uint64_t)size;
		return size < 0 ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

/* `way` is NULL where there is none. 0, MISSING, or negative: libbpf would refuse it. */
static int value_at(const struct way *way, enum bpf_core_relo_kind kind, struct value *value)
{
	memset(value, 0, sizeof(*value));
	value->checked = true;
	if (way_by_type(kind))
		return way ? value_of_type(way, kind, value) : 0;
	if (core_is_question(kind)) {
		value->number = way != NULL;
		return 0;
	}
	if (!way)
		return MISSING;
	if (way_by_field(kind))
		return value_of_field(way, kind, value);
	if (!way_by_value(kind))
		return -EINVAL;
	value->number = btf_enumerator_value(btf__type_by_id(way->btf, way->steps[0].type),
					     way->steps[0].at);
	return 0;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static bool is_scalar(const struct btf_type *type)
{
	return type && (btf_is_int(type) || btf_is_ptr(type) || btf_is_any_enum(type));
}

static void compare_sizes(const struct btf *local, const struct value *here,
			  const struct kernel *kernel, const struct value *there,
			  struct core_result *result)
{
	const struct btf_type *x = btf__type_by_id(local, here->type),
			      *y = btf__type_by_id(kernel->btf, there->type);

	result->bytes_before = here->bytes;
	result->bytes_after = there->bytes;
	if (!here->bytes || !there->bytes || !x || !y)
		return;
	result->scalar = is_scalar(x) && is_scalar(y);
	/* a shorter number without a sign, or pointer, is extended with zeroes */
	result->resizable =
		(btf_is_ptr(x) && btf_is_ptr(y)) ||
		(btf_is_int(x) && btf_is_int(y) && btf_int_encoding(x) != BTF_INT_SIGNED &&
		 btf_int_encoding(y) != BTF_INT_SIGNED);
}

static const char *keyword(const struct btf_type *type)
{
	return btf_is_struct(type)   ? "struct " :
	       btf_is_union(type)    ? "union " :
	       btf_is_any_enum(type) ? "enum " :
	       btf_is_typedef(type)  ? "typedef " :
				       "";
}

/* Says in `result->why` where the deepest way ended. */
static void tell_dead_end(const struct way *local, const struct dead_end *end,
			  struct core_result *result)
{
	const struct btf_type *root = btf__type_by_id(local->btf, local->root);
	const char *name = btf_text(local->btf, root->name_off);
	const struct step *step = end->depth < local->n ? &local->steps[end->depth] : NULL;
	int length = (int)essential_length(name);
	char *why = result->why;

	result->other_kind = end->how == END_OTHER_KIND || end->how == END_MISMATCH;
	switch (end->how) {
	case END_NO_TYPE:
		snprintf(why, CORE_WHY_LEN, "no %s%.*s", keyword(root), length, name);
		break;
	case END_MISMATCH:
		snprintf(why, CORE_WHY_LEN, "%s%.*s is something else", keyword(root), length,
			 name);
		break;
	case END_NO_ELEMENT:
		snprintf(why, CORE_WHY_LEN, "the array has no element %u", step ? step->at : 0);
		break;
	case END_OTHER_KIND:
		snprintf(why, CORE_WHY_LEN, "%s is of another kind of type",
			 step && step->name ? step->name : "the array");
		break;
	case END_NO_MEMBER:
		snprintf(why, CORE_WHY_LEN, "no %s in %s%.*s",
			 step && step->name ? step->name : local->steps[0].name, keyword(root),
			 length, name);
		break;
	}
}

/* One type of the kernel that bears the name. Returns 1 when it matched. */
static int try_candidate(const struct btf *local, const struct core_relocation *relocation,
			 const struct way *way, const struct kernel *kernel, uint32_t candidate,
			 uint64_t *bits, struct dead_end *end, struct core_result *result)
{
	struct value here, there;
	struct way found;
	int err;

	err = way_find(way, relocation->kind, kernel->btf, candidate, &found, end);
	if (err < 0)
		return refuse(result, "the kernel's type %u cannot be followed", candidate);
	if (!err)
		return 0;
	if (value_at(way, relocation->kind, &here) || value_at(&found, relocation->kind, &there))
		return refuse(result, "there is no such thing as its %s",
			      core_kind_name(relocation->kind));
	if (!result->found) {
		result->found = true;
		result->before = here.number;
		result->after = there.number;
		result->checked = here.checked;
		compare_sizes(local, &here, kernel, &there, result);
		*bits = found.bits;
	} else if (found.bits != *bits || there.number != result->after) {
		return refuse(result, "types of the same name disagree: %llu or %llu",
			      (unsigned long long)result->after, (unsigned long long)there.number);
	}
	return 1;
}

void core_resolve(const struct btf *local, const struct core_relocation *relocation,
		  const struct kernel *kernel, struct core_result *result)
{
	struct dead_end end = { 0, END_NO_TYPE };
	const struct btf_type *root;
	struct value here, there;
	struct way way;
	const char *name;
	uint64_t bits = 0;

	memset(result, 0, sizeof(*result));
	if (way_walk(&way, local, relocation)) {
		refuse(result, "its access string does not fit its type");
		return;
	}
	if (relocation->kind == BPF_CORE_TYPE_ID_LOCAL) {
		result->found = true;
		result->before = result->after = relocation->type;
		return;
	}
	root = btf__type_by_id(local, relocation->type);
	name = btf_text(local, root->name_off);
	if (!*name) {
		refuse(result, "a type without a name cannot be looked up");
		return;
	}
	for (uint32_t id = kernel_candidate(kernel, name, btf_kind(root), 0); id;
	     id = kernel_candidate(kernel, name, btf_kind(root), id))
		if (try_candidate(local, relocation, &way, kernel, id, &bits, &end, result) < 0)
			return;
	if (result->found)
		return;
	tell_dead_end(&way, &end, result);
	if (value_at(&way, relocation->kind, &here)) {
		refuse(result, "there is no such thing as its %s",
		       core_kind_name(relocation->kind));
		return;
	}
	result->before = here.number;
	result->checked = here.checked;
	if (value_at(NULL, relocation->kind, &there) == MISSING)
		result->outcome = CORE_MISSING;
}

/* ---- for people -------------------------------------------------------------------------------- */

void core_describe(const struct btf *local, const struct core_relocation *relocation, char *text,
		   size_t len)
{
	const struct btf_type *root = btf__type_by_id(local, relocation->type);
	const char *name = root ? btf_text(local, root->name_off) : "";
	size_t used;
	struct way way;

	if (!root) {
		snprintf(text, len, "type %u, which does not exist", relocation->type);
		return;
	}
	snprintf(text, len, "%s%s", keyword(root), *name ? name : "(without a name)");
	if (way_walk(&way, local, relocation))
		return;
	for (unsigned int i = 0; i < way.n; i++) {
		const struct step *step = &way.steps[i];

		used = strlen(text);
		if (step->name)
			snprintf(text + used, len - used, "%s%s",
				 way_by_value(relocation->kind) ? ": " : ".", step->name);
		else if (i > 0 || step->at)
			snprintf(text + used, len - used, "[%u]", step->at);
	}
}
