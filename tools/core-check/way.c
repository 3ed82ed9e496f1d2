// SPDX-License-Identifier: GPL-2.0-or-later
#include "way.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define MAX_ANONYMOUS 16

bool way_by_field(enum bpf_core_relo_kind kind)
{
	return kind <= BPF_CORE_FIELD_RSHIFT_U64;
}

bool way_by_type(enum bpf_core_relo_kind kind)
{
	return (kind >= BPF_CORE_TYPE_ID_LOCAL && kind <= BPF_CORE_TYPE_SIZE) ||
	       kind == BPF_CORE_TYPE_MATCHES;
}

bool way_by_value(enum bpf_core_relo_kind kind)
{
	return kind == BPF_CORE_ENUMVAL_EXISTS || kind == BPF_CORE_ENUMVAL_VALUE;
}

/* ---- the way in the object's types ------------------------------------------------------------- */

/* Reads one index of "0:1:2" and moves `*access` behind it. */
static int next_index(const char **access, uint32_t *index)
{
	uint64_t value = 0;

	if (**access < '0' || **access > '9')
		return -EINVAL;
	for (; **access >= '0' && **access <= '9'; ++*access) {
		value = value * 10 + (uint64_t)(**access - '0');
		if (value > INT_MAX)
			return -EINVAL;
	}
	if (**access == ':')
		++*access;
	else if (**access)
		return -EINVAL;
	*index = (uint32_t)value;
	return 0;
}

/* Moves the way `n` elements of the type on. */
static int add_elements(struct way *way, uint32_t type, uint32_t n)
{
	int64_t bytes = btf__resolve_size(way->btf, type);

	if (bytes < 0)
		return -EINVAL;
	way->bits += (uint64_t)n * (uint64_t)bytes * 8;
	return way->bits > UINT32_MAX ? -E2BIG : 0;
}

static int add_step(struct way *way, uint32_t type, uint32_t at, const char *name)
{
	if (way->n == MAX_STEPS)
		return -E2BIG;
	way->steps[way->n++] = (struct step){ type, at, name };
	return 0;
}

/* An array without a length at the end of the struct that the last step went into. */
static bool is_flexible(const struct way *way, const struct btf_array *array)
{
	const struct step *last = &way->steps[way->n - 1];
	const struct btf_type *type = btf__type_by_id(way->btf, last->type);

	return !array->nelems && last->name && type && last->at + 1 == btf_vlen(type);
}

/* One more index within the type `*id`, which becomes what is there. */
static int descend(struct way *way, uint32_t *id, uint32_t at)
{
	const struct btf_type *type = btf_strip(way->btf, id);
	const struct btf_array *array;
	const struct btf_member *member;
	int err = 0;

	if (!type)
		return -EINVAL;
	if (btf_is_composite(type)) {
		if (at >= btf_vlen(type))
			return -EINVAL;
		member = btf_members(type) + at;
		way->bits += btf_member_bit_offset(type, at);
		if (*btf_text(way->btf, member->name_off))
			err = add_step(way, *id, at, btf_text(way->btf, member->name_off));
		*id = member->type;
		return err;
	}
	if (!btf_is_array(type))
		return -EINVAL;
	array = btf_array(type);
	if (at >= array->nelems && !is_flexible(way, array))
		return -EINVAL;
	*id = array->type;
	if (!btf_strip(way->btf, id))
		return -EINVAL;
	err = add_step(way, *id, at, NULL);
	return err ? err : add_elements(way, *id, at);
}

int way_walk(struct way *way, const struct btf *btf, const struct core_relocation *relocation)
{
	const char *access = relocation->access;
	const struct btf_type *type;
	uint32_t id = relocation->type, at;
	int err;

	way->btf = btf;
	way->root = id;
	way->bits = 0;
	way->n = way->raw = 0;
	if (!access || !btf__type_by_id(btf, id))
		return -EINVAL;
	if (way_by_type(relocation->kind))
		return strcmp(access, "0") ? -EINVAL : 0;
	type = btf_strip(btf, &id);
	err = next_index(&access, &at);
	if (err || !type)
		return -EINVAL;
	if (way_by_value(relocation->kind)) {
		if (!btf_is_any_enum(type) || *access || at >= btf_vlen(type))
			return -EINVAL;
		return add_step(way, id, at, btf_text(btf, btf_enumerator_name(type, at)));
	}
	if (!way_by_field(relocation->kind))
		return -EINVAL;
	err = add_step(way, id, at, NULL);
	if (!err)
		err = add_elements(way, id, at);
	while (!err && *access) {
		err = next_index(&access, &at);
		if (!err)
			err = descend(way, &id, at);
	}
	return err;
}

