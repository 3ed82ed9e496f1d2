/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which sinks `memmon-bpf shm` has, and their files. A sink that fails is reported once, by name and
 * reason, and left out from then on; the others go on.
 */
#ifndef MEMMON_SHM_OUTPUTS_H
#define MEMMON_SHM_OUTPUTS_H

#include "shm_options.h"
#include "sinks/sink.h"
#include "util/outfile.h"

#define SHM_OUTPUTS 3

struct shm_outputs {
	struct {
		struct sink *sink; /* NULL once it failed */
		char name[64]; /* of its destination, for messages */
	} list[SHM_OUTPUTS];
	size_t n;
	struct sink *live; /* the live screen; NULL = none */
	FILE *text; /* where failures are told and the table goes; NULL = nowhere */
	uint64_t told; /* number of the newest failure that was told */
	struct outfile json, csv;
	bool failed; /* some output was not written whole */
};

/*
 * Opens the files that the options name, which may wait for the reader of a FIFO. Returns 0, or a
 * negative errno after it said what failed.
 */
int shm_outputs_open(struct shm_outputs *outs, const struct shm_options *o);
/* Makes the sinks; the live screen takes the terminal. Returns as shm_outputs_open(). */
int shm_outputs_start(struct shm_outputs *outs, const struct shm_options *o, const struct run *run);
/* An interval has ended: rows, the screen, and failures that are new. */
void shm_outputs_tick(struct shm_outputs *outs, const struct snapshot *s);
/* The end: the live screen goes, every sink writes what remains, files are closed. */
void shm_outputs_finish(struct shm_outputs *outs, const struct snapshot *s);
/* Without writing: after a failed start. */
void shm_outputs_abandon(struct shm_outputs *outs);

#endif
