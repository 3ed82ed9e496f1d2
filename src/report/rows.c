/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rows.h"

static int read_ahead(struct rows *r, enum entity entity)
{
	int err = recording_cursor_next(r->of[entity].cursor, &r->of[entity].row);

	if (err == 1)
		return 0;
	recording_cursor_close(r->of[entity].cursor);
	r->of[entity].cursor = NULL;
	return err;
}

int rows_open(struct rows *r, struct recording *recording, const bool wanted[ENTITIES])
{
	int err = 0;

	*r = (struct rows){ 0 };
	for (enum entity e = 0; !err && e < ENTITIES; e++) {
		if (!wanted[e])
			continue;
		err = recording_cursor_open(recording, e, &r->of[e].cursor);
		if (!err)
			err = read_ahead(r, e);
	}
	return err;
}

const struct sample *rows_next(const struct rows *r, enum entity *out)
{
	const struct sample *first = NULL;

	for (enum entity e = 0; e < ENTITIES; e++) {
		if (!r->of[e].cursor || (first && r->of[e].row.at_ns >= first->at_ns))
			continue;
		first = &r->of[e].row;
		*out = e;
	}
	return first;
}

int rows_advance(struct rows *r)
{
	enum entity e;

	return rows_next(r, &e) ? read_ahead(r, e) : 0;
}

void rows_close(struct rows *r)
{
	for (enum entity e = 0; e < ENTITIES; e++) {
		recording_cursor_close(r->of[e].cursor);
		r->of[e].cursor = NULL;
	}
}
