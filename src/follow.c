// SPDX-License-Identifier: GPL-2.0-or-later
#include "follow.h"

#include <errno.h>

#include "targets.h"
#include "util/clock.h"

int follow_hierarchy(const struct cgroup_mounts *mounts)
{
	struct cgroup root;
	int err = cgroup_resolve(mounts, "/", &root);

	return err ? err : targets_hierarchy(&root);
}

int follow_start(const struct containers *c, struct tracer *t)
{
	int err = 0;

	for (size_t i = 0; !err && i < containers_count(c); i++) {
		const struct container_target *target = containers_get(c, i);

		if (target->state == CONTAINER_RUNNING)
			err = tracer_want_cgroup(t, target->is.cgroup.id);
	}
	return err;
}

int follow_poll(struct containers *c, struct tracer *t)
{
	int started = 0, err = 0;

	if (!containers_poll(c, monotonic_ns()))
		return 0;
	for (size_t i = 0; !err && i < containers_count(c); i++) {
		const struct container_target *target = containers_get(c, i);

		if (target->changes & CONTAINER_HAS_STOPPED)
			tracer_unwant_cgroup(t, target->stopped_cgroup_id);
		if (target->changes & CONTAINER_HAS_STARTED) {
			err = tracer_want_cgroup(t, target->is.cgroup.id);
			started++;
		}
	}
	if (!err && started)
		err = tracer_adopt(t); /* its first process may run already */
	return err < 0 ? err : started;
}
