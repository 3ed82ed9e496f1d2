// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The loads. A job is cut into slices of about a millisecond and the fastest one counts: whoever else
 * runs on the machine can slow a slice down, but never speed it up, and what a tracing program costs
 * is in every slice. Of two threads the middle one counts, as the fastest is where they did not meet.
 */
#include "worker.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <time.h>

#include "../workloads/workload.h"

/* The second thread of LOAD_THREADS. */
struct partner {
	pthread_t thread;
	pthread_barrier_t step;
	volatile char *page;
	uint32_t turns; /* 0 = end */
	int cpu;
};

void pin_to(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

static double cpu_ns(void)
{
	struct timespec used;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used))
		die("clock_gettime");
	return (double)used.tv_sec * 1e9 + (double)used.tv_nsec;
}

/* A page of our own program file, which is in the page cache as it runs from there. */
static volatile char *map_file_page(off_t page)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *p;

	if (fd < 0)
		die("open /proc/self/exe");
	p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, page * (off_t)size);
	if (p == MAP_FAILED)
		die("mmap /proc/self/exe");
	close(fd);
	return p;
}

static void fault_and_drop(volatile char *page, uint32_t turns)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);

	for (uint32_t i = 0; i < turns; i++) {
		(void)*page;
		if (madvise((void *)page, size, MADV_DONTNEED))
			die("madvise");
	}
}

static void meet(struct partner *partner)
{
	int err = pthread_barrier_wait(&partner->step);

	if (err && err != PTHREAD_BARRIER_SERIAL_THREAD)
		die("pthread_barrier_wait");
}

static void *partner_main(void *data)
{
	struct partner *partner = data;

	pin_to(partner->cpu);
	for (;;) {
		meet(partner);
		if (!partner->turns)
			return NULL;
		fault_and_drop(partner->page, partner->turns);
		meet(partner);
	}
}

/* What each slice of a job took. */
struct slices {
	uint32_t n;
	double ns[MAX_SLICES]; /* per event */
	uint64_t events;
};

static void add_slice(struct slices *slices, double ns, uint64_t events)
{
	slices->ns[slices->n++] = ns / (double)events;
	slices->events += events;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static struct result result_of(struct slices *slices, bool paired)
{
	qsort(slices->ns, slices->n, sizeof(slices->ns[0]), by_value);
	return (struct result){ slices->ns[paired ? slices->n / 2 : 0], slices->events };
}

static struct result run_file(struct job job, volatile char *page, struct partner *partner)
{
	struct slices slices = { 0 };

	for (uint32_t slice = 0; slice < job.slices && slice < MAX_SLICES; slice++) {
		double from;

		if (partner) {
			partner->turns = job.turns;
			meet(partner);
		}
		from = cpu_ns();
		fault_and_drop(page, job.turns);
		if (partner)
			meet(partner);
		add_slice(&slices, cpu_ns() - from, (partner ? 4 : 2) * (uint64_t)job.turns);
	}
	return result_of(&slices, partner);
}

static struct result run_growth(void)
{
	size_t bytes = GROWTH_SLICES * GROWTH_SLICE_BYTES, page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = map(bytes, MAP_PRIVATE | MAP_NORESERVE);
	struct slices slices = { 0 };

	/* a huge page would be one event; a kernel without them refuses the advice */
	madvise(p, bytes, MADV_NOHUGEPAGE);
	for (int slice = 0; slice < GROWTH_SLICES; slice++) {
		double from = cpu_ns();

		touch(p + (size_t)slice * GROWTH_SLICE_BYTES, GROWTH_SLICE_BYTES);
		add_slice(&slices, cpu_ns() - from, GROWTH_SLICE_BYTES / page);
	}
	unmap(p, bytes);
	return result_of(&slices, false);
}

static void __attribute__((noreturn)) work(enum load load, int commands, int reports, int other_cpu)
{
	struct partner partner = { .cpu = other_cpu };
	bool paired = load == LOAD_THREADS;
	volatile char *page = map_file_page(0);
	struct job job;

	if (paired) {
		partner.page = map_file_page(2);
		if (pthread_barrier_init(&partner.step, NULL, 2) ||
		    pthread_create(&partner.thread, NULL, partner_main, &partner))
			die("pthread_create");
	}
	while (read(commands, &job, sizeof(job)) == (ssize_t)sizeof(job) && job.turns) {
		struct result result;

		result = load == LOAD_GROWTH ? run_growth() :
					       run_file(job, page, paired ? &partner : NULL);
		if (write(reports, &result, sizeof(result)) != (ssize_t)sizeof(result))
			die("write");
	}
	_exit(0);
}

void worker_start(struct worker *w, enum load load, int cpu, int other_cpu)
{
	int commands[2], reports[2];

	make_pipe(commands);
	make_pipe(reports);
	w->pid = fork_or_die();
	if (w->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(commands[1]);
		close(reports[0]);
		pin_to(cpu);
		work(load, commands[0], reports[1], other_cpu);
	}
	close(commands[0]);
	close(reports[1]);
	w->command = commands[1];
	w->report = reports[0];
}

struct result worker_run(const struct worker *w, struct job job)
{
	struct result result;

	if (write(w->command, &job, sizeof(job)) != (ssize_t)sizeof(job))
		die("command to a worker");
	if (read(w->report, &result, sizeof(result)) != (ssize_t)sizeof(result))
		die("report of a worker");
	return result;
}

void worker_stop(struct worker *w)
{
	const struct job end = { 0 };

	/* closing the pipe would not do: later workers have inherited our end */
	if (write(w->command, &end, sizeof(end)) != (ssize_t)sizeof(end))
		die("end a worker");
	close(w->command);
	close(w->report);
	reap(w->pid);
}
