/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do the types and fields that our vmlinux.h declares exist, and where? */
#ifndef CORE_CHECK_HEADER_H
#define CORE_CHECK_HEADER_H

#include "object.h"

#define HEADER_CELL_LEN 24

struct header_row {
	struct core_relocation what;
	char *access; /* that `what` points to */
	char *name; /* "struct mm_struct.brk" */
	char (*cells)[HEADER_CELL_LEN]; /* per kernel */
	bool found; /* in some kernel */
	bool plain; /* the same as here in every kernel */
};

struct header {
	const struct btf *btf;
	size_t n_kernels;
	struct header_row *rows;
	size_t n_rows;
};

/*
 * Lists the fields of all named types of `btf`, which is of an object that does nothing but use each
 * type of the header. Returns 0, -ENOMEM, or -EINVAL where there is none or the types are damaged.
 */
int header_init(struct header *header, const struct btf *btf, size_t n_kernels);
void header_finish(struct header *header);

/*
 * Fills column `n` for a kernel: "yes"; "no"; "kind", where the name means another kind of type; "N B",
 * where a number or pointer has that size instead; "=N", where an enum's name has that value instead.
 */
void header_look(struct header *header, size_t n, const struct kernel *kernel);

#endif
