/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_apply(): one small function per record type, and the table that leads to it.
 *
 * Readings are absolute, so a record that came twice or late does no harm: what is older than what
 * is known is left aside. A record that was lost is made up for by the next reading.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

/* Beyond any machine; keeps three kinds' bytes within 63 bits, with pages of 64 KiB too. */
#define PAGES_MAX (1LL << 44)

uint64_t rss_pages(const struct mem_pages *p)
{
	static const enum mem_kind resident[] = { MEM_FILE, MEM_ANON, MEM_SHMEM };
	int64_t sum = 0;

	for (size_t i = 0; i < sizeof(resident) / sizeof(resident[0]); i++) {
		int64_t pages = p->kind[resident[i]];

		if (pages > PAGES_MAX)
			pages = PAGES_MAX;
		if (pages < -PAGES_MAX)
			pages = -PAGES_MAX;
		sum += pages;
	}
	return sum > 0 ? (uint64_t)sum : 0;
}

struct model *model_create(uint64_t page_bytes, size_t max_ended)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->snap.page_bytes = page_bytes;
	m->snap.tree.footprint_first_bytes = UNKNOWN_U64;
	m->snap.tree.footprint_bytes = UNKNOWN_U64;
	m->snap.tree.footprint_peak_bytes = UNKNOWN_U64;
	m->charge_highest_bytes = UNKNOWN_U64;
	m->pressure_first_us[0] = m->pressure_first_us[1] = UNKNOWN_U64;
	processes_init(&m->table, max_ended);
	return m;
}

void model_destroy(struct model *m)
{
	if (!m)
		return;
	processes_finish(&m->table);
	shm_ledger_destroy(m->shm);
	for (size_t i = 0; i < m->n_oom; i++)
		free(m->oom_cgroup[i]);
	free(m);
}

static void copy_comm(char *dst, const char *src)
{
	if (!src[0])
		return; /* an empty name says nothing: keep the one we have */
	memcpy(dst, src, COMM_LEN);
	dst[COMM_LEN - 1] = '\0';
}

/* The sum changed at one instant: was it the highest of this interval? */
static void note_level(struct model *m)
{
	if (m->table.level_pages > m->level_peak_pages)
		m->level_peak_pages = m->table.level_pages;
}

static void take_level(struct model *m, struct process_entry *e, const struct mem_pages *now,
		       uint64_t ts_ns)
{
	if (!processes_set_level(&m->table, e, now, ts_ns))
		return;
	if (e->p.has_reading)
		e->p.reading.now = *now;
	note_level(m);
}

/* When watching began, of a process whose REC_START was lost. */
static uint64_t guess_watched(const struct model *m, const struct rec_reading *r)
{
	uint64_t ns = r->head.ts_ns;

	if ((r->how == START_FORKED || r->how == START_COMMAND) && r->head.start_ns < ns)
		ns = r->head.start_ns;
	return ns < m->snap.start_ns ? m->snap.start_ns : ns;
}

static void set_first(struct model *m, const struct mem_pages *now)
{
	if (m->first_known)
		return;
	m->snap.tree.first = *now;
	m->first_known = true;
}

static int apply_start(struct model *m, const struct rec_head *rec)
{
	const struct rec_start *r = (const struct rec_start *)rec;
	uint64_t seen = m->table.seen;
	struct process_entry *e;
	int err;

	err = processes_get(&m->table, rec->pid, rec->start_ns, &e);
	if (err)
		return err;
	e->p.ppid = r->ppid;
	e->p.how = r->how;
	if (m->table.seen != seen || rec->type == REC_START)
		e->p.watched_ns = rec->ts_ns < m->snap.start_ns ? m->snap.start_ns : rec->ts_ns;
	copy_comm(e->p.comm, r->comm);
	take_level(m, e, &r->now, rec->ts_ns);
	/* a watch that begins with a command's exec begins with what it holds then */
	if (rec->type == REC_START && r->how == START_COMMAND)
		set_first(m, &r->now);
	return 0;
}

static int apply_exec(struct model *m, const struct rec_head *rec)
{
	struct process_entry *e = processes_find(&m->table, rec->pid, rec->start_ns);

	if (e) { /* another program: the former one's arguments are not its own */
		free(e->cmdline);
		e->cmdline = NULL;
		e->p.cmdline = NULL;
	}
	return apply_start(m, rec);
}

