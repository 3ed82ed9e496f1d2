// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which hooks a chain consists of on this kernel, and attaching them. What the kernel has is read from
 * its BTF; see bpf/compat.bpf.h for the differences.
 */
#include "shm_tracer_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "forbid.h"

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

bool shm_tracer_has_function(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

bool shm_tracer_has_tracepoint(const struct btf *btf, const char *name)
{
	char type[64];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0;
}

bool shm_tracer_recalc_locks(const struct btf *btf)
{
	const struct btf_type *proto;

	return parameters(btf, "shmem_recalc_inode", &proto) > 1;
}

bool shm_tracer_begins_with_inode(const struct btf *btf, const char *function)
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

static bool exists(const struct btf *btf, const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program), *slash = strchr(section, '/');

	if (!strncmp(section, "tp_btf/", 7))
		return shm_tracer_has_tracepoint(btf, slash + 1);
	return slash && shm_tracer_has_function(btf, slash + 1);
}

/* ---- the chains ---- */

static size_t fexit_hooks(const struct shm_bpf *skel, const struct btf *btf, struct shm_hook *hooks)
{
	bool locks = shm_tracer_recalc_locks(btf);
	bool own_write = shm_tracer_has_function(btf, "shmem_file_write_iter");
	const struct shm_hook all[] = {
		{ skel->progs.on_recalc, NULL, locks, false },
		{ skel->progs.on_recalc_locked, NULL, !locks, false },
		{ skel->progs.on_charge, NULL, locks, true },
		{ skel->progs.on_uncharge, NULL, locks, true },
		{ skel->progs.on_evict, NULL, true, false },
		{ skel->progs.on_fault, NULL, true, false },
		{ skel->progs.on_write, NULL, own_write, false },
		{ skel->progs.on_generic_write, NULL, !own_write, false },
		{ skel->progs.on_fallocate, NULL, true, false },
		{ skel->progs.on_mknod, NULL, true, true },
		{ skel->progs.on_create, NULL, true, true },
		{ skel->progs.on_mkdir, NULL, true, true },
		{ skel->progs.on_symlink, NULL, true, true },
		{ skel->progs.on_tmpfile, NULL, true, true },
		{ skel->progs.on_link, NULL, true, true },
	};

	_Static_assert(sizeof(all) <= SHM_HOOKS * sizeof(all[0]), "room for all");
	memcpy(hooks, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

static size_t kprobe_hooks(const struct shm_bpf *skel, const struct btf *btf,
			   struct shm_hook *hooks)
{
	bool locks = shm_tracer_recalc_locks(btf);
	bool own_write = shm_tracer_has_function(btf, "shmem_file_write_iter");
	const struct shm_hook all[] = {
		{ skel->progs.on_recalc_end, skel->progs.on_recalc_begin, locks, false },
		{ skel->progs.on_recalc_call, NULL, !locks, false },
		{ skel->progs.on_charge_end, skel->progs.on_charge_begin, locks, true },
		{ skel->progs.on_uncharge_end, skel->progs.on_uncharge_begin, locks, true },
		{ skel->progs.on_destroy, NULL, true, false },
		{ skel->progs.on_fault_end, skel->progs.on_fault_begin, true, false },
		{ skel->progs.on_write_end, skel->progs.on_write_begin, own_write, false },
		{ skel->progs.on_generic_write_end, skel->progs.on_generic_write_begin, !own_write,
		  false },
		{ skel->progs.on_fallocate_end, skel->progs.on_fallocate_begin, true, false },
		{ skel->progs.on_mknod_end, skel->progs.on_mknod_begin, true, true },
		{ skel->progs.on_create_end, skel->progs.on_create_begin, true, true },
		{ skel->progs.on_mkdir_end, skel->progs.on_mkdir_begin, true, true },
		{ skel->progs.on_symlink_end, skel->progs.on_symlink_begin, true, true },
		{ skel->progs.on_tmpfile_end, skel->progs.on_tmpfile_begin, true, true },
		{ skel->progs.on_link_end, skel->progs.on_link_begin, true, true },
	};

	_Static_assert(sizeof(all) <= SHM_HOOKS * sizeof(all[0]), "room for all");
	memcpy(hooks, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

/* Without the two about faults there is no use for rss_stat. */
static size_t tracepoint_hooks(const struct shm_bpf *skel, const struct btf *btf,
			       struct shm_hook *hooks)
{
	bool faults = shm_tracer_has_tracepoint(btf, "page_fault_user");
	const struct shm_hook all[] = {
		{ skel->progs.on_sys_exit, NULL, true, false },
		{ skel->progs.on_delete, NULL, true, false },
		{ skel->progs.on_signal, NULL, true, true },
		{ skel->progs.on_user_fault, NULL, faults, true },
		{ skel->progs.on_kernel_fault, NULL, faults, true },
		{ skel->progs.on_rss_stat, NULL, faults, true },
		{ skel->progs.on_uring_complete, NULL, true, true },
	};

	_Static_assert(sizeof(all) <= SHM_HOOKS * sizeof(all[0]), "room for all");
	memcpy(hooks, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

static size_t hooks_of(const struct shm_bpf *skel, const struct btf *btf, enum shm_chain chain,
		       struct shm_hook *hooks)
{
	switch (chain) {
	case SHM_CHAIN_FEXIT:
		return fexit_hooks(skel, btf, hooks);
	case SHM_CHAIN_KPROBE:
		return kprobe_hooks(skel, btf, hooks);
	case SHM_CHAIN_TRACEPOINTS:
		return tracepoint_hooks(skel, btf, hooks);
	case SHM_CHAIN_SIGNALS:
		hooks[0] = (struct shm_hook){ skel->progs.on_signal, NULL, true, false };
		return 1;
	default:
		return 0;
	}
}

/* ---- what must not be used, and what cannot be had ---- */

static void note_missing(struct shm_tracer *t, const struct bpf_program *program, const char *why)
{
	size_t used = strlen(t->missing);

	snprintf(t->missing + used, sizeof(t->missing) - used, "%s%s (%s)", used ? ", " : "",
		 bpf_program__section_name(program), why);
	t->hooks_missing++;
}

/* The program of the hook that is forbidden, NULL = none. */
static const struct bpf_program *forbidden(const struct shm_hook *hook)
{
	if (hook_forbidden(bpf_program__section_name(hook->program)))
		return hook->program;
	if (hook->begin && hook_forbidden(bpf_program__section_name(hook->begin)))
		return hook->begin;
	return NULL;
}

int shm_tracer_choose_hooks(struct shm_tracer *t, const struct btf *btf, struct shm_hook *hooks,
			    const char **refused)
{
	size_t n = hooks_of(t->skel, btf, t->chain, hooks), kept = 0;

	/* what we run ourselves, in any chain */
	*refused = bpf_program__section_name(t->skel->progs.set_up);
	if (hook_forbidden(*refused))
		return -EPERM;
	*refused = NULL;
	for (size_t i = 0; i < n; i++) {
		const struct bpf_program *not_this;

		if (!hooks[i].on || (hooks[i].optional && !exists(btf, hooks[i].program)))
			continue;
		not_this = forbidden(&hooks[i]);
		if (not_this && !hooks[i].optional) {
			*refused = bpf_program__section_name(not_this);
			return -EPERM;
		}
		if (not_this)
			note_missing(t, not_this, "forbidden");
		else
			hooks[kept++] = hooks[i];
	}
	return (int)kept;
}

/* ---- attaching ---- */

/* The end first: what notes a call's arguments must not run without what takes them away again. */
static int attach_hook(struct shm_tracer *t, const struct shm_hook *hook)
{
	struct bpf_link *end = bpf_program__attach(hook->program), *begin;
	int err;

	if (!end)
		return -errno;
	if (hook->begin) {
		begin = bpf_program__attach(hook->begin);
		if (!begin) {
			err = -errno;
			bpf_link__destroy(end);
			return err;
		}
		t->links[t->n_links++] = begin;
	}
	t->links[t->n_links++] = end;
	return 0;
}

int shm_tracer_attach_hooks(struct shm_tracer *t, const struct shm_hook *hooks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int err = attach_hook(t, &hooks[i]);

		if (err && !hooks[i].optional)
			return err;
		if (err)
			note_missing(t, hooks[i].program, strerror(-err));
	}
	return 0;
}

/* NULL where it is refused, which is noted. */
static struct bpf_link *attach_iterator(struct shm_tracer *t, const struct bpf_program *program,
					const struct bpf_iter_attach_opts *opts)
{
	struct bpf_link *link;

	if (!bpf_program__autoload(program))
		return NULL;
	link = bpf_program__attach_iter(program, opts);
	if (!link)
		note_missing(t, program, strerror(errno));
	return link;
}

void shm_tracer_attach_iterators(struct shm_tracer *t)
{
	union bpf_iter_link_info info = {
		.map.map_fd = (uint32_t)bpf_map__fd(t->skel->maps.inodes),
	};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));

	t->inodes = attach_iterator(
		t, t->sweeps ? t->skel->progs.sweep : t->skel->progs.read_inodes, &opts);
	t->openers = attach_iterator(t, t->skel->progs.read_openers, NULL);
	t->mappers = attach_iterator(t, t->skel->progs.read_mappers, NULL);
}

int shm_tracer_choose_iterators(struct shm_tracer *t, const struct btf *btf)
{
	struct shm_bpf *skel = t->skel;
	const struct {
		struct bpf_program *program;
		bool on;
	} all[] = {
		{ skel->progs.sweep, t->sweeps },
		{ skel->progs.read_inodes, !t->sweeps },
		{ skel->progs.read_openers, true },
		{ skel->progs.read_mappers,
		  btf__find_by_name_kind(btf, "bpf_iter__task_vma", BTF_KIND_STRUCT) > 0 },
	};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(all) / sizeof(all[0]); i++) {
		bool not_this = hook_forbidden(bpf_program__section_name(all[i].program));

		if (all[i].on && not_this)
			note_missing(t, all[i].program, "forbidden");
		err = bpf_program__set_autoload(all[i].program, all[i].on && !not_this);
	}
	return err;
}
