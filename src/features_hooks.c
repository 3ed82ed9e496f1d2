// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What each hook is for. Where one that is missing has a lesser one in its place, the feature is
 * degraded and says at what price; where it has none, the feature is off and says what is lost.
 */
#include "features_state.h"

#include <stdio.h>
#include <string.h>

#include "forbid.h"

#if defined(__x86_64__)
#define SYSCALL_PREFIX "__x64_sys_"
#elif defined(__aarch64__)
#define SYSCALL_PREFIX "__arm64_sys_"
#endif

#define REASON_LEN 320
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* The first of these that cannot be used, NULL = all can; `*err` says why. */
static const char *first_missing(struct probe *p, const char *const *sections, size_t n, int *err)
{
	for (size_t i = 0; i < n; i++) {
		*err = probe_has(p, sections[i]);
		if (*err)
			return sections[i];
	}
	*err = 0;
	return NULL;
}

/* Needs all of `sections`; `lost` says what is lost without, and how to get it. */
static void need(struct features *f, enum feature which, const char *const *sections, size_t n,
		 const char *lost)
{
	char reason[REASON_LEN];
	int err;
	const char *section = first_missing(f->probe, sections, n, &err);

	if (section)
		feature_set(f, which, "off", "%s is %s: %s", section,
			    probe_reason(err, reason, sizeof(reason)), lost);
	else
		feature_set_on(f, which);
}

static void probe_required(struct features *f)
{
	static const char *const rss_stat[] = { "tp_btf/rss_stat" };
	static const char *const processes[] = { "tp_btf/sched_process_fork",
						 "tp_btf/sched_process_exec",
						 "tp_btf/sched_process_exit" };
	static const char *const iterators[] = { "iter/task" };

	need(f, FEATURE_RSS_STAT, rss_stat, COUNT(rss_stat),
	     "nothing can be counted without it; Linux 5.10 or later has it, with BTF");
	need(f, FEATURE_PROCESSES, processes, COUNT(processes),
	     "no process can be watched without it; Linux 5.10 or later has it, with BTF");
	need(f, FEATURE_ITERATORS, iterators, COUNT(iterators),
	     "what runs already cannot be found without it; Linux 5.10 or later has it, with BTF");
}

/* The guard that __DECLARE_TRACE() holds in place of disabling preemption: see bpf/compat.bpf.h. */
static void probe_preemption(struct features *f)
{
	f->preempted = probe_has_typedef(f->probe, "class_srcu_fast_notrace_t") ||
		       hook_forbidden(feature_name(FEATURE_EVERY_EVENT));
	if (!f->btf.btf)
		feature_set(f, FEATURE_EVERY_EVENT, "off", "cannot be probed without BTF");
	else if (f->preempted)
		feature_set(
			f, FEATURE_EVERY_EVENT, "degraded",
			"since Linux 7.0 a hook can be preempted, and is skipped on its CPU meanwhile: that "
			"is counted, and bounds allow for it");
	else
		feature_set_on(f, FEATURE_EVERY_EVENT);
}

static void probe_optional(struct features *f)
{
	static const char *const moves[] = { "tp_btf/cgroup_attach_task" };
	static const char *const oom[] = { "tp_btf/mark_victim" };

	if (!f->btf.btf)
		feature_set(f, FEATURE_PERCPU_RSS, "off", "cannot be probed without BTF");
	else if (probe_has_struct(f->probe, "mm_rss_stat"))
		feature_set(
			f, FEATURE_PERCPU_RSS, "degraded",
			"before Linux 6.2 each thread keeps what its last 64 faults mapped to itself: "
			"bounds are wider");
	else
		feature_set_on(f, FEATURE_PERCPU_RSS);
	need(f, FEATURE_CGROUP_MOVES, moves, COUNT(moves),
	     "processes that move into a watched cgroup are not seen, those forked in it are");
	need(f, FEATURE_OOM, oom, COUNT(oom), "OOM kills are not listed");
	/* since 6.12 upstream, and in stable kernels, the victim comes as a task and not as a bare pid */
	if (feature_on(f, FEATURE_OOM) && !probe_is_pointer(f->probe, "mark_victim", 0))
		feature_set(
			f, FEATURE_OOM, "off",
			"the kernel does not tell the OOM killer's choice as a task (before Linux 6.12): OOM "
			"kills are not listed");
}

