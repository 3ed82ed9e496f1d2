/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is inside the tracer: shared by tracer.c, which attaches, tracer_slots.c, tracer_read.c, which
 * reads, and tracer_missed.c.
 */
#ifndef MEMMON_TRACER_STATE_H
#define MEMMON_TRACER_STATE_H

#include "tracer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <uthash.h>

/* needs the types of bpf/maps.h, which tracer.h includes */
#include "memmon.skel.h"

/* What a process had consumed before we watched it; forked ones began at 0 and have no entry. */
struct base {
	uint32_t pid; /* key */
	uint64_t start_ns;
	uint64_t minor_faults, major_faults, cpu_ns;
	UT_hash_handle hh;
};

/* Beside enum missed: with what is not lost, as it is made up for. */
enum { MADE_UP_FOR = MISSED_KINDS, COUNTED };

struct tracer {
	struct memmon_bpf *skel;
	struct bpf_link *adopt;
	struct ring_buffer *ring, *alarms;
	record_fn fn;
	void *ctx;
	int fn_error; /* of the callback, inside libbpf's */
	uint32_t cpus, slots;
	uint64_t batch; /* the kernel's percpu_counter_batch */
	bool volumes;
	bool percpu; /* rss_stat consists of per-CPU counters */
	struct base *bases;
	const volatile __u64 *living; /* by slot: the map, mapped */
	uint32_t *lingering; /* ended slots whose mm still lives (shared with a stranger) */
	size_t n_lingering;
	uint64_t read_at_ns; /* when the processes were last read */
	uint64_t cost_at_ns; /* when the last REC_COST was made */
	struct bpf_link *hook; /* on rss_stat; NULL = TRACER_SAMPLE */
	bool sampled; /* it ever was in that mode */
	struct rec_tree highest; /* of the sums of the samples: at_peak, peak, peak_ns */
	/* of kernels that skip programs (tracer_missed.c) */
	bool preempted;
	bool mending; /* the tree is not mended on every CPU yet */
	__u64 made_up[COUNTED]; /* what was missed when that was made up for last */
	uint64_t gone; /* processes that ended unseen */
};

/* Runs one of the programs that user space calls itself. Returns 0 or a negative errno. */
int tracer_run(struct bpf_program *program);
/* The program on rss_stat. */
struct bpf_program *tracer_hook(const struct tracer *t);
/*
 * As tracer_adopt(); with `pass` > 0 for those that began while we watched: all that they consumed counts, and
 * the hooks have counted those that there is no room for.
 */
int tracer_adopt_from(struct tracer *t, uint32_t pass);
/* The runs of our programs that the kernel skipped since they were loaded. */
void tracer_count_missed(const struct tracer *t, __u64 missed[MISSED_KINDS]);
/* Makes up for them; `now`: for as much as can be. Returns 0 or a negative errno. */
int tracer_make_up(struct tracer *t, bool now);

/* ---- slots ---- */

/* Hands all of them to the kernel side. Returns 0 or a negative errno. */
int tracer_open_slots(struct tracer *t);
void tracer_close_slots(struct tracer *t);
/*
 * Takes the slot of a process that has ended, and was read, back; later where its mm may take a moment more,
 * or lives on with a stranger. Returns 0 or a negative errno.
 */
int tracer_take_back(struct tracer *t, uint32_t n, const struct slot *slot);
/* Takes back those of them that can be by now. Returns 0 or a negative errno. */
int tracer_reap_lingering(struct tracer *t);

enum which_slots {
	SLOTS_LIVING, /* of processes that were not seen to end */
	SLOTS_ALL,
};

/* Returns 0, or a negative errno, which ends the pass. */
typedef int (*after_run_fn)(struct tracer *t);

/*
 * Runs `program` over slots, at most PICKS of them at a time, and after each run `after`, which may be NULL. Returns 0
 * or a negative errno.
 */
int tracer_run_over(struct tracer *t, struct bpf_program *program, enum which_slots which,
		    after_run_fn after);

#endif
