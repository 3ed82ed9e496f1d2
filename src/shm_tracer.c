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

/* ---- what the kernel has ---- */

/* The number of a kernel function's parameters, -1 where there is none of that name. */
static int parameters(const struct btf *btf, const char *function, const struct btf_type **proto)
{
	int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);

	if (id < 0)
		return -1;
	*proto = btf__type_by_id(btf, btf__type_by_id(btf, (uint32_t)id)->type);
	return *proto ? btf_vlen(*proto) : -1;
}

static bool has_function(const struct btf *btf, const char *function)
{
	return btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) > 0;
}

static bool has_tracepoint(const struct btf *btf, const char *name)
{
	char type[64];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0;
}

/* Is the function's first parameter the directory, a struct inode *? */
static bool begins_with_inode(const struct btf *btf, const char *function)
{
	const struct btf_type *proto, *type;

	if (parameters(btf, function, &proto) < 1)
		return false;
	type = btf__type_by_id(btf, btf_params(proto)[0].type);
	if (!type || !btf_is_ptr(type))
		return false;
	type = btf__type_by_id(btf, type->type);
	return type && !strcmp(btf__name_by_offset(btf, type->name_off), "inode");
}

/* ---- loading ---- */

/* A hook of a chain; one that is `optional` may be missing. */
struct hook {
	struct bpf_program *program;
	bool on;
	bool optional;
};

#define MAX_HOOKS SHM_LINKS

