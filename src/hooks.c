// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "Degraded" is a hook that cannot be used and whose work another one does: on the same function by
 * another kind of program, on the function that other kernels have in its place, or, of shared memory,
 * the other chain as a whole.
 */
#include "hooks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_btf.h"
#include "probe.h"
#include "shm_tracer.h"
#include "tracer.h"

#define MAX_HOOKS 160 /* of both objects; a test looks that all are listed */

#define WATCH "watch"
#define SHM "shm"
#if defined(__x86_64__)
#define SYSCALL_PREFIX "__x64_sys_"
#elif defined(__aarch64__)
#define SYSCALL_PREFIX "__arm64_sys_"
#endif

/* What stands after the slash of a section name, or all of it. */
static const struct purpose {
	const char *object, *function;
	enum feature feature;
	const char *gives;
	const char *instead; /* a function that other kernels have in its place; NULL = none */
} purposes[] = {
	{ WATCH, "raw_tp", FEATURE_BPF, "what memmon-bpf runs itself", NULL },
	{ WATCH, "syscall", FEATURE_EVERY_EVENT, "what makes up for hooks that were skipped",
	  NULL },
	{ WATCH, "rss_stat", FEATURE_RSS_STAT, "every change of RSS", NULL },
	{ WATCH, "sched_process_fork", FEATURE_PROCESSES, "new processes and threads", NULL },
	{ WATCH, "sched_process_exec", FEATURE_PROCESSES, "new programs", NULL },
	{ WATCH, "sched_process_exit", FEATURE_PROCESSES, "ends of processes", NULL },
	{ WATCH, "task", FEATURE_ITERATORS, "what runs already", NULL },
	{ WATCH, "exit_mm_release", FEATURE_LAST, "what a process held last", NULL },
	{ WATCH, "exit_mmap", FEATURE_EXIT_MMAP, "the end of an mm", "__mmdrop" },
	{ WATCH, "__mmdrop", FEATURE_EXIT_MMAP, "the end of an mm", "exit_mmap" },
	{ WATCH, "cgroup_attach_task", FEATURE_CGROUP_MOVES, "moves into a watched cgroup", NULL },
	{ WATCH, "mark_victim", FEATURE_OOM, "choices of the OOM killer", NULL },
	{ WATCH, SYSCALL_PREFIX "mmap", FEATURE_VOLUMES, "volumes of mmap, munmap and brk", NULL },
	{ WATCH, SYSCALL_PREFIX "munmap", FEATURE_VOLUMES, "volumes of mmap, munmap and brk",
	  NULL },
	{ WATCH, SYSCALL_PREFIX "brk", FEATURE_VOLUMES, "volumes of mmap, munmap and brk", NULL },
	{ WATCH, "sys_exit", FEATURE_VOLUMES, "the same under --vma, at a price", NULL },

	{ SHM, "raw_tp", FEATURE_SHM, "what memmon-bpf runs itself", NULL },
	{ SHM, "task_file", FEATURE_SHM, "who has which file open", NULL },
	{ SHM, "task_vma", FEATURE_SHM, "who has which file mapped", NULL },
	{ SHM, "shmem_recalc_inode", FEATURE_SHM, "charges", NULL },
	{ SHM, "shmem_charge", FEATURE_SHM, "charges of huge pages", NULL },
	{ SHM, "shmem_uncharge", FEATURE_SHM, "charges of huge pages", NULL },
	{ SHM, "shmem_evict_inode", FEATURE_SHM, "ends of files", "shmem_destroy_inode" },
	{ SHM, "shmem_destroy_inode", FEATURE_SHM, "ends of files", "shmem_evict_inode" },
	{ SHM, "shmem_fault", FEATURE_SHM, "SIGBUS and EFAULT at the wall", NULL },
	{ SHM, "shmem_file_write_iter", FEATURE_SHM, "writes that fail or stop short",
	  "generic_file_write_iter" },
	{ SHM, "generic_file_write_iter", FEATURE_SHM, "writes that fail or stop short",
	  "shmem_file_write_iter" },
	{ SHM, "shmem_fallocate", FEATURE_SHM, "fallocate that fails", NULL },
	{ SHM, "shmem_mknod", FEATURE_SHM, "want of inodes, by mknod", NULL },
	{ SHM, "shmem_create", FEATURE_SHM, "want of inodes, by open", NULL },
	{ SHM, "shmem_mkdir", FEATURE_SHM, "want of inodes, by mkdir", NULL },
	{ SHM, "shmem_symlink", FEATURE_SHM, "want of inodes, by symlink", NULL },
	{ SHM, "shmem_tmpfile", FEATURE_SHM, "want of inodes, by O_TMPFILE", NULL },
	{ SHM, "shmem_link", FEATURE_SHM, "want of inodes, by link", NULL },
	{ SHM, "sys_exit", FEATURE_SHM, "charges and failures of system calls", NULL },
	{ SHM, "page_fault_user", FEATURE_SHM, "where pages are touched", NULL },
	{ SHM, "page_fault_kernel", FEATURE_SHM, "where system calls touch pages", NULL },
	{ SHM, "rss_stat", FEATURE_SHM, "charges of touched pages", NULL },
	{ SHM, "mm_filemap_delete_from_page_cache", FEATURE_SHM, "pages that are given back",
	  NULL },
	{ SHM, "signal_generate", FEATURE_SHM, "SIGBUS at the wall", NULL },
	{ SHM, "io_uring_complete", FEATURE_SHM, "charges of io_uring", NULL },
};

