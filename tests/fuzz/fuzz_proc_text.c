/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other files of /proc; the first byte chooses which. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "../../src/os/procfs.h"

#define REQUIRE(condition)                \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

static void fuzz_status(const char *text, size_t len)
{
	struct proc_status s;

	if (procfs_parse_status(text, len, &s))
		return;
	REQUIRE(s.tgid >= 0 && s.ns_pid >= 0);
	REQUIRE(s.kthread >= -1 && s.kthread <= 1);
}

static void fuzz_smaps(const char *text, size_t len)
{
	struct proc_smaps s;

	if (!procfs_parse_smaps(text, len, &s))
		REQUIRE(s.rss_bytes != UNKNOWN_U64 && s.pss_bytes != UNKNOWN_U64);
}

static void fuzz_meminfo(const char *text, size_t len)
{
	struct proc_meminfo s;

	if (!procfs_parse_meminfo(text, len, &s))
		REQUIRE(s.total_bytes != UNKNOWN_U64);
}

static void fuzz_pressure(const char *text, size_t len)
{
	struct proc_pressure s;

	if (!procfs_parse_pressure(text, len, &s))
		REQUIRE(s.some_us != UNKNOWN_U64);
}

static void fuzz_cmdline(const char *text, size_t len)
{
	char dst[32];
	size_t n = procfs_parse_cmdline(text, len, dst, sizeof(dst));

	REQUIRE(n < sizeof(dst) && strlen(dst) == n && n <= len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	struct proc_statm statm;

	if (!size)
		return 0;
	switch (data[0] % 6) {
	case 0:
		fuzz_status(text, size - 1);
		break;
	case 1:
		procfs_parse_statm(text, size - 1, &statm);
		break;
	case 2:
		fuzz_smaps(text, size - 1);
		break;
	case 3:
		fuzz_meminfo(text, size - 1);
		break;
	case 4:
		fuzz_pressure(text, size - 1);
		break;
	default:
		fuzz_cmdline(text, size - 1);
	}
	return 0;
}
