/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/PID/stat, whose comm is any bytes that a process chose. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "../../src/os/procfs.h"

#define REQUIRE(condition)                \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proc_stat s = { .pid = -7, .start_ticks = 7 };
	int err;

	err = procfs_parse_stat((const char *)data, size, &s);
	if (err) {
		REQUIRE(err == -EINVAL && s.pid == -7 && s.start_ticks == 7);
		return 0;
	}
	REQUIRE(s.pid >= 0 && s.ppid >= 0);
	REQUIRE(memchr(s.comm, '\0', sizeof(s.comm)));
	return 0;
}
