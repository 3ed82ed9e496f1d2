/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why: "-g system.slice/x.service" must mean the same on a v1 machine, a v2 machine, a hybrid of
 * both, and inside a container that sees only a part of the hierarchy.
 *
 * Invariants: a mount shows the subtree below its `root`; a cgroup's name always starts with the
 * root of the mount it was found under, and its path with that mount's point. A name never leads
 * out of its hierarchy: what realpath(3) makes of it must still lie under the mount.
 */
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "readfile.h"
#include "text.h"

/* ---- parsing ---------------------------------------------------------------------------------- */

/* The kernel writes blank, tab, newline and backslash as \040 \011 \012 \134. */
static bool unescape(struct text t, char *dst, size_t cap)
{
	size_t len = 0;

	for (; t.at < t.end; len++) {
		unsigned int c = (unsigned char)*t.at++;

		if (c == '\\' && t.end - t.at >= 3) {
			const char *o = t.at;

			if (o[0] < '0' || o[0] > '3' || o[1] < '0' || o[1] > '7' || o[2] < '0' ||
			    o[2] > '7')
				return false;
			c = (unsigned int)((o[0] - '0') << 6 | (o[1] - '0') << 3 | (o[2] - '0'));
			t.at += 3;
		}
		if (!c || len + 1 >= cap)
			return false;
		dst[len] = (char)c;
	}
	dst[len] = '\0';
	return true;
}

/* The fields of a mountinfo line that matter here, still escaped. */
struct mount_line {
	struct text root, point, type, super_options;
};

/* "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory" */
static bool split_mount_line(struct text line, struct mount_line *m)
{
	struct text skipped;

	for (int i = 0; i < 3; i++)
		if (!text_until(&line, ' ', &skipped))
			return false;
	if (!text_until(&line, ' ', &m->root) || !text_until(&line, ' ', &m->point))
		return false;
	do /* the mount's options, and any number of optional fields up to a lone "-" */
		if (!text_until(&line, ' ', &skipped))
			return false;
	while (!text_is(skipped, "-"));
	/* the source between them may be empty */
	return text_until(&line, ' ', &m->type) && text_until(&line, ' ', &skipped) &&
	       text_until(&line, ' ', &m->super_options);
}

static struct cgroup_mount *mount_slot(struct cgroup_mounts *out, const char *point)
{
	for (size_t i = 0; i < out->n; i++)
		if (!strcmp(out->mounts[i].point, point))
			return &out->mounts[i];
	return &out->mounts[out->n++];
}

