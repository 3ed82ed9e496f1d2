// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which hooks a chain consists of on this kernel, and attaching them; see bpf/compat.bpf.h for how
 * kernels differ.
 */
#include "shm_tracer_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "probe.h"

#define REASON_LEN 128

/* ---- the chains ---- */

static size_t fexit_hooks(const struct shm_bpf *skel, const struct probe *probe,
			  struct shm_hook *hooks)
{
	bool locks = shm_tracer_recalc_locks(probe);
	bool own_write = probe_function_parameters(probe, "shmem_file_write_iter") >= 0;
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

static size_t kprobe_hooks(const struct shm_bpf *skel, const struct probe *probe,
			   struct shm_hook *hooks)
{
	bool locks = shm_tracer_recalc_locks(probe);
	bool own_write = probe_function_parameters(probe, "shmem_file_write_iter") >= 0;
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
static size_t tracepoint_hooks(const struct shm_bpf *skel, const struct probe *probe,
			       struct shm_hook *hooks)
{
	bool faults = probe_parameters(probe, "page_fault_user") >= 0;
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

static size_t hooks_of(const struct shm_bpf *skel, const struct probe *probe, enum shm_chain chain,
		       struct shm_hook *hooks)
{
	switch (chain) {
	case SHM_CHAIN_FEXIT:
		return fexit_hooks(skel, probe, hooks);
	case SHM_CHAIN_KPROBE:
		return kprobe_hooks(skel, probe, hooks);
	case SHM_CHAIN_TRACEPOINTS:
		return tracepoint_hooks(skel, probe, hooks);
	case SHM_CHAIN_SIGNALS:
		hooks[0] = (struct shm_hook){ skel->progs.on_signal, NULL, true, false };
		return 1;
	default:
		return 0;
	}
}

bool shm_tracer_recalc_locks(const struct probe *probe)
{
	return probe_function_parameters(probe, "shmem_recalc_inode") > 1;
}

/* ---- what can be had ---- */

static void note_missing(struct shm_tracer *t, const struct bpf_program *program, const char *why)
{
	size_t used = strlen(t->missing);

	snprintf(t->missing + used, sizeof(t->missing) - used, "%s%s is %s", used ? ", " : "",
		 bpf_program__section_name(program), why);
	t->hooks_missing++;
}

/*
 * Can both programs of the hook be used? If not, `*which` is the one that cannot. Only with `try` the
 * kernel is asked: what it lets us do on one function it lets us do on the others.
 */
static int ask_for(struct probe *probe, const struct shm_hook *hook, bool try,
		   const struct bpf_program **which)
{
	struct bpf_program *const both[] = { hook->program, hook->begin };
	int err = 0;

	for (size_t i = 0; !err && i < 2 && both[i]; i++) {
		const char *section = bpf_program__section_name(both[i]);

		*which = both[i];
		err = try ? probe_hook(probe, section) : probe_has(probe, section);
	}
	return err;
}

int shm_tracer_choose_hooks(struct shm_tracer *t, struct probe *probe, struct shm_hook *hooks,
			    char *why, size_t why_len)
{
	const struct shm_hook ours = { t->skel->progs.set_up, NULL, true, false };
	size_t n = hooks_of(t->skel, probe, t->chain, hooks), kept = 0;
	const struct bpf_program *which = NULL;
	char reason[REASON_LEN];
	int err = ask_for(probe, &ours, false, &which); /* what we run ourselves */

	for (size_t i = 0; !err && i < n; i++) {
		if (!hooks[i].on)
			continue;
		err = ask_for(probe, &hooks[i], !kept, &which);
		if (!err) {
			hooks[kept++] = hooks[i];
		} else if (hooks[i].optional) {
			if (err != PROBE_ABSENT)
				note_missing(t, which, probe_reason(err, reason, sizeof(reason)));
			err = 0;
		}
	}
	if (!err)
		return (int)kept;
	snprintf(why, why_len, "%s is %s", bpf_program__section_name(which),
		 probe_reason(err, reason, sizeof(reason)));
	return -ENOTSUP;
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
	char reason[REASON_LEN];

	for (size_t i = 0; i < n; i++) {
		int err = attach_hook(t, &hooks[i]);

		if (err && !hooks[i].optional)
			return err;
		if (err)
			note_missing(t, hooks[i].program,
				     probe_reason(err, reason, sizeof(reason)));
	}
	return 0;
}

/* NULL where it is refused, which is noted. */
static struct bpf_link *attach_iterator(struct shm_tracer *t, const struct bpf_program *program)
{
	struct bpf_link *link;
	char reason[REASON_LEN];

	if (!bpf_program__autoload(program))
		return NULL;
	link = bpf_program__attach_iter(program, NULL);
	if (!link)
		note_missing(t, program, probe_reason(-errno, reason, sizeof(reason)));
	return link;
}

void shm_tracer_attach_iterators(struct shm_tracer *t)
{
	t->openers = attach_iterator(t, t->skel->progs.read_openers);
	t->mappers = attach_iterator(t, t->skel->progs.read_mappers);
}

int shm_tracer_choose_iterators(struct shm_tracer *t, const struct probe *probe)
{
	struct bpf_program *const all[] = { t->skel->progs.read_openers,
					    t->skel->progs.read_mappers };
	char reason[REASON_LEN];
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(all) / sizeof(all[0]); i++) {
		int missing = probe_has(probe, bpf_program__section_name(all[i]));

		if (missing && missing != PROBE_ABSENT)
			note_missing(t, all[i], probe_reason(missing, reason, sizeof(reason)));
		err = bpf_program__set_autoload(all[i], !missing);
	}
	return err;
}
