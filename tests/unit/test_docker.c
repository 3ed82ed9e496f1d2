// SPDX-License-Identifier: GPL-2.0-or-later
/* What an engine answers, as it should be and as it should not; and what a word fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "../../bpf/events.h"
#include "../../src/os/container_list.h"
#include "../../src/os/docker.h"

#define ID_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID_B "0123456789abffff0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID_C "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static int parse_list(const char *text, struct docker_list *out)
{
	return docker_parse_list(text, strlen(text), out);
}

static int parse_container(const char *text, struct docker_container *out)
{
	return docker_parse_container(text, strlen(text), out);
}

static void test_list(void **state)
{
	struct docker_list l;

	(void)state;
	assert_int_equal(parse_list("[{\"Id\":\"" ID_A "\",\"Names\":[\"/other/db\",\"/web\"],"
				    "\"Image\":\"nginx:1.25\",\"State\":\"running\",\"Ports\":[]},"
				    "{\"Id\":\"" ID_C "\",\"Names\":[\"job\"],\"Image\":\"bb\","
				    "\"State\":\"exited\"}]\n",
				    &l),
			 0);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.items[0].id, ID_A);
	assert_string_equal(l.items[0].name, "web");
	assert_string_equal(l.items[0].image, "nginx:1.25");
	assert_true(l.items[0].running);
	assert_true(l.items[0].shm_bytes == UNKNOWN_U64);
	assert_string_equal(l.items[1].name, "job");
	assert_string_equal(l.items[1].state, "exited");
	assert_false(l.items[1].running);
	docker_list_finish(&l);
	docker_list_finish(&l);
	docker_list_finish(NULL);

	assert_int_equal(parse_list("[]", &l), 0);
	assert_int_equal(l.n, 0);
	docker_list_finish(&l);
}

static void test_list_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"null",
		"{}",
		"[1]",
		"[{}]",
		"[{\"Id\":\"" ID_A "\"}]", /* no state */
		"[{\"Id\":\"0123\",\"State\":\"running\"}]",
		"[{\"Id\":\"../../../etc/passwd\",\"State\":\"running\"}]",
		"[{\"Id\":\"" ID_A "0\",\"State\":\"running\"}]",
		"[{\"Id\":\"0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF\","
		"\"State\":\"running\"}]",
		"[{\"Id\":\"" ID_A "\",\"State\":\"running\"}", /* cut */
		"[{\"Id\":\"" ID_A "\",\"State\":\"running\"},{}]",
		"[{\"Id\":\"" ID_A "\",\"State\":\"running\"}] x",
		"{\"message\":\"page not found\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct docker_list l;

		assert_int_equal(parse_list(texts[i], &l), -EPROTO);
		assert_int_equal(l.n, 0);
		assert_null(l.items);
	}
}

/* Brackets alone: refused before they become a gigabyte. */
static void test_bomb(void **state)
{
	const size_t len = 9000000;
	char *text = malloc(len);
	struct docker_list l;

	(void)state;
	assert_non_null(text);
	text[0] = '[';
	for (size_t i = 1; i < len; i++)
		text[i] = "[],"[(i - 1) % 3];
	assert_int_equal(docker_parse_list(text, len, &l), -EPROTO);
	free(text);
}

/* Names that are no names, or too long, are not known; the container still is. */
static void test_names(void **state)
{
	char text[2048], longest[300];
	struct docker_list l;

	(void)state;
	memset(longest, 'n', sizeof(longest));
	longest[255] = '\0';
	snprintf(text, sizeof(text),
		 "[{\"Id\":\"" ID_A "\",\"State\":\"running\",\"Names\":[\"/%s\"]}]", longest);
	assert_int_equal(parse_list(text, &l), 0);
	assert_string_equal(l.items[0].name, longest);
	docker_list_finish(&l);
	longest[255] = 'n';
	longest[256] = '\0';
	snprintf(text, sizeof(text),
		 "[{\"Id\":\"" ID_A "\",\"State\":\"running\",\"Names\":[\"/%s\"]}]", longest);
	assert_int_equal(parse_list(text, &l), 0);
	assert_string_equal(l.items[0].name, "");
	docker_list_finish(&l);
	assert_int_equal(parse_list("[{\"Id\":\"" ID_A "\",\"State\":\"running\",\"Names\":[7,null,"
				    "\"/a\\u001b[2J\\n\"],\"Image\":[]}]",
				    &l),
			 0);
	assert_string_equal(l.items[0].name, "a\033[2J\n");
	assert_string_equal(l.items[0].image, "");
	docker_list_finish(&l);
}

