/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running kernel's type information (BTF), and whether a file that the user names is the same. With
 * another kernel's, our programs would read at wrong offsets: wrong numbers, without a word.
 */
#ifndef MEMMON_KERNEL_BTF_H
#define MEMMON_KERNEL_BTF_H

#include <stddef.h>
#include <stdint.h>

#define KERNEL_BTF_PATH "/sys/kernel/btf/vmlinux"

struct btf;

struct kernel_btf {
	struct btf *btf; /* NULL where there is none */
	const char *from; /* the file it was read from, or words */
	uint64_t bytes;
	/* with --btf: what its comparison with the running kernel could not cover; NULL = nothing */
	const char *unchecked;
};

/*
 * Reads `path`, or the kernel's own where that is NULL. A file is accepted when it equals what the
 * kernel says of itself, in /sys or through bpf(2); where it says nothing, when the verifier knows
 * the file's types by the same numbers. Returns 0 or a negative errno with what is wrong and the
 * remedy in `why`: -ESTALE for another kernel's. `out` needs no preparation; `path` must outlive it.
 */
int kernel_btf_open(struct kernel_btf *out, const char *path, char *why, size_t why_len);
void kernel_btf_close(struct kernel_btf *k); /* again is fine */

/* Its bytes, free() them, without any comparison; `path` NULL: what the kernel gives through bpf(2). */
int kernel_btf_read(const char *path, char **out, size_t *len);

/*
 * Calls fn(ctx), which loads programs with libbpf, and returns what that returns. libbpf looks for the
 * kernel's types in /sys alone; where that does not show them, fn runs in a thread with a mount
 * namespace of its own, in which it does: those of `path`, or NULL. Without CAP_SYS_ADMIN it runs as
 * it is, and libbpf will say what it lacks.
 */
int kernel_btf_call(const char *path, int (*fn)(void *ctx), void *ctx);

#endif
