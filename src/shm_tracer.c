// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads and attaches the shm programs: the best chain that this kernel takes.
 *
 * Order matters: first the hooks, then a look at every inode that exists, so that whatever comes to
 * be known after that is new, and its first page was charged while we watched.
 */
#include "shm_tracer_state.h"

#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "kernel_btf.h"
#include "probe.h"
#include "run_time.h"

#define TEXT_LEN 512
#define PRIME_RUNS 8192 /* of 256 inodes each */

/* libbpf's print callback has no context of its own: these two belong to the load under way. */
static char first_warning[TEXT_LEN];
static bool verbose;

static int keep_warning(enum libbpf_print_level level, const char *format, va_list args)
{
	va_list again;

	if (verbose && level <= LIBBPF_INFO) {
		va_copy(again, args);
		vfprintf(stderr, format, again);
		va_end(again);
	}
	/* the first says what it was; those that follow, what came of it */
	if (level == LIBBPF_WARN && !*first_warning)
		vsnprintf(first_warning, sizeof(first_warning), format, args);
	return 0;
}

/* Switches on what user space runs and what the chain's hooks need. */
static int choose_programs(struct shm_tracer *t, const struct probe *probe,
			   const struct shm_hook *hooks, size_t n)
{
	struct shm_bpf *skel = t->skel;
	struct bpf_program *program;
	int err = 0;

	/* where a hook books without an exchange, with the inode's lock held, a sweep would disturb it */
	t->sweeps = t->chain == SHM_CHAIN_TRACEPOINTS ||
		    (t->chain > SHM_CHAIN_TRACEPOINTS && shm_tracer_recalc_locks(probe));

	bpf_object__for_each_program(program, skel->obj)
	{
		err = bpf_program__set_autoload(program, false);
		if (err)
			return err;
	}
	for (size_t i = 0; i < n && !err; i++) {
		err = bpf_program__set_autoload(hooks[i].program, true);
		if (!err && hooks[i].begin)
			err = bpf_program__set_autoload(hooks[i].begin, true);
	}
	if (!err)
		err = bpf_program__set_autoload(skel->progs.set_up, true);
	if (!err)
		err = bpf_program__set_autoload(skel->progs.learn_cpus, true);
	if (!err)
		err = bpf_program__set_autoload(skel->progs.prime, true);
	if (!err)
		err = bpf_program__set_autoload(skel->progs.read_inodes, true);
	if (!err)
		err = bpf_program__set_autoload(skel->progs.sweep, t->sweeps);
	return err ? err : shm_tracer_choose_iterators(t, probe);
}

/*
 * Room is taken as it is needed: few machines have as many files as there is room for. Before 6.1
 * (7c8199e24fa0 "bpf: Introduce any context BPF specific memory allocator.") that could lock up a
 * tracing program, and the kernel warns: there all of it, 11 MiB, is taken at once.
 */
static int set_allocation(struct shm_tracer *t, const struct probe *probe)
{
	struct bpf_map *maps[] = { t->skel->maps.supers, t->skel->maps.inodes,
				   t->skel->maps.accounts };
	int err = 0;

	if (probe_has_struct(probe, "bpf_mem_alloc"))
		return 0;
	for (size_t i = 0; !err && i < sizeof(maps) / sizeof(maps[0]); i++)
		err = bpf_map__set_map_flags(maps[i],
					     bpf_map__map_flags(maps[i]) & ~BPF_F_NO_PREALLOC);
	return err;
}

static int set_config(struct shm_tracer *t, const struct probe *probe)
{
	struct shm_bpf *skel = t->skel;
	int cpus = libbpf_num_possible_cpus(), err;

	if (cpus < 0)
		return cpus;
	if (cpus > SHM_CPUS)
		return -E2BIG;
	skel->rodata->cfg_cpus = (uint32_t)cpus;
	skel->rodata->cfg_page_bytes = (uint32_t)t->page_bytes;
	/* four, of which the first is the directory, or something in front of them */
	skel->rodata->cfg_dir_at = probe_function_parameters(probe, "shmem_mknod") == 4 ? 0 : 1;
	skel->rodata->cfg_charges = t->chain >= SHM_CHAIN_TRACEPOINTS;
	/* 6.7 added it, and with it "shmem: _add_to_page_cache() before shmem_inode_acct_blocks()" */
	skel->rodata->cfg_marks =
		t->chain == SHM_CHAIN_TRACEPOINTS &&
		probe_function_parameters(probe, "__percpu_counter_limited_add") >= 0;
	err = set_allocation(t, probe);
	if (!err && t->chain != SHM_CHAIN_KPROBE)
		err = bpf_map__set_autocreate(skel->maps.calls, false);
	return err ? err : bpf_map__set_max_entries(skel->maps.alarms, (uint32_t)getpagesize());
}

