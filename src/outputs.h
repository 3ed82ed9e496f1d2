/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which sinks a run has, and their files. A sink that fails is reported once, by name and reason,
 * and left out from then on; the others go on.
 */
#ifndef MEMMON_OUTPUTS_H
#define MEMMON_OUTPUTS_H

#include "options.h"
#include "recording/recorder.h"
#include "sinks/sink.h"
#include "util/outfile.h"

#define MAX_OUTPUTS 7

struct output {
	struct sink *sink; /* NULL once it failed */
	char name[64]; /* of its destination, for messages */
};

struct outputs {
	struct output list[MAX_OUTPUTS];
	size_t n;
	struct sink *live; /* the one of `list` that is the live screen; NULL = none */
	int live_fd;
	struct outfile json, csv, mprof, log_dir[LOG_DIR_FILES];
	struct recorder_file *record; /* until a sink is made of it */
	bool needs_override; /* see outputs_need_override() */
	bool failed; /* some output was not written whole */
	bool text_closed; /* nobody reads our lines any more */
};

/* Where our own text goes: stdout, but stderr where stdout is the command's or a FILE's. */
FILE *outputs_text(const struct options *o);

/*
 * Opens the files that the options name, which may wait for the reader of a FIFO. Returns 0, or a
 * negative errno after it said what failed.
 */
int outputs_open(struct outputs *outs, const struct options *o);
/* What is written beside a recording can only be removed with CAP_DAC_OVERRIDE. */
bool outputs_need_override(const struct outputs *outs);
/* Makes the sinks; the live screen takes the terminal. Returns as outputs_open(). */
int outputs_start(struct outputs *outs, const struct options *o, const struct run *run);
void outputs_tick(struct outputs *outs, const struct snapshot *s);
/* The end: the live screen goes, every sink writes what remains, files are closed. */
void outputs_finish(struct outputs *outs, const struct snapshot *s);
/* Without writing: after a failed start. */
void outputs_abandon(struct outputs *outs);

#endif
