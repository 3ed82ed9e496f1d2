// SPDX-License-Identifier: GPL-2.0-or-later
#include "ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "os/container.h"
#include "shm_survey.h"
#include "util/clock.h"

#define PENDING 256 /* failures of one drain; more are not held back */
#define LOOK_AROUND_NS 1000000000ULL /* at most one survey in this for failures */
#define TARGETS 1024 /* whose /dev/shm was asked for; more are not remembered */

struct failure {
	struct rec_shm_full rec;
	char container[CONTAINER_ID_DIGITS + 1]; /* of whom it met; "" = of none, or not known */
};

struct ledger {
	struct ledger_config config;
	struct shm_tracer *tracer; /* NULL = charges are not traced, or cannot be */
	struct shm_survey *survey;
	bool traced; /* it was tried */
	bool surveyed; /* once */
	bool concerns;
	struct {
		uint32_t pid;
		uint64_t mount_namespace;
	} targets[TARGETS];
	size_t n_targets;
	struct {
		uint32_t dev;
		uint64_t used_bytes;
	} first[TARGETS]; /* of the targets' mounts, at the first look */
	size_t n_first;
	struct failure pending[PENDING];
	size_t n_pending;
	uint64_t skipped; /* runs of the tracer's hooks, as of the last survey */
	uint64_t looked_ns; /* when a survey was made for failures */
	char why[1024]; /* what the tracer lacks */
	char gaps[2048];
};

/* ---- records ---- */

static int apply(struct ledger *l, const struct rec_head *rec, size_t size)
{
	int err;

	if (l->config.passes && !l->config.passes(l->config.ctx, rec))
		return 0;
	err = model_apply(l->config.model, rec, size);
	return err == -EINVAL ? 0 : err;
}

/* In which container is the process? One that has died is in no cgroup: then it is the one it was in. */
static void find_container(const struct ledger *l, const struct rec_shm_full *r,
			   char id[CONTAINER_ID_DIGITS + 1])
{
	const struct containers *c = l->config.containers;
	struct cgroup cgroup;
	char path[PATH_MAX];

	for (int version = 1; version <= 2; version++)
		if (!cgroup_of_pid(l->config.mounts, (pid_t)r->head.pid, version, &cgroup) &&
		    container_id(cgroup.name, id))
			return;
	if (!cgroup_name_by_id(l->config.mounts, r->cgroup_id, path, sizeof(path)) &&
	    container_id(path, id))
		return;
	id[0] = '\0';
	/* of those that are followed it is known also when the cgroup is gone */
	for (size_t i = 0; c && i < containers_count(c); i++) {
		const struct container_target *target = containers_get(c, i);

		if (target->is.id[0] && target->is.cgroup.id == r->cgroup_id)
			memcpy(id, target->is.id, CONTAINER_ID_DIGITS + 1);
	}
}

static int name_failure(struct ledger *l, struct failure *f)
{
	const struct rec_head *head = &f->rec.head;
	const char *name = "";
	int err;

	if (!f->container[0])
		return 0;
	if (l->config.containers)
		name = containers_name(l->config.containers, f->container);
	if (!*name) {
		f->container[CONTAINER_SHORT_ID_DIGITS] = '\0';
		name = f->container;
	}
	err = model_set_shm_container(l->config.model, head->pid, head->ts_ns, name);
	return err == -ENOENT ? 0 : err; /* it was a repetition, or did not pass */
}

static int apply_failure(struct ledger *l, struct failure *f)
{
	int err = apply(l, &f->rec.head, sizeof(f->rec));

	return err ? err : name_failure(l, f);
}

/* Its container is looked for at once: it may be gone after the survey. */
static int take_failure(struct ledger *l, const struct rec_shm_full *r)
{
	struct failure one = { .container = "" },
		       *f = l->n_pending < PENDING ? &l->pending[l->n_pending++] : &one;

	f->rec = *r;
	find_container(l, r, f->container);
	return f == &one ? apply_failure(l, f) : 0;
}

