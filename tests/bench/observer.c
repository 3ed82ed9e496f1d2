// SPDX-License-Identifier: GPL-2.0-or-later
#include "observer.h"

#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#include <jansson.h>

#include "../workloads/workload.h"
#include "empty.skel.h"
#include "worker.h"

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void observer_start_empty(struct observer *o)
{
	*o = (struct observer){ .lines = -1 };
	o->empty = empty_bpf__open_and_load();
	if (!o->empty || empty_bpf__attach(o->empty))
		die("load the empty program");
}

static void __attribute__((noreturn))
exec_memmon(const struct observer *o, const char *program, pid_t watched, int cpu, int out)
{
	char pid[16];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin_to(cpu);
	snprintf(pid, sizeof(pid), "%d", (int)watched);
	if (dup2(out, STDOUT_FILENO) < 0)
		die("dup2");
	/* the hook is what is measured: it must stay attached */
	execl(program, program, "-p", pid, "--budget", "0", "--lines", "--json", o->summary,
	      (char *)NULL);
	die(program);
}

/* Reads up to the end of the first line of numbers: the lines before it are headings. */
static void await_first_line(const struct observer *o)
{
	char byte, first = '\n', last = '\n';

	while (read(o->lines, &byte, 1) == 1) {
		if (last == '\n')
			first = byte;
		if (byte == '\n' && first != '#')
			return;
		last = byte;
	}
	die("memmon-bpf ended before its first line");
}

void observer_start_memmon(struct observer *o, const char *program, pid_t watched, int cpu)
{
	double from = now_ms();
	int out[2], fd;

	*o = (struct observer){ .summary = "/tmp/memmon-bench-XXXXXX" };
	fd = mkstemp(o->summary);
	if (fd < 0)
		die("mkstemp");
	close(fd);
	make_pipe(out);
	o->pid = fork_or_die();
	if (o->pid == 0)
		exec_memmon(o, program, watched, cpu, out[1]);
	close(out[1]);
	o->lines = out[0];
	await_first_line(o);
	o->first_line_ms = now_ms() - from;
}

static uint64_t booked_events(const char *summary)
{
	json_t *root = json_load_file(summary, 0, NULL), *events;
	uint64_t booked;

	events = json_object_get(json_object_get(root, "overhead"), "events");
	if (!json_is_integer(events)) {
		errno = EPROTO;
		die("overhead.events of memmon-bpf's summary");
	}
	booked = (uint64_t)json_integer_value(events);
	json_decref(root);
	return booked;
}

uint64_t observer_stop(struct observer *o)
{
	char rest[4096];
	uint64_t events;

	empty_bpf__destroy(o->empty);
	o->empty = NULL;
	if (!o->pid)
		return 0;
	if (kill(o->pid, SIGINT))
		die("kill");
	while (read(o->lines, rest, sizeof(rest)) > 0)
		;
	close(o->lines);
	reap(o->pid);
	o->pid = 0;
	events = booked_events(o->summary);
	unlink(o->summary);
	return events;
}
