// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why: containerd and Kubernetes have no API that a tool could count on, a Docker socket may be
 * missing or hang, and a container runs all the same. The cgroups say which ones do.
 */
#include "container_tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "procfs.h"
#include "readfile.h"
#include "text.h"

#define DEPTH_MAX 32
#define DIRECTORIES_MAX 100000 /* visited by one walk */

/* ---- runtimes --------------------------------------------------------------------------------- */

static const struct {
	const char *prefix; /* of the component with the id */
	const char *runtime;
} prefixes[] = {
	{ "docker-", "docker" }, { "libpod-", "podman" },      { "cri-containerd-", "containerd" },
	{ "crio-", "cri-o" },    { "nerdctl-", "containerd" },
};

/*
 * The outermost component of `name` with `id`, and the one before it. A container may make cgroups of
 * any name below its own; it cannot make one above.
 */
static bool find_component(const char *name, const char *id, struct text *component,
			   struct text *parent)
{
	struct text path = text_of(name, strlen(name)), part, before = text_of("", 0);

	while (text_until(&path, '/', &part)) {
		size_t len = (size_t)(part.end - part.at);

		if (memmem(part.at, len, id, CONTAINER_ID_DIGITS)) {
			*component = part;
			*parent = before;
			return true;
		}
		before = part;
	}
	return false;
}

const char *container_runtime(const char *cgroup_name)
{
	char id[CONTAINER_ID_DIGITS + 1];
	struct text component, parent;

	if (!container_id(cgroup_name, id) || !find_component(cgroup_name, id, &component, &parent))
		return "";
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (text_skip(&component, prefixes[i].prefix))
			return prefixes[i].runtime;
	if (memmem(component.at, (size_t)(component.end - component.at), ":cri-containerd:", 16))
		return "containerd";
	if (text_is(parent, "docker"))
		return "docker";
	return text_is(parent, "libpod_parent") ? "podman" : "";
}

/* ---- the walk --------------------------------------------------------------------------------- */

struct walk {
	container_fn fn;
	void *ctx;
	const struct cgroup_mount *mount;
	char path[PATH_MAX]; /* of the directory that is visited */
	size_t left; /* directories that may still be visited */
};

/* The name in the hierarchy matters only for the runtime; what is below the mount suffices. */
static int visit(struct walk *w, const char *component)
{
	char id[CONTAINER_ID_DIGITS + 1];

	if (!container_id(component, id))
		return 0;
	return w->fn(w->ctx, id, w->path, container_runtime(w->path + strlen(w->mount->point)));
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as DEPTH_MAX
static int walk_directory(struct walk *w, size_t len, int depth)
{
	DIR *dir = depth < DEPTH_MAX ? opendir(w->path) : NULL;
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return 0;
	// cppcheck-suppress readdirCalled // the stream is ours alone
	while (!err && w->left && (entry = readdir(dir))) {
		size_t n = strlen(entry->d_name);

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
		    len + 1 + n >= sizeof(w->path))
			continue;
		w->left--;
		w->path[len] = '/';
		memcpy(w->path + len + 1, entry->d_name, n + 1);
		err = visit(w, entry->d_name);
		if (!err)
			err = walk_directory(w, len + 1 + n, depth + 1);
		w->path[len] = '\0';
	}
	closedir(dir);
	return err;
}

static const struct cgroup_mount *memory_mount(const struct cgroup_mounts *mounts)
{
	const struct cgroup_mount *mount = cgroup_mounts_find(mounts, 1);

	return mount ? mount : cgroup_mounts_find(mounts, 2);
}

int container_walk(const struct cgroup_mounts *mounts, container_fn fn, void *ctx)
{
	struct walk w = { .fn = fn, .ctx = ctx, .left = DIRECTORIES_MAX };
	size_t len;

	w.mount = memory_mount(mounts);
	if (!w.mount)
		return -ENODEV;
	len = strlen(w.mount->point);
	memcpy(w.path, w.mount->point, len + 1);
	return walk_directory(&w, len, 0);
}

/* ---- one container ---------------------------------------------------------------------------- */

struct search {
	const struct cgroup_mounts *mounts;
	const struct cgroup_mount *mount;
	const char *id;
	struct cgroup *out; /* the outermost so far */
	bool found;
};