static void look_at_target(struct ledger *l, const struct rec_shm_mount *r, const char *texts)
{
	const char *container_id = texts + strlen(texts) + 1;
	size_t i = 0;

	while (i < l->n_first && l->first[i].dev != r->dev)
		i++;
	if (i == l->n_first && i < TARGETS) {
		l->first[i].dev = r->dev;
		l->first[i].used_bytes = r->used_bytes;
		l->n_first++;
	}
	if (*container_id || (i < TARGETS && l->first[i].used_bytes != r->used_bytes) ||
	    (r->limit_bytes && r->used_bytes != UNKNOWN_U64 && r->used_bytes >= r->limit_bytes / 2))
		l->concerns = true;
}

static int on_record(void *ctx, const struct rec_head *rec, size_t size)
{
	struct ledger *l = ctx;

	if (rec->type == REC_SHM_FULL)
		return take_failure(l, (const struct rec_shm_full *)rec);
	if (rec->type == REC_SHM_MOUNT) {
		const struct rec_shm_mount *mount = (const struct rec_shm_mount *)rec;

		if (mount->flags & SHM_MOUNT_TARGET)
			look_at_target(l, mount, (const char *)(mount + 1));
	}
	return apply(l, rec, size);
}

/* ---- set-up ---- */

static const char *name_of(void *ctx, const char *id)
{
	struct ledger *l = ctx;

	return l->config.containers ? containers_name(l->config.containers, id) : "";
}

static int start_survey(struct ledger *l)
{
	struct shm_survey_config config = {
		.tracer = l->tracer,
		.files = l->traced, /* orphans and what is unattributed need them */
		.fn = on_record,
		.ctx = l,
		.name = name_of,
		.name_ctx = l,
	};
	int err;

	shm_survey_destroy(l->survey);
	l->survey = NULL;
	l->surveyed = false;
	err = shm_survey_create(&config, &l->survey);
	for (size_t i = 0; !err && i < l->n_targets; i++)
		shm_survey_add_target(l->survey, l->targets[i].pid);
	return err;
}

int ledger_create(const struct ledger_config *config, struct ledger **out)
{
	struct ledger *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->config = *config;
	err = start_survey(l);
	if (err) {
		ledger_destroy(l);
		return err;
	}
	*out = l;
	return 0;
}

void ledger_destroy(struct ledger *l)
{
	if (!l)
		return;
	shm_survey_destroy(l->survey);
	shm_tracer_destroy(l->tracer);
	free(l);
}

int ledger_trace(struct ledger *l)
{
	struct shm_tracer_config config = {
		.most = l->config.most,
		.verbose = l->config.verbose,
		.btf = l->config.btf,
	};
	int err;

	if (l->traced)
		return 0;
	l->traced = true;
	err = shm_tracer_create(&config, on_record, l, &l->tracer, l->why, sizeof(l->why));
	if (err) {
		/* there are still the mounts, their files and the segments */
		l->tracer = NULL;
		if (!*l->why)
			snprintf(l->why, sizeof(l->why), "charges, creators and holders: %s",
				 strerror(-err));
	}
	return start_survey(l);
}

int ledger_untrace(struct ledger *l)
{
	if (!l->traced)
		return 0;
	/* the survey first: it reads the tracer's maps */
	shm_survey_destroy(l->survey);
	l->survey = NULL;
	shm_tracer_destroy(l->tracer);
	l->tracer = NULL;
	l->traced = false;
	l->n_pending = 0;
	*l->why = '\0';
	return start_survey(l);
}

void ledger_run_time(const struct ledger *l, struct run_time *sum)
{
	if (l->tracer)
		shm_tracer_run_time(l->tracer, sum);
}

void ledger_add_target(struct ledger *l, uint32_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/ns/mnt", pid);
	if (stat(path, &st))
		return;
	for (size_t i = 0; i < l->n_targets; i++)
		if (l->targets[i].mount_namespace == st.st_ino)
			return;
	if (shm_survey_add_target(l->survey, pid) || l->n_targets == TARGETS)
		return;
	l->targets[l->n_targets].pid = pid;
	l->targets[l->n_targets++].mount_namespace = st.st_ino;
}

