/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CSV sink of a watch, fed with the recorded moments and then with the last snapshot. */
#include <errno.h>

#include "export.h"
#include "timeline.h"

int timeline_csv_write(struct recording *r, const struct run *run, FILE *out)
{
	struct sink *csv = csv_create(run, out);
	struct timeline *t = NULL;
	const struct snapshot *end, *s;
	char why[8];
	int err;

	if (!csv)
		return -ENOMEM;
	err = recording_snapshot(r, &end, why, sizeof(why));
	if (!err)
		err = timeline_open(r, end, &t);
	if (err)
		goto out;
	while ((err = timeline_next(t, &s)) == 1) {
		err = csv->ops->tick(csv, s);
		if (err)
			goto out;
	}
	if (!err)
		err = csv->ops->finish(csv, end);
out:
	timeline_close(t);
	csv->ops->destroy(csv);
	return err;
}
