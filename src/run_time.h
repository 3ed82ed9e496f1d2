/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long the programs of a BPF object ran, as the kernel counts while its statistics are on. */
#ifndef MEMMON_RUN_TIME_H
#define MEMMON_RUN_TIME_H

#include <stdint.h>

struct bpf_object;
struct bpf_program;

struct run_time {
	uint64_t ns; /* both grow from load on */
	uint64_t runs;
};

/* Adds those of one program; what cannot be read adds nothing. */
void run_time_add(struct run_time *sum, const struct bpf_program *program);
/* Adds those of the programs that hang on the kernel's hooks, not of those that we run ourselves. */
void run_time_add_hooks(struct run_time *sum, const struct bpf_object *object);

#endif
