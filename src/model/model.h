/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model: what is known of the watched processes and the machine, built from records alone.
 *
 * model_apply() is the only way in; model_snapshot() the only way out. The model reads no clock,
 * no /proc and no map: its time is the records' time, so a recorded stream replays to the same
 * numbers. It keeps every live process and at most `max_ended` ended ones (those of the largest
 * peaks), so that its memory is bounded however many processes come and go.
 */
#ifndef MEMMON_MODEL_H
#define MEMMON_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../bpf/events.h"
#include "shm.h"

struct process {
	uint32_t pid, ppid;
	uint64_t start_ns; /* with pid: the identity */
	uint64_t watched_ns; /* when watching it began; not before the snapshot's start_ns */
	uint64_t end_ns; /* 0 while it lives */
	bool has_status; /* it ended and how is known; false too where its REC_EXIT was lost */
	int wait_status; /* as waitpid(2); only with has_status */
	enum start_how how;
	char comm[COMM_LEN]; /* hostile bytes; always NUL-terminated */
	const char *cmdline; /* NULL = not known; hostile bytes */
	const char *container; /* NULL = none or not known */
	bool has_reading; /* false: only its start was seen, the figures below are not known */
	struct rec_reading reading; /* the last one */
	uint64_t pss_bytes; /* UNKNOWN_U64 without --pss */
};

/* A change of the way of watching, or the one that it began with. */
struct mode_step {
	uint64_t ts_ns;
	uint64_t number; /* from 1 on */
	enum watch_mode mode; /* from then on */
	enum mode_why why;
	uint64_t share_ppm; /* of one core, which our programs took; UNKNOWN_U64 = not measured */
	uint64_t budget_ppm; /* 0 = none */
};

struct oom_kill {
	uint64_t ts_ns;
	uint32_t pid;
	char comm[COMM_LEN];
	const char *cgroup; /* NULL = not known */
	struct mem_pages pages;
	/* the largest watched processes at that moment, largest first; pid 0 ends the list early */
	struct {
		uint32_t pid;
		char comm[COMM_LEN];
		uint64_t rss_bytes;
	} top[5];
};

/* One point of the history strip: what the tree and the machine held when an interval ended. */
struct history_point {
	uint64_t ts_ns;
	uint64_t rss_bytes;
	uint64_t available_bytes; /* UNKNOWN_U64 = not known */
};
#define HISTORY_POINTS 512

/* Everything a sink may show. Valid until the next call of model_apply() or model_destroy(). */
struct snapshot {
	uint64_t page_bytes;
	uint64_t start_ns; /* the watch began: ts of the first record */
	uint64_t now_ns; /* ts of the newest record */

	struct {
		bool known; /* false until the first REC_TREE */
		struct mem_pages first; /* of the first REC_TREE, or at the command's exec */
		struct mem_pages now, at_peak, peak;
		uint64_t peak_ns, error_pages;
		bool no_kinds; /* of at_peak only the sum of the kinds is known */
		uint64_t processes, processes_live, processes_peak, processes_untracked;
		/* sums over the processes; UNKNOWN_U64 = none known */
		uint64_t minor_faults, major_faults, cpu_ns;
		struct vm_volume volume[VM_CALLS]; /* calls UNKNOWN_U64 = not collected */
		/* the footprint (sum of PSS of the live processes); UNKNOWN_U64 without --pss */
		uint64_t footprint_first_bytes, footprint_bytes, footprint_peak_bytes;
		/* highest sum of levels seen since the last REC_TICK before this one */
		uint64_t level_peak_pages;
	} tree;

	struct {
		bool known; /* false until the first REC_SYSTEM */
		uint64_t total_bytes;
		uint64_t available_first_bytes, available_bytes;
		uint64_t available_min_bytes, available_min_ns;
		/* since the first; UNKNOWN_U64 without PSI */
		uint64_t pressure_some_us, pressure_full_us;
	} system;

	struct {
		bool known; /* false until the first REC_CHARGE */
		struct rec_charge last;
		uint64_t peak_bytes; /* the cgroup's own peak, else the highest current seen */
	} charge;

