/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text as it must stand in HTML and XML. */
#ifndef MEMMON_MARKUP_H
#define MEMMON_MARKUP_H

#include <stdio.h>

/* Printable text, between tags or between quotes. */
void markup_text(FILE *out, const char *printable);
/* The same of raw bytes, made printable. Returns 0 or -ENOMEM. */
int markup_name(FILE *out, const char *raw);

#endif
