/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records for the tests of the model, with the head filled in. Include cmocka first. */
#ifndef MEMMON_TEST_RECORDS_H
#define MEMMON_TEST_RECORDS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

#define SEC 1000000000ULL
#define PAGE 4096ULL
#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

#define HEAD(type_, record, pid_, ts, start)                                                  \
	{                                                                                     \
		.type = (type_), .size = sizeof(struct record), .pid = (pid_), .ts_ns = (ts), \
		.start_ns = (start),                                                          \
	}

static inline struct mem_pages pages(int64_t anon, int64_t file, int64_t shmem, int64_t swap)
{
	struct mem_pages p;

	p.kind[MEM_ANON] = anon;
	p.kind[MEM_FILE] = file;
	p.kind[MEM_SHMEM] = shmem;
	p.kind[MEM_SWAP] = swap;
	return p;
}

/* Applies a record of any type, which must succeed. */
#define APPLY(m, rec) assert_int_equal(model_apply((m), &(rec).head, sizeof(rec)), 0)

static inline struct rec_start start_rec(uint32_t pid, uint64_t ts, uint64_t start,
					 const char *comm)
{
	struct rec_start r = { .head = HEAD(REC_START, rec_start, pid, ts, start) };

	r.ppid = 1;
	r.how = START_FORKED;
	snprintf(r.comm, sizeof(r.comm), "%s", comm);
	return r;
}

/* All of `anon` pages at first, now and at the peak; volumes not collected. */
static inline struct rec_reading reading_rec(uint32_t pid, uint64_t ts, uint64_t start,
					     int64_t anon)
{
	struct rec_reading r = { .head = HEAD(REC_READING, rec_reading, pid, ts, start) };

	r.ppid = 1;
	r.how = START_FORKED;
	r.first = r.now = r.at_peak = r.peak = pages(anon, 0, 0, 0);
	r.peak_ns = ts;
	r.minor_faults = r.major_faults = r.cpu_ns = UNKNOWN_U64;
	for (int i = 0; i < VM_CALLS; i++)
		r.volume[i].calls = r.volume[i].bytes = UNKNOWN_U64;
	snprintf(r.comm, sizeof(r.comm), "proc%u", pid);
	return r;
}

static inline struct rec_level level_rec(uint32_t pid, uint64_t ts, uint64_t start, int64_t anon)
{
	return (struct rec_level){ .head = HEAD(REC_LEVEL, rec_level, pid, ts, start),
				   .now = pages(anon, 0, 0, 0) };
}

static inline struct rec_exit exit_rec(uint32_t pid, uint64_t ts, uint64_t start, int status)
{
	return (struct rec_exit){ .head = HEAD(REC_EXIT, rec_exit, pid, ts, start),
				  .wait_status = status };
}

static inline struct rec_tree tree_rec(uint64_t ts, int64_t anon, uint64_t seen)
{
	struct rec_tree r = { .head = HEAD(REC_TREE, rec_tree, 0, ts, 0) };

	r.now = r.at_peak = r.peak = pages(anon, 0, 0, 0);
	r.peak_ns = ts;
	r.processes_seen = r.processes_live = r.processes_peak = seen;
	return r;
}

static inline struct rec_system system_rec(uint64_t ts, uint64_t total, uint64_t available)
{
	return (struct rec_system){ .head = HEAD(REC_SYSTEM, rec_system, 0, ts, 0),
				    .total_bytes = total,
				    .available_bytes = available,
				    .pressure_some_us = UNKNOWN_U64,
				    .pressure_full_us = UNKNOWN_U64 };
}

static inline struct rec_pss pss_rec(uint32_t pid, uint64_t ts, uint64_t start, uint64_t bytes)
{
	return (struct rec_pss){ .head = HEAD(REC_PSS, rec_pss, pid, ts, start),
				 .pss_bytes = bytes };
}

static inline struct rec_oom oom_rec(uint32_t pid, uint64_t ts, uint64_t start, const char *comm)
{
	struct rec_oom r = { .head = HEAD(REC_OOM, rec_oom, pid, ts, start) };

	snprintf(r.comm, sizeof(r.comm), "%s", comm);
	return r;
}

