/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comparing with a golden file, byte by byte. With UPDATE_GOLDEN in the environment the file is written
 * first: look at every difference before it is committed.
 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* NULL where there is no such file; free() it. */
static inline char *slurp(const char *path)
{
	FILE *f = fopen(path, "r"), *to;
	char *text = NULL;
	size_t len = 0;
	int c;

	if (!f)
		return NULL;
	to = open_memstream(&text, &len);
	assert_non_null(to);
	while ((c = fgetc(f)) != EOF)
		fputc(c, to);
	fclose(to);
	fclose(f);
	return text;
}

static inline void check_golden(const char *path, const char *is)
{
	char *should;

	if (getenv("UPDATE_GOLDEN")) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fputs(is, f);
		assert_int_equal(fclose(f), 0);
	}
	should = slurp(path);
	if (!should)
		fail_msg("no %s: UPDATE_GOLDEN=1 writes it", path);
	if (strcmp(is, should))
		print_error("%s differs; this is what was written:\n%s", path, is);
	assert_string_equal(is, should);
	free(should);
}

#endif
