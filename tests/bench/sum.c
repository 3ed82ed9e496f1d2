// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sum CPUS…: what the long way's sum costs on machines with that many CPUs, in ns per sum, one line
 * "CPUS NS" each: the fastest of many rounds, less what calling an empty program takes.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../workloads/workload.h"
#include "sum.skel.h"

#define ROUNDS 40
#define REPEAT 20000
#define COUNTERS 3

/* Runs the program; returns ns per run. */
static double run(struct bpf_program *program, int repeat)
{
	static char packet[64];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet),
		    .repeat = repeat);

	errno = -bpf_prog_test_run_opts(bpf_program__fd(program), &opts);
	if (errno || opts.retval)
		die(bpf_program__name(program));
	return opts.duration;
}

static double fastest(struct bpf_program *program)
{
	double best = run(program, REPEAT);

	for (int i = 1; i < ROUNDS; i++) {
		double ns = run(program, REPEAT);

		if (ns < best)
			best = ns;
	}
	return best;
}

static void measure(unsigned int cpus)
{
	struct sum_bpf *sum = sum_bpf__open();
	double ns;

	if (!sum)
		die("open");
	sum->rodata->cfg_cpus = cpus;
	if (sum_bpf__load(sum))
		die("load");
	run(sum->progs.on_setup, 1);
	ns = fastest(sum->progs.on_sum) - fastest(sum->progs.on_nothing);
	/* all parts but that of CPU 0 */
	for (unsigned int k = 0; k < COUNTERS; k++) {
		long expected = (long)cpus * (cpus - 1) / 2 + (long)k * (cpus - 1);

		if (sum->bss->sums[k] != expected) {
			errno = ERANGE;
			die("the sum is wrong");
		}
	}
	say("%u %.0f", cpus, ns);
	sum_bpf__destroy(sum);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		measure((unsigned int)argument(argc, argv, i, 1));
	return 0;
}
