// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads and attaches the BPF programs, and adopts what runs already. With tracer_read.c the only file
 * that knows libbpf's objects (features.c probes with bare system calls).
 *
 * Order matters: the hooks are attached first, then the running processes adopted until a pass adds
 * none. A child that is forked in between is either watched by its parent's fork hook or found by
 * the next pass.
 */
#include "tracer_state.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "features.h"
#include "forbid.h"
#include "kernel_btf.h"
#include "os/procfs.h"

#define DEFAULT_SLOTS 4096
#define MAX_CELLS (1U << 19) /* 75 MiB of kernel memory, on machines with hundreds of CPUs */

/* libbpf's print callback has no context of its own: these two belong to the load under way. */
static char last_warning[512];
static bool verbose;

static int keep_warning(enum libbpf_print_level level, const char *format, va_list args)
{
	va_list again;

	if (verbose && level <= LIBBPF_INFO) {
		va_copy(again, args);
		vfprintf(stderr, format, again);
		va_end(again);
	}
	if (level == LIBBPF_WARN)
		vsnprintf(last_warning, sizeof(last_warning), format, args);
	return 0;
}

/* A hook that may be missing. What tells the end of an mm is not: once chosen, slots wait for it. */
struct optional_hook {
	struct bpf_program *program;
	struct bpf_link **link; /* in the skeleton */
	bool on;
	bool volume; /* one of those that count mmap, munmap and brk, of which all are needed */
};

#define MAX_OPTIONAL 16
#define OPTIONAL(name, on, volume)                                        \
	{                                                                 \
		skel->progs.on_##name, &skel->links.on_##name, on, volume \
	}

static size_t optional_hooks(struct tracer *t, const struct tracer_config *config,
			     const struct features *features, struct optional_hook *hooks)
{
	struct memmon_bpf *skel = t->skel;
	enum feature_hook volumes = features_volumes_by(features),
			  last = features_last_by(features);
	const struct optional_hook all[] = {
		OPTIONAL(exit_mm, last == HOOK_TRAMPOLINE, false),
		OPTIONAL(exit_mm_call, last == HOOK_KPROBE, false),
		OPTIONAL(oom_victim, feature_on(features, FEATURE_OOM), false),
		OPTIONAL(cgroup_attach,
			 config->cgroups && feature_on(features, FEATURE_CGROUP_MOVES), false),
		OPTIONAL(mmap, volumes == HOOK_TRAMPOLINE, true),
		OPTIONAL(munmap, volumes == HOOK_TRAMPOLINE, true),
		OPTIONAL(brk, volumes == HOOK_TRAMPOLINE, true),
		/* what notes a length after what takes it away again */
		OPTIONAL(mmap_end, volumes == HOOK_KPROBE, true),
		OPTIONAL(mmap_begin, volumes == HOOK_KPROBE, true),
		OPTIONAL(munmap_end, volumes == HOOK_KPROBE, true),
		OPTIONAL(munmap_begin, volumes == HOOK_KPROBE, true),
		OPTIONAL(brk_end, volumes == HOOK_KPROBE, true),
		OPTIONAL(sys_exit, volumes == HOOK_NONE && config->volumes, true),
	};

	_Static_assert(sizeof(all) <= MAX_OPTIONAL * sizeof(all[0]), "room for all");
	memcpy(hooks, all, sizeof(all));
	t->volumes = volumes != HOOK_NONE || config->volumes;
	return sizeof(all) / sizeof(all[0]);
}

/* Leaves out of the optional ones what must not be used. */
static int set_optional(struct tracer *t, struct optional_hook *hooks, size_t n)
{
	int err = 0;

	for (size_t i = 0; !err && i < n; i++) {
		struct optional_hook *hook = &hooks[i];

		if (hook->on && hook_forbidden(bpf_program__section_name(hook->program))) {
			hook->on = false;
			t->volumes = t->volumes && !hook->volume;
		}
		bpf_program__set_autoattach(hook->program, false);
		err = bpf_program__set_autoload(hook->program, hook->on);
	}
	return err;
}

static int set_all(struct bpf_program *const *programs, size_t n, bool on)
{
	int err = 0;

	for (size_t i = 0; !err && i < n; i++)
		err = bpf_program__set_autoload(programs[i], on);
	return err;
}

