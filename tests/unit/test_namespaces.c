/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One process for each namespace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/os/namespaces.h"
#include "elsewhere.h"

static uint32_t parse(const char *link)
{
	return namespace_parse(link, strlen(link));
}

static void test_parse(void **state)
{
	(void)state;
	assert_int_equal(parse("mnt:[4026531832]"), 4026531832);
	assert_int_equal(parse("ipc:[1]"), 1);
	assert_int_equal(parse("mnt:[4294967296]"), 0);
	assert_int_equal(parse("mnt:[-1]"), 0);
	assert_int_equal(parse("mnt:[1"), 0);
	assert_int_equal(parse("mnt:1]"), 0);
	assert_int_equal(parse("mnt:[]"), 0);
	assert_int_equal(parse("["), 0);
	assert_int_equal(parse(""), 0);
}

static const struct namespace *find(const struct namespace_list *l, uint32_t ino)
{
	const struct namespace *found = NULL;

	for (size_t i = 0; i < l->n; i++) {
		if (l->items[i].ino != ino)
			continue;
		assert_null(found); /* each once */
		found = &l->items[i];
	}
	return found;
}

static bool nothing(const char *arg)
{
	(void)arg;
	return true;
}

static void test_find(void **state)
{
	struct elsewhere child;
	struct namespaces ns;
	uint32_t mnt, ipc;

	(void)state;
	if (!elsewhere_begin(&child, CLONE_NEWNS | CLONE_NEWIPC, nothing, NULL, ""))
		skip();
	mnt = namespace_of(child.pid, "mnt");
	ipc = namespace_of(child.pid, "ipc");
	assert_true(mnt && ipc);
	assert_int_not_equal(mnt, namespace_of(0, "mnt"));
	assert_int_equal(namespaces_find(&ns), 0);
	assert_true(ns.processes >= 2);
	assert_non_null(find(&ns.mnt, namespace_of(0, "mnt")));
	assert_non_null(find(&ns.ipc, namespace_of(0, "ipc")));
	assert_int_equal(find(&ns.mnt, mnt)->pid, child.pid);
	assert_true(find(&ns.mnt, mnt)->rooted);
	assert_int_equal(find(&ns.mnt, mnt)->spare, 0);
	assert_int_equal(find(&ns.ipc, ipc)->pid, child.pid);
	namespaces_finish(&ns);
	namespaces_finish(&ns);
	elsewhere_end(&child);
	assert_int_equal(namespace_of(child.pid, "mnt"), 0);
	assert_int_equal(namespaces_find(&ns), 0);
	assert_null(find(&ns.mnt, mnt));
	namespaces_finish(&ns);
	namespaces_finish(NULL);
}

/* The first process is in a chroot, which hides mounts: its child, which is not, stands for both. */
static bool fork_and_chroot(const char *dir)
{
	int up[2];
	char byte;

	if (pipe(up))
		return false;
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(up[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	return read(up[0], &byte, 1) == 1 && !chroot(dir);
}

static void test_chroot(void **state)
{
	const struct namespace *found;
	struct elsewhere child;
	struct namespaces ns;
	uint32_t mnt;

	(void)state;
	if (!elsewhere_begin(&child, CLONE_NEWNS, fork_and_chroot, NULL, "/tmp"))
		skip();
	mnt = namespace_of(child.pid, "mnt");
	assert_int_equal(namespaces_find(&ns), 0);
	found = find(&ns.mnt, mnt);
	assert_non_null(found);
	assert_true(found->rooted);
	assert_int_not_equal(found->pid, child.pid);
	assert_int_equal(found->spare, child.pid);
	namespaces_finish(&ns);
	elsewhere_end(&child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_chroot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