struct listing {
	struct doctor_hook hooks[MAX_HOOKS];
	int err[MAX_HOOKS]; /* of probe_hook() */
	size_t n;
	const char *object; /* whose sections come now */
};

/* ---- the list ---- */

static const char *function_of(const char *section)
{
	const char *slash = strchr(section, '/');

	return slash ? slash + 1 : section;
}

static const struct purpose *purpose_of(const struct doctor_hook *h)
{
	for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++)
		if (!strcmp(purposes[i].object, h->object) &&
		    !strcmp(purposes[i].function, function_of(h->section)))
			return &purposes[i];
	return NULL;
}

static void take_section(void *ctx, const char *section)
{
	struct listing *l = ctx;
	struct doctor_hook *h = &l->hooks[l->n];
	const struct purpose *purpose;

	if (l->n == MAX_HOOKS || strlen(section) >= sizeof(h->section))
		return;
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->hooks[i].object, l->object) && !strcmp(l->hooks[i].section, section))
			return; /* several programs on one hook */
	*h = (struct doctor_hook){ .object = l->object };
	strcpy(h->section, section);
	purpose = purpose_of(h);
	h->feature = purpose ? feature_name(purpose->feature) : NULL;
	h->gives = purpose ? purpose->gives : NULL;
	l->n++;
}

/* ---- what does its work ---- */

/* Programs of one kind stand and fall together: kprobe and kretprobe of a function. */
static char kind_of(const char *section)
{
	return section[0] == 'k' ? 'k' : section[0] == 'f' ? 'f' : 't';
}

/* A usable kind of hook on `function` other than `kind`; NULL = none. */
static const char *usable(const struct listing *l, const char *object, const char *function,
			  char kind)
{
	static const char kinds[] = "tfk";

	for (const char *k = kinds; *k; k++) {
		const char *found = NULL;
		bool all = true;

		for (size_t i = 0; *k != kind && i < l->n; i++) {
			const struct doctor_hook *h = &l->hooks[i];

			if (strcmp(h->object, object) ||
			    strcmp(function_of(h->section), function) || kind_of(h->section) != *k)
				continue;
			found = found ? found : h->section;
			all = all && !l->err[i];
		}
		if (found && all)
			return found;
	}
	return NULL;
}

static const char *shm_chain(enum feature_hook by)
{
	return by == HOOK_TRAMPOLINE ? "fexit on the functions of shmem" :
	       by == HOOK_KPROBE     ? "kprobes on the functions of shmem" :
	       by == HOOK_TRACEPOINT ? "tracepoints" :
				       NULL;
}

/* For people: what does the work of a hook that cannot be used; NULL = nothing. */
static const char *substitute(const struct listing *l, const struct features *f,
			      const struct doctor_hook *h)
{
	const struct purpose *purpose = purpose_of(h);
	const char *other = usable(l, h->object, function_of(h->section), kind_of(h->section));

	if (other || !purpose)
		return other;
	if (purpose->instead)
		other = usable(l, h->object, purpose->instead, '\0');
	if (other)
		return other;
	if (!strcmp(h->section, "tp_btf/sys_exit") && purpose->feature == FEATURE_VOLUMES)
		return features_volumes_by(f) == HOOK_NONE ? NULL : "a cheaper hook";
	if (purpose->feature == FEATURE_LAST)
		return features_exit_is_early(f) ? "tp_btf/sched_process_exit" : NULL;
	if (strcmp(h->object, SHM) || !strncmp(h->section, "iter/", 5))
		return NULL;
	/* one that its own chain can do without is lost, where that chain is used */
	if ((kind_of(h->section) == 't') == (features_shm_by(f) == HOOK_TRACEPOINT))
		return NULL;
	return shm_chain(features_shm_by(f));
}

static void judge(struct listing *l, const struct features *f, size_t i)
{
	struct doctor_hook *h = &l->hooks[i];
	const char *other;
	char reason[128];

	h->state = "on";
	if (!l->err[i])
		return;
	other = substitute(l, f, h);
	probe_reason(l->err[i], reason, sizeof(reason));
	h->state = other ? "degraded" : "off";
	if (other)
		snprintf(h->why, sizeof(h->why), "%s; its work is done by %s", reason, other);
	else
		snprintf(h->why, sizeof(h->why), "%s", reason);
}

int hooks_probe(const struct features *f, const char *btf, struct doctor_hook **out, size_t *n)
{
	struct listing *l = calloc(1, sizeof(*l));
	struct kernel_btf types;
	struct probe *probe;
	int err = -ENOMEM;
	char why[512];

	*out = NULL;
	*n = 0;
	/* what is wrong with the types the feature says; here there are none then */
	kernel_btf_open(&types, btf, why, sizeof(why));
	probe = probe_create(types.btf, feature_on(f, FEATURE_PRIVILEGE));
	if (!l || !probe)
		goto out;
	l->object = WATCH;
	err = tracer_sections(take_section, l);
	l->object = SHM;
	if (!err)
		err = shm_tracer_sections(take_section, l);
	if (err)
		goto out;
	for (size_t i = 0; i < l->n; i++)
		l->err[i] = probe_hook(probe, l->hooks[i].section);
	for (size_t i = 0; i < l->n; i++)
		judge(l, f, i);
	*out = calloc(l->n + 1, sizeof(**out));
	err = *out ? 0 : -ENOMEM;
	if (*out) {
		memcpy(*out, l->hooks, l->n * sizeof(**out));
		*n = l->n;
	}
out:
	probe_destroy(probe);
	kernel_btf_close(&types);
	free(l);
	return err;
}