/* What is loaded only where the kernel preempts our programs. The stand-ins can be forbidden, by that name. */
static int set_for_preemption(struct tracer *t, enum feature_hook mm_end)
{
	struct memmon_bpf *skel = t->skel;
	struct bpf_program *const healers[] = { skel->progs.heal_mms, skel->progs.mend };
	struct bpf_program *const stand_ins[] = { skel->progs.on_fork_2, skel->progs.on_fork_3,
						  skel->progs.on_exec_2, skel->progs.on_exec_3,
						  skel->progs.on_exit_2, skel->progs.on_exit_3 };
	struct bpf_program *const mm_ends[] = { skel->progs.on_exit_mmap_2,
						skel->progs.on_exit_mmap_3 };
	bool on = t->preempted && !hook_forbidden("stand-ins");
	int err = bpf_map__set_autocreate(skel->maps.counted_untracked, t->preempted);

	if (!err)
		err = bpf_map__set_autocreate(skel->maps.slots_in_hand, t->preempted);
	if (!err)
		err = set_all(healers, sizeof(healers) / sizeof(healers[0]), t->preempted);
	/* without it what all programs of a hook missed stays so; it is counted all the same */
	if (!err)
		err = bpf_program__set_autoload(skel->progs.heal_processes,
						t->preempted && !hook_forbidden("syscall"));
	if (!err)
		err = set_all(stand_ins, sizeof(stand_ins) / sizeof(stand_ins[0]), on);
	return err ? err :
		     set_all(mm_ends, sizeof(mm_ends) / sizeof(mm_ends[0]),
			     on && mm_end == HOOK_TRACEPOINT);
}

static int set_programs(struct tracer *t, const struct features *features)
{
	struct memmon_bpf *skel = t->skel;
	struct bpf_program *const we_attach[] = {
		skel->progs.adopt_tasks, skel->progs.read_processes,
		skel->progs.set_up,      skel->progs.settle,
		skel->progs.rebook,      skel->progs.heal_processes,
		skel->progs.heal_mms,    skel->progs.mend,
		skel->progs.on_rss_stat, skel->progs.on_rss_stat_atomic,
	};
	enum feature_hook volumes = features_volumes_by(features),
			  mm_end = features_mm_end_by(features);
	bool percpu = feature_on(features, FEATURE_PERCPU_RSS);
	int err;

	t->percpu = percpu;
	t->preempted = features_preempted(features);
	skel->rodata->cfg_preempted = t->preempted;
	skel->rodata->cfg_group_dead = features_exit_is_early(features);
	skel->rodata->cfg_mm_end = mm_end != HOOK_NONE;
	skel->rodata->cfg_volumes_by_kprobe = volumes == HOOK_KPROBE;
	for (size_t i = 0; i < sizeof(we_attach) / sizeof(we_attach[0]); i++)
		bpf_program__set_autoattach(we_attach[i], false);
	err = bpf_program__set_autoload(skel->progs.on_rss_stat, percpu);
	if (!err)
		err = bpf_program__set_autoload(skel->progs.on_rss_stat_atomic, !percpu);
	if (!err)
		err = bpf_program__set_autoload(skel->progs.on_exit, features_has_loop(features));
	if (!err)
		err = bpf_program__set_autoload(skel->progs.on_exit_unrolled,
						!features_has_loop(features));
	if (!err)
		err = bpf_program__set_autoload(skel->progs.on_exit_mmap,
						mm_end == HOOK_TRACEPOINT);
	if (!err)
		err = bpf_program__set_autoload(skel->progs.on_exit_mmap_fexit,
						mm_end == HOOK_TRAMPOLINE);
	if (!err)
		err = bpf_program__set_autoload(skel->progs.on_mmdrop, mm_end == HOOK_KPROBE);
	if (!err && volumes != HOOK_KPROBE)
		err = bpf_map__set_autocreate(skel->maps.vm_calls, false);
	return err ? err : set_for_preemption(t, mm_end);
}

/* Is one of the programs that are needed forbidden? */
static int refuse_forbidden(const struct tracer *t)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, t->skel->obj)
	{
		const char *section = bpf_program__section_name(program);

		if (!bpf_program__autoload(program) || !hook_forbidden(section))
			continue;
		snprintf(last_warning, sizeof(last_warning), "%s is forbidden", section);
		return -EPERM;
	}
	return 0;
}

