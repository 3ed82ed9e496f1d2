/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the kernel's text files, without stdio. */
#ifndef MEMMON_READFILE_H
#define MEMMON_READFILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * One open, one read, one close: the kernel makes such a file's text in one piece at the first
 * read, so more reads would mix two moments. Returns the bytes read (a text longer than `cap` is
 * cut; see text.h for why that is harmless) or a negative errno. No NUL is added.
 */
ssize_t readfile(const char *path, char *buf, size_t cap);

/*
 * All of a file that the kernel hands out in pieces (mountinfo). `*out` is the caller's to free.
 * Returns 0, a negative errno, or -EFBIG beyond 64 MiB.
 */
int readfile_all(const char *path, char **out, size_t *len);

/* Writes `text` in one piece to a control file that exists. Returns 0 or a negative errno. */
int writefile(const char *path, const char *text);

#endif