struct rec_tick {
	struct rec_head head;
};

static inline struct rec_tick tick_rec(uint64_t ts)
{
	return (struct rec_tick){ .head = HEAD(REC_TICK, rec_head, 0, ts, 0) };
}

/* In one go, as statements of a test. */
#define START(m, pid, ts, start, comm)                                             \
	do {                                                                       \
		struct rec_start start_ = start_rec((pid), (ts), (start), (comm)); \
		APPLY((m), start_);                                                \
	} while (0)
#define READING(m, pid, ts, start, anon)                                                 \
	do {                                                                             \
		struct rec_reading reading_ = reading_rec((pid), (ts), (start), (anon)); \
		APPLY((m), reading_);                                                    \
	} while (0)
#define LEVEL(m, pid, ts, start, anon)                                             \
	do {                                                                       \
		struct rec_level level_ = level_rec((pid), (ts), (start), (anon)); \
		APPLY((m), level_);                                                \
	} while (0)
#define EXIT(m, pid, ts, start, status)                                           \
	do {                                                                      \
		struct rec_exit exit_ = exit_rec((pid), (ts), (start), (status)); \
		APPLY((m), exit_);                                                \
	} while (0)
#define TREE(m, ts, anon, seen)                                         \
	do {                                                            \
		struct rec_tree tree_ = tree_rec((ts), (anon), (seen)); \
		APPLY((m), tree_);                                      \
	} while (0)
#define SYSTEM(m, ts, total, available)                                             \
	do {                                                                        \
		struct rec_system system_ = system_rec((ts), (total), (available)); \
		APPLY((m), system_);                                                \
	} while (0)
#define PSS(m, pid, ts, start, bytes)                                         \
	do {                                                                  \
		struct rec_pss pss_ = pss_rec((pid), (ts), (start), (bytes)); \
		APPLY((m), pss_);                                             \
	} while (0)
#define OOM(m, pid, ts, start, comm)                                         \
	do {                                                                 \
		struct rec_oom oom_ = oom_rec((pid), (ts), (start), (comm)); \
		APPLY((m), oom_);                                            \
	} while (0)
#define TICK(m, ts)                                   \
	do {                                          \
		struct rec_tick tick_ = tick_rec(ts); \
		APPLY((m), tick_);                    \
	} while (0)

/* ---- shared memory: records with texts, applied at once -------------------------------------- */

/* A record of `fixed` bytes and `len` bytes of texts after it, in memory of just that size. */
static inline int shm_apply_texts(struct model *m, const void *rec, size_t fixed, const char *texts,
				  size_t len)
{
	struct rec_head *whole = malloc(fixed + len);
	int err;

	if (!whole)
		return -1;
	memcpy(whole, rec, fixed);
	if (len)
		memcpy((char *)whole + fixed, texts, len);
	whole->size = (uint16_t)(fixed + len);
	err = model_apply(m, whole, whole->size);
	free(whole);
	return err;
}

/* The bytes of string literals with NULs between them: TEXTS("/dev/shm\0" "\0" "\0") ends the last. */
#define TEXTS(literal) (literal), sizeof(literal)
#define HOST_DEV_SHM TEXTS("/dev/shm\0\0\0")

static inline struct rec_shm_mount shm_mount_rec(uint64_t ts, uint32_t dev, uint64_t limit,
						 uint64_t used)
{
	return (struct rec_shm_mount){ .head = HEAD(REC_SHM_MOUNT, rec_shm_mount, 0, ts, 0),
				       .dev = dev,
				       .flags = SHM_MOUNT_DEV_SHM,
				       .limit_bytes = limit,
				       .used_bytes = used,
				       .limit_inodes = 1000,
				       .used_inodes = 3,
				       .peak_bytes = UNKNOWN_U64,
				       .charged_bytes = UNKNOWN_U64,
				       .uncharged_bytes = UNKNOWN_U64 };
}

