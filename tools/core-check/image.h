/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The BTF of a kernel, out of whatever holds it, without booting. Every input may be garbage. */
#ifndef CORE_CHECK_IMAGE_H
#define CORE_CHECK_IMAGE_H

#include <stddef.h>

#define RELEASE_LEN 96

struct image {
	void *btf;
	size_t btf_bytes;
	char release[RELEASE_LEN]; /* as in uname -r; "" where the file does not tell */
};

/*
 * Reads raw BTF (/sys/kernel/btf/vmlinux), an ELF file with a .BTF section, an arm64 Image, or any of
 * them compressed and behind a loader (bzImage, Image.gz, vmlinuz.efi). Decompression is left to xz,
 * zstd, gzip and lz4. Returns 0 or a negative errno with the reason in `why`.
 */
int image_read(const char *path, struct image *image, char *why, size_t why_len);
void image_finish(struct image *image);

/* The same of bytes that need no decompression. The BTF is a part of `data`, NULL if there is none. */
const void *image_find_btf(const void *data, size_t bytes, size_t *btf_bytes);

/* All of a regular file, at most 1 GiB; `*data` is the caller's to free. */
int file_read(const char *path, void **data, size_t *bytes, char *why, size_t why_len);

#endif
