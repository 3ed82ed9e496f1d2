/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Container ids in the cgroup paths of each runtime. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/os/container.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static void test_runtimes(void **state)
{
	static const char *const names[] = {
		"/docker/" ID,
		"/docker/" ID "/init.scope",
		"/docker/" ID "/system.slice/docker.service",
		"/system.slice/docker-" ID ".scope",
		"/machine.slice/libpod-" ID ".scope/container",
		"/libpod_parent/libpod-" ID,
		"/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope",
		"/kubepods.slice/kubepods-pod1.slice/crio-" ID ".scope",
		"/kubepods/burstable/pod1234-5678/" ID,
		"/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" ID,
		"/ecs/" OTHER "/" ID,
		"/docker/" OTHER "/kubelet/kubepods/pod1/" ID, /* nested: the inner one */
		ID,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char id[CONTAINER_ID_DIGITS + 1];

		assert_true(container_id(names[i], id));
		assert_string_equal(id, ID);
	}
}

static void test_no_container(void **state)
{
	static const char *const names[] = {
		"",
		"/",
		"//",
		".scope",
		"/.scope/",
		"/user.slice/user-1000.slice/session-3.scope",
		"/system.slice/docker.service",
		"/docker/0123456789ab",
		"/docker/" ID "0", /* too long */
		"/docker/0" ID,
		"/docker/0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
		"/machine.slice/libpod-conmon-" ID ".scope",
		"/machine.slice/crio-conmon-" ID ".scope",
		"/x-" ID,
		"/docker/" ID ".service",
		"/docker/" ID " (deleted)",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char id[CONTAINER_ID_DIGITS + 1] = "kept";

		assert_false(container_id(names[i], id));
		assert_string_equal(id, "kept");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runtimes),
		cmocka_unit_test(test_no_container),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
