/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stream: everything that reached the model of a watch, in its order, as a file. For developers: the
 * streams in tests/replay are played by test_stream.c, which compares what each sink makes of them.
 *
 *	sudo MEMMON_EVENTS=tests/replay/NAME.events build/memmon-bpf -i 0.2 -q -- COMMAND
 *	make build/asan/test_stream && UPDATE_GOLDEN=1 build/asan/test_stream
 *
 * It has the names of processes and of all tmpfs files of the machine in it: make one where nothing is
 * secret, as in the machines of tests/vm.
 *
 * The file: STREAM_MAGIC, the page size as a uint64_t, then items. Numbers are little-endian.
 */
#ifndef MEMMON_STREAM_H
#define MEMMON_STREAM_H

#include "model/model.h"
#include "util/outfile.h"

#define STREAM_MAGIC "memmon-events 1\n" /* without the NUL */
#define STREAM_MAGIC_LEN 16
#define STREAM_NULL 1U /* flags: the text is NULL */

struct stream_item {
	uint32_t size; /* of the bytes that follow */
	uint16_t
		is_text; /* 0: a record; 1: a text: `text` after this, then its bytes without a NUL */
	uint16_t flags;
};

struct stream_text {
	uint64_t at_ns;
	uint32_t pid;
	uint32_t which; /* enum model_text */
};

struct stream {
	struct outfile out; /* closed: nothing is stored */
};

/* Stores what goes into the model from now on. Returns as outfile_open(). */
int stream_open(struct stream *s, const char *path, struct model *m, uint64_t page_bytes);
/* Returns as outfile_close(); fine when it is not open. */
int stream_close(struct stream *s);

#endif
