/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening a path that others control without being led astray: no symbolic link is followed, not
 * even in the middle, and ".." never leaves the directory where the walk began.
 */
#ifndef MEMMON_BENEATH_H
#define MEMMON_BENEATH_H

#define BENEATH_ONE_FS 1U /* do not cross into another mount: -EXDEV */
/* Give up, with -EAGAIN, rather than wait for a file system's server (FUSE, NFS) to answer. */
#define BENEATH_NO_WAIT 2U

/*
 * `path` is taken relative to the descriptor `dir`, with or without leading slashes; "" and "/" are
 * `dir` itself. `flags` are those of open(2), without O_CREAT; O_CLOEXEC is added. Returns a
 * descriptor or a negative errno: -ELOOP for a link. Where the kernel or a filter refuses openat2(2)
 * the path is walked by its components; BENEATH_NO_WAIT has no effect then, nor before Linux 5.12.
 */
int beneath_open(int dir, const char *path, int flags, unsigned int how);

#endif
