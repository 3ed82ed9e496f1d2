/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory that the user named for outputs (--log-dir DIR), under the rules of outfile.h: where
 * everybody can write, one that is there already must be no link and belong to us or to root.
 */
#ifndef MEMMON_OUTDIR_H
#define MEMMON_OUTDIR_H

/*
 * Makes the directory and its parents where they are missing. Returns a descriptor of it, to name
 * its files through /proc/self/fd, or a negative errno: -EPERM with `*why` saying what was refused.
 */
int outdir_open(const char *path, const char **why);

#endif