/* ---- the way in the kernel's types ------------------------------------------------------------- */

static void dead_end(struct dead_end *end, unsigned int depth, int how)
{
	if (depth < end->depth)
		return;
	end->depth = depth;
	end->how = how;
}

/*
 * Finds the member that `wanted` names in the type `id` or in anonymous members of it, and moves the
 * way there. 1 = found, and `*next` is its type; 0 = not, or it is of another kind.
 */
static int find_member(const struct way *local, const struct step *wanted, struct way *way,
		       uint32_t id, uint32_t *next, int *how, int depth)
{
	const struct btf_type *type = btf_strip(way->btf, &id),
			      *own = btf__type_by_id(local->btf, wanted->type);

	if (!type || !own)
		return -EINVAL;
	if (!btf_is_composite(type))
		return 0;
	if (way->raw == MAX_STEPS || depth == MAX_ANONYMOUS)
		return -E2BIG;
	way->raw++;
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *member = btf_members(type) + i;
		const char *name = btf_text(way->btf, member->name_off);
		uint32_t bits = btf_member_bit_offset(type, i);
		int found = 0;

		way->bits += bits;
		if (!*name) {
			found = find_member(local, wanted, way, member->type, next, how, depth + 1);
			if (found)
				return found;
		} else if (!strcmp(name, wanted->name)) {
			found = fields_fit(local->btf, btf_members(own)[wanted->at].type, way->btf,
					   member->type);
			if (found <= 0) {
				*how = END_OTHER_KIND;
				return found;
			}
			*next = member->type;
			found = add_step(way, id, i, name);
			return found ? found : 1;
		}
		way->bits -= bits;
	}
	way->raw--;
	return 0;
}

/* 1 = `way` leads to the same in the kernel's type `root`; 0 = there is no such way. */
static int walk_fields(const struct way *local, struct way *way, uint32_t root,
		       struct dead_end *end)
{
	uint32_t id = root;
	int err = 0;

	for (unsigned int i = 0; i < local->n; i++) {
		const struct step *step = &local->steps[i];
		const struct btf_type *type = btf_strip(way->btf, &id);

		if (!type)
			return -EINVAL;
		if (step->name) {
			int how = END_NO_MEMBER, found;

			found = find_member(local, step, way, id, &id, &how, 0);
			if (found < 0)
				return found;
			if (!found) {
				dead_end(end, i, how);
				return 0;
			}
			continue;
		}
		if (i > 0) {
			const struct btf_array *array = btf_array(type);

			if (!btf_is_array(type) ||
			    (step->at >= array->nelems && !is_flexible(way, array))) {
				dead_end(end, i,
					 btf_is_array(type) ? END_NO_ELEMENT : END_OTHER_KIND);
				return 0;
			}
			id = array->type;
			if (!btf_strip(way->btf, &id))
				return -EINVAL;
		}
		err = way->raw++ == MAX_STEPS ? -E2BIG : add_step(way, id, step->at, NULL);
		if (!err)
			err = add_elements(way, id, step->at);
		if (err)
			return err;
	}
	return 1;
}

static int walk_enum(const struct way *local, struct way *way, uint32_t root, struct dead_end *end)
{
	const struct btf_type *type = btf_strip(way->btf, &root);
	const char *wanted = local->steps[0].name;
	size_t length = essential_length(wanted);

	if (!type)
		return -EINVAL;
	if (!btf_is_any_enum(type))
		return 0;
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const char *name = btf_text(way->btf, btf_enumerator_name(type, i));

		if (essential_length(name) != length || strncmp(name, wanted, length))
			continue;
		return add_step(way, root, i, name) ? -E2BIG : 1;
	}
	dead_end(end, 1, END_NO_MEMBER);
	return 0;
}

int way_find(const struct way *local, enum bpf_core_relo_kind kind, const struct btf *btf,
	     uint32_t candidate, struct way *way, struct dead_end *end)
{
	int match;

	way->btf = btf;
	way->root = candidate;
	way->bits = 0;
	way->n = way->raw = 0;
	if (way_by_field(kind))
		return walk_fields(local, way, candidate, end);
	if (way_by_value(kind))
		return walk_enum(local, way, candidate, end);
	match = kind == BPF_CORE_TYPE_MATCHES ?
			types_match(local->btf, local->root, btf, candidate) :
			types_fit(local->btf, local->root, btf, candidate);
	if (!match)
		dead_end(end, 0, END_MISMATCH);
	return match;
}
