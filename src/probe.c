// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bare, small system calls, some microseconds each; an attached fentry or fexit program some
 * milliseconds.
 */
#include "probe.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "forbid.h"
#include "os/readfile.h"

#define UNTRIED 1 /* of probe.kprobes: not yet */
#define MAX_TRIED 128 /* beside kprobes; further ones are tried each time */
#define NAME_LEN 128

struct probe {
	const struct btf *btf;
	bool allowed;
	int kprobes; /* UNTRIED, or whether any can be attached */
	struct {
		char section[NAME_LEN];
		int err;
	} tried[MAX_TRIED];
	size_t n_tried;
};

static const struct bpf_insn return_0[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
	{ .code = BPF_JMP | BPF_EXIT },
};

struct probe *probe_create(const struct btf *btf, bool allowed)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (p)
		*p = (struct probe){ .btf = btf, .allowed = allowed, .kprobes = UNTRIED };
	return p;
}

void probe_destroy(struct probe *p)
{
	free(p);
}

/* ---- what BTF says ---- */

static int find(const struct probe *p, const char *before, const char *name, uint32_t kind)
{
	char type[NAME_LEN];

	if (!p->btf)
		return -ENOENT;
	snprintf(type, sizeof(type), "%s%s", before, name);
	return btf__find_by_name_kind(p->btf, type, kind);
}

/* The function type behind a tracepoint; its first parameter is the program's context. */
static const struct btf_type *tracepoint_type(const struct probe *p, const char *name)
{
	int id = find(p, "btf_trace_", name, BTF_KIND_TYPEDEF);
	const struct btf_type *type = id > 0 ? btf__type_by_id(p->btf, (uint32_t)id) : NULL;

	type = type ? btf__type_by_id(p->btf, type->type) : NULL; /* the pointer … */
	type = type ? btf__type_by_id(p->btf, type->type) : NULL; /* … to the function */
	return type && btf_is_func_proto(type) ? type : NULL;
}

int probe_parameters(const struct probe *p, const char *tracepoint)
{
	const struct btf_type *type = tracepoint_type(p, tracepoint);

	return type ? btf_vlen(type) - 1 : -1;
}

bool probe_is_pointer(const struct probe *p, const char *tracepoint, int n)
{
	const struct btf_type *type = tracepoint_type(p, tracepoint);

	if (!type || btf_vlen(type) <= n + 1)
		return false;
	type = btf__type_by_id(p->btf, btf_params(type)[n + 1].type);
	return type && btf_is_ptr(type);
}

int probe_function_parameters(const struct probe *p, const char *function)
{
	int id = find(p, "", function, BTF_KIND_FUNC);
	const struct btf_type *type = id > 0 ? btf__type_by_id(p->btf, (uint32_t)id) : NULL;

	type = type ? btf__type_by_id(p->btf, type->type) : NULL;
	return type && btf_is_func_proto(type) ? btf_vlen(type) : -1;
}

bool probe_has_struct(const struct probe *p, const char *name)
{
	return find(p, "", name, BTF_KIND_STRUCT) > 0;
}

bool probe_has_typedef(const struct probe *p, const char *name)
{
	return find(p, "", name, BTF_KIND_TYPEDEF) > 0;
}

static bool has_value(const struct probe *p, const char *of, const char *name)
{
	int id = find(p, "", of, BTF_KIND_ENUM);
	const struct btf_type *type = id > 0 ? btf__type_by_id(p->btf, (uint32_t)id) : NULL;

	for (int i = 0; type && i < btf_vlen(type); i++) {
		const char *value = btf__name_by_offset(p->btf, btf_enum(type)[i].name_off);

		if (value && !strcmp(value, name))
			return true;
	}
	return false;
}

bool probe_has_helper(const struct probe *p, const char *name)
{
	return has_value(p, "bpf_func_id", name);
}

/* Programs that are attached to what BTF knows, by the part of the section name before the slash. */
static const struct tracing {
	const char *section;
	enum bpf_attach_type type;
	const char *before; /* the name in BTF, */
	uint32_t kind; /* and its kind */
	bool attached; /* to try one takes that: it is what may be refused */
} tracings[] = {
	{ "fentry/", BPF_TRACE_FENTRY, "", BTF_KIND_FUNC, true },
	{ "fexit/", BPF_TRACE_FEXIT, "", BTF_KIND_FUNC, true },
	{ "tp_btf/", BPF_TRACE_RAW_TP, "btf_trace_", BTF_KIND_TYPEDEF, false },
	{ "iter/", BPF_TRACE_ITER, "bpf_iter_", BTF_KIND_FUNC, false },
};

/* NULL for kprobes, and what user space runs itself. */
static const struct tracing *tracing_of(const char *section)
{
	for (size_t i = 0; i < sizeof(tracings) / sizeof(tracings[0]); i++)
		if (!strncmp(section, tracings[i].section, strlen(tracings[i].section)))
			return &tracings[i];
	return NULL;
}