static int apply_level(struct model *m, const struct rec_head *rec)
{
	const struct rec_level *r = (const struct rec_level *)rec;
	struct process_entry *e = processes_find(&m->table, rec->pid, rec->start_ns);

	if (e)
		take_level(m, e, &r->now, rec->ts_ns);
	return 0;
}

static int apply_reading(struct model *m, const struct rec_head *rec)
{
	const struct rec_reading *r = (const struct rec_reading *)rec;
	uint64_t seen = m->table.seen;
	struct process_entry *e;
	int err;

	err = processes_get(&m->table, rec->pid, rec->start_ns, &e);
	if (err)
		return err;
	if (m->table.seen != seen)
		e->p.watched_ns = guess_watched(m, r);
	/* what a process held when it ended is its last word */
	if (e->p.has_reading && (e->p.reading.flags & READING_ENDED) && !(r->flags & READING_ENDED))
		return 0;
	e->p.ppid = r->ppid;
	e->p.how = r->how;
	copy_comm(e->p.comm, r->comm);
	/*
	 * No note_level() here: the readings of one interval follow each other, and the sum in their
	 * midst, half old and half new, was never held. The tick that ends them takes it.
	 */
	processes_set_reading(&m->table, e, r);
	if ((r->flags & READING_ENDED) && !e->p.end_ns)
		processes_end(&m->table, e, rec->ts_ns);
	return 0;
}

static int apply_exit(struct model *m, const struct rec_head *rec)
{
	const struct rec_exit *r = (const struct rec_exit *)rec;
	struct process_entry *e = processes_find(&m->table, rec->pid, rec->start_ns);

	if (!e)
		return 0; /* without any figure, and the tree's count has it */
	e->p.has_status = true;
	e->p.wait_status = r->wait_status;
	processes_end(&m->table, e, rec->ts_ns);
	return 0;
}

static int apply_tree(struct model *m, const struct rec_head *rec)
{
	struct rec_tree before = m->tree;

	m->tree = *(const struct rec_tree *)rec;
	/* what ran as it was read may have been the highest, and gone before the kernel side looked */
	if (rss_pages(&before.at_peak) > rss_pages(&m->tree.at_peak)) {
		m->tree.at_peak = before.at_peak;
		m->tree.peak_ns = before.peak_ns;
	}
	for (int i = 0; i < MEM_KINDS; i++)
		if (before.peak.kind[i] > m->tree.peak.kind[i])
			m->tree.peak.kind[i] = before.peak.kind[i];
	set_first(m, &m->tree.now);
	m->snap.tree.known = true;
	return 0;
}

/* What the counter gained since its first value. */
static uint64_t since_first(uint64_t *first, uint64_t now)
{
	if (now == UNKNOWN_U64)
		return UNKNOWN_U64;
	if (*first == UNKNOWN_U64 || now < *first)
		*first = now;
	return now - *first;
}

static int apply_system(struct model *m, const struct rec_head *rec)
{
	const struct rec_system *r = (const struct rec_system *)rec;
	struct snapshot *s = &m->snap;

	s->system.total_bytes = r->total_bytes;
	s->system.available_bytes = r->available_bytes;
	if (!s->system.known)
		s->system.available_first_bytes = r->available_bytes;
	if (!s->system.known || r->available_bytes < s->system.available_min_bytes) {
		s->system.available_min_bytes = r->available_bytes;
		s->system.available_min_ns = rec->ts_ns;
	}
	s->system.pressure_some_us = since_first(&m->pressure_first_us[0], r->pressure_some_us);
	s->system.pressure_full_us = since_first(&m->pressure_first_us[1], r->pressure_full_us);
	s->system.known = true;
	return 0;
}

static int apply_charge(struct model *m, const struct rec_head *rec)
{
	struct snapshot *s = &m->snap;
	uint64_t current;

	s->charge.last = *(const struct rec_charge *)rec;
	s->charge.known = true;
	current = s->charge.last.current_bytes;
	if (current != UNKNOWN_U64 &&
	    (m->charge_highest_bytes == UNKNOWN_U64 || current > m->charge_highest_bytes))
		m->charge_highest_bytes = current;
	s->charge.peak_bytes = s->charge.last.peak_bytes;
	if (s->charge.peak_bytes == UNKNOWN_U64)
		s->charge.peak_bytes = m->charge_highest_bytes;
	return 0;
}

