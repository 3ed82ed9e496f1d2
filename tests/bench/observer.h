/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who looks on while a worker works: nobody, the empty program, or memmon-bpf. */
#ifndef BENCH_OBSERVER_H
#define BENCH_OBSERVER_H

#include <stdint.h>
#include <sys/types.h>

struct empty_bpf;

struct observer {
	struct empty_bpf *empty;
	pid_t pid; /* of memmon-bpf; 0 = not running */
	int lines; /* its standard output */
	double first_line_ms; /* from its start to its first line */
	char summary[64]; /* where it writes its summary */
};

void observer_start_empty(struct observer *o);

/* Starts `program` on a process and on `cpu` (-1: anywhere), and waits until it watches. */
void observer_start_memmon(struct observer *o, const char *program, pid_t watched, int cpu);

/* Ends either; of memmon-bpf returns the events that it booked. */
uint64_t observer_stop(struct observer *o);

#endif