/* Attaches those that are on; of those that are refused `why` tells. */
static void attach_optional(struct tracer *t, const struct optional_hook *hooks, size_t n,
			    char *why, size_t why_len)
{
	size_t used = 0;
	int err;

	for (size_t i = 0; i < n; i++) {
		if (!hooks[i].on)
			continue;
		*hooks[i].link = bpf_program__attach(hooks[i].program);
		if (*hooks[i].link)
			continue;
		err = errno;
		t->volumes = t->volumes && !hooks[i].volume;
		if (used < why_len)
			used += (size_t)snprintf(
				why + used, why_len - used, "%s%s (%s)", used ? ", " : "",
				bpf_program__section_name(hooks[i].program), strerror(err));
	}
}

static int set_sizes(struct tracer *t, const struct tracer_config *config)
{
	struct memmon_bpf *skel = t->skel;
	struct bpf_map *by_slot[] = { skel->maps.slots,       skel->maps.living,
				      skel->maps.free_slots,  skel->maps.ended_slots,
				      skel->maps.slots_by_mm, skel->maps.slots_by_tgid };
	int err;

	t->slots = config->slots ? config->slots : DEFAULT_SLOTS;
	if (t->slots > MAX_CELLS / t->cpus)
		t->slots = MAX_CELLS / t->cpus;
	for (size_t i = 0; i < sizeof(by_slot) / sizeof(by_slot[0]); i++) {
		err = bpf_map__set_max_entries(by_slot[i], t->slots);
		if (err)
			return err;
	}
	err = bpf_map__set_max_entries(skel->maps.alarms, (uint32_t)getpagesize());
	return err ? err : bpf_map__set_max_entries(skel->maps.cells, t->slots * t->cpus);
}

static void set_config(struct tracer *t, const struct tracer_config *config)
{
	struct memmon_bpf *skel = t->skel;
	struct timespec tick;

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick); /* is the length of a jiffy */
	skel->rodata->cfg_tick_ns = (uint64_t)tick.tv_sec * 1000000000 + (uint64_t)tick.tv_nsec;
	skel->rodata->cfg_alarm_ended = t->slots / 4;
	skel->rodata->cfg_cpus = t->cpus;
	skel->rodata->cfg_slots = t->slots;
	skel->rodata->cfg_children = config->children;
	skel->rodata->cfg_all = config->all;
	skel->rodata->cfg_cgroup = config->cgroups;
	skel->rodata->cfg_cgroup_hierarchy = config->cgroup_hierarchy;
	skel->rodata->cfg_slack = RSS_KINDS * (uint64_t)t->cpus * (t->batch - 1);
	skel->bss->sampling = config->sample ? SAMPLE_ON : SAMPLE_NEVER;
	t->sampled = config->sample;
}

int tracer_run(struct bpf_program *program)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts(bpf_program__fd(program), &opts);
}

static int on_record(void *ctx, void *data, size_t size)
{
	struct tracer *t = ctx;
	const struct rec_head *rec = data;

	if (size < sizeof(*rec) || rec->size > size)
		return 0;
	if (!t->fn_error)
		t->fn_error = t->fn(t->ctx, rec, rec->size);
	return 0;
}

/* Its coming was all it had to say. */
static int on_alarm(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	(void)size;
	return 0;
}

struct bpf_program *tracer_hook(const struct tracer *t)
{
	return t->percpu ? t->skel->progs.on_rss_stat : t->skel->progs.on_rss_stat_atomic;
}

static int attach_adopter(struct tracer *t)
{
	t->adopt = bpf_program__attach_iter(t->skel->progs.adopt_tasks, NULL);
	return t->adopt ? 0 : -errno;
}

static int attach_hook(struct tracer *t)
{
	t->hook = bpf_program__attach(tracer_hook(t));
	return t->hook ? 0 : -errno;
}

