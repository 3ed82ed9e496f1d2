// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The only file that knows libbpf's objects (features.c probes with bare system calls).
 *
 * Order matters: the hooks are attached first, then the running processes adopted until a pass adds
 * none. A child that is forked in between is either watched by its parent's fork hook or found by
 * the next pass.
 */
#include "tracer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <uthash.h>

#include "features.h"
#include "memmon.skel.h"
#include "os/procfs.h"
#include "util/clock.h"

#define DEFAULT_SLOTS 4096
/*
 * libbpf looks through the BTF of all modules too unless it is told a file, and that takes CAP_SYS_ADMIN.
 */
#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define COST_INTERVAL_NS 1000000000ULL
#define MAX_CELLS (1U << 19) /* 75 MiB of kernel memory, on machines with hundreds of CPUs */

/* What a process had consumed before we watched it; forked ones began at 0 and have no entry. */
struct base {
	uint32_t pid; /* key */
	uint64_t start_ns;
	uint64_t minor_faults, major_faults, cpu_ns;
	UT_hash_handle hh;
};

struct tracer {
	struct memmon_bpf *skel;
	struct bpf_link *adopt, *read;
	struct ring_buffer *ring, *alarms;
	record_fn fn;
	void *ctx;
	int fn_error; /* of the callback, inside libbpf's */
	uint32_t cpus, slots;
	uint64_t batch; /* the kernel's percpu_counter_batch */
	bool volumes;
	bool percpu; /* rss_stat consists of per-CPU counters */
	struct base *bases;
	uint32_t *lingering; /* ended slots whose mm still lives (shared with a stranger) */
	size_t n_lingering;
	uint64_t tick_ns; /* of a jiffy */
	uint64_t cost_at_ns; /* when the last REC_COST was made */
	struct slot zero_slot;
};

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

static uint64_t cpu_ns_of(const struct proc_stat *stat)
{
	return (stat->user_ticks + stat->system_ticks) * (1000000000 / (uint64_t)sysconf(_SC_CLK_TCK));
}

static int set_programs(struct tracer *t, const struct tracer_config *config, const struct features *features)
{
	struct memmon_bpf *skel = t->skel;
	bool fexit = feature_on(features, FEATURE_VOLUMES), percpu = feature_on(features, FEATURE_PERCPU_RSS);
	bool end_by_fexit = features_mm_end_by_fexit(features);
	const struct {
		struct bpf_program *program;
		bool on;
	} optional[] = {
		{ skel->progs.on_rss_stat, percpu },
		{ skel->progs.on_rss_stat_atomic, !percpu },
		{ skel->progs.on_exit_mmap, feature_on(features, FEATURE_EXIT_MMAP) && !end_by_fexit },
		{ skel->progs.on_exit_mmap_fexit, end_by_fexit },
		{ skel->progs.on_exit_mm, features_last_by_fentry(features) },
		{ skel->progs.on_oom_victim, feature_on(features, FEATURE_OOM) },
		{ skel->progs.on_cgroup_attach, config->cgroup && feature_on(features, FEATURE_CGROUP_MOVES) },
		{ skel->progs.on_mmap, fexit },
		{ skel->progs.on_munmap, fexit },
		{ skel->progs.on_brk, fexit },
		{ skel->progs.on_sys_exit, !fexit && config->volumes },
	};
	int err;

	t->volumes = fexit || config->volumes;
	t->percpu = percpu;
	skel->rodata->cfg_mm_end = feature_on(features, FEATURE_EXIT_MMAP);
	bpf_program__set_autoattach(skel->progs.adopt_tasks, false);
	bpf_program__set_autoattach(skel->progs.read_processes, false);
	bpf_program__set_autoattach(skel->progs.set_up, false);
	bpf_program__set_autoattach(skel->progs.settle, false);
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
		err = bpf_program__set_autoload(optional[i].program, optional[i].on);
		if (err)
			return err;
	}
	return 0;
}

