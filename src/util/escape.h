/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile bytes (process names, command lines, paths) made fit for a terminal, a line, or JSON. */
#ifndef MEMMON_ESCAPE_H
#define MEMMON_ESCAPE_H

#include <stddef.h>

/* The most bytes that one byte of input becomes: \xNN. */
#define ESCAPE_MAX_GROWTH 4

/*
 * For terminals and lines of text. Printable UTF-8 passes; newline and tab become \n and \t, a
 * backslash becomes \\, and every byte of anything else becomes \xNN: controls, ESC, DEL, C1
 * controls, invalid UTF-8, and the invisible characters that reorder or hide what follows.
 *
 * Writes at most `cap` bytes including the NUL that always ends them (cap 0 writes nothing), and
 * stops before an escape or a character that does not fit whole. Returns the length written,
 * without the NUL; cap of len * ESCAPE_MAX_GROWTH + 1 always suffices.
 */
size_t escape_bytes(char *dst, size_t cap, const char *src, size_t len);

/*
 * For JSON: valid UTF-8 without NUL. Invalid bytes and NULs become the text \xNN; everything else,
 * controls included, passes as it is, because the JSON writer escapes it. Bounds as above.
 */
size_t utf8_sanitize(char *dst, size_t cap, const char *src, size_t len);

#endif