static int load(struct tracer *t, const struct tracer_config *config,
		const struct features *features, const char **step, char *why, size_t why_len)
{
	/* told no file, libbpf looks through the BTF of all modules too, which takes CAP_SYS_ADMIN */
	LIBBPF_OPTS(bpf_object_open_opts, opts,
		    .btf_custom_path = config->btf ? config->btf : KERNEL_BTF_PATH);
	struct optional_hook optional[MAX_OPTIONAL];
	size_t n;
	int err;

	*step = "open the BPF object";
	t->skel = memmon_bpf__open_opts(&opts);
	if (!t->skel)
		return -errno;
	n = optional_hooks(t, config, features, optional);
	err = set_programs(t, features);
	if (!err)
		err = set_optional(t, optional, n);
	if (!err)
		err = set_sizes(t, config);
	set_config(t, config);
	if (err)
		return err;
	*step = "load the BPF programs";
	err = refuse_forbidden(t);
	if (!err)
		err = memmon_bpf__load(t->skel);
	if (err)
		return err;
	*step = "hand out the slots";
	err = tracer_open_slots(t);
	if (err)
		return err;
	*step = "run the set-up program";
	t->skel->bss->hook_fd = (uint32_t)bpf_program__fd(tracer_hook(t));
	err = tracer_run(t->skel->progs.set_up);
	if (err)
		return err;
	*step = "attach the BPF programs";
	err = memmon_bpf__attach(t->skel);
	if (!err && !config->sample)
		err = attach_hook(t);
	if (!err)
		err = attach_adopter(t);
	if (err)
		return err;
	attach_optional(t, optional, n, why, why_len);
	t->ring = ring_buffer__new(bpf_map__fd(t->skel->maps.records), on_record, t, NULL);
	if (!t->ring)
		return -errno;
	t->alarms = ring_buffer__new(bpf_map__fd(t->skel->maps.alarms), on_alarm, NULL, NULL);
	return t->alarms ? 0 : -errno;
}

struct load_call {
	struct tracer *t;
	const struct tracer_config *config;
	const struct features *features;
	const char **step;
	char *why;
	size_t why_len;
};

static int call_load(void *ctx)
{
	struct load_call *c = ctx;

	return load(c->t, c->config, c->features, c->step, c->why, c->why_len);
}

