/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The containers that are known from wherever: what a user's word fits, and lists for people. */
#ifndef MEMMON_CONTAINER_LIST_H
#define MEMMON_CONTAINER_LIST_H

#include "docker.h"

struct listed_container {
	struct docker_container is;
	const char *runtime; /* static text; "" = not known */
	int engine; /* the caller's number of who told of it; -1 = a cgroup */
};

struct container_list {
	struct listed_container *items;
	size_t n, cap;
};

/* Adds a copy unless the id is there already. Returns 0 or -ENOMEM. */
int container_list_add(struct container_list *l, const struct docker_container *c,
		       const char *runtime, int engine);
void container_list_finish(struct container_list *l); /* zeroed, finished or NULL is fine */

/*
 * How many containers `wanted` fits: the one with that id; else those of that name (two engines may
 * have one each; a leading slash is the API's way to write it); else those whose id begins with it.
 * The first `cap` are in `out`. "" fits none.
 */
size_t container_list_match(const struct container_list *l, const char *wanted,
			    const struct listed_container **out, size_t cap);

/* It may be the start of an id: 1 to 64 lower-case hexadecimal digits. */
bool container_is_id(const char *wanted);

#define CONTAINER_LIST_SHOWN 10

/*
 * A line "  ID NAME IMAGE\n" for each of the first CONTAINER_LIST_SHOWN, with ids long enough to tell
 * them apart, escaped, and one that says how many more there are (`n` in all). Appends to the text
 * in `dst` and cuts to fit.
 */
void container_list_write(char *dst, size_t cap, const struct listed_container *const *items,
			  size_t n);

#endif
