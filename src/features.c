// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The probes. Each is a bare, small system call or a look into the kernel's BTF, some microseconds;
 * nothing here stays loaded. What a feature needs stands in its probe and nowhere else.
 */
#include "features.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cap-ng.h>
#include <linux/bpf.h>

#include "os/procfs.h"

#if defined(__x86_64__)
#define SYSCALL_PREFIX "__x64_sys_"
#elif defined(__aarch64__)
#define SYSCALL_PREFIX "__arm64_sys_"
#endif

#define WHY_LEN 256

struct features {
	struct feature_state table[FEATURE_COUNT];
	char why[FEATURE_COUNT][WHY_LEN];
	struct btf *btf;
	struct utsname kernel;
	bool exit_is_early, mm_end_by_fexit, last_by_fentry;
};

static const char *const names[FEATURE_COUNT] = {
	[FEATURE_PRIVILEGE] = "privilege",
	[FEATURE_BTF] = "btf",
	[FEATURE_BPF] = "bpf",
	[FEATURE_RSS_STAT] = "rss_stat",
	[FEATURE_PERCPU_RSS] = "percpu_rss",
	[FEATURE_PROCESSES] = "processes",
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

/* Sets the state; returns where to write why. */
static char *set(struct features *f, enum feature which, const char *state)
{
	f->table[which].state = state;
	f->table[which].why = strcmp(state, "on") ? f->why[which] : NULL;
	return f->why[which];
}

static void set_if(struct features *f, enum feature which, bool on, const char *otherwise,
		   const char *why)
{
	snprintf(set(f, which, on ? "on" : otherwise), WHY_LEN, "%s", why);
}

static bool has_tracepoint(const struct features *f, const char *name)
{
	char type[64];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return f->btf && btf__find_by_name_kind(f->btf, type, BTF_KIND_TYPEDEF) > 0;
}

static void probe_privilege(struct features *f)
{
	static const struct {
		unsigned int cap;
		const char *name;
	} needed[] = { { CAP_BPF, "CAP_BPF" }, { CAP_PERFMON, "CAP_PERFMON" } };
	char missing[64] = "";

	if (capng_get_caps_process() == 0 &&
	    !capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN)) {
		for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
			if (capng_have_capability(CAPNG_EFFECTIVE, needed[i].cap))
				continue;
			strncat(missing, *missing ? ", " : "",
				sizeof(missing) - strlen(missing) - 1);
			strncat(missing, needed[i].name, sizeof(missing) - strlen(missing) - 1);
		}
	}
	snprintf(set(f, FEATURE_PRIVILEGE, *missing ? "off" : "on"), WHY_LEN,
		 "missing %s; run as root (sudo memmon-bpf …) or grant CAP_BPF and CAP_PERFMON",
		 missing);
}

static void probe_btf(struct features *f, const char *path)
{
	const char *from = path ? path : "/sys/kernel/btf/vmlinux";

	f->btf = path ? btf__parse(path, NULL) : btf__load_vmlinux_btf();
	if (f->btf) {
		set(f, FEATURE_BTF, "on");
		return;
	}
	snprintf(
		set(f, FEATURE_BTF, "off"), WHY_LEN,
		"cannot read type information from '%s': %s; boot a kernel with CONFIG_DEBUG_INFO_BTF=y%s",
		from, strerror(errno), path ? "" : ", mount /sys, or give a file with --btf");
}

/* What stands in the way of bpf(2) for someone who has the capabilities. */
static const char *refusal(int err)
{
	static const char *const reasons[] = {
		"a seccomp filter or the container runtime refuses bpf(2); run on the host, or with --privileged",
		"kernel lockdown is in confidentiality mode; boot with lockdown=integrity or none",
		"the kernel refused bpf(2); is it locked down, or a security module in the way?",
		"this kernel has no BPF ring buffer: Linux 5.8 or later is needed",
		"the kernel has no bpf(2) (CONFIG_BPF_SYSCALL)",
	};
	char text[4096] = "";
	FILE *file;
	size_t len = 0;

	if (err == EINVAL)
		return reasons[3];
	if (err == ENOSYS)
		return reasons[4];
	file = fopen("/proc/self/status", "re");
	if (file) {
		len = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
	}
	text[len] = '\0';
	if (strstr(text, "\nSeccomp:\t2"))
		return reasons[0];
	file = fopen("/sys/kernel/security/lockdown", "re");
	len = 0;
	if (file) {
		len = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
	}
	text[len] = '\0';
	return strstr(text, "[confidentiality]") ? reasons[1] : reasons[2];
}