static int set_sizes(struct tracer *t, const struct tracer_config *config)
{
	struct memmon_bpf *skel = t->skel;
	struct bpf_map *by_slot[] = { skel->maps.slots, skel->maps.free_slots, skel->maps.ended_slots,
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
	t->tick_ns = (uint64_t)tick.tv_sec * 1000000000 + (uint64_t)tick.tv_nsec;
	skel->rodata->cfg_tick_ns = t->tick_ns;
	skel->rodata->cfg_alarm_ended = t->slots / 4;
	skel->rodata->cfg_cpus = t->cpus;
	skel->rodata->cfg_children = config->children;
	skel->rodata->cfg_all = config->all;
	skel->rodata->cfg_cgroup = config->cgroup;
	skel->rodata->cfg_cgroup_id = config->cgroup_id;
	skel->rodata->cfg_cgroup_level = config->cgroup_level;
	skel->rodata->cfg_cgroup_hierarchy = config->cgroup_hierarchy;
}

static int free_slot(struct tracer *t, uint32_t n)
{
	return bpf_map_update_elem(bpf_map__fd(t->skel->maps.free_slots), NULL, &n, BPF_ANY);
}

/* A slot goes back as all zeroes, its cells too: the kernel side relies on it. */
static int give_back(struct tracer *t, uint32_t n)
{
	static const struct cell zero_cell;
	int err = bpf_map_update_elem(bpf_map__fd(t->skel->maps.slots), &n, &t->zero_slot, BPF_ANY);

	for (uint32_t cpu = 0; !err && cpu < t->cpus; cpu++) {
		uint32_t at = n * t->cpus + cpu;

		err = bpf_map_update_elem(bpf_map__fd(t->skel->maps.cells), &at, &zero_cell, BPF_ANY);
	}
	return err ? err : free_slot(t, n);
}

static int run_once(struct bpf_program *program)
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

static int attach_iterators(struct tracer *t)
{
	union bpf_iter_link_info info = {
		.map.map_fd = (uint32_t)bpf_map__fd(t->skel->maps.slots_by_tgid),
	};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));

	t->adopt = bpf_program__attach_iter(t->skel->progs.adopt_tasks, NULL);
	if (!t->adopt)
		return -errno;
	t->read = bpf_program__attach_iter(t->skel->progs.read_processes, &opts);
	return t->read ? 0 : -errno;
}

static int load(struct tracer *t, const struct tracer_config *config, const struct features *features,
		const char **step)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = config->btf ? config->btf : KERNEL_BTF);
	int err;

	*step = "open the BPF object";
	t->skel = memmon_bpf__open_opts(&opts);
	if (!t->skel)
		return -errno;
	err = set_programs(t, config, features);
	if (!err)
		err = set_sizes(t, config);
	set_config(t, config);
	if (err)
		return err;
	*step = "load the BPF programs";
	err = memmon_bpf__load(t->skel);
	if (err)
		return err;
	*step = "hand out the slots";
	for (uint32_t n = 0; n < t->slots && !err; n++)
		err = free_slot(t, n);
	if (err)
		return err;
	*step = "run the set-up program";
	err = run_once(t->skel->progs.set_up);
	if (err)
		return err;
	*step = "attach the BPF programs";
	err = memmon_bpf__attach(t->skel);
	if (!err)
		err = attach_iterators(t);
	if (err)
		return err;
	t->ring = ring_buffer__new(bpf_map__fd(t->skel->maps.records), on_record, t, NULL);
	if (!t->ring)
		return -errno;
	t->alarms = ring_buffer__new(bpf_map__fd(t->skel->maps.alarms), on_alarm, NULL, NULL);
	return t->alarms ? 0 : -errno;
}

