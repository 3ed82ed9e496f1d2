/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an engine's socket answers, which may be anybody's socket; and lists of it for people. */
#include <stdint.h>
#include <string.h>

#include "../../src/os/container_list.h"
#include "../../src/os/docker.h"

#define REQUIRE(condition)                \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

static void check(const struct docker_container *c)
{
	REQUIRE(strlen(c->id) == CONTAINER_ID_DIGITS && container_is_id(c->id));
	REQUIRE(strlen(c->name) < sizeof(c->name) && strlen(c->image) < sizeof(c->image));
	REQUIRE(c->state[0] && strlen(c->state) < sizeof(c->state));
	REQUIRE(strlen(c->ipc_mode) < sizeof(c->ipc_mode));
	REQUIRE(c->pid >= 0 && (c->running || !c->pid));
}

/* Whatever the names are, nothing of them reaches a terminal. */
static void check_text(const char *text)
{
	for (; *text; text++)
		REQUIRE(*text == '\n' || ((unsigned char)*text >= ' ' && *text != 0x7f));
}

static void check_list(const struct docker_list *l)
{
	const struct listed_container *matches[CONTAINER_LIST_SHOWN];
	struct container_list known = { 0 };
	char text[4096] = "";
	size_t n;

	for (size_t i = 0; i < l->n; i++) {
		check(&l->items[i]);
		REQUIRE(!container_list_add(&known, &l->items[i], "docker", 0));
	}
	REQUIRE(known.n <= l->n);
	for (size_t i = 0; i < known.n; i++) {
		n = container_list_match(&known, known.items[i].is.id, matches, 1);
		REQUIRE(n == 1 && matches[0] == &known.items[i]);
	}
	if (known.n) {
		n = container_list_match(&known, known.items[0].is.name, matches,
					 CONTAINER_LIST_SHOWN);
		REQUIRE(n <= known.n);
		container_list_write(text, sizeof(text), matches,
				     n < CONTAINER_LIST_SHOWN ? n : CONTAINER_LIST_SHOWN);
		check_text(text);
	}
	container_list_finish(&known);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct docker_container c;
	struct docker_list l;

	if (!docker_parse_list((const char *)data, size, &l)) {
		check_list(&l);
		docker_list_finish(&l);
	}
	if (!docker_parse_container((const char *)data, size, &c))
		check(&c);
	return 0;
}
