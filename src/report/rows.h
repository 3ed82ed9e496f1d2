/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rows of all series of a recording, merged in the order of time; those of one moment come entity by
 * entity, in the order of enum entity. Needs little memory, however many there are.
 */
#ifndef MEMMON_ROWS_H
#define MEMMON_ROWS_H

#include "../recording/recording.h"

struct rows {
	struct {
		struct recording_cursor *cursor; /* NULL: not wanted, or at its end */
		struct sample row; /* the next one */
	} of[ENTITIES];
};

/* Each entity that `wanted` has. Close it after a failure too. Returns 0 or a negative errno. */
int rows_open(struct rows *r, struct recording *recording, const bool wanted[ENTITIES]);
/* The next row and whose it is; NULL at the end. */
const struct sample *rows_next(const struct rows *r, enum entity *out);
/* Goes on behind the next row, which is no longer valid then. Returns 0, or -EINVAL in a damaged file. */
int rows_advance(struct rows *r);
void rows_close(struct rows *r);

#endif