static void test_container(void **state)
{
	struct docker_container c;

	(void)state;
	assert_int_equal(
		parse_container(
			"{\"Id\":\"" ID_A "\",\"Name\":\"/web\",\"State\":{\"Status\":\"running\","
			"\"Pid\":4711},\"Config\":{\"Image\":\"bb\"},\"HostConfig\":{\"IpcMode\":"
			"\"container:" ID_C "\",\"ShmSize\":67108864,\"Memory\":0}}",
			&c),
		0);
	assert_string_equal(c.id, ID_A);
	assert_string_equal(c.name, "web");
	assert_string_equal(c.image, "bb");
	assert_string_equal(c.ipc_mode, "container:" ID_C);
	assert_int_equal(c.pid, 4711);
	assert_int_equal(c.shm_bytes, 67108864);
	assert_true(c.running);
	/* the pid of one that has ended is nobody's */
	assert_int_equal(
		parse_container("{\"Id\":\"" ID_A
				"\",\"State\":{\"Status\":\"exited\",\"Pid\":4711},\"HostConfig\":"
				"{\"ShmSize\":-1}}",
				&c),
		0);
	assert_int_equal(c.pid, 0);
	assert_false(c.running);
	assert_true(c.shm_bytes == UNKNOWN_U64);
	assert_string_equal(c.ipc_mode, "");
}

static void test_container_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"{\"Id\":\"" ID_A "\"}",
		"{\"Id\":\"" ID_A "\",\"State\":\"running\",\"HostConfig\":{}}",
		"{\"Id\":\"" ID_A "\",\"State\":{\"Status\":\"running\"},\"HostConfig\":{}}",
		"{\"Id\":\"" ID_A "\",\"State\":{\"Status\":\"running\",\"Pid\":-1},"
		"\"HostConfig\":{}}",
		"{\"Id\":\"" ID_A "\",\"State\":{\"Status\":\"running\",\"Pid\":4294967297},"
		"\"HostConfig\":{}}",
		"{\"Id\":\"" ID_A "\",\"State\":{\"Status\":\"running\",\"Pid\":\"1\"},"
		"\"HostConfig\":{}}",
		"{\"Id\":\"" ID_A "\",\"Id\":\"" ID_A "\",\"State\":{\"Status\":\"running\","
		"\"Pid\":1},\"HostConfig\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct docker_container c;

		assert_int_equal(parse_container(texts[i], &c), -EPROTO);
		assert_string_equal(c.id, "");
	}
}

static void test_socket(void **state)
{
	const char *path;

	(void)state;
	assert_int_equal(docker_socket(NULL, &path), 0);
	assert_string_equal(path, "/var/run/docker.sock");
	assert_int_equal(docker_socket("", &path), 0);
	assert_string_equal(path, "/var/run/docker.sock");
	assert_int_equal(docker_socket("unix:///run/user/1000/docker.sock", &path), 0);
	assert_string_equal(path, "/run/user/1000/docker.sock");
	assert_int_equal(docker_socket("tcp://10.0.0.1:2375", &path), -EOPNOTSUPP);
	assert_int_equal(docker_socket("ssh://me@there", &path), -EOPNOTSUPP);
	assert_int_equal(docker_socket("unix://relative", &path), -EOPNOTSUPP);
	assert_int_equal(docker_socket("/run/docker.sock", &path), -EOPNOTSUPP);
}

