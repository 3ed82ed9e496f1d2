// SPDX-License-Identifier: GPL-2.0-or-later
#include "outdir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* `path` less the slashes at its end, in `dst` of PATH_MAX bytes. */
static int copy_path(char *dst, const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (!len)
		return -ENOENT;
	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(dst, path, len);
	dst[len] = '\0';
	return 0;
}

/* Everything above the last component. */
static int make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int err;

		*slash = '\0';
		err = mkdir(path, 0777) && errno != EEXIST ? -errno : 0;
		*slash = '/';
		/* an automounter or a read-only file system says something else of one that is there */
		if (err && err != -EROFS && err != -EACCES && err != -EPERM)
			return err;
	}
	return 0;
}

static int judge(int parent, const struct stat *st, const char **why)
{
	struct stat above;

	if (fstat(parent, &above))
		return -errno;
	if (!(above.st_mode & S_IWOTH))
		return 0;
	if (S_ISLNK(st->st_mode))
		*why = "it is a symbolic link in a directory that everybody can write to";
	else if (st->st_uid != geteuid() && st->st_uid != 0)
		*why = "it belongs to another user, in a directory that everybody can write to";
	return *why ? -EPERM : 0;
}

/* The last component: opened first, then judged, so that nobody changes it in between. */
static int open_in(int parent, const char *name, const char **why)
{
	bool made = mkdirat(parent, name, 0777) == 0;
	int err = made || errno == EEXIST ? 0 : -errno, fd;
	struct stat st;

	fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err ? err : -errno;
	err = fstat(fd, &st) ? -errno : judge(parent, &st, why);
	if (!err && !S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode))
		err = -ENOTDIR;
	if (!err && S_ISLNK(st.st_mode)) {
		/* the user's own link */
		close(fd);
		fd = openat(parent, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	if (err)
		close(fd);
	return err ? err : fd;
}

/* Opens what `path` is in and points `*name` at its last component. Writes into `path`. */
static int open_parent(char *path, const char **name)
{
	char *slash = strrchr(path, '/');
	const char *parent = ".";
	int fd;

	*name = path;
	if (slash) {
		*name = slash[1] ? slash + 1 : "."; /* the root is in itself */
		parent = slash == path ? "/" : path;
		if (slash != path)
			*slash = '\0';
	}
	fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int outdir_open(const char *path, const char **why)
{
	char copy[PATH_MAX];
	const char *name;
	int parent, fd, err;

	*why = NULL;
	err = copy_path(copy, path);
	if (!err)
		err = make_parents(copy);
	if (err)
		return err;
	parent = open_parent(copy, &name);
	if (parent < 0)
		return parent;
	fd = open_in(parent, name, why);
	close(parent);
	return fd;
}