int shm_tracer_run(struct bpf_program *program)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts(bpf_program__fd(program), &opts);
}

/* Learns the per-CPU offsets; before 5.19 each CPU has to be asked itself. */
static int learn_cpus(struct shm_tracer *t)
{
	int program = bpf_program__fd(t->skel->progs.learn_cpus),
	    err = shm_tracer_run(t->skel->progs.learn_cpus);

	for (uint32_t cpu = 0; !err && cpu < t->skel->rodata->cfg_cpus; cpu++) {
		LIBBPF_OPTS(bpf_test_run_opts, there, .cpu = cpu, .flags = BPF_F_TEST_RUN_ON_CPU);

		/* one that is offline has no part in any counter */
		if (!t->skel->bss->cpu_offsets[cpu])
			bpf_prog_test_run_opts(program, &there);
	}
	return err;
}

static int set_up(struct shm_tracer *t)
{
	int fd = memfd_create("memmon-bpf", MFD_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	t->skel->bss->memfd = (uint32_t)fd;
	err = shm_tracer_run(t->skel->progs.set_up);
	close(fd);
	if (!err && (!t->skel->bss->shmem_aops || !t->skel->bss->shmem_supers))
		err = -ENODATA;
	return err ? err : learn_cpus(t);
}

int shm_tracer_prime(struct shm_tracer *t)
{
	int err;

	/* as many runs as it takes for all that the maps have room for, with a limit all the same */
	for (int i = 0; i < PRIME_RUNS; i++) {
		err = shm_tracer_run(t->skel->progs.prime);
		if (err || !t->skel->bss->prime_sb)
			return err;
	}
	t->skel->bss->prime_sb = 0;
	t->skel->bss->prime_gaps++;
	return 0;
}

static void unload(struct shm_tracer *t)
{
	ring_buffer__free(t->ring);
	ring_buffer__free(t->alarms);
	t->ring = t->alarms = NULL;
	for (size_t i = 0; i < t->n_links; i++)
		bpf_link__destroy(t->links[i]);
	t->n_links = 0;
	t->hooks_missing = 0;
	t->missing[0] = '\0';
	bpf_link__destroy(t->openers);
	bpf_link__destroy(t->mappers);
	t->openers = t->mappers = NULL;
	shm_bpf__destroy(t->skel);
	t->skel = NULL;
}

/*
 * Switches on what this kernel has of t->chain. The kernel's types are read for that alone: libbpf
 * reads them twice more while it loads, and three times at once they take 22 MiB.
 */
static int choose(struct shm_tracer *t, const char *btf_path, struct shm_hook *hooks, size_t *n)
{
	struct btf *btf = btf__parse(btf_path, NULL);
	struct probe *probe = btf ? probe_create(btf, true) : NULL;
	int err = -ENOMEM;

	if (!btf)
		return -errno;
	if (!probe)
		goto out;
	t->faults = probe_parameters(probe, "page_fault_user") >= 0;
	err = shm_tracer_choose_hooks(t, probe, hooks, first_warning, sizeof(first_warning));
	if (err < 0)
		goto out;
	*n = (size_t)err;
	err = choose_programs(t, probe, hooks, *n);
	if (!err)
		err = set_config(t, probe);
out:
	probe_destroy(probe);
	btf__free(btf);
	return err;
}

/* Everything for t->chain; what failed is in `*step`. */
static int load(struct shm_tracer *t, const char *btf_path, const char **step)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf_path);
	struct shm_hook hooks[SHM_HOOKS];
	size_t n = 0;
	int err;

	*step = "open the BPF object";
	t->skel = shm_bpf__open_opts(&opts);
	if (!t->skel)
		return -errno;
	*step = "use its hooks";
	err = choose(t, btf_path, hooks, &n);
	if (err)
		return err;
	*step = "load the BPF programs";
	err = shm_bpf__load(t->skel);
	if (err)
		return err;
	*step = "run the set-up program";
	err = set_up(t);
	if (err)
		return err;
	*step = "attach the BPF programs";
	shm_tracer_attach_iterators(t);
	err = shm_tracer_attach_hooks(t, hooks, n);
	if (err)
		return err;
	*step = "look at what exists";
	err = shm_tracer_prime(t);
	if (err)
		return err;
	t->skel->bss->primed = t->chain >= SHM_CHAIN_TRACEPOINTS;
	*step = "open the ring buffers";
	return shm_tracer_open_rings(t);
}

