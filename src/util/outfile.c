/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why: memmon-bpf runs as root and writes where it is told. fs.protected_regular and its sisters
 * would catch the classic traps in /tmp, but they are off on many machines.
 *
 * How: the name is first opened with O_PATH, which has no side effect (it neither truncates, nor
 * waits for a FIFO's reader, nor wakes a device). What that descriptor shows is judged, and
 * the very same file is then opened for writing through /proc/self/fd. A name that does not exist is
 * created with O_EXCL. So there is no moment between the check and the use.
 */
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens the directory of `path` and points `*name` at what is in it. */
static int open_parent(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX] = ".";
	int fd;

	*name = path;
	if (slash) {
		size_t len = slash == path ? 1 : (size_t)(slash - path);

		if (len >= sizeof(parent))
			return -ENAMETOOLONG;
		memcpy(parent, path, len);
		parent[len] = '\0';
		*name = slash + 1;
	}
	if (!**name)
		return slash ? -EISDIR : -ENOENT;
	fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int judge(struct outfile *f, const struct stat *st, bool shared_dir)
{
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	if (S_ISLNK(st->st_mode))
		f->refusal = OUTFILE_LINK;
	else if (!S_ISREG(st->st_mode) && !S_ISCHR(st->st_mode) && !S_ISFIFO(st->st_mode))
		f->refusal = OUTFILE_TYPE;
	else if (shared_dir && st->st_uid != geteuid() && st->st_uid != 0)
		f->refusal = OUTFILE_FOREIGN;
	else if (shared_dir && S_ISREG(st->st_mode) && st->st_nlink > 1)
		f->refusal = OUTFILE_HARD_LINK;
	return f->refusal ? -EPERM : 0;
}

/* Opens for writing the file that `path_fd` (O_PATH) stands for. */
static int reopen(int path_fd)
{
	char self[64];
	int fd;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", path_fd);
	fd = open(self, O_WRONLY | O_TRUNC | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_existing(struct outfile *f, int dir, const char *name, bool shared_dir)
{
	int path_fd = openat(dir, name, O_PATH | O_CLOEXEC | (shared_dir ? O_NOFOLLOW : 0));
	struct stat st;
	int err;

	if (path_fd < 0)
		return -errno;
	err = fstat(path_fd, &st) ? -errno : judge(f, &st, shared_dir);
	if (!err)
		err = reopen(path_fd);
	close(path_fd);
	return err;
}

static int create(int dir, const char *name, bool shared_dir)
{
	/* elsewhere a dangling link is the user's own, and its target is created, as by `>` */
	int flags = O_WRONLY | O_CREAT | O_NOCTTY | O_CLOEXEC | (shared_dir ? O_EXCL : 0);
	int fd = openat(dir, name, flags, 0666);

	return fd < 0 ? -errno : fd;
}

static int open_fd(struct outfile *f, const char *path)
{
	const char *name;
	struct stat st;
	int dir, err;

	dir = open_parent(path, &name);
	if (dir < 0)
		return dir;
	if (fstat(dir, &st)) {
		err = -errno;
	} else {
		bool shared_dir = st.st_mode & S_IWOTH;

		err = open_existing(f, dir, name, shared_dir);
		if (err == -ENOENT)
			err = create(dir, name, shared_dir);
		if (err == -EEXIST) /* it appeared meanwhile: judge what appeared */
			err = open_existing(f, dir, name, shared_dir);
	}
	close(dir);
	return err;
}

int outfile_open(struct outfile *f, const char *path)
{
	int fd, err;

	*f = (struct outfile){ 0 };
	if (!strcmp(path, "-")) {
		f->file = stdout;
		return 0;
	}
	fd = open_fd(f, path);
	if (fd < 0)
		return fd;
	f->file = fdopen(fd, "w");
	if (!f->file) {
		err = -errno;
		close(fd);
		return err;
	}
	return 0;
}

const char *outfile_reason(const struct outfile *f, int err)
{
	switch (f->refusal) {
	case OUTFILE_LINK:
		return "it is a symbolic link in a directory that everybody can write to";
	case OUTFILE_FOREIGN:
		return "it belongs to another user, in a directory that everybody can write to";
	case OUTFILE_HARD_LINK:
		return "it is a hard link in a directory that everybody can write to";
	case OUTFILE_TYPE:
		return "it is neither an ordinary file nor a character device nor a FIFO";
	case OUTFILE_OK:
		break;
	}
	return strerror(-err);
}

bool outfile_is(const char *path, const char *other)
{
	struct stat a, b;

	return stat(path, &a) == 0 && stat(other, &b) == 0 && S_ISREG(a.st_mode) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int outfile_close(struct outfile *f)
{
	int err = 0;

	if (!f->file)
		return 0;
	if (fflush(f->file))
		err = -errno;
	else if (ferror(f->file))
		err = -EIO;
	if (f->file != stdout && fclose(f->file) && !err)
		err = -errno;
	f->file = NULL;
	return err;
}
