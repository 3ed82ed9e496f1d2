// SPDX-License-Identifier: GPL-2.0-or-later
#include "run_time.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

void run_time_add(struct run_time *sum, const struct bpf_program *program)
{
	struct bpf_prog_info info = { .type = 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len))
		return;
	sum->ns += info.run_time_ns;
	sum->runs += info.run_cnt;
}

void run_time_add_hooks(struct run_time *sum, const struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		enum bpf_prog_type type = bpf_program__type(program);

		if (bpf_program__fd(program) < 0 || type == BPF_PROG_TYPE_RAW_TRACEPOINT ||
		    bpf_program__expected_attach_type(program) == BPF_TRACE_ITER)
			continue;
		run_time_add(sum, program);
	}
}