static void __attribute__((format(printf, 3, 4)))
add_text(char *text, size_t len, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	if (used + 1 >= len)
		return;
	va_start(args, format);
	vsnprintf(text + used, len - used, format, args);
	va_end(args);
}

static const char *const chain_names[] = {
	[SHM_CHAIN_NONE] = "none",
	[SHM_CHAIN_SIGNALS] = "signals",
	[SHM_CHAIN_TRACEPOINTS] = "tracepoints",
	[SHM_CHAIN_KPROBE] = "kprobe",
	[SHM_CHAIN_FEXIT] = "fexit",
};

static void tell_gaps(const struct shm_tracer *t, char *why, size_t why_len)
{
	if (t->hooks_missing)
		add_text(why, why_len, "%shooks that are missing (%zu): %s", *why ? "; " : "",
			 t->hooks_missing, t->missing);
	if (t->chain == SHM_CHAIN_TRACEPOINTS && !t->faults)
		add_text(why, why_len,
			 "%sthis kernel has no page-fault tracepoints: what is touched through a "
			 "mapping is found late",
			 *why ? "; " : "");
	if (!t->openers)
		add_text(why, why_len, "%swho opened a file cannot be listed", *why ? "; " : "");
	if (!t->mappers)
		add_text(why, why_len, "%swho maps a file cannot be listed", *why ? "; " : "");
	if (t->skel->bss->prime_gaps)
		add_text(why, why_len, "%ssome files that existed before could not be looked at",
			 *why ? "; " : "");
}

/* From the best chain that is allowed downwards; each that fails adds to `why`. */
static int load_best(struct shm_tracer *t, const struct shm_tracer_config *config,
		     const char *btf_path, char *why, size_t why_len)
{
	const char *step;
	int err;

	for (t->chain = config->most;; t->chain--) {
		*first_warning = '\0';
		err = load(t, btf_path, &step);
		if (!err)
			break;
		unload(t);
		first_warning[strcspn(first_warning, "\n")] = '\0';
		add_text(why, why_len, "%s%s: cannot %s: %s%s%s", *why ? "; " : "",
			 chain_names[t->chain], step, strerror(-err), *first_warning ? ": " : "",
			 first_warning);
		if (t->chain == SHM_CHAIN_NONE)
			return err;
	}
	tell_gaps(t, why, why_len);
	return 0;
}

struct load_call {
	struct shm_tracer *t;
	const struct shm_tracer_config *config;
	char *why;
	size_t why_len;
};

static int call_load_best(void *ctx)
{
	struct load_call *c = ctx;

	return load_best(c->t, c->config, c->config->btf ? c->config->btf : KERNEL_BTF_PATH, c->why,
			 c->why_len);
}

int shm_tracer_create(const struct shm_tracer_config *config, record_fn fn, void *ctx,
		      struct shm_tracer **out, char *why, size_t why_len)
{
	struct shm_tracer *t = calloc(1, sizeof(*t));
	struct load_call call = { t, config, why, why_len };
	libbpf_print_fn_t before;
	int err;

	if (why_len)
		*why = '\0';
	if (!t)
		return -ENOMEM;
	t->fn = fn;
	t->ctx = ctx;
	t->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	verbose = config->verbose;
	before = libbpf_set_print(keep_warning);
	err = kernel_btf_call(config->btf, call_load_best, &call);
	libbpf_set_print(before);
	malloc_trim(0); /* the kernel's types took 15 MiB */
	if (err) {
		shm_tracer_destroy(t);
		return err;
	}
	*out = t;
	return 0;
}

void shm_tracer_destroy(struct shm_tracer *t)
{
	if (!t)
		return;
	unload(t);
	free(t);
}

void shm_tracer_run_time(const struct shm_tracer *t, struct run_time *sum)
{
	run_time_add_hooks(sum, t->skel->obj);
}

enum shm_chain shm_tracer_chain(const struct shm_tracer *t)
{
	return t->chain;
}

int shm_tracer_sections(void (*fn)(void *ctx, const char *section), void *ctx)
{
	struct shm_bpf *skel = shm_bpf__open();
	struct bpf_program *program;

	if (!skel)
		return -errno;
	bpf_object__for_each_program(program, skel->obj)
	{
		fn(ctx, bpf_program__section_name(program));
	}
	shm_bpf__destroy(skel);
	return 0;
}