static int apply_pss(struct model *m, const struct rec_head *rec)
{
	struct process_entry *e = processes_find(&m->table, rec->pid, rec->start_ns);

	if (e)
		e->p.pss_bytes = ((const struct rec_pss *)rec)->pss_bytes;
	return 0;
}

/* In older recordings it ends before missed_runs: then nobody counted those. */
#define OLDER_COST_BYTES offsetof(struct rec_cost, missed_runs)

static int apply_cost(struct model *m, const struct rec_head *rec)
{
	struct rec_cost *r = &m->snap.cost.last;

	if (rec->size >= sizeof(*r)) {
		*r = *(const struct rec_cost *)rec;
	} else {
		memcpy(r, rec, OLDER_COST_BYTES);
		for (int i = 0; i < MISSED_KINDS; i++)
			r->missed_runs[i] = UNKNOWN_U64;
	}
	m->snap.cost.known = true;
	return 0;
}

static int apply_mode(struct model *m, const struct rec_head *rec)
{
	const struct rec_mode *r = (const struct rec_mode *)rec;
	struct mode_step *step;
	uint64_t number = m->snap.mode.steps_omitted + m->snap.mode.n_steps + 1;

	if (r->mode >= WATCH_MODES || r->why >= MODE_WHYS)
		return 0; /* of a newer recording */
	if (m->snap.mode.n_steps) {
		step = &m->steps[m->snap.mode.n_steps - 1];
		if (rec->ts_ns > step->ts_ns)
			m->mode_ns[step->mode] += rec->ts_ns - step->ts_ns;
	}
	if (m->snap.mode.n_steps == MODE_STEPS) {
		memmove(m->steps, m->steps + 1, --m->snap.mode.n_steps * sizeof(*m->steps));
		m->snap.mode.steps_omitted++;
	}
	step = &m->steps[m->snap.mode.n_steps++];
	*step = (struct mode_step){ .ts_ns = rec->ts_ns,
				    .number = number,
				    .mode = r->mode,
				    .why = r->why,
				    .share_ppm = r->share_ppm,
				    .budget_ppm = r->budget_ppm };
	m->snap.mode.known = true;
	m->snap.mode.ever_sampled = m->snap.mode.ever_sampled || r->mode == MODE_SAMPLE;
	return 0;
}

static int apply_bpf_time(struct model *m, const struct rec_head *rec)
{
	m->snap.bpf_time.last = *(const struct rec_bpf_time *)rec;
	m->snap.bpf_time.known = true;
	return 0;
}

static void oom_add_top(struct oom_kill *kill, const struct process_entry *e, uint64_t page_bytes)
{
	const size_t n = sizeof(kill->top) / sizeof(kill->top[0]);
	uint64_t rss = e->level_pages * page_bytes;
	size_t i = n;

	if (!rss || !e->p.pid)
		return; /* pid 0 ends the list, and tells nobody anything */
	while (i > 0 && (kill->top[i - 1].rss_bytes < rss ||
			 (kill->top[i - 1].rss_bytes == rss && kill->top[i - 1].pid > e->p.pid)))
		i--;
	if (i == n)
		return;
	memmove(&kill->top[i + 1], &kill->top[i], (n - 1 - i) * sizeof(kill->top[0]));
	kill->top[i].pid = e->p.pid;
	memcpy(kill->top[i].comm, e->p.comm, COMM_LEN);
	kill->top[i].rss_bytes = rss;
}

static int apply_oom(struct model *m, const struct rec_head *rec)
{
	const struct rec_oom *r = (const struct rec_oom *)rec;
	struct process_entry *e = processes_find(&m->table, rec->pid, rec->start_ns);
	struct oom_kill *kill;

	if (e)
		take_level(m, e, &r->now, rec->ts_ns);
	if (m->n_oom == OOM_KILLS) {
		free(m->oom_cgroup[0]);
		m->n_oom--;
		memmove(m->oom, m->oom + 1, m->n_oom * sizeof(*m->oom));
		memmove(m->oom_cgroup, m->oom_cgroup + 1, m->n_oom * sizeof(*m->oom_cgroup));
	}
	m->oom_cgroup[m->n_oom] = NULL;
	kill = &m->oom[m->n_oom++];
	memset(kill, 0, sizeof(*kill));
	kill->ts_ns = rec->ts_ns;
	kill->pid = rec->pid;
	kill->pages = r->now;
	copy_comm(kill->comm, r->comm);
	for (e = m->table.live; e; e = e->by_pid.next)
		oom_add_top(kill, e, m->snap.page_bytes);
	return 0;
}

