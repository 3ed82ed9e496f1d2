/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger of shared memory: every tmpfs superblock with its limit, fill, files, holders, and the
 * processes that hit its wall; System V segments; memfds and shared anonymous memory.
 *
 * Part of the model: built from REC_SHM_* records alone, see bpf/events.h. A *survey* is a run of
 * records that mentions all that exists and ends with REC_SHM_SURVEY; between surveys single
 * REC_SHM_MOUNT records bring the figures of mounts up to date.
 */
#ifndef MEMMON_SHM_H
#define MEMMON_SHM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../bpf/events.h"

enum shm_state {
	SHM_LINKED,
	SHM_UNLINKED, /* without a name, but somebody holds it */
	/* linked, nobody holds it, and its creator is dead; in a /dev/shm also when the creator is
	 * not known, as nobody is left who could have made it */
	SHM_ORPHAN,
};

struct shm_holder {
	uint32_t pid;
	uint32_t flags; /* SHM_HOLDS_* */
	char comm[COMM_LEN]; /* hostile bytes, as every name here; always NUL-terminated */
};

struct shm_file {
	struct rec_shm_file rec; /* the last one */
	const char *path; /* below the mount point, without a leading slash; or the memfd's name */
	enum shm_state state;
	const struct shm_holder *holders; /* by pid */
	size_t n_holders;
	uint64_t holders_omitted; /* beyond what is kept */
};

struct shm_charger {
	uint32_t pid;
	bool alive;
	char comm[COMM_LEN];
	uint64_t charged_bytes, uncharged_bytes; /* since watching */
	uint64_t held_bytes; /* of the superblock's files that exist: those it created */
};

#define SHM_FULL_LARGEST 5

struct shm_full {
	struct rec_shm_full rec;
	uint64_t number; /* from 1 on, growing in the order in which they became known */
	uint64_t
		times; /* how often the same process failed the same way until something was freed */
	const char *container; /* the process's; NULL = none or not known */
	/* the largest files and the orphans of that superblock at that moment */
	struct {
		char name[64]; /* "" ends the list early */
		uint64_t bytes;
		uint32_t creator_pid; /* 0 = not known */
		char comm[COMM_LEN];
	} largest[SHM_FULL_LARGEST];
	uint64_t orphans, orphan_bytes;
};

struct shm_mount {
	struct rec_shm_mount rec; /* the last one */
	const char *point; /* where its owner sees it mounted: "/dev/shm" */
	const char *container_id; /* 64 digits; "" = the host's */
	const char *container; /* name, else the short id; "" = the host's */
	const char *runtime; /* "docker", …; "" = none */
	bool gone; /* no survey mentions it any more: kept for its peak and failures */
	/* rec.peak_bytes where traced, else the highest used_bytes seen, a lower bound of the peak */
	uint64_t peak_bytes, peak_ns;
	/*
	 * used_bytes less the bytes of its files, both as the last survey found them: what was charged
	 * unseen or belongs to no file. Only where `attributed`: the survey saw all of its files.
	 */
	bool attributed;
	int64_t unattributed_bytes;
	/*
	 * Over the last 5 s, or the last 4 looks where those are rarer: all changes but the largest
	 * one, over the time of their intervals, so that a single step is no trend. 0 = steady, negative
	 * when it shrinks, NaN = not known yet: fewer than 3 looks.
	 */
	double growth_bytes_s;
	double full_in_s; /* at that growth; negative = never, NaN = not known */
	uint64_t orphans, orphan_bytes;
	const struct shm_file *const *files; /* the largest first */
	size_t n_files;
	uint64_t files_omitted, files_omitted_bytes; /* small ones beyond SHM_FILES */
	const struct shm_charger *chargers; /* the largest held_bytes first */
	size_t n_chargers;
	const struct shm_full *full; /* in the order of time */
	size_t n_full;
	uint64_t full_omitted; /* older ones that were dropped */
};

struct shm_segment {
	struct rec_shm_segment rec;
};

/* At most so many are kept, so that no machine can make the ledger large; the rest is counted. */
#define SHM_MOUNTS 4096
#define SHM_FILES 20000 /* the largest */
#define SHM_HOLDERS 100000 /* of all files */
#define SHM_CHARGERS 16384
#define SHM_SEGMENTS 20000
#define SHM_LIMITS 4096
#define SHM_FULLS 256 /* the newest */

/* Everything of the ledger that a sink may show; part of struct snapshot. */
struct shm_view {
	bool known; /* false until the first survey */
	uint64_t survey_ns; /* when the last one ended */
	const struct shm_mount *const *mounts; /* fullest first (used / limit), then by used */
	size_t n_mounts;
	const struct shm_segment *segments; /* by namespace and shmid */
	size_t n_segments;
	const struct rec_shm_limits *limits; /* of the segments, in each IPC namespace */
	size_t n_limits;
	/* memfd and shared anonymous, and files of a tmpfs that is mounted nowhere; the largest first */
	const struct shm_file *const *anonymous;
	size_t n_anonymous;
	/*
	 * Sums over what exists; peaks are not summed, as they lie at different times. used_bytes is that
	 * of the mounts, the segments (resident or swapped) and the anonymous files.
	 */
	uint64_t used_bytes, files, orphans, orphan_bytes;
	uint64_t full; /* failures in all, repeated and dropped ones too */
	uint64_t
		omitted; /* mounts, segments, chargers and small files of the last survey not kept */
};

struct shm_ledger;

struct shm_ledger *shm_ledger_create(void); /* NULL when memory is exhausted */
void shm_ledger_destroy(struct shm_ledger *l); /* NULL is fine */

/* Takes a REC_SHM_* record; returns 0, -EINVAL for one too short or without its texts, -ENOMEM. */
int shm_ledger_apply(struct shm_ledger *l, const struct rec_head *rec, size_t size);

/* This superblock is of interest from now on, as with SHM_MOUNT_TARGET; nothing where it is not known. */
void shm_ledger_add_target(struct shm_ledger *l, uint32_t dev);
bool shm_ledger_is_target(struct shm_ledger *l, uint32_t dev);

/* Names a failure's container; -ENOENT when there is no such failure. */
int shm_ledger_set_container(struct shm_ledger *l, uint32_t pid, uint64_t ts_ns, const char *name);

/* Valid until the next call with this ledger. NULL when memory is exhausted. */
const struct shm_view *shm_ledger_view(struct shm_ledger *l, uint64_t now_ns);

#endif
