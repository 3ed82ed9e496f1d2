/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `memmon-bpf diff` is given as a summary: it is refused with one printable line, or compared with
 * itself and with nothing; and nothing of it reaches a terminal or breaks the JSON.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "report/compare.h"

#define REQUIRE(condition)                \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

typedef int write_fn(const struct comparison *c, const struct compare_style *style, FILE *out);

static char *written(write_fn *write, const struct comparison *c)
{
	static const struct compare_style style = { .version = "0.1.0" };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	REQUIRE(out && !write(c, &style, out));
	REQUIRE(!fclose(out));
	for (size_t i = 0; i < len; i++)
		REQUIRE(text[i] == '\n' || ((unsigned char)text[i] >= ' ' && text[i] != 0x7f));
	return text;
}

static void check_pair(json_t *pair)
{
	json_t *a = json_object_get(pair, "a"), *b = json_object_get(pair, "b");
	bool both = json_is_number(a) && json_is_number(b);

	REQUIRE(a && b);
	REQUIRE(json_is_number(json_object_get(pair, "change")) == both);
	REQUIRE(both || json_is_null(json_object_get(pair, "change_share")));
}

static void check_json(const char *text, bool same)
{
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *pair;
	const char *name;

	REQUIRE(root);
	json_object_foreach(json_object_get(root, "fields"), name, pair) {
		check_pair(pair);
		REQUIRE(!same ||
			json_equal(json_object_get(pair, "a"), json_object_get(pair, "b")));
	}
	json_decref(root);
}

static void check(const struct side *a, const struct side *b, const struct expr *e)
{
	struct comparison c;
	char *text;

	REQUIRE(!comparison_make(&c, a, b, e));
	REQUIRE(c.n_groups <= a->n_groups + b->n_groups);
	REQUIRE(a != b || (c.n_groups == a->n_groups && c.n_mounts == a->n_mounts));
	/* whatever is not known did not change, and what did not change did not rise */
	REQUIRE(a != b || !c.failed);
	free(written(compare_text_write, &c));
	text = written(compare_json_write, &c);
	check_json(text, a == b);
	free(text);
	comparison_finish(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char nothing[] = "{\"schema\":\"memmon-bpf/summary/1\"}";
	struct side side, none;
	struct expr *e = NULL;
	char why[300];

	memset(why, 0x7f, sizeof(why));
	if (side_read(&side, (const char *)data, size, why, sizeof(why))) {
		REQUIRE(memchr(why, '\0', sizeof(why)) && why[0]);
		for (const char *c = why; *c; c++)
			REQUIRE((unsigned char)*c >= ' ' && *c != 0x7f);
		REQUIRE(!side.document);
		return 0;
	}
	side.name = "side";
	REQUIRE(!side_read(&none, nothing, strlen(nothing), why, sizeof(why)));
	none.name = "none";
	REQUIRE(!expr_parse_diff("peak.rss>+0 || shm.full>+0% || cpu>+1%", &e, why, sizeof(why)));
	check(&side, &side, e);
	check(&none, &side, e);
	check(&side, &none, e);
	expr_destroy(e);
	side_finish(&side);
	side_finish(&none);
	return 0;
}