static void footprint_tick(struct model *m)
{
	struct snapshot *s = &m->snap;
	uint64_t sum = 0;
	bool known = false;

	for (const struct process_entry *e = m->table.live; e; e = e->by_pid.next) {
		/* memory that is borrowed from the parent counts there */
		if (e->p.pss_bytes == UNKNOWN_U64 || (e->p.has_reading && !process_has_rss(&e->p)))
			continue;
		if (__builtin_add_overflow(sum, e->p.pss_bytes, &sum) || sum == UNKNOWN_U64)
			sum = UNKNOWN_U64 - 1;
		known = true;
	}
	if (!known)
		return; /* all have ended, or none was asked yet: what was known stays */
	s->tree.footprint_bytes = sum;
	if (s->tree.footprint_first_bytes == UNKNOWN_U64)
		s->tree.footprint_first_bytes = sum;
	if (s->tree.footprint_peak_bytes == UNKNOWN_U64 || sum > s->tree.footprint_peak_bytes)
		s->tree.footprint_peak_bytes = sum;
}

static int apply_tick(struct model *m, const struct rec_head *rec)
{
	const struct snapshot *s = &m->snap;
	struct history_point *point;

	if (m->n_history == HISTORY_POINTS)
		memmove(m->history, m->history + 1, --m->n_history * sizeof(*m->history));
	point = &m->history[m->n_history++];
	point->ts_ns = rec->ts_ns;
	point->rss_bytes =
		s->page_bytes * (s->tree.known ? rss_pages(&m->tree.now) : m->table.level_pages);
	point->available_bytes = s->system.known ? s->system.available_bytes : UNKNOWN_U64;
	footprint_tick(m);
	note_level(m);
	m->ticked = true;
	return 0;
}

/* A watch that has nothing to do with shared memory has no ledger. */
static int apply_shm(struct model *m, const struct rec_head *rec)
{
	if (!m->shm)
		m->shm = shm_ledger_create();
	return m->shm ? shm_ledger_apply(m->shm, rec, rec->size) : -ENOMEM;
}

/* What a watched process charges is of interest. */
static int apply_charger(struct model *m, const struct rec_head *rec)
{
	int err = apply_shm(m, rec);

	if (!err && model_watches(m, rec->pid, rec->start_ns))
		shm_ledger_add_target(m->shm, ((const struct rec_shm_charger *)rec)->dev);
	return err;
}

static int apply_full(struct model *m, const struct rec_head *rec)
{
	int err = apply_shm(m, rec);

	if (!err && model_watches(m, rec->pid, rec->start_ns))
		shm_ledger_add_target(m->shm, ((const struct rec_shm_full *)rec)->dev);
	return err;
}

static const struct {
	size_t size;
	int (*apply)(struct model *m, const struct rec_head *rec);
} handlers[REC_TYPES] = {
	[REC_START] = { sizeof(struct rec_start), apply_start },
	[REC_EXEC] = { sizeof(struct rec_start), apply_exec },
	[REC_LEVEL] = { sizeof(struct rec_level), apply_level },
	[REC_OOM] = { sizeof(struct rec_oom), apply_oom },
	[REC_READING] = { sizeof(struct rec_reading), apply_reading },
	[REC_EXIT] = { sizeof(struct rec_exit), apply_exit },
	[REC_TREE] = { sizeof(struct rec_tree), apply_tree },
	[REC_SYSTEM] = { sizeof(struct rec_system), apply_system },
	[REC_CHARGE] = { sizeof(struct rec_charge), apply_charge },
	[REC_PSS] = { sizeof(struct rec_pss), apply_pss },
	[REC_COST] = { OLDER_COST_BYTES, apply_cost },
	[REC_TICK] = { sizeof(struct rec_head), apply_tick },
	[REC_MODE] = { sizeof(struct rec_mode), apply_mode },
	[REC_BPF_TIME] = { sizeof(struct rec_bpf_time), apply_bpf_time },
	[REC_SHM_MOUNT] = { sizeof(struct rec_shm_mount), apply_shm },
	[REC_SHM_FILE] = { sizeof(struct rec_shm_file), apply_shm },
	[REC_SHM_HOLDER] = { sizeof(struct rec_shm_holder), apply_shm },
	[REC_SHM_CHARGER] = { sizeof(struct rec_shm_charger), apply_charger },
	[REC_SHM_SEGMENT] = { sizeof(struct rec_shm_segment), apply_shm },
	[REC_SHM_SURVEY] = { sizeof(struct rec_head), apply_shm },
	[REC_SHM_FULL] = { sizeof(struct rec_shm_full), apply_full },
	[REC_SHM_LIMITS] = { sizeof(struct rec_shm_limits), apply_shm },
};

