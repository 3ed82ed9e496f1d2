/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How old a kernel is by its name, for messages only: what it can do is probed, never guessed from
 * this.
 */
#ifndef MEMMON_RELEASE_H
#define MEMMON_RELEASE_H

#include <stddef.h>

/* Room for any note below. */
#define RELEASE_NOTE_LEN 192

/*
 * "; this is Linux 4.19.0-27-amd64, and 5.10 is the oldest that memmon-bpf supports", or "" where the
 * release is not older than that, or says nothing. Returns dst.
 */
const char *release_note(const char *release, char dst[RELEASE_NOTE_LEN]);

#endif
