// SPDX-License-Identifier: GPL-2.0-or-later
#include "release.h"

#include <stdio.h>
#include <stdlib.h>

#define OLDEST_MAJOR 5
#define OLDEST_MINOR 10

const char *release_note(const char *release, char dst[RELEASE_NOTE_LEN])
{
	unsigned long major, minor;
	const char *dot;
	char *end;

	dst[0] = '\0';
	major = strtoul(release, &end, 10);
	if (end == release || *end != '.')
		return dst;
	dot = end;
	minor = strtoul(dot + 1, &end, 10);
	if (end != dot + 1 &&
	    (major < OLDEST_MAJOR || (major == OLDEST_MAJOR && minor < OLDEST_MINOR)))
		snprintf(dst, RELEASE_NOTE_LEN,
			 "; this is Linux %.64s, and %d.%d is the oldest that memmon-bpf supports",
			 release, OLDEST_MAJOR, OLDEST_MINOR);
	return dst;
}
