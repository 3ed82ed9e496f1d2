// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table. What a feature needs, what is lost without it and how to get it stand in its probe and
 * nowhere else: those of the hooks in features_hooks.c, the others here.
 */
#include "features_state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "os/procfs.h"
#include "os/release.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const char *const names[FEATURE_COUNT] = {
	[FEATURE_PRIVILEGE] = "privilege",
	[FEATURE_BTF] = "btf",
	[FEATURE_BPF] = "bpf",
	[FEATURE_RSS_STAT] = "rss_stat",
	[FEATURE_PERCPU_RSS] = "percpu_rss",
	[FEATURE_PROCESSES] = "processes",
	[FEATURE_EVERY_EVENT] = "every_event",
	[FEATURE_ITERATORS] = "iterators",
	[FEATURE_EXIT_MMAP] = "exit_mmap",
	[FEATURE_LAST] = "last",
	[FEATURE_OOM] = "oom",
	[FEATURE_VOLUMES] = "volumes",
	[FEATURE_SHM] = "shm",
	[FEATURE_CGROUP_MOVES] = "cgroup_moves",
	[FEATURE_AVAILABLE] = "available",
	[FEATURE_PRESSURE] = "pressure",
	[FEATURE_PSS] = "pss",
};

void feature_set(struct features *f, enum feature which, const char *state, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(f->why[which], FEATURE_WHY_LEN, format, args);
	va_end(args);
	f->table[which].state = state;
	f->table[which].why = strcmp(state, "on") ? f->why[which] : NULL;
}

void feature_set_on(struct features *f, enum feature which)
{
	feature_set(f, which, "on", "%s", "");
}

static void set_if(struct features *f, enum feature which, bool on, const char *otherwise,
		   const char *why)
{
	feature_set(f, which, on ? "on" : otherwise, "%s", why);
}

static bool is_off(const struct features *f, enum feature which)
{
	return strcmp(f->table[which].state, "off") == 0;
}

/* ---- before any hook ---- */

static void probe_privilege(struct features *f)
{
	static const enum right needed[] = { RIGHT_BPF, RIGHT_PERFMON };
	char missing[64] = "";

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (rights_allow(&f->rights, needed[i]))
			continue;
		strncat(missing, *missing ? ", " : "", sizeof(missing) - strlen(missing) - 1);
		strncat(missing, right_name(needed[i]), sizeof(missing) - strlen(missing) - 1);
	}
	if (*missing)
		feature_set(
			f, FEATURE_PRIVILEGE, "off",
			"missing %s; run as root (sudo memmon-bpf …) or grant CAP_BPF and CAP_PERFMON",
			missing);
	else if (!f->rights.initial_user_namespace)
		feature_set(
			f, FEATURE_PRIVILEGE, "off",
			"in a user namespace (a rootless container?) capabilities do not count for bpf(2); run "
			"on the host, or in a container whose root is the host's");
	else
		feature_set_on(f, FEATURE_PRIVILEGE);
}

static void probe_btf(struct features *f, const char *path)
{
	char why[FEATURE_WHY_LEN] = "";

	if (kernel_btf_open(&f->btf, path, why, sizeof(why)))
		feature_set(f, FEATURE_BTF, "off", "%s", why);
	else if (f->btf.unchecked)
		feature_set(f, FEATURE_BTF, "degraded", "%s", f->btf.unchecked);
	else
		feature_set_on(f, FEATURE_BTF);
}

static bool memlock_is_low(const struct features *f)
{
	struct rlimit limit;

	/* libbpf raises it where it may */
	return f->memlock_counts && getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
	       limit.rlim_max != RLIM_INFINITY && !f->rights.has[RIGHT_SYS_RESOURCE];
}

#define MEMLOCK_REMEDY                                                                        \
	"before Linux 5.11 BPF memory counts towards RLIMIT_MEMLOCK, which is too low here; " \
	"raise it (ulimit -l unlimited) or grant CAP_SYS_RESOURCE"

/* What stands in the way of bpf(2) for someone who has the capabilities. */
static const char *refusal(const struct features *f, int err)
{
	if (err == -EINVAL)
		return "this kernel has no BPF ring buffer: Linux 5.8 or later is needed";
	if (err == -ENOSYS)
		return "the kernel has no bpf(2) (CONFIG_BPF_SYSCALL)";
	if (f->rights.seccomp)
		return "a seccomp filter or the container runtime refuses bpf(2); run on the host, or with --privileged";
	if (f->rights.lockdown == LOCKDOWN_CONFIDENTIALITY)
		return "kernel lockdown is in confidentiality mode; boot with lockdown=integrity or none";
	if (memlock_is_low(f))
		return MEMLOCK_REMEDY;
	return "the kernel refused bpf(2); is it locked down, or a security module in the way?";
}

static void probe_bpf(struct features *f)
{
	int fd, err;

	if (!feature_on(f, FEATURE_PRIVILEGE)) {
		feature_set(f, FEATURE_BPF, "off", "not probed without the privilege");
		return;
	}
	if (probe_hook(f->probe, "raw_tp")) {
		feature_set(f, FEATURE_BPF, "off", "raw_tp is forbidden by MEMMON_FORBID");
		return;
	}
	fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "memmon_probe", 0, 0, (unsigned int)getpagesize(),
			    NULL);
	err = fd < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (err) {
		feature_set(f, FEATURE_BPF, "off", "%s", refusal(f, err));
		return;
	}
	err = probe_reading(f->probe);
	if (err)
		feature_set(f, FEATURE_BPF, "off",
			    "programs may not read the kernel's memory (%s): %s", strerror(-err),
			    refusal(f, -EPERM));
	else
		feature_set_on(f, FEATURE_BPF);
}

