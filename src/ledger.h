/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The source of the shared-memory ledger: survey and shm tracer together, as records in an order that
 * the model accepts. Used by `memmon-bpf shm`, and by every watch for what its targets share.
 *
 * A failure is held back until a survey has looked around, so that the ledger knows what filled the
 * superblock when it is told who hit its wall. While failures come thick and fast only one survey
 * per second is made for them.
 */
#ifndef MEMMON_LEDGER_H
#define MEMMON_LEDGER_H

#include "containers.h"
#include "model/model.h"
#include "shm_tracer.h"

struct ledger_config {
	enum shm_chain most; /* of the tracer's, once charges are traced */
	bool verbose;
	const char *btf; /* NULL = the kernel's own */
	struct model *model; /* where everything goes */
	const struct cgroup_mounts *mounts;
	struct containers *containers; /* for names; NULL = ids */
	/* NULL = takes everything; else which records pass on to the model */
	bool (*passes)(void *ctx, const struct rec_head *rec);
	void *ctx;
};

struct ledger;

/*
 * Looks at mounts only, which costs next to nothing, until ledger_trace(). Both return 0 or a negative
 * errno; whatever the tracer cannot do is in ledger_gaps().
 */
int ledger_create(const struct ledger_config *config, struct ledger **out);
void ledger_destroy(struct ledger *l); /* NULL is fine */

/* From now on files, holders and charges too. Again is fine. */
int ledger_trace(struct ledger *l);

/* Back to mounts only, until ledger_trace() is called again. Returns 0 or a negative errno. */
int ledger_untrace(struct ledger *l);
/* Adds how long the programs ran that trace charges, while the kernel's statistics were on. */
void ledger_run_time(const struct ledger *l, struct run_time *sum);

/*
 * The /dev/shm of this process is of interest; one look where its mount namespace is that of another
 * target. Whatever keeps it from being found is no error.
 */
void ledger_add_target(struct ledger *l, uint32_t pid);

/*
 * Has a target anything to do with shared memory that is worth tracing: a /dev/shm of its container's
 * own, or one that is half full, or whose use has changed since the first look?
 */
bool ledger_concerns_target(const struct ledger *l);

/* -1, or a descriptor that becomes readable when somebody hit a wall. It stays the ledger's. */
int ledger_alarm_fd(const struct ledger *l);

/* Failures, then the figures of the mounts; or a whole survey, where asked for or due. */
int ledger_read(struct ledger *l, bool survey);

uint64_t ledger_lost(const struct ledger *l); /* records and charges */
enum shm_chain ledger_chain(const struct ledger *l);
const char *ledger_chain_name(const struct ledger *l); /* for people: "traced by fexit" */
const char *
ledger_why(const struct ledger *l); /* why no better way to trace; "" = it is the best */
const char *ledger_gaps(struct ledger *l); /* what could not be seen; "" = nothing */

#endif
