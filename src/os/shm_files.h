/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel side knows of files of shared memory, kept by (dev, ino, key) until the
 * directories have been walked: a file's record and its holders' records.
 */
#ifndef MEMMON_SHM_FILES_H
#define MEMMON_SHM_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Without this uthash ends the program when memory is exhausted. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "../../bpf/events.h"

struct shm_held {
	struct shm_held *next;
	struct rec_shm_holder rec;
};

struct shm_file_key {
	uint64_t ino, key;
	uint64_t dev; /* wide, so that there is no padding: hashed as bytes */
};

struct shm_known {
	struct shm_file_key id;
	bool from_kernel; /* else only a mark: a name of this file was seen */
	bool seen; /* a directory has it */
	struct rec_shm_file rec;
	char *name; /* "" where only the directory knows it */
	struct shm_held *first, **last; /* holders, in the order in which they came */
	UT_hash_handle hh;
};

struct shm_files {
	struct shm_known *all;
	size_t holders;
	size_t omitted; /* files and holders beyond the bounds */
};

#define SHM_FILES_MAX 200000
#define SHM_FILES_HOLDERS_MAX 1000000

/*
 * Takes a REC_SHM_FILE, or a REC_SHM_HOLDER of a file taken before; other records are passed over.
 * `ctx` is the struct shm_files, so that it is a record_fn. Returns 0, -EINVAL for a record that is
 * too short or lacks its text, -ENOMEM.
 */
int shm_files_take(void *ctx, const struct rec_head *rec, size_t size);

struct shm_known *shm_files_find(struct shm_files *f, uint32_t dev, uint64_t ino);

/* Remembers that a name of this file was seen. 1: one was seen before; 0: not; -ENOMEM. */
int shm_files_see(struct shm_files *f, uint32_t dev, uint64_t ino);

void shm_files_finish(struct shm_files *f); /* zeroed, finished or NULL is fine */

#endif
