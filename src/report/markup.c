// SPDX-License-Identifier: GPL-2.0-or-later
#include "markup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../util/escape.h"

void markup_text(FILE *out, const char *printable)
{
	for (const char *c = printable; *c; c++) {
		switch (*c) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc(*c, out);
		}
	}
}

int markup_name(FILE *out, const char *raw)
{
	size_t cap = strlen(raw) * ESCAPE_MAX_GROWTH + 1;
	char *clean = malloc(cap);

	if (!clean)
		return -ENOMEM;
	escape_bytes(clean, cap, raw, strlen(raw));
	markup_text(out, clean);
	free(clean);
	return 0;
}
