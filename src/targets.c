// SPDX-License-Identifier: GPL-2.0-or-later
#include "targets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/procfs.h"
#include "util/escape.h"

static int refuse(pid_t pid, const char *what, const char *remedy, int err)
{
	fprintf(stderr, "memmon-bpf: -p %d: %s; %s\n", (int)pid, what, remedy);
	return err;
}

static int check_pid(pid_t *pid)
{
	struct proc_status status;
	struct proc_stat stat;
	int err = procfs_read_stat(*pid, &stat);

	if (err == -ESRCH)
		return refuse(*pid, "no such process", "see `ps -e` for those that run", err);
	if (err)
		return refuse(*pid, strerror(-err), "is /proc mounted?", err);
	if (stat.flags & PROC_FLAG_KTHREAD)
		return refuse(*pid, "it is a kernel thread, which has no memory of its own",
			      "give a process", -EINVAL);
	if (procfs_read_status(*pid, &status) == 0 && status.tgid != *pid) {
		fprintf(stderr, "memmon-bpf: %d is a thread of %d, which is watched\n", (int)*pid,
			(int)status.tgid);
		*pid = status.tgid;
		return check_pid(pid);
	}
	/* a leader that ended before its threads shows as a zombie, but the process lives */
	if ((stat.state == 'Z' || stat.state == 'X') && stat.threads <= 1)
		return refuse(*pid, "it has ended and only waits for its parent to notice (zombie)",
			      "it holds no memory any more", -ESRCH);
	return 0;
}

bool targets_has_ended(pid_t pid)
{
	struct proc_stat stat;
	int err = procfs_read_stat(pid, &stat);

	if (err)
		return err == -ESRCH;
	/* a zombie has passed that, too */
	return stat.flags & PROC_FLAG_EXITING && stat.threads <= 1;
}

int targets_check_pids(struct options *o)
{
	size_t kept = 0;

	for (size_t i = 0; i < o->n_pids; i++) {
		size_t seen = 0;
		int err = check_pid(&o->pids[i]);

		if (err)
			return err;
		while (seen < kept && o->pids[seen] != o->pids[i])
			seen++;
		if (seen == kept)
			o->pids[kept++] = o->pids[i];
	}
	o->n_pids = kept;
	return 0;
}

int targets_find_cgroup(const struct options *o, const struct cgroup_mounts *mounts,
			struct cgroup *out)
{
	char name[256];
	int err = cgroup_resolve(mounts, o->cgroup, out);

	if (!err)
		return 0;
	escape_bytes(name, sizeof(name), o->cgroup, strlen(o->cgroup));
	fprintf(stderr, "memmon-bpf: -g '%s': %s\n", name, cgroup_reason(err));
	return err;
}

int targets_find_containers(const struct options *o, const struct cgroup_mounts *mounts,
			    struct containers **out)
{
	char why[8192] = "";
	int err = containers_create(mounts, getenv("DOCKER_HOST"), out);

	if (!err)
		err = containers_find(*out, o->containers, o->n_containers, o->wait, why,
				      sizeof(why));
	if (!err)
		return 0;
	if (why[0])
		fprintf(stderr, "memmon-bpf: %s", why);
	else
		fprintf(stderr, "memmon-bpf: -c: %s\n", strerror(-err));
	containers_destroy(*out);
	*out = NULL;
	return err;
}

void targets_describe_containers(const struct containers *c, char *dst, size_t cap)
{
	const struct container_target *first = containers_get(c, 0);
	const char *name = first->is.name[0] ? first->is.name : first->wanted;
	char more[32] = "", id[32] = "";

	if (first->is.id[0] && first->is.name[0])
		snprintf(id, sizeof(id), " (%.12s)", first->is.id);
	if (containers_count(c) > 1)
		snprintf(more, sizeof(more), " and %zu more", containers_count(c) - 1);
	snprintf(dst, cap, "container %s%s%s", name, id, more);
}

int targets_hierarchy(const struct cgroup *cgroup)
{
	char line[4096];
	int found = -1;
	FILE *file;

	if (cgroup->version == 2)
		return 0;
	file = fopen("/proc/self/cgroup", "re");
	while (file && found < 0 && fgets(line, sizeof(line), file)) {
		char *controllers = strchr(line, ':'), *path, *one, *rest;

		path = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!path)
			continue;
		*controllers++ = *path = '\0';
		for (one = strtok_r(controllers, ",", &rest); one; one = strtok_r(NULL, ",", &rest))
			if (strcmp(one, "memory") == 0)
				found = (int)strtol(line, NULL, 10);
	}
	if (file)
		fclose(file);
	return found;
}

static void describe_pids(const struct options *o, char *dst, size_t cap)
{
	struct proc_stat stat;
	const char *comm = procfs_read_stat(o->pids[0], &stat) == 0 ? stat.comm : "?";

	if (o->n_pids == 1)
		snprintf(dst, cap, "pid %d (%s)%s", (int)o->pids[0], comm,
			 o->no_children ? "" : " and its children");
	else
		snprintf(dst, cap, "pid %d (%s) and %zu more%s", (int)o->pids[0], comm,
			 o->n_pids - 1, o->no_children ? "" : ", and their children");
}

void targets_describe(const struct options *o, char *dst, size_t cap)
{
	size_t len = 0;

	if (o->n_pids) {
		describe_pids(o, dst, cap);
	} else if (o->cgroup) {
		snprintf(dst, cap, "cgroup %s", o->cgroup);
	} else if (o->n_containers) {
		/* before they are found: targets_describe_containers() knows more */
		snprintf(dst, cap, "container %s%s", o->containers[0],
			 o->n_containers > 1 ? " and more" : "");
	} else if (o->all) {
		snprintf(dst, cap, "the whole machine");
	} else {
		dst[0] = '\0';
		for (char **word = o->command; *word && len < cap; word++)
			len += (size_t)snprintf(dst + len, cap - len, "%s%s", len ? " " : "",
						*word);
	}
}