int model_apply(struct model *m, const struct rec_head *rec, size_t size)
{
	if (size < sizeof(*rec) || rec->size != size)
		return -EINVAL;
	if (m->tap.record)
		m->tap.record(m->tap.ctx, rec, size);
	if (rec->type >= REC_TYPES || !handlers[rec->type].apply)
		return 0; /* of a newer recording */
	if (size < handlers[rec->type].size)
		return -EINVAL;

	if (!m->started) {
		m->started = true;
		m->snap.start_ns = m->snap.now_ns = rec->ts_ns;
	}
	if (rec->ts_ns > m->snap.now_ns)
		m->snap.now_ns = rec->ts_ns;
	if (m->ticked) { /* a new interval starts with what the last one ended with */
		m->ticked = false;
		m->level_peak_pages = m->table.level_pages;
	}
	return handlers[rec->type].apply(m, rec);
}

void model_set_tap(struct model *m, const struct model_tap *tap)
{
	m->tap = *tap;
}

static void tell_text(struct model *m, enum model_text which, uint32_t pid, uint64_t at_ns,
		      const char *text)
{
	if (m->tap.text)
		m->tap.text(m->tap.ctx, which, pid, at_ns, text);
}

static int replace_text(char **dst, const char *text)
{
	char *copy = NULL;

	if (text) {
		copy = strdup(text);
		if (!copy)
			return -ENOMEM;
	}
	free(*dst);
	*dst = copy;
	return 0;
}

int model_set_cmdline(struct model *m, uint32_t pid, uint64_t start_ns, const char *cmdline)
{
	struct process_entry *e = processes_find(&m->table, pid, start_ns);
	int err;

	tell_text(m, TEXT_CMDLINE, pid, start_ns, cmdline);
	if (!e)
		return -ENOENT;
	err = replace_text(&e->cmdline, cmdline);
	e->p.cmdline = e->cmdline;
	return err;
}

int model_set_container(struct model *m, uint32_t pid, uint64_t start_ns, const char *container)
{
	struct process_entry *e = processes_find(&m->table, pid, start_ns);
	int err;

	tell_text(m, TEXT_CONTAINER, pid, start_ns, container);
	if (!e)
		return -ENOENT;
	err = replace_text(&e->container, container);
	e->p.container = e->container;
	return err;
}

int model_set_oom_cgroup(struct model *m, uint32_t pid, uint64_t ts_ns, const char *cgroup)
{
	tell_text(m, TEXT_OOM_CGROUP, pid, ts_ns, cgroup);
	for (size_t i = m->n_oom; i-- > 0;) {
		int err;

		if (m->oom[i].pid != pid || m->oom[i].ts_ns != ts_ns)
			continue;
		err = replace_text(&m->oom_cgroup[i], cgroup);
		m->oom[i].cgroup = m->oom_cgroup[i];
		return err;
	}
	return -ENOENT;
}

bool model_watches(struct model *m, uint32_t pid, uint64_t start_ns)
{
	return processes_find(&m->table, pid, start_ns) != NULL;
}

bool model_shm_concerns(struct model *m, uint32_t dev)
{
	return m->shm && shm_ledger_is_target(m->shm, dev);
}

int model_set_shm_container(struct model *m, uint32_t pid, uint64_t ts_ns, const char *container)
{
	tell_text(m, TEXT_SHM_CONTAINER, pid, ts_ns, container);
	return m->shm ? shm_ledger_set_container(m->shm, pid, ts_ns, container) : -ENOENT;
}