static int is_searched(void *ctx, const char *id, const char *path, const char *runtime)
{
	struct search *s = ctx;
	struct cgroup cgroup;

	(void)runtime;
	if (strcmp(id, s->id) || cgroup_at(s->mount, path, &cgroup) ||
	    (s->found && cgroup.level >= s->out->level))
		return 0;
	*s->out = cgroup;
	s->found = true;
	return 0;
}

/* Cuts what is below the component with the id off a cgroup's name. */
static bool cut_below(char *name, const char *id)
{
	struct text component, parent;

	if (!find_component(name, id, &component, &parent))
		return false;
	name[component.end - name] = '\0';
	return true;
}

static int cgroup_by_pid(const struct cgroup_mounts *mounts, const struct cgroup_mount *mount,
			 const char *id, pid_t pid, struct cgroup *out)
{
	char path[PATH_MAX];
	int err = cgroup_of_pid(mounts, pid, mount->version, out);

	if (err)
		return err;
	if (!cut_below(out->name, id))
		return -ENOENT;
	err = cgroup_directory(mount, out->name, path, sizeof(path));
	return err ? err : cgroup_at(mount, path, out);
}

int container_cgroup(const struct cgroup_mounts *mounts, const char *id, pid_t pid,
		     struct cgroup *out)
{
	struct search s = { .mounts = mounts, .id = id, .out = out };
	int err;

	s.mount = memory_mount(mounts);
	if (!s.mount)
		return -ENODEV;
	if (pid > 0 && !cgroup_by_pid(mounts, s.mount, id, pid, out))
		return 0;
	err = container_walk(mounts, is_searched, &s);
	if (err)
		return err;
	return s.found ? 0 : -ENOENT;
}

/* ---- its first process ------------------------------------------------------------------------ */

#define IS_TOLD (UINT_MAX - 1) /* of first.depth */

struct first {
	pid_t pid;
	unsigned int
		depth; /* of the pid namespace that it is pid 1 of; IS_TOLD, UINT_MAX = of none */
	uint64_t start_ticks;
	pid_t told;
};

/*
 * runc's first two processes, by the names that libcontainer/nsenter/nsexec.c gives them: they join the
 * cgroup, and are gone before the container's program begins.
 */
static bool makes_container(const char *comm)
{
	return !strcmp(comm, "runc:[0:PARENT]") || !strcmp(comm, "runc:[1:CHILD]");
}

static void consider(struct first *f, pid_t pid)
{
	struct first other = { .pid = pid, .depth = UINT_MAX, .told = f->told };
	struct proc_status status;
	struct proc_stat stat;

	if (procfs_read_stat(pid, &stat) || stat.state == 'Z' || stat.state == 'X')
		return;
	other.start_ticks = stat.start_ticks;
	if (!procfs_read_status(pid, &status) && status.ns_pid == 1)
		other.depth = status.ns_depth;
	else if (pid == f->told)
		other.depth = IS_TOLD;
	else if (makes_container(stat.comm))
		return;
	if (!f->pid || other.depth < f->depth ||
	    (other.depth == f->depth && other.start_ticks < f->start_ticks))
		*f = other;
}

static void consider_all(struct first *f, const char *directory)
{
	char path[PATH_MAX + 16], text[65536];
	struct text t, line;
	uint64_t pid;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
	n = readfile(path, text, sizeof(text));
	t = text_of(text, n > 0 ? (size_t)n : 0);
	while (text_line(&t, &line))
		if (text_u64(line, &pid) && pid && pid <= INT_MAX)
			consider(f, (pid_t)pid);
}

void container_init(const struct cgroup *cgroup, pid_t told, struct container_process *out)
{
	DIR *dir = opendir(cgroup->path);
	struct first f = { .told = told };
	struct dirent *entry;
	char path[PATH_MAX];

	*out = (struct container_process){ 0 };
	if (!dir)
		return;
	consider_all(&f, cgroup->path);
	while (f.depth == UINT_MAX || !f.pid) {
		// cppcheck-suppress readdirCalled // as above
		entry = readdir(dir);
		if (!entry)
			break;
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
		    (size_t)snprintf(path, sizeof(path), "%s/%s", cgroup->path, entry->d_name) >=
			    sizeof(path))
			continue;
		consider_all(&f, path);
	}
	closedir(dir);
	*out = (struct container_process){ f.pid, f.start_ticks, f.depth != UINT_MAX };
}
