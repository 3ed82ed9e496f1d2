/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making the file safely. util/outfile.h judges the name and makes or empties the file; but SQLite opens by
 * name once more, and makes files of its own beside it (-wal, -shm, -journal). In a directory where
 * everybody can make files any of those names may be a trap by then. So SQLite's open(2) is ours: it
 * follows no link, and what it opened must be that very file, or an ordinary file without another name
 * that belongs to us.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../util/outfile.h"
#include "recorder_state.h"
#include "schema.h"

/* Where SQLite's locks lie, in a file whose size does not matter (its file format document). */
#define LOCK_BYTE 0x40000000
#define LOCK_BYTES 512

/* What may be opened for writing; one recording is written at a time. */
static struct {
	bool active;
	dev_t dev;
	ino_t ino;
	uid_t uid;
} guard;

static bool is_ours(const struct stat *st)
{
	if (st->st_dev == guard.dev && st->st_ino == guard.ino)
		return true;
	/* SQLite gives what it makes beside a file to that file's owner */
	return S_ISREG(st->st_mode) && st->st_nlink <= 1 &&
	       (st->st_uid == geteuid() || st->st_uid == guard.uid);
}

static int guarded_open(const char *path, int flags, int mode)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY;
	struct stat st;
	int fd;

	if (!guard.active || !writes)
		return open(path, flags | O_CLOEXEC, mode);
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == 0 && is_ours(&st))
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

static void take_open(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find("unix");

	if (vfs && vfs->iVersion >= 3)
		vfs->xSetSystemCall(vfs, "open", (sqlite3_syscall_ptr)guarded_open);
}

/* ---- may it be made here? --------------------------------------------------------------------- */

static int refuse(int err, char *why, size_t why_len, const char *text)
{
	snprintf(why, why_len, "%s", text);
	return err;
}

/* What is there already; nothing is fine. */
static int check_existing(const char *path, char *why, size_t why_len)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_BYTE, .l_len = LOCK_BYTES
	};
	struct stat st;
	int fd;

	if (stat(path, &st))
		return 0;
	if (S_ISDIR(st.st_mode))
		return refuse(-EISDIR, why, why_len, "it is a directory; name a file");
	if (!S_ISREG(st.st_mode))
		return refuse(-EPERM, why, why_len,
			      "it is no ordinary file, and a recording is written at many places; "
			      "name another file");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return 0; /* whoever opens it for writing will say why */
	if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) {
		close(fd);
		snprintf(why, why_len,
			 "process %ld has it open as a database; end that, or name another file",
			 (long)lock.l_pid);
		return -EBUSY;
	}
	close(fd);
	return 0;
}

/* May whoever is not root, and root without CAP_DAC_OVERRIDE, make files there? */
static bool may_write(const struct stat *dir)
{
	if (dir->st_uid == geteuid())
		return dir->st_mode & S_IWUSR;
	if (dir->st_gid == getegid())
		return dir->st_mode & S_IWGRP;
	return dir->st_mode & S_IWOTH;
}

static int check_directory(struct recorder_file *f, char *why, size_t why_len)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(f->config.path, '/');
	struct stat st;

	snprintf(parent, sizeof(parent), "%.*s", (int)(slash - f->config.path) + 1, f->config.path);
	if (stat(parent, &st))
		return refuse(-errno, why, why_len, strerror(errno));
	/* where anybody can rename what is ours no check helps */
	if (st.st_mode & S_IWOTH &&
	    (!(st.st_mode & S_ISVTX) || (st.st_uid != 0 && st.st_uid != geteuid())))
		return refuse(
			-EPERM, why, why_len,
			"everybody can rename the files of that directory; name one elsewhere");
	f->needs_override = !may_write(&st);
	return 0;
}

/* What a recording that was killed left beside a file of this name. */
static int remove_left_over(const char *path, char *why, size_t why_len)
{
	static const char *const suffixes[] = { "-wal", "-shm", "-journal" };

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char name[PATH_MAX + 16];
		struct stat st;

		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		if (lstat(name, &st))
			continue;
		if (!is_ours(&st) || unlink(name)) {
			snprintf(
				why, why_len,
				"there is a file of the same name with %s at its end, which is in the "
				"way; remove it, or name another file",
				suffixes[i]);
			return -EPERM;
		}
	}
	return 0;
}

