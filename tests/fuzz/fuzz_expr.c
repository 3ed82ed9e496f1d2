/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --fail-if from any bytes: it is accepted and holds or not, the same each time; or it is refused
 * with a message of one printable line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/expr.h"

static void check(bool ok)
{
	if (!ok)
		abort();
}

static bool holds(const struct expr *e, const struct snapshot *s, bool known)
{
	struct snapshot copy = *s;

	copy.tree.known = copy.system.known = copy.charge.known = copy.cost.known = known;
	return expr_holds(e, &copy);
}

/* Values of both watches that are known or not, and extreme, by the field's name. */
static struct field_pair pair_of(const void *ctx, const struct field *f)
{
	static const int64_t values[] = { 0, 1, -1, INT64_MAX, INT64_MIN, 1 << 20 };
	size_t i = strlen(f->name) % 6, j = (unsigned char)f->name[0] % 6;

	(void)ctx;
	return (struct field_pair){ { i != 3, (double)values[i], values[i] },
				    { j != 4, (double)values[j], values[j] } };
}

/* Of two watches: the parts say the same as the whole, and what a watch understands is understood. */
static void check_diff(const char *text, bool is_expr)
{
	struct expr *e = NULL;
	char why[200];
	bool any = false, all = true;
	int err = expr_parse_diff(text, &e, why, sizeof(why));

	check(!err || !is_expr);
	if (err)
		return;
	check(expr_parts(e) >= 1);
	for (size_t i = 0; i < expr_parts(e); i++) {
		struct expr_part part = expr_part(e, i);
		bool holds = expr_part_holds(e, i, pair_of(NULL, part.field)) == EXPR_TRUE;

		check(part.text >= expr_text(e) && part.len &&
		      part.text + part.len <= expr_text(e) + strlen(text));
		check(!part.is_change || !is_expr);
		any |= holds;
		all &= holds;
	}
	check(!all || expr_diff_holds(e, pair_of, NULL));
	check(any || !expr_diff_holds(e, pair_of, NULL));
	expr_destroy(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct snapshot s = { .page_bytes = 4096 };
	struct expr *e = NULL, *again = NULL;
	char why[200];
	char *text = malloc(size + 1);
	int err;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	memset(why, 0x7f, sizeof(why));
	err = expr_parse(text, &e, why, sizeof(why));
	if (err) {
		check(err == -EINVAL && !e);
		check(memchr(why, '\0', sizeof(why)) && why[0]);
		for (const char *c = why; *c; c++)
			check(*c >= ' ' && *c <= '~');
	} else {
		check(!strcmp(expr_text(e), text));
		check(!expr_parse(expr_text(e), &again, why, sizeof(why)));
		for (int known = 0; known < 2; known++)
			check(holds(e, &s, known) == holds(again, &s, known));
	}
	check_diff(text, !err);
	expr_destroy(e);
	expr_destroy(again);
	free(text);
	return 0;
}