	struct {
		bool known; /* false until the first REC_COST */
		struct rec_cost last;
	} cost;

	struct {
		bool known; /* false until the first REC_MODE */
		bool ever_sampled;
		uint64_t lasted_ns[WATCH_MODES]; /* how long in each mode */
		const struct mode_step *steps; /* oldest first; the newest says what is now */
		size_t n_steps;
		uint64_t steps_omitted; /* older ones */
	} mode;

	struct {
		bool known; /* false until the first REC_BPF_TIME */
		struct rec_bpf_time last;
	} bpf_time;

	/* live ones first, by RSS, then ended ones, by peak; each descending, ties by pid */
	const struct process *const *processes;
	size_t n_processes, n_live;
	uint64_t processes_omitted; /* of tree.processes: seen, but no longer kept here */

	const struct oom_kill *oom;
	size_t n_oom;

	const struct history_point *history; /* oldest first */
	size_t n_history;

	const struct shm_view *shm; /* the ledger of shared memory; NULL = no record was about it */
};

/* Runs of our programs that the kernel skipped; 0 too where it does not count them. */
uint64_t snapshot_missed(const struct snapshot *s, enum missed which);

/*
 * May anything be missing, as a record was lost or a start or end went by? For other runs that were
 * skipped the figures have bounds; processes without figures are in tree.processes_untracked.
 */
bool snapshot_lost(const struct snapshot *s);

struct model;

/*
 * page_bytes: of the machine the records come from. max_ended: how many ended processes are kept,
 * at least 1. Returns NULL when memory is exhausted.
 */
struct model *model_create(uint64_t page_bytes, size_t max_ended);
void model_destroy(struct model *m); /* NULL is fine */

/*
 * Hears of all that goes in, in its order and before it is applied: for a stream that can be played again.
 * What was refused it hears of too.
 */
enum model_text {
	TEXT_CMDLINE, /* at_ns: the process's start */
	TEXT_CONTAINER,
	TEXT_OOM_CGROUP, /* at_ns: the kill's time */
	TEXT_SHM_CONTAINER, /* at_ns: the failure's time */
};
struct model_tap {
	void (*record)(void *ctx, const struct rec_head *rec, size_t size);
	void (*text)(void *ctx, enum model_text which, uint32_t pid, uint64_t at_ns,
		     const char *text); /* which may be NULL */
	void *ctx;
};
void model_set_tap(struct model *m, const struct model_tap *tap); /* copied */

/*
 * Takes one record of `size` readable bytes, which must be `rec->size`. A type that is not known
 * is ignored (a newer recording). Returns 0, -EINVAL for a record that is too short for its type,
 * -ENOMEM.
 */
int model_apply(struct model *m, const struct rec_head *rec, size_t size);

/*
 * Attaches text to a process or an OOM kill that the kernel's record does not carry; the model
 * copies it. Returns 0, -ENOENT when there is no such process, -ENOMEM.
 */
int model_set_cmdline(struct model *m, uint32_t pid, uint64_t start_ns, const char *cmdline);
int model_set_container(struct model *m, uint32_t pid, uint64_t start_ns, const char *container);
int model_set_oom_cgroup(struct model *m, uint32_t pid, uint64_t ts_ns, const char *cgroup);
/* Is this process one that was ever watched, and is kept? */
bool model_watches(struct model *m, uint32_t pid, uint64_t start_ns);
/* Is this superblock of interest: a watched process's /dev/shm, or charged by one? */
bool model_shm_concerns(struct model *m, uint32_t dev);
/* Names the container of whoever hit the wall of a tmpfs. */
int model_set_shm_container(struct model *m, uint32_t pid, uint64_t ts_ns, const char *container);

/* The snapshot is the model's; it is rebuilt by each call. */
const struct snapshot *model_snapshot(struct model *m);

/* file + anon + shmem, in pages, never below 0: what the kernel calls RSS. */
uint64_t rss_pages(const struct mem_pages *p);

#endif