/* A file of a creator that lives; `creator` 0 = not known. */
static inline struct rec_shm_file shm_file_rec(uint64_t ts, uint32_t dev, uint64_t ino,
					       uint64_t bytes, uint32_t creator)
{
	struct rec_shm_file r = { .head = HEAD(REC_SHM_FILE, rec_shm_file, creator, ts,
					       creator ? creator * SEC : 0),
				  .dev = dev,
				  .ino = ino,
				  .kind = SHM_TMPFS,
				  .size_bytes = bytes,
				  .bytes = bytes,
				  .peak_bytes = bytes };

	if (creator) {
		r.flags = SHM_FILE_CREATOR | SHM_FILE_CREATOR_ALIVE;
		snprintf(r.comm, sizeof(r.comm), "proc%u", creator);
	}
	return r;
}

static inline struct rec_shm_holder shm_holder_rec(uint64_t ts, uint32_t dev, uint64_t ino,
						   uint32_t pid, uint32_t flags)
{
	struct rec_shm_holder r = { .head = HEAD(REC_SHM_HOLDER, rec_shm_holder, pid, ts,
						 pid * SEC),
				    .dev = dev,
				    .flags = flags,
				    .ino = ino };

	snprintf(r.comm, sizeof(r.comm), "proc%u", pid);
	return r;
}

static inline struct rec_shm_full shm_full_rec(uint64_t ts, uint32_t dev, uint32_t pid,
					       enum shm_full_how how, uint64_t ino)
{
	struct rec_shm_full r = { .head = HEAD(REC_SHM_FULL, rec_shm_full, pid, ts, pid * SEC),
				  .dev = dev,
				  .how = how,
				  .error = how == SHM_FULL_FAULT ? 0 : 28,
				  .signal = how == SHM_FULL_FAULT ? 7 : 0,
				  .ino = ino,
				  .wanted_bytes = how == SHM_FULL_FAULT ? PAGE : 1 << 20,
				  .limit_bytes = 64 << 20,
				  .used_bytes = 64 << 20,
				  .tid = pid };

	snprintf(r.comm, sizeof(r.comm), "proc%u", pid);
	snprintf(r.name, sizeof(r.name), "file%llu", (unsigned long long)ino);
	return r;
}

#define SHM_APPLY(m, rec, ...) \
	assert_int_equal(shm_apply_texts((m), &(rec), sizeof(rec), __VA_ARGS__), 0)
#define SHM_MOUNT(m, ts, dev, limit, used, ...)                                            \
	do {                                                                               \
		struct rec_shm_mount mount_ = shm_mount_rec((ts), (dev), (limit), (used)); \
		SHM_APPLY((m), mount_, __VA_ARGS__);                                       \
	} while (0)
#define SHM_FILE(m, ts, dev, ino, bytes, creator, name)                                           \
	do {                                                                                      \
		struct rec_shm_file file_ = shm_file_rec((ts), (dev), (ino), (bytes), (creator)); \
		SHM_APPLY((m), file_, TEXTS(name));                                               \
	} while (0)
#define SHM_HOLDER(m, ts, dev, ino, pid, flags)                             \
	do {                                                                \
		struct rec_shm_holder holder_ =                             \
			shm_holder_rec((ts), (dev), (ino), (pid), (flags)); \
		APPLY((m), holder_);                                        \
	} while (0)
#define SHM_FULL(m, ts, dev, pid, how, ino)                                                 \
	do {                                                                                \
		struct rec_shm_full full_ = shm_full_rec((ts), (dev), (pid), (how), (ino)); \
		APPLY((m), full_);                                                          \
	} while (0)
#define SHM_SURVEY(m, ts)                                                                         \
	do {                                                                                      \
		struct rec_tick survey_ = { .head = HEAD(REC_SHM_SURVEY, rec_head, 0, (ts), 0) }; \
		APPLY((m), survey_);                                                              \
	} while (0)

static inline struct rec_mode mode_rec(uint64_t ts, enum watch_mode mode, enum mode_why why)
{
	return (struct rec_mode){ .head = HEAD(REC_MODE, rec_mode, 0, ts, 0),
				  .mode = mode,
				  .why = why,
				  .share_ppm = UNKNOWN_U64 };
}

#define MODE(m, ts, mode, why)                                \
	do {                                                  \
		struct rec_mode r_ = mode_rec(ts, mode, why); \
		APPLY(m, r_);                                 \
	} while (0)

#endif