static void probe_bpf(struct features *f)
{
	int fd;

	if (!feature_on(f, FEATURE_PRIVILEGE)) {
		snprintf(set(f, FEATURE_BPF, "off"), WHY_LEN, "not probed without the privilege");
		return;
	}
	fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "memmon_probe", 0, 0, (unsigned int)getpagesize(),
			    NULL);

	if (fd >= 0) {
		close(fd);
		set(f, FEATURE_BPF, "on");
		return;
	}
	snprintf(set(f, FEATURE_BPF, "off"), WHY_LEN, "%s", refusal(errno));
}

/* Loads and attaches an empty fentry or fexit program to see whether the kernel lets us. */
static int try_trampoline(const struct btf *btf, enum bpf_attach_type type, const char *function)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int id = btf ? btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) : -ENOENT;
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type,
		    .attach_btf_id = (uint32_t)id);
	int program, link, err;

	if (id <= 0)
		return -ENOENT;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "memmon_probe", "GPL", insns, 2, &opts);
	if (program < 0)
		return -errno;
	link = bpf_raw_tracepoint_open(NULL, program);
	err = link < 0 ? -errno : 0;
	if (link >= 0)
		close(link);
	close(program);
	return err;
}

static void probe_volumes(struct features *f)
{
	int err = try_trampoline(f->btf, BPF_TRACE_FEXIT, SYSCALL_PREFIX "munmap");

	if (err && !feature_on(f, FEATURE_PRIVILEGE)) {
		snprintf(set(f, FEATURE_VOLUMES, "off"), WHY_LEN,
			 "not probed without the privilege");
		return;
	}
	snprintf(
		set(f, FEATURE_VOLUMES, err ? "off" : "on"), WHY_LEN,
		"this kernel refuses fexit programs (%s): mmap, munmap and brk volumes are n/a; --vma collects "
		"them from sys_exit, which taxes every system call of the machine",
		strerror(-err));
}

static void probe_shm(struct features *f)
{
	int err = try_trampoline(f->btf, BPF_TRACE_FEXIT, "shmem_recalc_inode");
	bool floor = has_tracepoint(f, "page_fault_user") && feature_on(f, FEATURE_PERCPU_RSS);

	if (err && !feature_on(f, FEATURE_PRIVILEGE)) {
		snprintf(set(f, FEATURE_SHM, "off"), WHY_LEN, "not probed without the privilege");
		return;
	}
	snprintf(
		set(f, FEATURE_SHM,
		    !err  ? "on" :
		    floor ? "degraded" :
			    "off"),
		WHY_LEN,
		floor ? "this kernel refuses fexit programs (%s): charges of shared memory come from system calls "
			"and page faults, which taxes both, and only while a target has to do with shared memory" :
			"this kernel refuses fexit programs (%s): who charges shared memory is n/a; what is used, "
			"and SIGBUS on a full mount, are seen",
		strerror(-err));
}

/* Since 6.16 the exit is told before the mm is given up, and with `group_dead` after the task. */
static bool exit_is_early(const struct features *f)
{
	int id = f->btf ? btf__find_by_name_kind(f->btf, "btf_trace_sched_process_exit",
						 BTF_KIND_TYPEDEF) :
			  0;
	const struct btf_type *type = id > 0 ? btf__type_by_id(f->btf, (uint32_t)id) : NULL;

	type = type ? btf__type_by_id(f->btf, type->type) : NULL;
	type = type ? btf__type_by_id(f->btf, type->type) : NULL;
	return type && btf_is_func_proto(type) && btf_vlen(type) > 2;
}

static void probe_ends(struct features *f)
{
	bool told = has_tracepoint(f, "exit_mmap"), early = exit_is_early(f);

	f->exit_is_early = early;
	f->mm_end_by_fexit = !told && !try_trampoline(f->btf, BPF_TRACE_FEXIT, "exit_mmap");
	set_if(f, FEATURE_EXIT_MMAP, told || f->mm_end_by_fexit, "off",
	       "the kernel does not tell when an mm ends (before 6.1): it is taken to end with its process");
	f->last_by_fentry = !early && !try_trampoline(f->btf, BPF_TRACE_FENTRY, "exit_mm_release");
	set_if(f, FEATURE_LAST, early || f->last_by_fentry, "off",
	       "the kernel tells of a process's end when its memory is gone (before 6.16) and refuses fentry "
	       "programs: what it held last is n/a");
}

