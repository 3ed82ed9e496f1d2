/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "usage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"

void usage_refuse(struct argp_state *state, const char *format, ...)
{
	char message[1024], shown[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	escape_bytes(shown, sizeof(shown), message, strlen(message));
	argp_error(state, "%s", shown);
}

const struct unit *usage_unit(struct argp_state *state, const char *text)
{
	const struct unit *unit = unit_find(text);

	if (!unit)
		usage_refuse(state,
			     "--unit: '%s' is not a unit; give B, KiB, MiB, GiB, KB, MB or GB",
			     text);
	return unit;
}

void usage_help(const char *text)
{
	fputs(text, stdout);
	exit(ferror(stdout) || fflush(stdout) ? 1 : 0);
}