static int take_mount_line(struct cgroup_mounts *out, struct text line)
{
	struct cgroup_mount mount, *larger;
	struct mount_line m;

	if (out->n == CGROUP_MOUNTS_MAX || !split_mount_line(line, &m))
		return 0;
	if (text_is(m.type, "cgroup2"))
		mount.version = 2;
	else if (text_is(m.type, "cgroup"))
		mount.version = 1;
	else
		return 0;
	mount.memory = mount.version == 2 || text_has_item(m.super_options, ',', "memory");
	if (!unescape(m.root, mount.root, sizeof(mount.root)) ||
	    !unescape(m.point, mount.point, sizeof(mount.point)) || mount.root[0] != '/' ||
	    mount.point[0] != '/')
		return 0;
	larger = realloc(out->mounts, (out->n + 1) * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	out->mounts = larger;
	*mount_slot(out, mount.point) = mount;
	return 0;
}

int cgroup_mounts_parse(struct cgroup_mounts *out, const char *text, size_t len)
{
	struct text t = text_of(text, len), line;
	int err;

	*out = (struct cgroup_mounts){ 0 };
	while (text_line(&t, &line)) {
		err = take_mount_line(out, line);
		if (err) {
			cgroup_mounts_finish(out);
			return err;
		}
	}
	return 0;
}

int cgroup_parse_proc(const char *text, size_t len, int version, char *path, size_t cap)
{
	static const char deleted[] = " (deleted)";
	struct text t = text_of(text, len), line, id, controllers;
	size_t n;

	while (text_line(&t, &line)) {
		if (!text_until(&line, ':', &id) || !text_until(&line, ':', &controllers))
			continue;
		if (version == 2 ? !(text_is(id, "0") && text_is(controllers, "")) :
				   !text_has_item(controllers, ',', "memory"))
			continue;
		n = (size_t)(line.end - line.at);
		if (n >= sizeof(deleted) &&
		    !memcmp(line.end - (sizeof(deleted) - 1), deleted, sizeof(deleted) - 1))
			n -= sizeof(deleted) - 1;
		if (!n || *line.at != '/' || memchr(line.at, '\0', n))
			continue;
		if (n >= cap)
			return -ENAMETOOLONG;
		memcpy(path, line.at, n);
		path[n] = '\0';
		return 0;
	}
	return -ENOENT;
}

/* ---- mounts ----------------------------------------------------------------------------------- */

int cgroup_mounts_read(struct cgroup_mounts *out)
{
	char *text;
	size_t len;
	int err;

	*out = (struct cgroup_mounts){ 0 };
	err = readfile_all("/proc/self/mountinfo", &text, &len);
	if (err)
		return err;
	err = cgroup_mounts_parse(out, text, len);
	free(text);
	return err;
}

void cgroup_mounts_finish(struct cgroup_mounts *m)
{
	if (!m)
		return;
	free(m->mounts);
	*m = (struct cgroup_mounts){ 0 };
}

const struct cgroup_mount *cgroup_mounts_find(const struct cgroup_mounts *m, int version)
{
	const struct cgroup_mount *found = NULL;

	for (size_t i = 0; i < m->n; i++) {
		const struct cgroup_mount *mount = &m->mounts[i];

		if (mount->version != version || !mount->memory)
			continue;
		if (!strcmp(mount->root, "/"))
			return mount;
		if (!found)
			found = mount;
	}
	return found;
}

/* ---- paths ------------------------------------------------------------------------------------ */

/* What follows `prefix` in `path`, if `path` is the directory `prefix` or lies in it; else NULL. */
static const char *below(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	while (len && prefix[len - 1] == '/')
		len--;
	if (strncmp(path, prefix, len) || (path[len] && path[len] != '/'))
		return NULL;
	return path + len;
}

static int join(char *dst, size_t cap, const char *a, const char *b)
{
	size_t len = strlen(a);
	int n;

	while (len && a[len - 1] == '/')
		len--;
	while (*b == '/')
		b++;
	n = snprintf(dst, cap, "%.*s/%s", (int)len, a, b);
	if (n < 0 || (size_t)n >= cap)
		return -ENAMETOOLONG;
	if (n > 1 && dst[n - 1] == '/')
		dst[n - 1] = '\0';
	return 0;
}

static unsigned int count_components(const char *path)
{
	struct text t = text_of(path, strlen(path)), part;
	unsigned int n = 0;

	while (text_until(&t, '/', &part))
		n += part.at != part.end;
	return n;
}

static bool leads_up(const char *path)
{
	return text_has_item(text_of(path, strlen(path)), '/', "..");
}

int cgroup_directory(const struct cgroup_mount *mount, const char *name, char *path, size_t cap)
{
	const char *rest = below(name, mount->root);

	if (!rest || leads_up(rest))
		return -ENOENT;
	return join(path, cap, mount->point, rest);
}

int cgroup_at(const struct cgroup_mount *mount, const char *path, struct cgroup *out)
{
	const char *rest = below(path, mount->point);
	struct stat st;
	int err;

	if (!rest)
		return -ENOENT;
	if (stat(path, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	err = join(out->path, sizeof(out->path), path, "");
	if (!err)
		err = join(out->name, sizeof(out->name), mount->root, rest);
	if (err)
		return err;
	out->version = mount->version;
	out->id = st.st_ino;
	out->level = count_components(out->name);
	return 0;
}

int cgroup_of_pid(const struct cgroup_mounts *m, pid_t pid, int version, struct cgroup *out)
{
	const struct cgroup_mount *mount = cgroup_mounts_find(m, version);
	char file[64], text[16384], name[PATH_MAX], path[PATH_MAX];
	ssize_t n;
	int err;

	if (!mount)
		return -ENODEV;
	if (pid)
		snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)pid);
	else
		snprintf(file, sizeof(file), "/proc/self/cgroup");
	n = readfile(file, text, sizeof(text));
	if (n < 0)
		return n == -ENOENT ? -ESRCH : (int)n;
	err = cgroup_parse_proc(text, (size_t)n, version, name, sizeof(name));
	if (!err)
		err = cgroup_directory(mount, name, path, sizeof(path));
	return err ? err : cgroup_at(mount, path, out);
}

/* ---- what the user means ---------------------------------------------------------------------- */

/* The innermost mount that `path` lies in. */
static const struct cgroup_mount *mount_of(const struct cgroup_mounts *m, const char *path)
{
	const struct cgroup_mount *found = NULL;

	for (size_t i = 0; i < m->n; i++)
		if (below(path, m->mounts[i].point) &&
		    (!found || strlen(m->mounts[i].point) > strlen(found->point)))
			found = &m->mounts[i];
	return found;
}

/* `arg` as the path of a directory in the file system. */
static int resolve_path(const struct cgroup_mounts *m, const char *arg, struct cgroup *out)
{
	const struct cgroup_mount *mount;
	char real[PATH_MAX];

	if (!realpath(arg, real))
		return -errno;
	mount = mount_of(m, real);
	if (!mount)
		return -ENOTDIR;
	return mount->memory ? cgroup_at(mount, real, out) : -EOPNOTSUPP;
}

/* `arg` as a path in the hierarchy that `mount` shows. */
static int resolve_name(const struct cgroup_mounts *m, const struct cgroup_mount *mount,
			const char *arg, struct cgroup *out)
{
	char name[PATH_MAX], path[PATH_MAX], real[PATH_MAX];
	int err;

	err = join(name, sizeof(name), "/", arg);
	if (!err)
		err = cgroup_directory(mount, name, path, sizeof(path));
	if (err)
		return err;
	if (!realpath(path, real))
		return -errno;
	/* a mount below this one would be another file system */
	return mount_of(m, real) == mount ? cgroup_at(mount, real, out) : -ENOENT;
}

int cgroup_resolve(const struct cgroup_mounts *m, const char *arg, struct cgroup *out)
{
	bool any = false;
	int as_path, err;

	if (!*arg)
		return -ENOENT;
	as_path = *arg == '/' || *arg == '.' ? resolve_path(m, arg, out) : -ENOENT;
	if (!as_path || as_path == -EOPNOTSUPP)
		return as_path;
	for (int version = 1; version <= 2; version++) {
		const struct cgroup_mount *mount = cgroup_mounts_find(m, version);

		if (!mount)
			continue;
		any = true;
		err = resolve_name(m, mount, arg, out);
		if (err != -ENOENT)
			return err;
	}
	if (!any)
		return -ENODEV;
	return as_path;
}

const char *cgroup_reason(int err)
{
	switch (err) {
	case -ENOENT:
		return "there is no such cgroup";
	case -ENOTDIR:
		return "it is not a cgroup";
	case -EOPNOTSUPP:
		return "it is a cgroup of another controller; name one of the memory hierarchy";
	case -ENODEV:
		return "no cgroup file system with memory is mounted";
	default:
		return strerror(-err);
	}
}

int cgroup_name_by_id(const struct cgroup_mounts *m, uint64_t id, char *name, size_t cap)
{
	/* what name_to_handle_at(2) gives in a kernfs: FILEID_KERNFS of include/linux/exportfs.h */
	union {
		struct file_handle handle;
		unsigned char room[sizeof(struct file_handle) + sizeof(id)];
	} h = { .handle = { .handle_bytes = sizeof(id), .handle_type = 0xfe } };
	const struct cgroup_mount *mount = cgroup_mounts_find(m, 1);
	char descriptor[64], target[PATH_MAX];
	int dir, file, err;
	size_t root;
	ssize_t len;

	if (!mount)
		mount = cgroup_mounts_find(m, 2);
	if (!mount)
		return -ENODEV;
	dir = open(mount->point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	memcpy(h.handle.f_handle, &id, sizeof(id));
	file = open_by_handle_at(dir, &h.handle, O_PATH | O_CLOEXEC);
	err = -errno;
	close(dir);
	if (file < 0)
		return err;
	snprintf(descriptor, sizeof(descriptor), "/proc/self/fd/%d", file);
	len = readlink(descriptor, target, sizeof(target) - 1);
	err = -errno;
	close(file);
	if (len < 0)
		return err;
	target[len] = '\0';
	root = strlen(mount->point);
	if (strncmp(target, mount->point, root) != 0)
		return -ENOENT;
	if ((size_t)snprintf(name, cap, "%s", target[root] ? target + root : "/") >= cap)
		return -ENAMETOOLONG;
	return 0;
}
