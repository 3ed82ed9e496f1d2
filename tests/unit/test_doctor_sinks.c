/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two forms of what `doctor` found against golden files, as test_sinks.c does it. UPDATE_GOLDEN=1
 * rewrites the files; look at every difference before it is committed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "sinks/doctor.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))
#define EVIL "e\033[2J\nv,i\"l\xff\xe2\x80\xae"

static const struct doctor_fact facts[] = {
	{ "lockdown", "lockdown", "none", "", false },
	{ "seccomp", "seccomp", "a filter", "it may refuse bpf(2); see bpf below", false },
	{ "tracefs", "tracefs", "/mnt/" EVIL, "not needed", false },
	{ "bpf", "bpf file system", "", "not needed", false },
};

static const struct doctor_fact limits[] = {
	{ "cpus", "possible CPUs", "2", "at most 512", false },
	{ "nofile", "RLIMIT_NOFILE", "64 files", "256 are needed", true },
};

static const struct doctor_capability capabilities[] = {
	{ "CAP_BPF", true, "nothing can be watched" },
	{ "CAP_SYS_PTRACE", false, "no PSS of other users' processes" },
};

static const struct feature_state features[] = {
	{ "btf", "on", NULL },
	{ "percpu_rss", "degraded", "before Linux 6.2 bounds are wider" },
	{ "volumes", "off", "fexit/" EVIL " is refused: n/a" },
};

/* Of each function one line is shown: what can be used, else the better kind. */
static const struct doctor_hook hooks[] = {
	{ "watch", "raw_tp", "bpf", "on", "what memmon-bpf runs itself", "" },
	{ "watch", "tp_btf/rss_stat", "rss_stat", "on", "every change of RSS", "" },
	{ "watch", "tp_btf/exit_mmap", "exit_mmap", "degraded", "the end of an mm",
	  "not in this kernel; its work is done by fexit/exit_mmap" },
	{ "watch", "fexit/exit_mmap", "exit_mmap", "on", "the end of an mm", "" },
	{ "watch", "kprobe/exit_mmap", "exit_mmap", "on", "the end of an mm", "" },
	{ "watch", "fexit/brk", "volumes", "off", "volumes", "refused by this kernel (no)" },
	{ "watch", "kprobe/brk", "volumes", "off", "volumes", "not possible" },
	{ "shm", "kprobe/shmem_fault", "shm", "on", "SIGBUS", "" },
	{ "shm", "fexit/shmem_fault", "shm", "on", "SIGBUS", "" },
	/* of the other object: it hides none of the watch's */
	{ "shm", "tp_btf/rss_stat", "shm", "off", "charges of touched pages",
	  "forbidden by MEMMON_FORBID" },
};

static struct doctor found(void)
{
	return (struct doctor){
		.version = "0.1.0",
		.release = "6.1.0-18-amd64",
		.machine = "x86_64",
		.btf = { "on", NULL, "/sys/kernel/btf/vmlinux", 5516713 },
		.facts = facts,
		.n_facts = N_OF(facts),
		.limits = limits,
		.n_limits = N_OF(limits),
		.capabilities = capabilities,
		.n_capabilities = N_OF(capabilities),
		.features = features,
		.n_features = N_OF(features),
		.hooks = hooks,
		.n_hooks = N_OF(hooks),
		.ways = { [DOCTOR_PID] = { "degraded", "percpu_rss is degraded; volumes is off" },
			  [DOCTOR_SHM] = { "on", "charges are traced by fexit" },
			  [DOCTOR_CONTAINER] = { "off", "no cgroups: " EVIL } },
	};
}

/* The least there can be: not root, no types. */
static struct doctor nothing(void)
{
	return (struct doctor){
		.version = "0.1.0",
		.release = "4.19.0",
		.machine = "x86_64",
		.btf = { "off", "there is none", "/sys/kernel/btf/vmlinux", UNKNOWN_U64 },
		.ways = { { "off", "missing CAP_BPF" }, { "on", "" }, { "off", "as -p" } },
	};
}

static char *output(const struct doctor *d, bool json, bool color)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(json ? doctor_json(d, out) : doctor_text(d, out, color), 0);
	fclose(out);
	return text;
}

static void check(const char *name, char *is)
{
	char path[128];

	snprintf(path, sizeof(path), "tests/golden/%s", name);
	check_golden(path, is);
	free(is);
}

static void test_text(void **state)
{
	struct doctor all = found(), none = nothing();
	char *text = output(&all, false, false);

	(void)state;
	/* what the user's machine says is never acted on by the terminal */
	assert_null(strchr(text, '\033'));
	assert_null(strstr(text, "kprobe"));
	check("doctor.txt", text);
	check("doctor-color.txt", output(&all, false, true));
	check("doctor-nothing.txt", output(&none, false, false));
}

static void test_json(void **state)
{
	struct doctor all = found(), none = nothing();
	char *text = output(&all, true, false);
	json_t *root = json_loads(text, 0, NULL), *hook;

	(void)state;
	/* what the schema promises, whatever the golden file says */
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "schema")),
			    "memmon-bpf/doctor/1");
	assert_int_equal(json_array_size(json_object_get(root, "hooks")), N_OF(hooks));
	hook = json_array_get(json_object_get(root, "hooks"), N_OF(hooks) - 1);
	assert_string_equal(json_string_value(json_object_get(hook, "hook")), "tp_btf/rss_stat");
	assert_true(json_is_null(
		json_object_get(json_object_get(json_object_get(root, "facts"), "bpf"), "value")));
	json_decref(root);
	check("doctor.json", text);
	check("doctor-nothing.json", output(&none, true, false));
}

static void test_full_device(void **state)
{
	struct doctor all = found();
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	assert_int_equal(doctor_text(&all, full, false), -ENOSPC);
	fclose(full);
	full = fopen("/dev/full", "w");
	assert_int_equal(doctor_json(&all, full), -ENOSPC);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_full_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