/*
 * Can all of these be used? The first is tried; what the kernel lets us do there it lets us do with the
 * others, if it has them, which is not looked up (a millisecond each) where the first is refused. Returns
 * the one that cannot be used, with an error of probe_hook(), or NULL.
 */
static const char *first_refused(struct probe *p, const char *const *sections, size_t n, int *err)
{
	*err = probe_hook(p, sections[0]);
	return *err ? sections[0] : first_missing(p, sections + 1, n - 1, err);
}

/* "fexit/munmap is not in this kernel", after a comma where something stands there already. */
static void add_reason(char reason[REASON_LEN], const char *section, int err)
{
	char words[128];
	size_t len = strlen(reason);

	snprintf(reason + len, REASON_LEN - len, "%s%s is %s", len ? ", " : "", section,
		 probe_reason(err, words, sizeof(words)));
}

/* Two ways to the same; `reason` says why it is not the better one. */
struct ways {
	const char *const *trampolines, *const *kprobes;
	size_t n_trampolines, n_kprobes;
};

static enum feature_hook best_hook(struct features *f, const struct ways *ways,
				   char reason[REASON_LEN])
{
	int err;
	const char *section = first_refused(f->probe, ways->trampolines, ways->n_trampolines, &err);

	if (!section)
		return HOOK_TRAMPOLINE;
	add_reason(reason, section, err);
	if (err == PROBE_UNTRIED || err == PROBE_NO_BTF)
		return HOOK_NONE; /* the same is true of kprobes */
	section = first_refused(f->probe, ways->kprobes, ways->n_kprobes, &err);
	if (!section)
		return HOOK_KPROBE;
	add_reason(reason, section, err);
	return HOOK_NONE;
}

#define WAYS(trampolines, kprobes)                                        \
	{                                                                 \
		trampolines, kprobes, COUNT(trampolines), COUNT(kprobes), \
	}

static void probe_mm_end(struct features *f)
{
	/* at its return exit_mmap() would be missed where many processes end at once */
	static const char *const trampolines[] = { "fexit/exit_mmap" }, *const kprobes[] = {
		"kprobe/__mmdrop"
	};
	static const struct ways ways = WAYS(trampolines, kprobes);
	char reason[REASON_LEN] = "";
	int err = probe_has(f->probe, "tp_btf/exit_mmap");

	if (err)
		add_reason(reason, "tp_btf/exit_mmap", err);
	f->mm_end_by = err ? best_hook(f, &ways, reason) : HOOK_TRACEPOINT;
	if (f->mm_end_by == HOOK_NONE)
		feature_set(f, FEATURE_EXIT_MMAP, "off",
			    "%s: the end of an mm is not told, and taken to be that of its process",
			    reason);
	else
		feature_set_on(f, FEATURE_EXIT_MMAP);
}

static void probe_last(struct features *f)
{
	static const char *const trampolines[] = { "fentry/exit_mm_release" }, *const kprobes[] = {
		"kprobe/exit_mm_release"
	};
	static const struct ways ways = WAYS(trampolines, kprobes);
	char reason[REASON_LEN] = "";

	/* since 6.16 the exit is told before the mm is given up, and whether it is the last thread's */
	f->exit_is_early = probe_parameters(f->probe, "sched_process_exit") > 1;
	f->last_by = f->exit_is_early ? HOOK_TRACEPOINT : best_hook(f, &ways, reason);
	if (f->last_by == HOOK_NONE)
		feature_set(
			f, FEATURE_LAST, "off",
			"%s, and the tracepoint of the exit comes too late before Linux 6.16: what a "
			"process held last is n/a",
			reason);
	else
		feature_set_on(f, FEATURE_LAST);
}