/* Makes the file, or empties it, and finds out what it really is. */
static int make_file(struct recorder_file *f, const char *path, char *why, size_t why_len)
{
	struct outfile out;
	struct stat st;
	char *real;
	int err = check_existing(path, why, why_len);

	if (err)
		return err;
	err = outfile_open(&out, path);
	if (err)
		return refuse(err, why, why_len, outfile_reason(&out, err));
	err = fstat(fileno(out.file), &st) ? -errno : S_ISREG(st.st_mode) ? 0 : -EPERM;
	outfile_close(&out);
	if (err)
		return refuse(err, why, why_len, strerror(-err));
	real = realpath(path, NULL);
	if (!real)
		return refuse(-errno, why, why_len, strerror(errno));
	f->config.path = real;
	guard.dev = st.st_dev;
	guard.ino = st.st_ino;
	guard.uid = st.st_uid;
	err = check_directory(f, why, why_len);
	return err ? err : remove_left_over(real, why, why_len);
}

/* ---- the database ----------------------------------------------------------------------------- */

/* Makes room in the file beside it, which else would grow as long as the recording lasts. */
static int on_commit(void *ctx, sqlite3 *db, const char *name, int pages)
{
	struct recorder_file *f = ctx;

	f->wal_pages = (size_t)pages;
	if (pages >= 1000)
		sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return SQLITE_OK;
}

static int make_schema(struct recorder_file *f)
{
	char sql[512];
	int rc;

	/* a filesystem without shared mappings has no WAL: then the journal stays open instead */
	rc = sqlite3_exec(
		f->db,
		"PRAGMA page_size = 4096; PRAGMA cache_size = -1024; PRAGMA temp_store = MEMORY;"
		"PRAGMA journal_mode = PERSIST; PRAGMA journal_mode = WAL;"
		"PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 4194304; BEGIN",
		NULL, NULL, NULL);
	if (!rc)
		rc = sqlite3_exec(f->db, schema_sql, NULL, NULL, NULL);
	snprintf(sql, sizeof(sql),
		 "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;"
		 "PRAGMA max_page_count = %llu",
		 RECORDING_APPLICATION_ID, RECORDING_VERSION,
		 (unsigned long long)(f->config.max_bytes / 4096));
	return rc ? rc : sqlite3_exec(f->db, sql, NULL, NULL, NULL);
}

static int open_database(struct recorder_file *f, char *why, size_t why_len)
{
	int rc, err;

	take_open();
	guard.active = true;
	rc = sqlite3_open_v2(f->config.path, &f->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
			     NULL);
	if (!rc) {
		sqlite3_extended_result_codes(f->db, 1);
		sqlite3_wal_hook(f->db, on_commit, f);
		rc = make_schema(f);
	}
	if (!rc)
		return 0;
	err = f->db ? sqlite3_system_errno(f->db) : ENOMEM;
	if ((rc & 0xff) == SQLITE_FULL)
		err = ENOSPC;
	snprintf(why, why_len, "%s", err ? strerror(err) : sqlite3_errstr(rc));
	return err ? -err : -EIO;
}

int recorder_open(const struct recorder_config *config, struct recorder_file **out, char *why,
		  size_t why_len)
{
	struct recorder_file *f = calloc(1, sizeof(*f));
	int err;

	*out = NULL;
	if (!f)
		return refuse(-ENOMEM, why, why_len, strerror(ENOMEM));
	f->config = *config;
	f->config.path = f->config.machine = NULL;
	f->whole = true;
	err = make_file(f, config->path, why, why_len);
	if (!err && config->machine) {
		f->config.machine = strdup(config->machine);
		if (!f->config.machine)
			err = refuse(-ENOMEM, why, why_len, strerror(ENOMEM));
	}
	if (!err)
		err = open_database(f, why, why_len);
	if (err)
		recorder_close(f);
	else
		*out = f;
	return err;
}

bool recorder_needs_override(const struct recorder_file *file)
{
	return file->needs_override;
}

void recorder_close(struct recorder_file *file)
{
	if (!file)
		return;
	/* one file, which can be read where nobody can write; not while somebody reads it */
	if (file->db && file->whole)
		sqlite3_exec(file->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	sqlite3_close(file->db);
	/* what was made for a watch that never began is nothing to keep */
	if (file->db && !file->begun)
		unlink(file->config.path);
	guard.active = false;
	free((char *)file->config.path);
	free((char *)file->config.machine);
	free(file);
}
