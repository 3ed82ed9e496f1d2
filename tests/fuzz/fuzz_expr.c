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
	expr_destroy(e);
	expr_destroy(again);
	free(text);
	return 0;
}
