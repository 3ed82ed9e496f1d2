// SPDX-License-Identifier: GPL-2.0-or-later
#include "run_time.h"

#include <stdbool.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static int info_of(const struct bpf_program *program, struct bpf_prog_info *info)
{
	uint32_t len = sizeof(*info);

	memset(info, 0, sizeof(*info)); /* what an older kernel does not know stays 0 */
	return bpf_obj_get_info_by_fd(bpf_program__fd(program), info, &len);
}

static bool hangs_on_a_hook(const struct bpf_program *program)
{
	enum bpf_prog_type type = bpf_program__type(program);

	return bpf_program__fd(program) >= 0 && type != BPF_PROG_TYPE_RAW_TRACEPOINT &&
	       type != BPF_PROG_TYPE_SYSCALL &&
	       bpf_program__expected_attach_type(program) != BPF_TRACE_ITER;
}

void run_time_add(struct run_time *sum, const struct bpf_program *program)
{
	struct bpf_prog_info info;

	if (info_of(program, &info))
		return;
	sum->ns += info.run_time_ns;
	sum->runs += info.run_cnt;
}

void run_time_add_hooks(struct run_time *sum, const struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		if (hangs_on_a_hook(program))
			run_time_add(sum, program);
	}
}

static uint64_t skipped(const struct bpf_program *program)
{
	struct bpf_prog_info info;

	if (info_of(program, &info))
		return UINT64_MAX;
	/* of kprobes it is counted since 6.7 only, and never what a kretprobe misses */
	if (bpf_program__type(program) == BPF_PROG_TYPE_KPROBE && !info.recursion_misses)
		return UINT64_MAX;
	return info.recursion_misses;
}

/* As many at most as the program that missed least. */
static uint64_t skipped_on(const struct bpf_object *object, const char *section)
{
	struct bpf_program *program;
	uint64_t least = UINT64_MAX;

	bpf_object__for_each_program(program, object)
	{
		uint64_t runs;

		if (!hangs_on_a_hook(program) ||
		    strcmp(bpf_program__section_name(program), section))
			continue;
		runs = skipped(program);
		if (runs < least)
			least = runs;
	}
	return least;
}

void run_time_skipped(const struct bpf_object *object,
		      void (*fn)(void *ctx, const char *section, uint64_t runs), void *ctx)
{
	struct bpf_program *program;
	const char *before = "";

	bpf_object__for_each_program(program, object)
	{
		const char *section = bpf_program__section_name(program);

		/* libbpf has the programs of a section one after the other */
		if (!hangs_on_a_hook(program) || !strcmp(section, before))
			continue;
		before = section;
		fn(ctx, section, skipped_on(object, section));
	}
}
