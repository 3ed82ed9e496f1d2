/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording as one HTML file: figures, charts that can be zoomed, tables, the summary. It asks no
 * network for anything, and its own policy forbids it to.
 *
 * Texts of a recording come from names that anybody may have chosen. They are escaped where they are
 * written, so that they stay text; and should that fail, the policy lets no script pass but the two
 * whose hashes it names.
 */
#ifndef MEMMON_HTML_H
#define MEMMON_HTML_H

#include <stdio.h>

struct recording;
struct run;

/* Returns 0, -EINVAL for a damaged recording, or the negative errno of writing. */
int html_write(struct recording *r, const struct run *run, FILE *out);

#endif
