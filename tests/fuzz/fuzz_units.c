/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes that people type; and every figure must be readable again in every unit. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/util/units.h"

#define REQUIRE(condition)                \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

static void check_format(int64_t bytes, const struct unit *unit)
{
	char text[64], cut[64];
	const char *rest = NULL;
	uint64_t again;
	size_t len;

	format_bytes(text, sizeof(text), bytes, unit);
	len = strlen(text);
	REQUIRE(len > 2 && len < sizeof(text) - 1);
	/* 2^63 bytes rounded up is still in range */
	REQUIRE(parse_bytes(text + (*text == '-'), &again, &rest) == 0 && !*rest);
	format_bytes(cut, 5, bytes, unit);
	REQUIRE(strlen(cut) == (len < 4 ? len : 4) && !strncmp(cut, text, strlen(cut)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *rest = NULL;
	uint64_t bytes = 0;
	char *text = malloc(size + 1);
	int err;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	err = parse_bytes(text, &bytes, &rest);
	if (err)
		REQUIRE((err == -EINVAL || err == -ERANGE) && !rest);
	else
		REQUIRE(rest > text && rest <= text + strlen(text));

	if (!err)
		for (const struct unit *unit = units; unit->name; unit++)
			check_format((int64_t)bytes, unit);
	if (size >= sizeof(int64_t)) {
		int64_t raw;

		memcpy(&raw, data, sizeof(raw));
		check_format(raw, NULL);
		for (const struct unit *unit = units; unit->name; unit++)
			check_format(raw, unit);
	}
	free(text);
	return 0;
}
