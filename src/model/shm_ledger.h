/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is inside the ledger of shared memory: shared by shm.c, which takes records in, shm_ledger_files.c,
 * the table of files and their holders, shm_full.c, the failures, and shm_view.c, which gives the
 * view out. Nobody else includes this.
 *
 * `survey` of an entry is the number of the survey that mentioned it last; the one under way is
 * ledger.survey. A mount's figures may be brought up to date between surveys: of a mount the time
 * counts too, which must not be before the survey began.
 */
#ifndef MEMMON_SHM_LEDGER_H
#define MEMMON_SHM_LEDGER_H

/* Without this uthash ends the program when memory is exhausted. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "shm.h"

/* Hashed as bytes: no padding but `pad`, always 0. */
struct shm_file_key {
	uint64_t ino, key;
	uint32_t dev;
	uint32_t pad;
};

struct shm_file_entry {
	struct shm_file f;
	struct shm_file_key key;
	char *path; /* owned; f.path points at it */
	struct shm_holder *holders; /* owned; f.holders points at them */
	size_t holders_cap;
	bool holders_sorted;
	uint64_t survey;
	UT_hash_handle hh;
};

/* What a superblock held when: the last looks, for its growth. */
struct shm_look {
	uint64_t ts_ns, used_bytes;
};
#define SHM_LOOKS 24
#define SHM_LOOK_NS 250000000ULL /* at least this far apart */
#define SHM_GROWTH_NS 5000000000ULL
#define SHM_GROWTH_LOOKS 4

struct shm_mount_entry {
	struct shm_mount m;
	uint32_t dev; /* the hash key */
	char *texts; /* owned; the names of `m` point into it */
	struct shm_full *fulls; /* owned; m.full points at them */
	size_t fulls_cap;
	size_t fulls_closed; /* so many of the oldest are from before the last drop of used_bytes */
	struct shm_look looks[SHM_LOOKS]; /* oldest first */
	size_t n_looks;
	uint64_t files_survey; /* the survey that files_omitted counts */
	uint64_t files_bytes; /* of its files, kept or not: sum at the end of a survey */
	uint64_t survey;
	uint64_t since_ns; /* when it was seen first */
	uint64_t gone_ns; /* when it was seen to be gone */
	uint64_t wall_bytes; /* the highest limit it had; UNKNOWN_U64 = was without, or not known */
	struct shm_mount_entry *next_gone;
	UT_hash_handle hh;
};

struct shm_charger_key {
	uint64_t start_ns;
	uint32_t dev, pid;
};

struct shm_charger_entry {
	struct shm_charger c;
	struct shm_charger_key key;
	uint64_t survey;
	UT_hash_handle hh;
};

struct shm_segment_key {
	uint32_t ipc_namespace;
	int32_t shmid;
};

struct shm_segment_entry {
	struct shm_segment s;
	struct shm_segment_key key;
	uint64_t survey;
	UT_hash_handle hh;
};

struct shm_ledger {
	struct shm_mount_entry *mounts; /* by dev */
	struct shm_mount_entry *gone; /* newest first; their device numbers may be in use again */
	struct shm_file_entry *files;
	struct shm_charger_entry *chargers;
	struct shm_segment_entry *segments;
	struct rec_shm_limits *limits, *next_limits; /* of the last survey, of the one under way */
	size_t n_next_limits;
	size_t n_holders; /* of all files */
	uint64_t floor_bytes; /* files of no more than this are dropped until the survey ends */
	uint64_t survey; /* from 1 on */
	uint64_t omitted, omitted_before; /* of the survey under way, of the last one */
	size_t n_full; /* kept */
	uint64_t full; /* ever */

	struct shm_view view;
	bool changed; /* since the view was built: files, holders, chargers, segments */
	/* what the view points at, owned */
	const struct shm_mount **mount_order;
	const struct shm_file **file_order;
	struct shm_charger *charger_order;
	struct shm_segment *segment_order;
};

/* ---- shm_ledger_files.c ---- */

int ledger_file_apply(struct shm_ledger *l, const struct rec_shm_file *r, const char *path);
int ledger_file_hold(struct shm_ledger *l, const struct rec_shm_holder *r);
/* Drops what the survey under way did not mention, and sums the files of each mount up. */
void ledger_files_survey(struct shm_ledger *l);
void ledger_files_finish(struct shm_ledger *l);
enum shm_state ledger_file_state(const struct shm_ledger *l, const struct shm_file_entry *e);

/* ---- shm_full.c ---- */

int ledger_full_apply(struct shm_ledger *l, const struct rec_shm_full *r);
void ledger_full_finish(struct shm_ledger *l, struct shm_mount_entry *m);

/* ---- shm.c ---- */

struct shm_mount_entry *ledger_mount_find(struct shm_ledger *l, uint32_t dev);
/* Finds or adds; NULL when memory is exhausted or there are SHM_MOUNTS. */
struct shm_mount_entry *ledger_mount_get(struct shm_ledger *l, uint32_t dev);
/* used_bytes was seen at this moment. */
void ledger_mount_saw(struct shm_mount_entry *m, uint64_t used_bytes, uint64_t ts_ns);

/* ---- shm_view.c ---- */

void ledger_view_finish(struct shm_ledger *l);

#endif
