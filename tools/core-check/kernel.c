// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libbpf finds a type by going through all of them, 150,000 in a kernel. Here some hundred names are
 * asked for per kernel, so they are hashed once.
 */
#include "kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS (1U << 16)

/* FNV-1a of the name without its flavour. */
static uint32_t bucket_of(const char *name)
{
	size_t length = essential_length(name);
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)name[i]) * 16777619U;
	return (hash ^ (hash >> 16)) % BUCKETS;
}

int kernel_init(struct kernel *kernel, const void *btf, size_t bytes, char *why, size_t why_len)
{
	uint32_t types;
	int err;

	memset(kernel, 0, sizeof(*kernel));
	if (bytes > UINT32_MAX) {
		snprintf(why, why_len, "its BTF is too large");
		return -E2BIG;
	}
	kernel->btf = btf__new(btf, (uint32_t)bytes);
	if (!kernel->btf) {
		err = -errno;
		snprintf(why, why_len,
			 "libbpf refuses its BTF, which may be damaged or too new: %s",
			 strerror(errno));
		return err;
	}
	types = btf__type_cnt(kernel->btf);
	kernel->buckets = calloc(BUCKETS, sizeof(*kernel->buckets));
	kernel->chain = calloc(types, sizeof(*kernel->chain));
	if (!kernel->buckets || !kernel->chain) {
		snprintf(why, why_len, "out of memory");
		kernel_finish(kernel);
		return -ENOMEM;
	}
	for (uint32_t id = types - 1; id > 0; id--) {
		const struct btf_type *type = btf__type_by_id(kernel->btf, id);
		const char *name = type ? btf_text(kernel->btf, type->name_off) : "";
		uint32_t *bucket;

		if (!*name)
			continue;
		bucket = &kernel->buckets[bucket_of(name)];
		kernel->chain[id] = *bucket;
		*bucket = id;
	}
	return 0;
}

void kernel_finish(struct kernel *kernel)
{
	btf__free(kernel->btf);
	free(kernel->buckets);
	free(kernel->chain);
	memset(kernel, 0, sizeof(*kernel));
}

uint32_t kernel_find(const struct kernel *kernel, const char *name, unsigned int kind)
{
	for (uint32_t id = kernel->buckets[bucket_of(name)]; id; id = kernel->chain[id]) {
		const struct btf_type *type = btf__type_by_id(kernel->btf, id);

		if (btf_kind(type) == kind && !strcmp(btf_text(kernel->btf, type->name_off), name))
			return id;
	}
	return 0;
}

uint32_t kernel_candidate(const struct kernel *kernel, const char *name, unsigned int kind,
			  uint32_t after)
{
	uint32_t id = after ? kernel->chain[after] : kernel->buckets[bucket_of(name)];
	size_t length = essential_length(name);

	for (; id; id = kernel->chain[id]) {
		const struct btf_type *type = btf__type_by_id(kernel->btf, id);
		const char *text = btf_text(kernel->btf, type->name_off);

		if (same_kind(btf_kind(type), kind) && essential_length(text) == length &&
		    !strncmp(text, name, length))
			return id;
	}
	return 0;
}

bool kernel_has_function(const struct kernel *kernel, const char *name)
{
	return kernel_find(kernel, name, BTF_KIND_FUNC) > 0;
}

bool kernel_has_tracepoint(const struct kernel *kernel, const char *name)
{
	char type[256];

	return snprintf(type, sizeof(type), "btf_trace_%s", name) < (int)sizeof(type) &&
	       kernel_find(kernel, type, BTF_KIND_TYPEDEF) > 0;
}

int kernel_has_helper(const struct kernel *kernel, int helper)
{
	uint32_t id = kernel_find(kernel, "bpf_func_id", BTF_KIND_ENUM);
	const struct btf_type *type;

	if (!id)
		return -1;
	type = btf__type_by_id(kernel->btf, id);
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_enum *value = &btf_enum(type)[i];

		/* the last of them is no helper: it says how many there are */
		if (value->val == helper)
			return strcmp(btf_text(kernel->btf, value->name_off),
				      "__BPF_FUNC_MAX_ID") != 0;
	}
	return 0;
}
