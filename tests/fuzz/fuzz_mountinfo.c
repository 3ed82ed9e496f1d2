/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/self/mountinfo, whose paths and sources are anybody's who may mount. */
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "../../src/os/cgroup.h"
#include "../../src/os/tmpfs.h"

#define REQUIRE(condition)                \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

static void parse_tmpfs(const char *text, size_t len)
{
	struct tmpfs_mounts m;

	REQUIRE(!tmpfs_parse(&m, text, len));
	REQUIRE(m.n <= TMPFS_MOUNTS_MAX);
	for (size_t i = 0; i < m.n; i++) {
		REQUIRE(m.mounts[i].point[0] == '/');
		REQUIRE(strlen(m.mounts[i].point) < PATH_MAX);
	}
	tmpfs_finish(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct cgroup_mount *found;
	struct cgroup_mounts m;

	parse_tmpfs((const char *)data, size);
	if (cgroup_mounts_parse(&m, (const char *)data, size))
		return 0;
	REQUIRE(m.n <= CGROUP_MOUNTS_MAX);
	for (size_t i = 0; i < m.n; i++) {
		REQUIRE(m.mounts[i].point[0] == '/' && m.mounts[i].root[0] == '/');
		REQUIRE(strlen(m.mounts[i].point) < sizeof(m.mounts[i].point));
		REQUIRE(strlen(m.mounts[i].root) < sizeof(m.mounts[i].root));
		for (size_t j = 0; j < i; j++)
			REQUIRE(strcmp(m.mounts[i].point, m.mounts[j].point));
	}
	for (int version = 1; version <= 2; version++) {
		found = cgroup_mounts_find(&m, version);
		REQUIRE(!found || (found->version == version && found->memory));
	}
	cgroup_mounts_finish(&m);
	return 0;
}