/* ---- what no hook tells ---- */

static void probe_procfs(struct features *f)
{
	struct proc_meminfo meminfo;
	struct proc_pressure pressure;
	struct proc_smaps smaps;
	bool ok;

	ok = procfs_read_meminfo(&meminfo) == 0 && meminfo.available_bytes != UNKNOWN_U64;
	set_if(f, FEATURE_AVAILABLE, ok, "off",
	       "/proc/meminfo has no MemAvailable; is /proc mounted?");
	ok = procfs_read_pressure(&pressure) == 0 && pressure.some_us != UNKNOWN_U64;
	set_if(f, FEATURE_PRESSURE, ok, "off",
	       "no /proc/pressure/memory: boot with psi=1 to have it");
	ok = procfs_read_smaps(getpid(), &smaps) == 0;
	set_if(f, FEATURE_PSS, ok, "off",
	       "no /proc/PID/smaps_rollup: --pss and the footprint are n/a");
}

/* ---- all ---- */

static const struct {
	enum feature which;
	int err;
	bool of_the_kernel; /* an old one may lack it */
} required[] = {
	{ FEATURE_PRIVILEGE, -EPERM, false },  { FEATURE_BTF, -ENOENT, true },
	{ FEATURE_BPF, -EPERM, true },         { FEATURE_RSS_STAT, -ENOTSUP, true },
	{ FEATURE_PROCESSES, -ENOTSUP, true }, { FEATURE_ITERATORS, -ENOTSUP, true },
};

/* Whoever reads that something is missing should also read that the kernel is too old for us. */
static void note_age(struct features *f)
{
	char note[RELEASE_NOTE_LEN];
	struct utsname kernel;

	uname(&kernel);
	release_note(kernel.release, note);
	for (size_t i = 0; i < COUNT(required); i++) {
		char *why = f->why[required[i].which];

		if (required[i].of_the_kernel && is_off(f, required[i].which))
			strncat(why, note, FEATURE_WHY_LEN - strlen(why) - 1);
	}
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

int features_probe(const char *btf, struct features **out)
{
	struct features *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	libbpf_set_print(quiet);
	for (int i = 0; i < FEATURE_COUNT; i++)
		f->table[i].name = names[i];
	rights_read(&f->rights);
	probe_privilege(f);
	probe_btf(f, btf);
	f->probe = probe_create(f->btf.btf, feature_on(f, FEATURE_PRIVILEGE));
	if (!f->probe) {
		features_destroy(f);
		return -ENOMEM;
	}
	/* 5.11 brought this helper, and the end of that count: as libbpf tells it */
	f->memlock_counts = f->btf.btf &&
			    !probe_has_helper(f->probe, "BPF_FUNC_ktime_get_coarse_ns");
	f->loop = probe_has_helper(f->probe, "BPF_FUNC_loop");
	probe_bpf(f);
	features_probe_hooks(f);
	probe_procfs(f);
	note_age(f);
	probe_destroy(f->probe);
	f->probe = NULL;
	kernel_btf_close(&f->btf);
	*out = f;
	return 0;
}

void features_destroy(struct features *f)
{
	if (!f)
		return;
	probe_destroy(f->probe);
	kernel_btf_close(&f->btf);
	free(f);
}

bool feature_on(const struct features *f, enum feature which)
{
	return strcmp(f->table[which].state, "on") == 0;
}

const char *feature_name(enum feature which)
{
	return names[which];
}

bool features_preempted(const struct features *f)
{
	return f->preempted;
}

bool features_exit_is_early(const struct features *f)
{
	return f->exit_is_early;
}

bool features_has_loop(const struct features *f)
{
	return f->loop;
}

enum feature_hook features_volumes_by(const struct features *f)
{
	return f->volumes_by;
}

enum feature_hook features_mm_end_by(const struct features *f)
{
	return f->mm_end_by;
}

enum feature_hook features_last_by(const struct features *f)
{
	return f->last_by;
}

enum feature_hook features_shm_by(const struct features *f)
{
	return f->shm_by;
}

bool features_memlock_counts(const struct features *f)
{
	return f->memlock_counts;
}

const char *features_remedy(const struct features *f, int err)
{
	return err == -EPERM && memlock_is_low(f) ? MEMLOCK_REMEDY : "";
}

const struct feature_state *features_table(const struct features *f)
{
	return f->table;
}

const struct rights *features_rights(const struct features *f)
{
	return &f->rights;
}

const struct kernel_btf *features_btf(const struct features *f)
{
	return &f->btf;
}

int features_require(const struct features *f, char *why, size_t why_len)
{
	for (size_t i = 0; i < COUNT(required); i++) {
		if (!is_off(f, required[i].which))
			continue;
		snprintf(why, why_len, "%s", f->why[required[i].which]);
		return required[i].err;
	}
	return 0;
}

void features_note_vma(struct features *f, bool asked)
{
	if (asked && f->volumes_by == HOOK_NONE && f->sys_exit)
		feature_set(
			f, FEATURE_VOLUMES, "degraded",
			"--vma: collected from sys_exit, which taxes every system call of the machine");
}
