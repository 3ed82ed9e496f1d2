// SPDX-License-Identifier: GPL-2.0-or-later
#include "container_list.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../util/escape.h"

int container_list_add(struct container_list *l, const struct docker_container *c,
		       const char *runtime, int engine)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->items[i].is.id, c->id))
			return 0;
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 16;
		struct listed_container *larger = realloc(l->items, cap * sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		l->items = larger;
		l->cap = cap;
	}
	l->items[l->n++] =
		(struct listed_container){ .is = *c, .runtime = runtime, .engine = engine };
	return 0;
}

void container_list_finish(struct container_list *l)
{
	if (!l)
		return;
	free(l->items);
	*l = (struct container_list){ 0 };
}

bool container_is_id(const char *wanted)
{
	size_t len = strlen(wanted);

	return len && len <= CONTAINER_ID_DIGITS && strspn(wanted, "0123456789abcdef") == len;
}

enum fit { FITS_ID, FITS_NAME, FITS_PREFIX, FITS };

static bool fits(const struct docker_container *c, const char *wanted, enum fit how)
{
	switch (how) {
	case FITS_ID:
		return !strcmp(c->id, wanted);
	case FITS_NAME:
		return c->name[0] && !strcmp(c->name, wanted);
	default:
		return container_is_id(wanted) && !strncmp(c->id, wanted, strlen(wanted));
	}
}

size_t container_list_match(const struct container_list *l, const char *wanted,
			    const struct listed_container **out, size_t cap)
{
	size_t n = 0;

	if (*wanted == '/')
		wanted++;
	for (int how = 0; how < FITS && !n; how++)
		for (size_t i = 0; i < l->n; i++)
			if (fits(&l->items[i].is, wanted, (enum fit)how)) {
				if (n < cap)
					out[n] = &l->items[i];
				n++;
			}
	return n;
}

/* ---- for people ------------------------------------------------------------------------------- */

static void __attribute__((format(printf, 3, 4)))
append(char *dst, size_t cap, const char *format, ...)
{
	size_t len = strnlen(dst, cap);
	va_list args;

	if (len >= cap)
		return;
	va_start(args, format);
	vsnprintf(dst + len, cap - len, format, args);
	va_end(args);
}

/* The fewest digits, 12 or more, in which no two of them are the same. */
static int digits(const struct listed_container *const *items, size_t n)
{
	int most = CONTAINER_SHORT_ID_DIGITS;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++) {
			int same = 0;

			while (same < CONTAINER_ID_DIGITS - 1 &&
			       items[i]->is.id[same] == items[j]->is.id[same])
				same++;
			if (same + 1 > most)
				most = same + 1;
		}
	return most;
}

void container_list_write(char *dst, size_t cap, const struct listed_container *const *items,
			  size_t n)
{
	size_t shown = n < CONTAINER_LIST_SHOWN ? n : CONTAINER_LIST_SHOWN;
	int width = digits(items, shown);

	for (size_t i = 0; i < shown; i++) {
		const struct docker_container *c = &items[i]->is;
		char name[64], image[96];

		escape_bytes(name, sizeof(name), c->name, strlen(c->name));
		escape_bytes(image, sizeof(image), c->image, strlen(c->image));
		append(dst, cap, "  %.*s", width, c->id);
		if (*name || *image)
			append(dst, cap, "  %-16s  %s", *name ? name : "-", image);
		append(dst, cap, "%s\n", c->running ? "" : "  (not running)");
	}
	if (n > shown)
		append(dst, cap, "  and %zu more\n", n - shown);
}
