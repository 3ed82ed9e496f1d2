/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why: the kernel knows no containers, only cgroups, and each runtime names its cgroups its own way:
 *   /docker/ID                                              Docker, cgroupfs driver
 *   /system.slice/docker-ID.scope                           Docker, systemd driver
 *   /machine.slice/libpod-ID.scope/container                Podman
 *   /kubepods.slice/…/cri-containerd-ID.scope, crio-ID.scope  Kubernetes, systemd driver
 *   /kubepods/burstable/podUID/ID                           Kubernetes, cgroupfs driver
 *   /system.slice/containerd.service/kubepods-…:cri-containerd:ID   the same, v1 with systemd
 * What they share is an id of 64 lower-case hexadecimal digits that ends a path component, possibly
 * followed by ".scope". The helpers "libpod-conmon-ID" and "crio-conmon-ID" watch a container and
 * are not in it.
 */
#include "container.h"

#include <stddef.h>
#include <string.h>

#include "text.h"

static bool is_id(struct text t)
{
	if (t.end - t.at != CONTAINER_ID_DIGITS)
		return false;
	for (; t.at < t.end; t.at++)
		if (!(*t.at >= '0' && *t.at <= '9') && !(*t.at >= 'a' && *t.at <= 'f'))
			return false;
	return true;
}

/* What may stand before the id in its component. */
static bool is_runtime(struct text t)
{
	static const char *const prefixes[] = { "",        "docker-", "cri-containerd-",
						"libpod-", "crio-",   "nerdctl-" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (text_is(t, prefixes[i]))
			return true;
	return t.end[-1] == ':'; /* SLICE:RUNTIME:ID; the part is not empty: "" was a prefix */
}

bool container_id(const char *cgroup_name, char id[CONTAINER_ID_DIGITS + 1])
{
	static const char scope[] = ".scope";
	struct text path = text_of(cgroup_name, strlen(cgroup_name)), part;
	bool found = false;

	while (text_until(&path, '/', &part)) {
		struct text runtime = part, digits;
		size_t len = (size_t)(part.end - part.at);

		if (len > sizeof(scope) - 1 &&
		    !memcmp(part.end - (sizeof(scope) - 1), scope, sizeof(scope) - 1))
			part.end -= sizeof(scope) - 1;
		if (part.end - part.at < CONTAINER_ID_DIGITS)
			continue;
		digits = (struct text){ part.end - CONTAINER_ID_DIGITS, part.end };
		runtime.end = digits.at;
		if (!is_id(digits) || !is_runtime(runtime))
			continue;
		memcpy(id, digits.at, CONTAINER_ID_DIGITS);
		id[CONTAINER_ID_DIGITS] = '\0';
		found = true;
	}
	return found;
}