/* ---- looks ---- */

bool ledger_concerns_target(const struct ledger *l)
{
	return l->concerns;
}

int ledger_alarm_fd(const struct ledger *l)
{
	return l->tracer ? shm_tracer_alarm_fd(l->tracer) : -1;
}

static int look_around(struct ledger *l)
{
	l->surveyed = true;
	if (l->tracer) /* a system call for each program */
		l->skipped = shm_tracer_skipped(l->tracer);
	return shm_survey_run(l->survey);
}

static int drain(struct ledger *l)
{
	uint64_t now = monotonic_ns();
	int err = l->tracer ? shm_tracer_drain(l->tracer) : 0;

	if (err >= 0 && l->n_pending && now - l->looked_ns > LOOK_AROUND_NS) {
		l->looked_ns = now;
		err = look_around(l);
	}
	for (size_t i = 0; err >= 0 && i < l->n_pending; i++)
		err = apply_failure(l, &l->pending[i]);
	l->n_pending = 0;
	return err < 0 ? err : 0;
}

int ledger_read(struct ledger *l, bool survey)
{
	int err = drain(l);

	if (err)
		return err;
	if (survey || !l->surveyed || monotonic_ns() >= shm_survey_due_ns(l->survey))
		return look_around(l);
	return shm_survey_read(l->survey);
}

uint64_t ledger_lost(const struct ledger *l)
{
	return l->tracer ? shm_tracer_lost(l->tracer) : 0;
}

enum shm_chain ledger_chain(const struct ledger *l)
{
	return l->tracer ? shm_tracer_chain(l->tracer) : SHM_CHAIN_NONE;
}

const char *ledger_chain_name(const struct ledger *l)
{
	static const char *const names[] = {
		[SHM_CHAIN_NONE] = "not traced",
		[SHM_CHAIN_SIGNALS] = "not traced; SIGBUS only",
		[SHM_CHAIN_TRACEPOINTS] = "traced by tracepoints",
		[SHM_CHAIN_KPROBE] = "traced by kprobes",
		[SHM_CHAIN_FEXIT] = "traced by fexit",
	};

	return names[ledger_chain(l)];
}

const char *ledger_why(const struct ledger *l)
{
	return l->why;
}

const char *ledger_gaps(struct ledger *l)
{
	/* what a lesser way to trace lacks is known from -v; only its misses are gaps, or that there is none */
	const char *parts[] = { shm_survey_gaps(l->survey), l->tracer ? "" : l->why, "", "" };
	bool wanted = l->tracer && l->config.most > SHM_CHAIN_SIGNALS;
	char lost[80] = "", missed[120] = "";
	size_t len = 0;

	if (wanted && ledger_chain(l) == SHM_CHAIN_NONE)
		parts[1] = "what is charged, and who hits a wall (memmon-bpf doctor says why)";
	else if (wanted && ledger_chain(l) == SHM_CHAIN_SIGNALS)
		parts[1] = "what is charged, and who hits a wall but by SIGBUS (memmon-bpf doctor "
			   "says why)";
	if (ledger_lost(l)) {
		snprintf(lost, sizeof(lost), "%llu records were lost",
			 (unsigned long long)ledger_lost(l));
		parts[2] = lost;
	}
	if (l->skipped) {
		snprintf(
			missed, sizeof(missed),
			"failures and peaks, maybe: the kernel skipped %llu runs of the hooks on shared "
			"memory",
			(unsigned long long)l->skipped);
		parts[3] = missed;
	}
	l->gaps[0] = '\0';
	for (size_t i = 0; i < 4 && len < sizeof(l->gaps); i++)
		if (*parts[i])
			len += (size_t)snprintf(l->gaps + len, sizeof(l->gaps) - len, "%s%s",
						len ? "; " : "", parts[i]);
	return l->gaps;
}