/* Names that would be another request. */
static void test_inspect_refused(void **state)
{
	static const char *const names[] = { "",    "..",   "a/b", "a?b", "a b",
					     "a#b", "a%2f", "a\n", "../" };
	struct docker_container c;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(docker_inspect("/nonexistent", names[i], UINT64_MAX, &c), -EINVAL);
}

static void add(struct container_list *l, const char *id, const char *name, bool running)
{
	struct docker_container c = { .running = running };

	snprintf(c.id, sizeof(c.id), "%s", id);
	snprintf(c.name, sizeof(c.name), "%s", name);
	snprintf(c.image, sizeof(c.image), "image");
	snprintf(c.state, sizeof(c.state), "%s", running ? "running" : "exited");
	assert_int_equal(container_list_add(l, &c, "docker", 0), 0);
}

static void test_match(void **state)
{
	const struct listed_container *m[4];
	struct container_list l = { 0 };

	(void)state;
	add(&l, ID_A, "web", true);
	add(&l, ID_A, "again", true); /* the first one counts */
	add(&l, ID_B, "fedc", true);
	add(&l, ID_C, "web-2", false);
	assert_int_equal(l.n, 3);
	assert_int_equal(container_list_match(&l, "web", m, 4), 1);
	assert_string_equal(m[0]->is.id, ID_A);
	assert_int_equal(container_list_match(&l, "/web", m, 4), 1);
	assert_int_equal(container_list_match(&l, "web-", m, 4), 0);
	assert_int_equal(container_list_match(&l, ID_B, m, 4), 1);
	assert_string_equal(m[0]->is.id, ID_B);
	assert_int_equal(container_list_match(&l, "0123456789ab", m, 4), 2);
	assert_int_equal(container_list_match(&l, "0123456789ab", m, 1), 2);
	assert_int_equal(container_list_match(&l, "0123456789abc", m, 4), 1);
	/* a name goes before the start of an id */
	assert_int_equal(container_list_match(&l, "fedc", m, 4), 1);
	assert_string_equal(m[0]->is.id, ID_B);
	assert_int_equal(container_list_match(&l, "fedcb", m, 4), 1);
	assert_string_equal(m[0]->is.id, ID_C);
	assert_int_equal(container_list_match(&l, "", m, 4), 0);
	assert_int_equal(container_list_match(&l, "/", m, 4), 0);
	assert_int_equal(container_list_match(&l, "FEDCB", m, 4), 0);
	container_list_finish(&l);
	container_list_finish(NULL);
}

static void test_write(void **state)
{
	const struct listed_container *shown[12];
	struct container_list l = { 0 };
	char text[4096] = "head\n", id[65];

	(void)state;
	add(&l, ID_A, "web", true);
	add(&l, ID_B, "evil\n\033[2J", false);
	shown[0] = &l.items[0];
	shown[1] = &l.items[1];
	container_list_write(text, sizeof(text), shown, 2);
	/* 12 digits would not tell them apart */
	assert_string_equal(text, "head\n"
				  "  0123456789abc  web               image\n"
				  "  0123456789abf  evil\\n\\x1b[2J     image  (not running)\n");
	container_list_finish(&l);

	for (int i = 0; i < 12; i++) {
		snprintf(id, sizeof(id), "%064x", i);
		add(&l, id, "", true);
	}
	for (int i = 0; i < 12; i++)
		shown[i] = &l.items[i];
	text[0] = '\0';
	container_list_write(text, sizeof(text), shown, 12);
	assert_non_null(strstr(text, "  and 2 more\n"));
	/* cut, never beyond the end */
	text[0] = '\0';
	container_list_write(text, 16, shown, 12);
	assert_int_equal(strlen(text), 15);
	container_list_finish(&l);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),      cmocka_unit_test(test_list_refused),
		cmocka_unit_test(test_bomb),      cmocka_unit_test(test_names),
		cmocka_unit_test(test_container), cmocka_unit_test(test_container_refused),
		cmocka_unit_test(test_socket),    cmocka_unit_test(test_inspect_refused),
		cmocka_unit_test(test_match),     cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests_name("docker", tests, NULL, NULL);
}