int tracer_create(const struct tracer_config *config, const struct features *features, record_fn fn,
		  void *ctx, struct tracer **out, char *why, size_t why_len)
{
	struct tracer *t = calloc(1, sizeof(*t));
	const char *step = "count the CPUs (is /sys mounted?)";
	struct load_call call = { t, config, features, &step, why, why_len };
	int err, cpus;

	*why = '\0';
	if (!t)
		return -ENOMEM;
	verbose = config->verbose;
	libbpf_set_print(keep_warning);
	t->fn = fn;
	t->ctx = ctx;
	cpus = libbpf_num_possible_cpus();
	if (cpus < 0) {
		err = cpus;
		goto out;
	}
	if (cpus > MAX_CPUS) {
		snprintf(why, why_len, "this machine has %d possible CPUs; this build supports %d",
			 cpus, MAX_CPUS);
		tracer_destroy(t);
		return -E2BIG;
	}
	t->cpus = (uint32_t)cpus;
	t->batch = 2 * (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
	if (t->batch < 32)
		t->batch = 32; /* compute_batch_value() in lib/percpu_counter.c */
	err = kernel_btf_call(config->btf, call_load, &call);
out:
	if (err) {
		last_warning[strcspn(last_warning, "\n")] = '\0';
		snprintf(why, why_len, "cannot %s: %s%s%s", step, strerror(-err),
			 *last_warning ? ": " : "", last_warning);
		tracer_destroy(t);
		return err;
	}
	*out = t;
	return 0;
}

void tracer_destroy(struct tracer *t)
{
	struct base *base, *next;

	if (!t)
		return;
	ring_buffer__free(t->ring);
	ring_buffer__free(t->alarms);
	bpf_link__destroy(t->adopt);
	bpf_link__destroy(t->hook);
	tracer_close_slots(t);
	memmon_bpf__destroy(t->skel);
	HASH_ITER(hh, t->bases, base, next) {
		HASH_DEL(t->bases, base);
		free(base);
	}
	free(t);
}

int tracer_want(struct tracer *t, pid_t pid, enum wanted_how how)
{
	uint32_t key = (uint32_t)pid, value = how;

	return bpf_map_update_elem(bpf_map__fd(t->skel->maps.wanted), &key, &value, BPF_ANY);
}

int tracer_want_cgroup(struct tracer *t, uint64_t id)
{
	uint32_t value = 1;

	return bpf_map_update_elem(bpf_map__fd(t->skel->maps.wanted_cgroups), &id, &value, BPF_ANY);
}

void tracer_unwant_cgroup(struct tracer *t, uint64_t id)
{
	bpf_map_delete_elem(bpf_map__fd(t->skel->maps.wanted_cgroups), &id);
}

bool tracer_found(struct tracer *t, pid_t pid)
{
	uint32_t key = (uint32_t)pid, value = 0;

	return bpf_map_lookup_elem(bpf_map__fd(t->skel->maps.wanted), &key, &value) == 0 &&
	       value == WANTED_DONE;
}

/* Remembers what an adopted process consumed before; /proc has it, summed over its threads. */
static int add_base(struct tracer *t, uint32_t pid)
{
	struct proc_stat stat;
	struct base *base;

	if (procfs_read_stat((pid_t)pid, &stat))
		return 0; /* it has gone: its exit is on the way */
	HASH_FIND(hh, t->bases, &pid, sizeof(pid), base);
	if (!base) {
		base = calloc(1, sizeof(*base));
		if (!base)
			return -ENOMEM;
		base->pid = pid;
		HASH_ADD(hh, t->bases, pid, sizeof(base->pid), base);
	}
	base->start_ns = 0; /* known with its first reading */
	base->minor_faults = stat.minor_faults;
	base->major_faults = stat.major_faults;
	base->cpu_ns = procfs_cpu_ns(&stat);
	return 0;
}

int tracer_adopt(struct tracer *t)
{
	return tracer_adopt_from(t, 0);
}

int tracer_adopt_from(struct tracer *t, uint32_t pass)
{
	int adopted = 0, added, err = 0;

	t->skel->bss->adopt_pass = pass;
	do {
		uint32_t pids[256];
		int fd = bpf_iter_create(bpf_link__fd(t->adopt));
		ssize_t got;

		if (fd < 0)
			return -errno;
		added = 0;
		while ((got = read(fd, pids, sizeof(pids))) > 0 || (got < 0 && errno == EINTR)) {
			for (ssize_t i = 0; !err && i < got / (ssize_t)sizeof(pids[0]);
			     i++, added++)
				err = pass ? 0 : add_base(t, pids[i]);
		}
		if (got < 0)
			err = -errno;
		close(fd);
		adopted += added;
		t->skel->bss->adopt_pass++;
	} while (!err && added);
	if (!err)
		err = tracer_run(t->skel->progs.settle);
	return err ? err : adopted;
}

static int begin_sampling(struct tracer *t)
{
	int err;

	t->skel->bss->sampling = SAMPLE_BEGINS;
	bpf_link__destroy(t->hook);
	t->hook = NULL;
	t->sampled = true;
	/*
	 * Brings every slot up to date. An event that is under way has ended before any is looked at; without
	 * the barrier, in all likelihood.
	 */
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	err = tracer_run_over(t, t->skel->progs.rebook, SLOTS_LIVING, NULL);
	t->skel->bss->sampling = SAMPLE_ON;
	return err;
}

static int end_sampling(struct tracer *t)
{
	int err = tracer_run_over(t, t->skel->progs.rebook, SLOTS_LIVING, NULL);

	if (!err)
		err = attach_hook(t);
	if (!err)
		err = tracer_run(t->skel->progs.settle);
	if (t->hook)
		t->skel->bss->sampling = SAMPLE_NEVER;
	return err;
}

int tracer_set_mode(struct tracer *t, enum tracer_mode mode)
{
	if (mode == (t->hook ? TRACER_HOOK : TRACER_SAMPLE))
		return 0;
	return mode == TRACER_SAMPLE ? begin_sampling(t) : end_sampling(t);
}

int tracer_sections(void (*fn)(void *ctx, const char *section), void *ctx)
{
	struct memmon_bpf *skel = memmon_bpf__open();
	struct bpf_program *program;

	if (!skel)
		return -errno;
	bpf_object__for_each_program(program, skel->obj)
	{
		fn(ctx, bpf_program__section_name(program));
	}
	memmon_bpf__destroy(skel);
	return 0;
}
