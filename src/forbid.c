// SPDX-License-Identifier: GPL-2.0-or-later
#include "forbid.h"

#include <stdlib.h>
#include <string.h>

#define BLANKS " ,\t\n"

static bool same(const char *word, size_t len, const char *text, size_t text_len)
{
	return len == text_len && memcmp(word, text, len) == 0;
}

bool hook_forbidden(const char *section)
{
	const char *word = getenv("MEMMON_FORBID"), *slash = strchr(section, '/');
	size_t all = strlen(section);
	size_t before = slash ? (size_t)(slash - section) : all;
	const char *after = slash ? slash + 1 : section;

	while (word && *word) {
		size_t len = strcspn(word, BLANKS);

		if (len && (same(word, len, section, all) || same(word, len, section, before) ||
			    same(word, len, after, strlen(after))))
			return true;
		word += len;
		word += strspn(word, BLANKS);
	}
	return false;
}
