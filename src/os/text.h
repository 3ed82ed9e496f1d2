/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walking through the kernel's text files. A `struct text` is a view into bytes that somebody else
 * owns; nothing is copied, nothing needs a NUL, and no function reads past `end`.
 *
 * The kernel ends every line with a newline. A last line without one was cut off by a buffer, and a
 * cut-off number looks like a smaller one, so such a line is never returned.
 */
#ifndef MEMMON_TEXT_H
#define MEMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	const char *at, *end;
};

struct text text_of(const char *bytes, size_t len);

/* Takes the next line (without its newline) off `t`; false when no whole line is left. */
bool text_line(struct text *t, struct text *line);
/* Takes what stands before the next `separator`, or all of a `t` that is not empty. */
bool text_until(struct text *t, char separator, struct text *part);
/* Takes the next run of bytes that are neither blank nor tab nor newline. */
bool text_word(struct text *t, struct text *word);
/* Takes `prefix` off the front, if it stands there. */
bool text_skip(struct text *t, const char *prefix);
/* The whole of `t` equals `literal`. */
bool text_is(struct text t, const char *literal);
/* One of the comma-separated (or blank-separated) items of `t` equals `item`. */
bool text_has_item(struct text t, char separator, const char *item);

/* The whole of `t` as a decimal number; false when it is none or does not fit. */
bool text_u64(struct text t, uint64_t *value);
/* The next word as a decimal number. */
bool text_word_u64(struct text *t, uint64_t *value);
/* "KEY: 123 kB" and the like: the number after the prefix, and in bytes when " kB" follows it. */
bool text_value(struct text line, const char *prefix, uint64_t *value);

#endif