static void probe_volumes(struct features *f)
{
	static const char *const trampolines[] = { "fexit/" SYSCALL_PREFIX "munmap",
						   "fexit/" SYSCALL_PREFIX "mmap",
						   "fexit/" SYSCALL_PREFIX "brk" };
	static const char *const kprobes[] = { "kretprobe/" SYSCALL_PREFIX "munmap",
					       "kprobe/" SYSCALL_PREFIX "munmap",
					       "kretprobe/" SYSCALL_PREFIX "mmap",
					       "kprobe/" SYSCALL_PREFIX "mmap",
					       "kretprobe/" SYSCALL_PREFIX "brk" };
	static const struct ways ways = WAYS(trampolines, kprobes);
	char reason[REASON_LEN] = "";

	f->volumes_by = best_hook(f, &ways, reason);
	f->sys_exit = !probe_has(f->probe, "tp_btf/sys_exit");
	if (f->volumes_by == HOOK_TRAMPOLINE)
		feature_set_on(f, FEATURE_VOLUMES);
	else if (f->volumes_by == HOOK_KPROBE)
		feature_set(
			f, FEATURE_VOLUMES, "degraded",
			"%s: volumes of mmap, munmap and brk come from kprobes, which cost each of these "
			"calls some more",
			reason);
	else
		feature_set(
			f, FEATURE_VOLUMES, "off", "%s: volumes of mmap, munmap and brk are n/a%s",
			reason,
			f->sys_exit ?
				"; --vma collects them from sys_exit, which taxes every system call "
				"of the machine" :
				"");
}

/* Tracepoints in place of functions: what they cost, and what they lack. */
static void set_shm_by_tracepoints(struct features *f, const char *reason)
{
	static const char *const faults[] = { "tp_btf/page_fault_user", "tp_btf/page_fault_kernel",
					      "tp_btf/rss_stat" };
	int err;

	feature_set(
		f, FEATURE_SHM, "degraded",
		"%s: charges of shared memory come from tracepoints on system calls and page faults, "
		"which taxes both, and only while a target has to do with shared memory%s",
		reason,
		first_missing(f->probe, faults, COUNT(faults), &err) ?
			"; without page-fault tracepoints what is touched through a mapping is found late" :
			"");
}

#define WRITE(kind, own) ((own) ? kind "/shmem_file_write_iter" : kind "/generic_file_write_iter")

/* Those without which a chain does not stand; what else it has may be missing. */
static enum feature_hook best_shm_hook(struct features *f, char reason[REASON_LEN])
{
	/* before 6.6 tmpfs had no function of its own for writing, and its callers held the inode's lock */
	bool own = probe_has(f->probe, "fexit/shmem_file_write_iter") != PROBE_ABSENT,
	     locks = probe_function_parameters(f->probe, "shmem_recalc_inode") > 1;
	const char *const trampolines[] = { "fexit/shmem_recalc_inode", "fexit/shmem_evict_inode",
					    "fexit/shmem_fault", "fexit/shmem_fallocate",
					    WRITE("fexit", own) };
	const char *const kprobes[] = { "kprobe/shmem_recalc_inode",   "kprobe/shmem_destroy_inode",
					"kprobe/shmem_fault",          "kretprobe/shmem_fault",
					"kprobe/shmem_fallocate",      "kretprobe/shmem_fallocate",
					WRITE("kprobe", own),          WRITE("kretprobe", own),
					"kretprobe/shmem_recalc_inode" };
	struct ways ways = WAYS(trampolines, kprobes);

	if (!locks)
		ways.n_kprobes--;
	return best_hook(f, &ways, reason);
}

static void probe_shm(struct features *f)
{
	static const char *const calls[] = { "tp_btf/sys_exit",
					     "tp_btf/mm_filemap_delete_from_page_cache" };
	char reason[REASON_LEN] = "";

	f->shm_by = best_shm_hook(f, reason);
	if (f->shm_by == HOOK_NONE && feature_on(f, FEATURE_PERCPU_RSS) &&
	    feature_on(f, FEATURE_PRIVILEGE)) {
		int err;
		const char *missing = first_missing(f->probe, calls, COUNT(calls), &err);

		if (missing)
			add_reason(reason, missing, err);
		else
			f->shm_by = HOOK_TRACEPOINT;
	}
	if (f->shm_by == HOOK_TRAMPOLINE)
		feature_set_on(f, FEATURE_SHM);
	else if (f->shm_by == HOOK_KPROBE)
		feature_set(
			f, FEATURE_SHM, "degraded",
			"%s: charges of shared memory come from kprobes, which cost each of them some "
			"more",
			reason);
	else if (f->shm_by == HOOK_TRACEPOINT)
		set_shm_by_tracepoints(f, reason);
	else
		feature_set(
			f, FEATURE_SHM, "off",
			"%s: who charges shared memory is n/a; what is used, and SIGBUS on a full "
			"mount, are seen",
			reason);
}

void features_probe_hooks(struct features *f)
{
	probe_required(f);
	probe_preemption(f);
	probe_optional(f);
	probe_mm_end(f);
	probe_last(f);
	probe_volumes(f);
	probe_shm(f);
}
