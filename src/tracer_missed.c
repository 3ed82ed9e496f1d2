// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs of our programs that the kernel skipped: it counts them, and what it counts is told, whichever
 * kernel it is. Where programs on tracepoints can be preempted (bpf/preempt.bpf.h) it is made up for.
 */
#include "tracer_state.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run_time.h"

#define MENDS_AT_THE_END 50 /* a millisecond between two of them */

/*
 * What is missed on a hook, by a part of its section's name. Nothing is lost with a run on the last: a
 * late exec or end is found at the next pass, and what a process held last is n/a without its hook.
 */
static const struct {
	const char *part;
	int kind; /* enum missed, or MADE_UP_FOR */
} hooks[] = {
	{ "/rss_stat", MISSED_RSS },
	{ "/sched_process_fork", MISSED_PROCESSES },
	{ "/cgroup_attach_task", MISSED_PROCESSES },
	{ "/mark_victim", MISSED_PROCESSES },
	{ "sys_mmap", MISSED_VOLUMES },
	{ "sys_munmap", MISSED_VOLUMES },
	{ "sys_brk", MISSED_VOLUMES },
	{ "/sys_exit", MISSED_VOLUMES },
	{ "", MADE_UP_FOR },
};

static int kind_of(const char *section)
{
	size_t i = 0;

	while (!strstr(section, hooks[i].part))
		i++;
	return hooks[i].kind;
}

static void add_missed(void *ctx, const char *section, uint64_t runs)
{
	__u64 *sum = (__u64 *)ctx + kind_of(section);

	*sum = *sum == UNKNOWN_U64 || runs == UNKNOWN_U64 ? UNKNOWN_U64 : *sum + runs;
}

static void count(const struct tracer *t, __u64 missed[COUNTED])
{
	memset(missed, 0, COUNTED * sizeof(*missed));
	run_time_skipped(t->skel->obj, add_missed, missed);
}

void tracer_count_missed(const struct tracer *t, __u64 missed[MISSED_KINDS])
{
	__u64 counts[COUNTED];

	count(t, counts);
	if (counts[MISSED_PROCESSES] != UNKNOWN_U64)
		counts[MISSED_PROCESSES] += t->gone;
	memcpy(missed, counts, MISSED_KINDS * sizeof(*missed));
}

/* On each CPU, unless the hook is under way there: then it stays to be done. */
static int mend(struct tracer *t)
{
	int fd = bpf_program__fd(t->skel->progs.mend);

	t->mending = false;
	for (uint32_t cpu = 0; cpu < t->cpus; cpu++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .flags = BPF_F_TEST_RUN_ON_CPU, .cpu = cpu);
		int err = bpf_prog_test_run_opts(fd, &opts);

		if (err && err != -ENXIO) /* that CPU is off */
			return err;
		t->mending = t->mending || (!err && opts.retval);
	}
	return 0;
}

/* Looks at every process, and adopts those whose start went by. */
static int heal(struct tracer *t)
{
	int err;

	t->skel->bss->heal_wanted = 0;
	t->skel->bss->any_loose = 0;
	err = tracer_run_over(t, t->skel->progs.heal_mms, SLOTS_ALL, NULL);
	if (!err && t->skel->bss->any_loose) {
		/* waits for programs under way */
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
		err = tracer_run_over(t, t->skel->progs.heal_mms, SLOTS_ALL, NULL);
	}
	if (!err && bpf_program__fd(t->skel->progs.heal_processes) >= 0)
		err = tracer_run_over(t, t->skel->progs.heal_processes, SLOTS_LIVING, NULL);
	if (!err)
		err = tracer_adopt_from(t, 1);
	return err < 0 ? err : 0;
}

int tracer_make_up(struct tracer *t, bool now)
{
	__u64 missed[COUNTED];
	bool ever;
	int err = 0;

	if (!t->preempted)
		return 0;
	count(t, missed);
	ever = missed[MISSED_PROCESSES] || missed[MADE_UP_FOR];
	if (missed[MISSED_PROCESSES] != t->made_up[MISSED_PROCESSES] ||
	    missed[MADE_UP_FOR] != t->made_up[MADE_UP_FOR] || t->skel->bss->heal_wanted ||
	    (now && ever))
		err = heal(t);
	if (missed[MISSED_RSS] != t->made_up[MISSED_RSS])
		t->mending = true;
	memcpy(t->made_up, missed, sizeof(missed));
	if (!err && t->mending && t->hook)
		err = mend(t);
	for (int i = 0; !err && now && t->mending && t->hook && i < MENDS_AT_THE_END; i++) {
		usleep(1000);
		err = mend(t);
	}
	return err;
}
