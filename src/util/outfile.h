/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that the user named as an output (--json FILE, --csv FILE, …).
 *
 * In a directory that everybody can write to (/tmp, /dev/shm) the name may be somebody's trap: there
 * no link is followed, and a file that neither we nor root own, or that has a second name, is
 * refused. Only ordinary files, character devices and FIFOs are written to; an ordinary file that
 * exists is truncated. Opening a FIFO waits for its reader, as the shell's `>` does.
 */
#ifndef MEMMON_OUTFILE_H
#define MEMMON_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>

enum outfile_refusal {
	OUTFILE_OK,
	OUTFILE_LINK, /* a symbolic link in a directory that everybody can write to */
	OUTFILE_FOREIGN, /* there, and owned by neither us nor root */
	OUTFILE_HARD_LINK, /* there, and the file has another name */
	OUTFILE_TYPE, /* a block device or a socket */
};

struct outfile {
	FILE *file; /* NULL when it is not open */
	enum outfile_refusal refusal; /* why outfile_open() said -EPERM itself */
};

/*
 * "-" is standard output. Returns 0, or a negative errno: -EPERM with `refusal` set, -EISDIR for a
 * directory, and whatever open(2) says. The struct needs no preparation.
 */
int outfile_open(struct outfile *f, const char *path);

/* For messages after a failed outfile_open(): the refusal in words, else strerror() of `err`. */
const char *outfile_reason(const struct outfile *f, int err);

/* True where both names lead to the same ordinary file: to be asked before one is opened for writing. */
bool outfile_is(const char *path, const char *other);

/*
 * Flushes and closes; standard output is flushed and stays open. Returns 0 or the negative errno of
 * a write that failed, now or before (-EIO where its errno is no longer known). Fine on a
 * struct that is zeroed, failed to open, or was closed already.
 */
int outfile_close(struct outfile *f);

#endif
