/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why: the only exact footprint of a tree of processes is what a cgroup of their own is charged.
 *
 * Invariants: nothing outlives us. What was made is removed, what was enabled is disabled again
 * if it was we who enabled it, and a process that the command left behind is moved to where it would
 * have run without us, never killed.
 */
#include "scope.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "readfile.h"
#include "text.h"

#define FILE_PATH_MAX (PATH_MAX + 64) /* a cgroup's directory and a control file in it */

static void file_in(char path[FILE_PATH_MAX], const char *directory, const char *file)
{
	snprintf(path, FILE_PATH_MAX, "%s/%s", directory, file);
}

/* ---- making it -------------------------------------------------------------------------------- */

/* Makes a directory of a name that is free: after a kill -9 the pid may come round again. */
static int make_directory(char made[PATH_MAX], const char *parent)
{
	for (int attempt = 0; attempt < 16; attempt++) {
		char suffix[16] = "";
		int n;

		if (attempt)
			snprintf(suffix, sizeof(suffix), "-%d", attempt);
		n = snprintf(made, PATH_MAX, "%s/memmon-bpf-%d%s", parent, (int)getpid(), suffix);
		if (n < 0 || n >= PATH_MAX) {
			made[0] = '\0';
			return -ENAMETOOLONG;
		}
		if (!mkdir(made, 0755))
			return 0;
		if (errno != EEXIST)
			break;
	}
	made[0] = '\0';
	return -errno;
}

static bool lists_memory(const char *directory, const char *file)
{
	char path[FILE_PATH_MAX], text[4096];
	struct text t, line;
	ssize_t n;

	file_in(path, directory, file);
	n = readfile(path, text, sizeof(text));
	if (n < 0)
		return false;
	t = text_of(text, (size_t)n);
	return text_line(&t, &line) && text_has_item(line, ' ', "memory");
}

/* Only the true root of the hierarchy has no cgroup.type, and only it may have both. */
static bool has_internal_processes(const char *directory)
{
	char path[FILE_PATH_MAX], byte;
	struct stat st;

	file_in(path, directory, "cgroup.type");
	if (stat(path, &st))
		return false;
	file_in(path, directory, "cgroup.procs");
	return readfile(path, &byte, 1) != 0;
}

/* The children of `directory` have the memory controller, or have it from now on. */
static bool gives_memory(struct scope *s, const char *directory)
{
	char control[FILE_PATH_MAX];

	if (!lists_memory(directory, "cgroup.controllers"))
		return false;
	if (lists_memory(directory, "cgroup.subtree_control"))
		return true;
	if (has_internal_processes(directory))
		return false;
	file_in(control, directory, "cgroup.subtree_control");
	if (writefile(control, "+memory"))
		return false;
	snprintf(s->enabled, sizeof(s->enabled), "%s", directory);
	return true;
}

/* v2: walks up from `directory` to the mount point; leaves the parent of the new cgroup in it. */
static int find_parent(struct scope *s, const struct cgroup_mount *mount, char directory[PATH_MAX])
{
	size_t top = strlen(mount->point);

	while (!gives_memory(s, directory)) {
		char *slash = strrchr(directory, '/');

		if (!slash || (size_t)(slash - directory) < top)
			return -EOPNOTSUPP;
		*slash = '\0';
	}
	return 0;
}

int scope_create_near(struct scope *s, const struct cgroup_mounts *mounts, int version,
		      const char *name)
{
	const struct cgroup_mount *mount = cgroup_mounts_find(mounts, version);
	char parent[PATH_MAX], made[PATH_MAX], path[FILE_PATH_MAX];
	int err;

	*s = (struct scope){ 0 };
	if (!mount)
		return -ENODEV;
	err = cgroup_directory(mount, name, s->origin, sizeof(s->origin));
	if (err)
		return err;
	memcpy(parent, s->origin, sizeof(parent));
	if (version == 2)
		err = find_parent(s, mount, parent);
	if (!err)
		err = make_directory(made, parent);
	if (err)
		goto out;
	err = cgroup_at(mount, made, &s->cgroup);
	if (err) {
		rmdir(made);
		goto out;
	}
	if (version == 1) {
		/* before Linux 5.11 a cgroup counts those below it only if told so */
		file_in(path, made, "memory.use_hierarchy");
		writefile(path, "1");
	}
out:
	if (err) {
		s->cgroup.path[0] = '\0';
		scope_destroy(s);
	}
	return err;
}

int scope_create(struct scope *s, const struct cgroup_mounts *mounts)
{
	int version = cgroup_mounts_find(mounts, 1) ? 1 : 2;
	struct cgroup *own;
	int err;

	*s = (struct scope){ 0 };
	own = malloc(sizeof(*own));
	if (!own)
		return -ENOMEM;
	err = cgroup_of_pid(mounts, 0, version, own);
	if (!err)
		err = scope_create_near(s, mounts, version, own->name);
	free(own);
	return err;
}

int scope_enter(const struct scope *s, pid_t pid)
{
	char path[FILE_PATH_MAX], text[16];

	if (!s->cgroup.path[0])
		return -ENODEV;
	file_in(path, s->cgroup.path, "cgroup.procs");
	snprintf(text, sizeof(text), "%d\n", (int)pid);
	return writefile(path, text);
}

/* ---- removing it ------------------------------------------------------------------------------ */

static void move_out(const char *directory, const char *origin)
{
	char from[FILE_PATH_MAX], to[FILE_PATH_MAX], pids[16384], one[32];
	struct text t, line;
	uint64_t pid;
	ssize_t n;

	file_in(from, directory, "cgroup.procs");
	file_in(to, origin, "cgroup.procs");
	n = readfile(from, pids, sizeof(pids));
	if (n < 0)
		return;
	/* a long list comes in parts; what is left is moved at the next try */
	for (t = text_of(pids, (size_t)n); text_line(&t, &line);) {
		if (!text_u64(line, &pid) || !pid) /* 0: of a pid namespace that we cannot see */
			continue;
		snprintf(one, sizeof(one), "%llu\n", (unsigned long long)pid);
		writefile(to, one); /* it may have ended meanwhile */
	}
}

#define DESTROY_TRIES 100
#define DESTROY_PAUSE_NS 10000000L

static int remove_directory(const char *directory, const char *origin)
{
	const struct timespec pause = { .tv_nsec = DESTROY_PAUSE_NS };

	for (int attempt = 0; rmdir(directory); attempt++) {
		if (errno == ENOENT)
			break; /* somebody was faster */
		if (errno != EBUSY || attempt == DESTROY_TRIES)
			return -errno;
		move_out(directory, origin);
		if (attempt) /* at first moving them was all it took; later they are exiting */
			nanosleep(&pause, NULL);
	}
	return 0;
}

int scope_destroy(struct scope *s)
{
	char control[FILE_PATH_MAX];
	int err = 0;

	if (!s)
		return 0;
	if (s->cgroup.path[0]) {
		err = remove_directory(s->cgroup.path, s->origin);
		if (err)
			return err;
		s->cgroup.path[0] = '\0';
	}
	if (s->enabled[0]) {
		/* refused where somebody relies on it by now: then it stays */
		file_in(control, s->enabled, "cgroup.subtree_control");
		writefile(control, "-memory");
		s->enabled[0] = '\0';
	}
	return err;
}