static int find_tracing(const struct probe *p, const struct tracing *how, const char *section)
{
	return find(p, how->before, section + strlen(how->section), how->kind);
}

int probe_has(const struct probe *p, const char *section)
{
	const struct tracing *how = tracing_of(section);
	const char *slash = strchr(section, '/');
	int id;

	if (hook_forbidden(section))
		return PROBE_FORBIDDEN;
	if (!p->btf)
		return slash ? PROBE_NO_BTF : 0;
	/* what user space runs itself has no place in the kernel, but the second kind is of 5.14 */
	if (!slash)
		return strcmp(section, "syscall") ||
				       has_value(p, "bpf_prog_type", "BPF_PROG_TYPE_SYSCALL") ?
			       0 :
			       PROBE_ABSENT;
	id = how ? find_tracing(p, how, section) : find(p, "", slash + 1, BTF_KIND_FUNC);
	return id > 0 ? 0 : PROBE_ABSENT;
}

/* ---- what can be tried ---- */

/* Loads an empty program, and attaches it if need be, to see whether the kernel lets us. */
static int try_tracing(const struct probe *p, const struct tracing *how, const char *section)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = how->type,
		    .attach_btf_id = (uint32_t)find_tracing(p, how, section));
	int program, link, err = 0;

	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "memmon_probe", "GPL", return_0, 2, &opts);
	if (program < 0)
		return -errno;
	if (how->attached) {
		link = bpf_raw_tracepoint_open(NULL, program);
		err = link < 0 ? -errno : 0;
		if (link >= 0)
			close(link);
	}
	close(program);
	return err;
}

#define KPROBE_TYPE "/sys/bus/event_source/devices/kprobe/type"
/* No kernel has it, so that nothing is ever armed: text that is patched stops every CPU. */
#define NO_FUNCTION "memmon_bpf_asks_for_a_function_that_is_not_there"

/* Whether we may set kprobes, and whether a program for them is let in. */
static int try_kprobe(void)
{
	struct perf_event_attr attr = { .size = sizeof(attr),
					.kprobe_func = (uintptr_t)NO_FUNCTION };
	char type[32] = "";
	int fd;

	if (readfile(KPROBE_TYPE, type, sizeof(type) - 1) <= 0)
		return PROBE_NO_KPROBES;
	attr.type = (uint32_t)strtoul(type, NULL, 10);
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	/* the function is looked for after all that is asked of us */
	if (fd < 0 && errno != ENOENT)
		return -errno;
	if (fd >= 0)
		close(fd);
	fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "memmon_probe", "GPL", return_0, 2, NULL);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int try_once(struct probe *p, const struct tracing *how, const char *section)
{
	int err;

	for (size_t i = 0; i < p->n_tried; i++)
		if (!strcmp(p->tried[i].section, section))
			return p->tried[i].err;
	err = try_tracing(p, how, section);
	if (p->n_tried < MAX_TRIED && strlen(section) < NAME_LEN) {
		strcpy(p->tried[p->n_tried].section, section);
		p->tried[p->n_tried++].err = err;
	}
	return err;
}

int probe_hook(struct probe *p, const char *section)
{
	const struct tracing *how = tracing_of(section);
	int err = probe_has(p, section);

	if (err || !strchr(section, '/'))
		return err;
	if (!p->allowed)
		return PROBE_UNTRIED;
	if (how)
		return try_once(p, how, section);
	if (p->kprobes == UNTRIED)
		p->kprobes = try_kprobe();
	return p->kprobes;
}

int probe_reading(const struct probe *p)
{
	static const struct bpf_insn read_0[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X,
		  .dst_reg = BPF_REG_1,
		  .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD, .dst_reg = BPF_REG_1, .imm = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int program;

	if (!p->allowed)
		return PROBE_UNTRIED;
	program = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "memmon_probe", "GPL", read_0,
				sizeof(read_0) / sizeof(read_0[0]), NULL);
	if (program < 0)
		return -errno;
	close(program);
	return 0;
}

const char *probe_reason(int err, char *dst, size_t cap)
{
	switch (err) {
	case PROBE_FORBIDDEN:
		snprintf(dst, cap, "forbidden by MEMMON_FORBID");
		break;
	case PROBE_ABSENT:
		snprintf(dst, cap, "not in this kernel");
		break;
	case PROBE_UNTRIED:
		snprintf(dst, cap, "not probed without the privilege");
		break;
	case PROBE_NO_KPROBES:
		snprintf(dst, cap,
			 "not possible: this kernel has no kprobes (CONFIG_KPROBE_EVENTS)");
		break;
	case PROBE_NO_BTF:
		snprintf(dst, cap, "not probed without BTF");
		break;
	default:
		snprintf(dst, cap, "refused by this kernel (%s)", strerror(-err));
	}
	return dst;
}
