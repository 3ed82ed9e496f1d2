// SPDX-License-Identifier: GPL-2.0-or-later
#include "header.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROWS 10000
#define MAX_NESTING 8 /* of structs without names in each other */

static int add_row(struct header *h, uint32_t type, const char *access,
		   enum bpf_core_relo_kind kind)
{
	struct header_row *rows, *row;
	char name[512];

	if (h->n_rows == MAX_ROWS)
		return -EINVAL;
	rows = reallocarray(h->rows, h->n_rows + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	h->rows = rows;
	row = &rows[h->n_rows++];
	memset(row, 0, sizeof(*row));
	row->plain = true;
	row->access = strdup(access);
	row->what = (struct core_relocation){ type, kind, row->access };
	row->cells = calloc(h->n_kernels + 1, sizeof(*row->cells));
	core_describe(h->btf, &row->what, name, sizeof(name));
	row->name = strdup(name);
	return row->access && row->cells && row->name ? 0 : -ENOMEM;
}

/* The type, where it is a struct or union without a name of its own, maybe behind a typedef. */
static const struct btf_type *nameless(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	for (int i = 0; type && btf_is_mod(type) && i < MAX_NESTING; i++)
		type = btf__type_by_id(btf, type->type);
	return type && btf_is_composite(type) && !*btf_text(btf, type->name_off) ? type : NULL;
}

/* The members of `type`, which is at `access` within the named type `root`. */
static int add_members(struct header *h, uint32_t root, const struct btf_type *type,
		       const char *access, int nesting)
{
	char deeper[128];
	int err = 0;

	if (nesting == MAX_NESTING)
		return -EINVAL;
	for (uint32_t i = 0; i < btf_vlen(type) && !err; i++) {
		const struct btf_member *member = &btf_members(type)[i];
		const struct btf_type *inner = nameless(h->btf, member->type);

		snprintf(deeper, sizeof(deeper), "%s:%u", access, i);
		if (*btf_text(h->btf, member->name_off))
			err = add_row(h, root, deeper, BPF_CORE_FIELD_BYTE_OFFSET);
		if (!err && inner)
			err = add_members(h, root, inner, deeper, nesting + 1);
	}
	return err;
}

static int add_type(struct header *h, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(h->btf, id), *inner;
	char access[16];
	int err = 0;

	if (!*btf_text(h->btf, type->name_off))
		return 0;
	if (btf_is_any_enum(type)) {
		for (uint32_t i = 0; i < btf_vlen(type) && !err; i++) {
			snprintf(access, sizeof(access), "%u", i);
			err = add_row(h, id, access, BPF_CORE_ENUMVAL_VALUE);
		}
		return err;
	}
	inner = btf_is_typedef(type) ? nameless(h->btf, type->type) : NULL;
	if (inner || btf_is_composite(type))
		return add_members(h, id, inner ? inner : type, "0", 0);
	return 0;
}

int header_init(struct header *header, const struct btf *btf, size_t n_kernels)
{
	int err = 0;

	memset(header, 0, sizeof(*header));
	header->btf = btf;
	header->n_kernels = n_kernels;
	for (uint32_t id = 1; id < btf__type_cnt(btf) && !err; id++)
		err = add_type(header, id);
	if (!err && !header->n_rows)
		err = -EINVAL;
	if (err)
		header_finish(header);
	return err;
}

void header_finish(struct header *header)
{
	for (size_t i = 0; i < header->n_rows; i++) {
		free(header->rows[i].access);
		free(header->rows[i].name);
		free(header->rows[i].cells);
	}
	free(header->rows);
	memset(header, 0, sizeof(*header));
}

void header_look(struct header *header, size_t n, const struct kernel *kernel)
{
	for (size_t i = 0; i < header->n_rows; i++) {
		struct header_row *row = &header->rows[i];
		struct core_result result;
		char *cell = row->cells[n];

		core_resolve(header->btf, &row->what, kernel, &result);
		if (result.outcome == CORE_REFUSED)
			snprintf(cell, HEADER_CELL_LEN, "refused");
		else if (!result.found)
			snprintf(cell, HEADER_CELL_LEN, "%s", result.other_kind ? "kind" : "no");
		else if (row->what.kind == BPF_CORE_ENUMVAL_VALUE && result.before != result.after)
			snprintf(cell, HEADER_CELL_LEN, "=%lld", (long long)result.after);
		else if (result.scalar && result.bytes_before != result.bytes_after)
			snprintf(cell, HEADER_CELL_LEN, "%u B", result.bytes_after);
		else
			snprintf(cell, HEADER_CELL_LEN, "yes");
		row->found = row->found || result.found;
		row->plain = row->plain && !strcmp(cell, "yes");
	}
}