int tracer_create(const struct tracer_config *config, const struct features *features, record_fn fn,
		  void *ctx, struct tracer **out, char *why, size_t why_len)
{
	struct tracer *t = calloc(1, sizeof(*t));
	const char *step = "count the CPUs";
	int err, cpus;

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
		snprintf(why, why_len, "this machine has %d possible CPUs; this build supports %d", cpus, MAX_CPUS);
		tracer_destroy(t);
		return -E2BIG;
	}
	t->cpus = (uint32_t)cpus;
	t->batch = 2 * (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
	if (t->batch < 32)
		t->batch = 32; /* compute_batch_value() in lib/percpu_counter.c */
	t->lingering = calloc(1, sizeof(*t->lingering));
	err = t->lingering ? load(t, config, features, &step) : -ENOMEM;
out:
	if (err) {
		last_warning[strcspn(last_warning, "\n")] = '\0';
		snprintf(why, why_len, "cannot %s: %s%s%s", step, strerror(-err), *last_warning ? ": " : "",
			 last_warning);
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
	bpf_link__destroy(t->read);
	memmon_bpf__destroy(t->skel);
	HASH_ITER(hh, t->bases, base, next) {
		HASH_DEL(t->bases, base);
		free(base);
	}
	free(t->lingering);
	free(t);
}

int tracer_want(struct tracer *t, pid_t pid, enum wanted_how how)
{
	uint32_t key = (uint32_t)pid, value = how;

	return bpf_map_update_elem(bpf_map__fd(t->skel->maps.wanted), &key, &value, BPF_ANY);
}

bool tracer_found(struct tracer *t, pid_t pid)
{
	uint32_t key = (uint32_t)pid, value = 0;

	return bpf_map_lookup_elem(bpf_map__fd(t->skel->maps.wanted), &key, &value) == 0 && value == WANTED_DONE;
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
	base->cpu_ns = cpu_ns_of(&stat);
	return 0;
}

int tracer_adopt(struct tracer *t)
{
	int adopted = 0, added, err = 0;

	do {
		uint32_t pids[256];
		int fd = bpf_iter_create(bpf_link__fd(t->adopt));
		ssize_t got;

		if (fd < 0)
			return -errno;
		added = 0;
		while ((got = read(fd, pids, sizeof(pids))) > 0 || (got < 0 && errno == EINTR)) {
			for (ssize_t i = 0; !err && i < got / (ssize_t)sizeof(pids[0]); i++, added++)
				err = add_base(t, pids[i]);
		}
		if (got < 0)
			err = -errno;
		close(fd);
		adopted += added;
	} while (!err && added);
	if (!err)
		err = run_once(t->skel->progs.settle);
	return err ? err : adopted;
}

static uint64_t minus(uint64_t whole, uint64_t part)
{
	return whole > part ? whole - part : 0;
}

/* Fills what the kernel side leaves to us: bounds, faults and CPU time, what is not collected. */
static void complete_reading(struct tracer *t, struct rec_reading *r)
{
	uint32_t others = r->threads_peak < t->cpus ? r->threads_peak : t->cpus;
	struct base *base;
	struct proc_stat stat;

	/* one fold in flight on each other CPU that runs a thread: see bpf/rss.bpf.h */
	if (t->percpu && others > 1)
		r->error_pages = (others - 1) * t->batch * (t->cpus > 8 ? 3 : 1);
	if (!(r->flags & READING_ENDED)) {
		if (procfs_read_stat((pid_t)r->head.pid, &stat) == 0) {
			r->minor_faults = stat.minor_faults;
			r->major_faults = stat.major_faults;
			r->cpu_ns = cpu_ns_of(&stat);
		} else {
			r->minor_faults = r->major_faults = r->cpu_ns = UNKNOWN_U64;
		}
	}
	HASH_FIND(hh, t->bases, &r->head.pid, sizeof(r->head.pid), base);
	if (base && !base->start_ns)
		base->start_ns = r->head.start_ns;
	if (base && base->start_ns == r->head.start_ns && r->minor_faults != UNKNOWN_U64) {
		r->minor_faults = minus(r->minor_faults, base->minor_faults);
		r->major_faults = minus(r->major_faults, base->major_faults);
		r->cpu_ns = minus(r->cpu_ns, base->cpu_ns);
	}
	if (!t->volumes)
		for (int i = 0; i < VM_CALLS; i++)
			r->volume[i] = (struct vm_volume){ UNKNOWN_U64, UNKNOWN_U64 };
}

static int end_process(struct tracer *t, struct slot *slot)
{
	struct rec_exit ended = {
		.head = { .type = REC_EXIT,
			  .size = sizeof(ended),
			  .pid = slot->pid,
			  .ts_ns = slot->end_ns,
			  .start_ns = slot->start_ns },
		.wait_status = slot->wait_status,
	};
	struct base *base;
	int err;

	if (slot->flags & SLOT_ARMED)
		return 0; /* the command could not be executed: it never was watched */
	complete_reading(t, &slot->final);
	HASH_FIND(hh, t->bases, &slot->pid, sizeof(slot->pid), base);
	if (base && base->start_ns == slot->start_ns) {
		HASH_DEL(t->bases, base);
		free(base);
	}
	err = t->fn(t->ctx, &slot->final.head, slot->final.head.size);
	return err < 0 ? err : t->fn(t->ctx, &ended.head, ended.head.size);
}

static int lingers(struct tracer *t, uint32_t n)
{
	uint32_t *more = realloc(t->lingering, (t->n_lingering + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	t->lingering = more;
	t->lingering[t->n_lingering++] = n;
	return 0;
}

/* The slots of ended processes: their mm may take a moment more, or live on with a stranger. */
static int reap_lingering(struct tracer *t)
{
	size_t kept = 0;
	int err = 0;

	for (size_t i = 0; i < t->n_lingering; i++) {
		uint32_t n = t->lingering[i];
		struct slot slot;

		err = err ? err : bpf_map_lookup_elem(bpf_map__fd(t->skel->maps.slots), &n, &slot);
		if (err || slot.mm)
			t->lingering[kept++] = n;
		else
			err = give_back(t, n);
	}
	t->n_lingering = kept;
	return err;
}

int tracer_alarm_fd(const struct tracer *t)
{
	return bpf_map__fd(t->skel->maps.alarms);
}

int tracer_drain(struct tracer *t)
{
	struct slot slot;
	uint32_t n;
	int err;

	t->fn_error = 0;
	t->skel->bss->ended_waiting = 0;
	t->skel->bss->ended_alarmed = 0;
	ring_buffer__consume(t->alarms);
	err = ring_buffer__consume(t->ring);
	if (err >= 0)
		err = t->fn_error;
	if (err >= 0)
		err = reap_lingering(t);
	while (err >= 0 &&
	       !bpf_map_lookup_and_delete_elem(bpf_map__fd(t->skel->maps.ended_slots), NULL, &n)) {
		err = bpf_map_lookup_elem(bpf_map__fd(t->skel->maps.slots), &n, &slot);
		if (!err)
			err = end_process(t, &slot);
		if (err >= 0)
			err = slot.mm ? lingers(t, n) : give_back(t, n);
	}
	return err < 0 ? err : 0;
}

static int read_processes(struct tracer *t, bool all)
{
	struct rec_reading readings[32];
	int err = 0, fd;
	ssize_t got;

	if (!all && !t->skel->bss->any_touched)
		return 0;
	t->skel->bss->any_touched = 0;
	t->skel->bss->read_all = all;
	fd = bpf_iter_create(bpf_link__fd(t->read));
	if (fd < 0)
		return -errno;
	/* the kernel hands over whole readings, as each is written at once */
	while (err >= 0 && ((got = read(fd, readings, sizeof(readings))) > 0 || (got < 0 && errno == EINTR))) {
		for (ssize_t i = 0; err >= 0 && i < got / (ssize_t)sizeof(readings[0]); i++) {
			complete_reading(t, &readings[i]);
			err = t->fn(t->ctx, &readings[i].head, readings[i].head.size);
		}
	}
	close(fd);
	return err < 0 ? err : 0;
}

static int64_t rss_of(const struct mem_pages *p)
{
	return p->kind[MEM_FILE] + p->kind[MEM_ANON] + p->kind[MEM_SHMEM];
}

static int read_tree(struct tracer *t)
{
	struct memmon_bpf__bss *bss = t->skel->bss;
	struct rec_tree rec = {
		.head = { .type = REC_TREE, .size = sizeof(rec), .ts_ns = monotonic_ns() },
		.processes_seen = bss->tree.seen,
		.processes_live = bss->tree.live,
		.processes_untracked = bss->tree.untracked,
	};
	int64_t highest = -1;
	uint64_t peak_jiffies = 0;

	for (int k = 0; k < MEM_KINDS; k++)
		rec.now.kind[k] = bss->tree.now[k];
	for (uint32_t cpu = 0; cpu < t->cpus; cpu++) {
		const struct tree_cpu *c = &bss->tree_cpus[cpu];

		if (c->live_peak > rec.processes_peak)
			rec.processes_peak = c->live_peak;
		for (int k = 0; k < MEM_KINDS; k++) {
			rec.now.kind[k] += c->unfolded[k];
			if (c->peak[k] > rec.peak.kind[k])
				rec.peak.kind[k] = c->peak[k];
		}
		if (c->peak_rss <= highest)
			continue;
		highest = c->peak_rss;
		peak_jiffies = c->peak_jiffies;
		for (int k = 0; k < MEM_KINDS; k++)
			rec.at_peak.kind[k] = c->at_peak[k];
	}
	/* what runs now may be the highest, and not folded yet */
	if (rss_of(&rec.now) > highest) {
		rec.at_peak = rec.now;
		rec.peak_ns = rec.head.ts_ns;
	} else {
		rec.peak_ns = bss->base_ns + (peak_jiffies - bss->base_jiffies) * t->tick_ns;
		if (rec.peak_ns > rec.head.ts_ns)
			rec.peak_ns = rec.head.ts_ns;
	}
	/* before 6.2 also what each thread of each process keeps, and nobody counts those */
	/* what is not tracked has no bound */
	rec.error_pages = UNKNOWN_U64;
	if (t->percpu && !rec.processes_untracked)
		rec.error_pages = t->cpus * (FOLD_PAGES - 1);
	return t->fn(t->ctx, &rec.head, rec.head.size);
}

/* Once a second will do: it is a look at ourselves, and costs as much as all the rest of an idle tick. */
static int read_cost(struct tracer *t, bool now)
{
	const struct memmon_bpf__bss *bss = t->skel->bss;
	struct rec_cost rec = {
		.head = { .type = REC_COST, .size = sizeof(rec), .ts_ns = monotonic_ns() },
		.event_ns = UNKNOWN_U64,
	};
	uint64_t timed_events = 0, timed_ns = 0;
	struct rusage used;
	struct proc_statm statm;

	if (!now && rec.head.ts_ns - t->cost_at_ns < COST_INTERVAL_NS)
		return 0;
	t->cost_at_ns = rec.head.ts_ns;
	for (uint32_t cpu = 0; cpu < t->cpus; cpu++) {
		timed_events += bss->tree_cpus[cpu].timed_events;
		timed_ns += bss->tree_cpus[cpu].timed_ns;
		rec.lost_records += bss->tree_cpus[cpu].lost_records;
		rec.events += bss->tree_cpus[cpu].events;
	}
	if (timed_events)
		rec.event_ns = minus(timed_ns * 1000 / timed_events, bss->clock_ns * 1000);
	getrusage(RUSAGE_SELF, &used);
	rec.tool_cpu_ns = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000 +
			  (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000;
	rec.tool_rss_bytes = UNKNOWN_U64;
	if (procfs_read_statm(getpid(), &statm) == 0)
		rec.tool_rss_bytes = statm.resident_pages * (uint64_t)getpagesize();
	return t->fn(t->ctx, &rec.head, rec.head.size);
}

int tracer_read(struct tracer *t, bool all)
{
	int err = tracer_drain(t);

	if (!err)
		err = run_once(t->skel->progs.settle);
	if (!err)
		err = read_processes(t, all);
	if (!err)
		err = read_tree(t);
	if (!err)
		err = read_cost(t, all);
	return err;
}

uint64_t tracer_live(const struct tracer *t)
{
	return t->skel->bss->tree.live;
}
