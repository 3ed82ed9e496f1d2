/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lockdown file, mount points in mountinfo, and the release of a kernel; the first byte chooses. */
#include <stdint.h>
#include <string.h>

#include "../../src/os/release.h"
#include "../../src/os/rights.h"

#define REQUIRE(condition)                \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

static void fuzz_mounts(const char *text, size_t len)
{
	char point[32];

	memset(point, 'x', sizeof(point));
	if (mount_point_parse(text, len, "tracefs", point, sizeof(point)) == 0) {
		size_t point_len = strnlen(point, sizeof(point));

		REQUIRE(point_len && point_len < sizeof(point));
		REQUIRE(!strpbrk(point, " \t\n"));
	}
}

static void fuzz_release(const char *text, size_t len)
{
	char release[65], note[RELEASE_NOTE_LEN]; /* as uname(2) has it */

	if (len >= sizeof(release))
		return;
	memcpy(release, text, len);
	release[len] = '\0';
	REQUIRE(release_note(release, note) == note);
	REQUIRE(strnlen(note, sizeof(note)) < sizeof(note));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;

	if (!size)
		return 0;
	switch (data[0] % 3) {
	case 0:
		REQUIRE(lockdown_parse(text, size - 1) <= LOCKDOWN_CONFIDENTIALITY);
		break;
	case 1:
		fuzz_mounts(text, size - 1);
		break;
	default:
		fuzz_release(text, size - 1);
	}
	return 0;
}