static size_t fexit_hooks(const struct shm_bpf *skel, const struct btf *btf, struct hook *hooks)
{
	const struct btf_type *proto;
	int recalc = parameters(btf, "shmem_recalc_inode", &proto);
	bool own_write = has_function(btf, "shmem_file_write_iter");
	const struct hook all[] = {
		{ skel->progs.on_recalc, recalc > 1, false },
		{ skel->progs.on_recalc_locked, recalc <= 1, false },
		{ skel->progs.on_charge, recalc > 1 && has_function(btf, "shmem_charge"), true },
		{ skel->progs.on_uncharge, recalc > 1 && has_function(btf, "shmem_uncharge"),
		  true },
		{ skel->progs.on_evict, true, false },
		{ skel->progs.on_fault, true, false },
		{ skel->progs.on_write, own_write, false },
		{ skel->progs.on_generic_write, !own_write, false },
		{ skel->progs.on_fallocate, true, false },
		{ skel->progs.on_mknod, has_function(btf, "shmem_mknod"), true },
		{ skel->progs.on_create, has_function(btf, "shmem_create"), true },
		{ skel->progs.on_mkdir, has_function(btf, "shmem_mkdir"), true },
		{ skel->progs.on_symlink, has_function(btf, "shmem_symlink"), true },
		{ skel->progs.on_tmpfile, has_function(btf, "shmem_tmpfile"), true },
		{ skel->progs.on_link, has_function(btf, "shmem_link"), true },
	};

	memcpy(hooks, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

static size_t tracepoint_hooks(const struct shm_bpf *skel, const struct btf *btf,
			       struct hook *hooks)
{
	bool faults = has_tracepoint(btf, "page_fault_user");
	const struct hook all[] = {
		{ skel->progs.on_sys_exit, true, false },
		{ skel->progs.on_delete, true, false },
		{ skel->progs.on_signal, true, false },
		{ skel->progs.on_user_fault, faults, false },
		{ skel->progs.on_kernel_fault, faults, false },
		{ skel->progs.on_rss_stat, faults, false },
		{ skel->progs.on_uring_complete, has_tracepoint(btf, "io_uring_complete"), true },
	};

	memcpy(hooks, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

static size_t hooks_of(const struct shm_bpf *skel, const struct btf *btf, enum shm_chain chain,
		       struct hook *hooks)
{
	switch (chain) {
	case SHM_CHAIN_FEXIT:
		return fexit_hooks(skel, btf, hooks);
	case SHM_CHAIN_TRACEPOINTS:
		return tracepoint_hooks(skel, btf, hooks);
	case SHM_CHAIN_SIGNALS:
		hooks[0] = (struct hook){ skel->progs.on_signal, true, false };
		return 1;
	default:
		return 0;
	}
}

/* Switches on what user space runs and what the chain's hooks need. */
static int choose_programs(struct shm_tracer *t, const struct btf *btf, const struct hook *hooks,
			   size_t n)
{
	struct shm_bpf *skel = t->skel;
	bool vmas = btf__find_by_name_kind(btf, "bpf_iter__task_vma", BTF_KIND_STRUCT) > 0;
	const struct btf_type *proto;
	struct bpf_program *program;
	int err = 0;

	/* where there is no exchange, as on_recalc_locked is for, a sweep would disturb the booking */
	t->sweeps =
		t->chain == SHM_CHAIN_TRACEPOINTS ||
		(t->chain == SHM_CHAIN_FEXIT && parameters(btf, "shmem_recalc_inode", &proto) > 1);

	bpf_object__for_each_program(program, skel->obj)
	{
		err = bpf_program__set_autoload(program, false);
		if (err)
			return err;
	}
	for (size_t i = 0; i < n && !err; i++)
		if (hooks[i].on)
			err = bpf_program__set_autoload(hooks[i].program, true);
	if (!err)
		err = bpf_program__set_autoload(skel->progs.set_up, true);
	if (!err)
		err = bpf_program__set_autoload(skel->progs.learn_cpus, true);
	if (!err)
		err = bpf_program__set_autoload(skel->progs.prime, true);
	if (!err)
		err = bpf_program__set_autoload(skel->progs.read_openers, true);
	if (!err)
		err = bpf_program__set_autoload(skel->progs.read_mappers, vmas);
	if (!err)
		err = bpf_program__set_autoload(skel->progs.sweep, t->sweeps);
	return err ? err : bpf_program__set_autoload(skel->progs.read_inodes, !t->sweeps);
}

/*
 * Room is taken as it is needed: few machines have as many files as there is room for. Before 6.1
 * (7c8199e24fa0 "bpf: Introduce any context BPF specific memory allocator.") that could lock up a
 * tracing program, and the kernel warns: there all of it, 11 MiB, is taken at once.
 */
static int set_allocation(struct shm_tracer *t, const struct btf *btf)
{
	struct bpf_map *maps[] = { t->skel->maps.supers, t->skel->maps.inodes,
				   t->skel->maps.accounts };
	int err = 0;

	if (btf__find_by_name_kind(btf, "bpf_mem_alloc", BTF_KIND_STRUCT) > 0)
		return 0;
	for (size_t i = 0; !err && i < sizeof(maps) / sizeof(maps[0]); i++)
		err = bpf_map__set_map_flags(maps[i],
					     bpf_map__map_flags(maps[i]) & ~BPF_F_NO_PREALLOC);
	return err;
}

static int set_config(struct shm_tracer *t, const struct btf *btf)
{
	struct shm_bpf *skel = t->skel;
	int cpus = libbpf_num_possible_cpus(), err;

	if (cpus < 0)
		return cpus;
	if (cpus > SHM_CPUS)
		return -E2BIG;
	skel->rodata->cfg_cpus = (uint32_t)cpus;
	skel->rodata->cfg_page_bytes = (uint32_t)t->page_bytes;
	skel->rodata->cfg_dir_at = begins_with_inode(btf, "shmem_mknod") ? 0 : 1;
	skel->rodata->cfg_charges = t->chain >= SHM_CHAIN_TRACEPOINTS;
	/* 6.7 added it, and with it "shmem: _add_to_page_cache() before shmem_inode_acct_blocks()" */
	skel->rodata->cfg_marks = t->chain == SHM_CHAIN_TRACEPOINTS &&
				  has_function(btf, "__percpu_counter_limited_add");
	err = set_allocation(t, btf);
	return err ? err : bpf_map__set_max_entries(skel->maps.alarms, (uint32_t)getpagesize());
}

/* Learns the per-CPU offsets; before 5.19 each CPU has to be asked itself. */
static int learn_cpus(struct shm_tracer *t)
{
	int program = bpf_program__fd(t->skel->progs.learn_cpus), err;
	LIBBPF_OPTS(bpf_test_run_opts, here);

	err = bpf_prog_test_run_opts(program, &here);
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
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (fd < 0)
		return -errno;
	t->skel->bss->memfd = (uint32_t)fd;
	err = bpf_prog_test_run_opts(bpf_program__fd(t->skel->progs.set_up), &opts);
	close(fd);
	if (!err && (!t->skel->bss->shmem_aops || !t->skel->bss->shmem_supers))
		err = -ENODATA;
	return err ? err : learn_cpus(t);
}

static struct bpf_link *attach_inodes(struct shm_tracer *t)
{
	union bpf_iter_link_info info = {
		.map.map_fd = (uint32_t)bpf_map__fd(t->skel->maps.inodes),
	};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));

	return bpf_program__attach_iter(
		t->sweeps ? t->skel->progs.sweep : t->skel->progs.read_inodes, &opts);
}

static int attach(struct shm_tracer *t, const struct hook *hooks, size_t n)
{
	struct bpf_link *link;

	t->inodes = attach_inodes(t);
	if (!t->inodes)
		return -errno;
	t->openers = bpf_program__attach_iter(t->skel->progs.read_openers, NULL);
	if (!t->openers)
		return -errno;
	if (bpf_program__autoload(t->skel->progs.read_mappers))
		t->mappers = bpf_program__attach_iter(t->skel->progs.read_mappers, NULL);
	for (size_t i = 0; i < n; i++) {
		if (!hooks[i].on)
			continue;
		link = bpf_program__attach(hooks[i].program);
		if (link)
			t->links[t->n_links++] = link;
		else if (hooks[i].optional)
			t->hooks_missing++;
		else
			return -errno;
	}
	return 0;
}

int shm_tracer_prime(struct shm_tracer *t)
{
	int program = bpf_program__fd(t->skel->progs.prime), err;

	/* as many runs as it takes for all that the maps have room for, with a limit all the same */
	for (int i = 0; i < PRIME_RUNS; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts);

		err = bpf_prog_test_run_opts(program, &opts);
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
	bpf_link__destroy(t->openers);
	bpf_link__destroy(t->mappers);
	bpf_link__destroy(t->inodes);
	t->openers = t->mappers = t->inodes = NULL;
	shm_bpf__destroy(t->skel);
	t->skel = NULL;
}

/*
 * Switches on what this kernel has of t->chain. The kernel's types are read for that alone: libbpf
 * reads them twice more while it loads, and three times at once they take 22 MiB.
 */
static int choose(struct shm_tracer *t, const char *btf_path, struct hook *hooks, size_t *n)
{
	struct btf *btf = btf__parse(btf_path, NULL);
	int err;

	if (!btf)
		return -errno;
	t->faults = has_tracepoint(btf, "page_fault_user");
	*n = hooks_of(t->skel, btf, t->chain, hooks);
	err = choose_programs(t, btf, hooks, *n);
	if (!err)
		err = set_config(t, btf);
	btf__free(btf);
	return err;
}

/* Everything for t->chain; what failed is in `*step`. */
static int load(struct shm_tracer *t, const char *btf_path, const char **step)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf_path);
	struct hook hooks[MAX_HOOKS];
	size_t n = 0;
	int err;

	*step = "open the BPF object";
	t->skel = shm_bpf__open_opts(&opts);
	if (!t->skel)
		return -errno;
	*step = "read the kernel's types (/sys/kernel/btf/vmlinux)";
	err = choose(t, btf_path, hooks, &n);
	if (err)
		return err;
	*step = "load the BPF programs";
	if (!err)
		err = shm_bpf__load(t->skel);
	if (err)
		return err;
	*step = "run the set-up program";
	err = set_up(t);
	if (err)
		return err;
	*step = "attach the BPF programs";
	err = attach(t, hooks, n);
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
	[SHM_CHAIN_FEXIT] = "fexit",
};

static void tell_gaps(const struct shm_tracer *t, char *why, size_t why_len)
{
	if (t->hooks_missing)
		add_text(why, why_len, "%s%zu hooks could not be attached", *why ? "; " : "",
			 t->hooks_missing);
	if (t->chain == SHM_CHAIN_TRACEPOINTS && !t->faults)
		add_text(why, why_len,
			 "%sthis kernel has no page-fault tracepoints: what is touched through a "
			 "mapping is found late",
			 *why ? "; " : "");
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
