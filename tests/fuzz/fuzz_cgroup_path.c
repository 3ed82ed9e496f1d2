/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/PID/cgroup, the path in it, and the container in that; further the cgroup's own files. A
 * name must never lead to a directory outside of its mount.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/os/cgroup.h"
#include "../../src/os/charge.h"
#include "../../src/os/container.h"

#define REQUIRE(condition)                \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

static void check_name(const char *name)
{
	static const struct cgroup_mount mounts[] = {
		{ .point = "/sys/fs/cgroup", .root = "/", .version = 2 },
		{ .point = "/sys/fs/cgroup", .root = "/docker", .version = 2 },
	};
	char path[256], id[CONTAINER_ID_DIGITS + 1];

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		if (cgroup_directory(&mounts[i], name, path, sizeof(path)))
			continue;
		REQUIRE(!strncmp(path, mounts[i].point, strlen(mounts[i].point)));
		REQUIRE(!strstr(path, "/../"));
	}
	if (container_id(name, id))
		REQUIRE(strlen(id) == CONTAINER_ID_DIGITS && strstr(name, id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct rec_charge charge;
	char path[128], *whole;

	memset(&charge, 0, sizeof(charge));
	for (int version = 1; version <= 2; version++) {
		if (!cgroup_parse_proc(text, size, version, path, sizeof(path))) {
			REQUIRE(*path == '/' && strlen(path) < sizeof(path));
			REQUIRE(!strchr(path, '\n'));
			check_name(path);
		}
		charge_parse_stat(text, size, version, &charge);
	}
	charge_parse_limit(text, size);

	whole = malloc(size + 1);
	if (!whole)
		return 0;
	memcpy(whole, data, size);
	whole[size] = '\0';
	check_name(whole);
	free(whole);
	return 0;
}