/* Since 6.12 upstream, and in stable kernels, the victim comes as a task and not as a bare pid. */
static bool victim_is_task(const struct features *f)
{
	int id = btf__find_by_name_kind(f->btf, "btf_trace_mark_victim", BTF_KIND_TYPEDEF);
	const struct btf_type *type = id > 0 ? btf__type_by_id(f->btf, (uint32_t)id) : NULL;

	type = type ? btf__type_by_id(f->btf, type->type) : NULL; /* the pointer … */
	type = type ? btf__type_by_id(f->btf, type->type) : NULL; /* … to the function */
	if (!type || !btf_is_func_proto(type) || btf_vlen(type) < 2)
		return false;
	type = btf__type_by_id(f->btf, btf_params(type)[1].type);
	return type && btf_is_ptr(type);
}

static void probe_hooks(struct features *f)
{
	bool percpu = f->btf && btf__find_by_name_kind(f->btf, "mm_rss_stat", BTF_KIND_STRUCT) < 0;

	set_if(f, FEATURE_RSS_STAT, has_tracepoint(f, "rss_stat"), "off",
	       "the kernel has no rss_stat tracepoint with BTF: Linux 5.10 or later is needed");
	set_if(f, FEATURE_PERCPU_RSS, percpu, "degraded",
	       "before Linux 6.2 each thread keeps what its last 64 faults mapped to itself: bounds are wider");
	set_if(f, FEATURE_PROCESSES,
	       has_tracepoint(f, "sched_process_fork") && has_tracepoint(f, "sched_process_exec") &&
		       has_tracepoint(f, "sched_process_exit"),
	       "off",
	       "the kernel has no sched_process_* tracepoints with BTF: Linux 5.10 or later is needed");
	set_if(f, FEATURE_OOM, f->btf && victim_is_task(f), "off",
	       "the kernel does not tell the OOM killer's choice as a task: OOM kills are not listed");
	set_if(f, FEATURE_CGROUP_MOVES, has_tracepoint(f, "cgroup_attach_task"), "off",
	       "processes that move into a watched cgroup are not seen, those forked in it are");
}

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
	uname(&f->kernel);
	probe_privilege(f);
	probe_btf(f, btf);
	probe_bpf(f);
	probe_hooks(f);
	probe_ends(f);
	probe_volumes(f);
	probe_shm(f);
	probe_procfs(f);
	btf__free(f->btf);
	f->btf = NULL;
	*out = f;
	return 0;
}

void features_destroy(struct features *f)
{
	free(f);
}

bool feature_on(const struct features *f, enum feature which)
{
	return strcmp(f->table[which].state, "on") == 0;
}

bool features_exit_is_early(const struct features *f)
{
	return f->exit_is_early;
}

bool features_mm_end_by_fexit(const struct features *f)
{
	return f->mm_end_by_fexit;
}

bool features_last_by_fentry(const struct features *f)
{
	return f->last_by_fentry;
}

const struct feature_state *features_table(const struct features *f)
{
	return f->table;
}

int features_require(const struct features *f, char *why, size_t why_len)
{
	static const struct {
		enum feature which;
		int err;
	} required[] = {
		{ FEATURE_PRIVILEGE, -EPERM },   { FEATURE_BTF, -ENOENT },
		{ FEATURE_BPF, -EPERM },         { FEATURE_RSS_STAT, -ENOTSUP },
		{ FEATURE_PROCESSES, -ENOTSUP },
	};

	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
		if (feature_on(f, required[i].which))
			continue;
		snprintf(why, why_len, "%s", f->why[required[i].which]);
		return required[i].err;
	}
	return 0;
}

void features_note_vma(struct features *f, bool asked)
{
	if (asked && !feature_on(f, FEATURE_VOLUMES))
		snprintf(
			set(f, FEATURE_VOLUMES, "degraded"), WHY_LEN,
			"--vma: collected from sys_exit, which taxes every system call of the machine");
}

bool features_print(const struct features *f, FILE *out, bool color)
{
	char why[WHY_LEN];
	bool can = features_require(f, why, sizeof(why)) == 0;

	fprintf(out, "Linux %s %s\n", f->kernel.release, f->kernel.machine);
	for (int i = 0; i < FEATURE_COUNT; i++) {
		const struct feature_state *state = &f->table[i];
		const char *paint = !color ? "" : !state->why ? "\033[32m" : "\033[33m";

		fprintf(out, "%s%-9s%s %s\n", paint, state->state, color ? "\033[0m" : "",
			state->name);
		if (state->why)
			fprintf(out, "          %s\n", state->why);
	}
	fprintf(out, "%s\n",
		can ? "memmon-bpf can watch on this machine." :
		      "memmon-bpf cannot watch on this machine.");
	return can;
}
