/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long the programs of a BPF object ran, as the kernel counts while its statistics are on, and how often
 * it skipped them, which it always counts.
 */
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

/*
 * Calls `fn` with each hook that loaded programs hang on, by libbpf's section name, and how many of its
 * events all of them together missed at most, since they were loaded, because the kernel skipped them. It
 * does where it can preempt a program, and the same is to run on that CPU: trampolines since 5.12,
 * tracepoints since 7.0. UINT64_MAX = the kernel does not count it (kprobes).
 */
void run_time_skipped(const struct bpf_object *object,
		      void (*fn)(void *ctx, const char *section, uint64_t runs), void *ctx);

#endif
