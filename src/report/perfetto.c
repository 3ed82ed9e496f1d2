/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the format asks for: an object with a list `traceEvents`. Of each event `ph` tells the kind (M
 * metadata, C counter, i instant), `ts` the time in microseconds, `pid` whose track it is on. Each
 * member of a counter's `args` is a track of its own, called "NAME MEMBER".
 *
 * Events are written in the order of time: the rows of all entities, the recorded events, and what only
 * the last snapshot knows (exact peaks, ends) are merged. A counter keeps its value until the next
 * event of it.
 *
 * A pid that was used again gets a track of its own: so many tens of millions are added. The tree,
 * the machine and the mounts are shown as processes of pids that no process can have.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../model/processes.h"
#include "../sinks/json_value.h"
#include "../sinks/shm_show.h"
#include "export.h"
#include "rows.h"

#define REUSED_STEP 10000000U /* above any pid: PID_MAX_LIMIT is 4194304 */
#define REUSED_MOST 199U /* below TREE_PID, in 31 bits */
#define TREE_PID 2000000001U
#define SYSTEM_PID 2000000002U
#define MOUNT_PID 2000000010U

/* Counters that often stay the same, as last written. */
struct written {
	int64_t swap, shared, highest, live;
};

/* A process or mount of the last snapshot. */
struct track {
	int64_t id; /* in the recording */
	uint32_t pid; /* in the trace */
	struct written written;
	const struct process *process; /* NULL: a mount */
};

/* What the last snapshot knows of a moment. */
enum mark_kind { MARK_PEAK, MARK_END, MARK_TREE_PEAK, MARK_MOUNT_PEAK, MARK_LEAST };
struct mark {
	int64_t at_ns;
	enum mark_kind kind;
	uint32_t pid; /* in the trace */
	const struct process *process;
	uint64_t bytes;
};

struct trace {
	FILE *out;
	struct recording *r;
	const struct run *run;
	const struct snapshot *end;
	bool any; /* an event was written */
	int64_t last_ns; /* and when the newest is */
	struct rows rows;
	struct track *processes; /* by id */
	struct track *by_pid; /* the same, by their own pid and when they were watched */
	size_t n_processes;
	struct track *mounts; /* by id */
	size_t n_mounts;
	struct written tree;
	struct mark *marks; /* by time */
	size_t n_marks, next_mark;
	const struct recorded_event *events;
	size_t n_events, next_event;
};

/* ---- writing ---- */

/* Names are hostile bytes. */
static void put_text(struct trace *t, const char *raw)
{
	json_t *text = json_text(raw ? raw : "?");

	if (!text || json_dumpf(text, t->out, JSON_ENCODE_ANY | JSON_ENSURE_ASCII))
		fputs("\"?\"", t->out);
	json_decref(text);
}

/* The beginning of an event, up to its args. `name` is one of ours; `scope` is that of an instant. */
static void begin(struct trace *t, const char *name, char ph, int64_t at_ns, uint32_t pid,
		  const char *scope)
{
	/* what was before the watch is told when it begins; and a file may say anything */
	if (at_ns < t->last_ns)
		at_ns = t->last_ns;
	t->last_ns = at_ns;
	fprintf(t->out,
		"%s{\"name\":\"%s\",\"ph\":\"%c\",\"ts\":%" PRId64 ".%03d,\"pid\":%u,\"tid\":%u",
		t->any ? ",\n" : "\n", name, ph, at_ns / 1000, (int)(at_ns % 1000), pid, pid);
	if (scope)
		fprintf(t->out, ",\"cat\":\"memmon\",\"s\":\"%s\"", scope);
	fputs(",\"args\":{", t->out);
	t->any = true;
}

static void finish(struct trace *t)
{
	fputs("}}", t->out);
}

static void put_metadata(struct trace *t, uint32_t pid, const char *name, int order)
{
	begin(t, "process_name", 'M', 0, pid, NULL);
	fputs("\"name\":", t->out);
	put_text(t, name);
	finish(t);
	begin(t, "process_sort_index", 'M', 0, pid, NULL);
	fprintf(t->out, "\"sort_index\":%d", order);
	finish(t);
}

/* Members of which nothing is known are left out; without any there is no event. */
static void put_counter(struct trace *t, int64_t at_ns, uint32_t pid, const char *name,
			const char *const *members, const int64_t *values, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		if (values[i] == SAMPLE_UNKNOWN)
			continue;
		if (!any)
			begin(t, name, 'C', at_ns, pid, NULL);
		fprintf(t->out, "%s\"%s\":%" PRId64, any ? "," : "", members[i], values[i]);
		any = true;
	}
	if (any)
		finish(t);
}

static void put_bytes(struct trace *t, int64_t at_ns, uint32_t pid, const char *name, int64_t value)
{
	static const char *const members[] = { "bytes" };

	put_counter(t, at_ns, pid, name, members, &value, 1);
}

/* ---- rows ---- */

enum { RSS, ANON, FILE_PAGES, SHMEM, SWAP, SHARED }; /* SHARED: the footprint, or PSS */

static const struct written nothing_written = { SAMPLE_UNKNOWN, SAMPLE_UNKNOWN, SAMPLE_UNKNOWN,
						SAMPLE_UNKNOWN };

static void put_changed(struct trace *t, int64_t at_ns, uint32_t pid, const char *name,
			int64_t value, int64_t *written)
{
	if (value != *written)
		put_bytes(t, at_ns, pid, name, value);
	*written = value;
}

/* The figures that tree and processes begin with. The highest is that of the time since the row before. */
static void put_memory(struct trace *t, const struct sample *row, uint32_t pid, const char *shared,
		       struct written *written)
{
	static const char *const members[] = { "total", "anon", "file", "shmem" };

	put_counter(t, row->at_ns, pid, "RSS", members, &row->last[RSS], 4);
	put_changed(t, row->at_ns, pid, "highest RSS of the interval", row->max[RSS],
		    &written->highest);
	put_changed(t, row->at_ns, pid, "swap", row->last[SWAP], &written->swap);
	put_changed(t, row->at_ns, pid, shared, row->last[SHARED], &written->shared);
}

static struct track *find(struct track *tracks, size_t n, int64_t id)
{
	for (size_t low = 0, high = n; low < high;) {
		size_t mid = low + (high - low) / 2;

		if (tracks[mid].id == id)
			return &tracks[mid];
		if (tracks[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static void put_tree(struct trace *t, const struct sample *row)
{
	static const char *const processes[] = { "live" };
	static const char *const faults[] = { "minor", "major" };

	put_memory(t, row, TREE_PID, "footprint", &t->tree);
	if (row->last[6] != t->tree.live)
		put_counter(t, row->at_ns, TREE_PID, "processes", processes, &row->last[6], 1);
	t->tree.live = row->last[6];
	put_counter(t, row->at_ns, TREE_PID, "page faults", faults, &row->last[7], 2);
}

static void put_process(struct trace *t, const struct sample *row)
{
	struct track *track = find(t->processes, t->n_processes, row->id);

	if (!track)
		return; /* one of those that are no longer in the snapshot */
	/* a row may be of the moment after the end, which has a mark of its own */
	if (track->process->end_ns &&
	    row->at_ns >= (int64_t)(track->process->end_ns - t->end->start_ns))
		return;
	put_memory(t, row, track->pid, "PSS", &track->written);
}

static void put_system(struct trace *t, const struct sample *row)
{
	static const char *const waiting[] = { "some_us", "full_us" };

	put_bytes(t, row->at_ns, SYSTEM_PID, "available memory", row->last[0]);
	put_counter(t, row->at_ns, SYSTEM_PID, "waiting for memory", waiting, &row->last[1], 2);
}

static void put_charge(struct trace *t, const struct sample *row)
{
	static const char *const members[] = { "current", "anon", "file", "shmem", "kernel" };
	static const char *const limit[] = { "limit" };

	put_counter(t, row->at_ns, TREE_PID, "charged to the cgroup", members, row->last, 5);
	put_counter(t, row->at_ns, TREE_PID, "charged to the cgroup", limit, &row->last[5], 1);
}

static void put_mount(struct trace *t, const struct sample *row)
{
	static const char *const members[] = { "used", "limit" };
	struct track *track = find(t->mounts, t->n_mounts, row->id);
	int64_t values[] = { row->last[0], row->last[1] };

	if (!values[1])
		values[1] = SAMPLE_UNKNOWN; /* there is no limit */
	if (track)
		put_counter(t, row->at_ns, track->pid, "shm", members, values, 2);
}

typedef void put_fn(struct trace *t, const struct sample *row);

static put_fn *const putters[ENTITIES] = {
	[ENTITY_TREE] = put_tree,     [ENTITY_PROCESS] = put_process, [ENTITY_SYSTEM] = put_system,
	[ENTITY_CHARGE] = put_charge, [ENTITY_SHM] = put_mount,
};

/* ---- marks and events ---- */

static void put_instant(struct trace *t, int64_t at_ns, uint32_t pid, const char *name,
			const char *text)
{
	begin(t, name, 'i', at_ns, pid, pid == TREE_PID || pid == SYSTEM_PID ? "g" : "p");
	if (text) {
		fputs("\"text\":", t->out);
		put_text(t, text);
	}
	finish(t);
}

static void put_peak_text(struct trace *t, const struct mark *m, const char *name)
{
	char bytes[SHOW_LEN], text[2 * SHOW_LEN];
	struct field_value v = { .known = m->bytes <= INT64_MAX, .whole = (int64_t)m->bytes };

	snprintf(text, sizeof(text), "%s", show_value(bytes, v, FIELD_BYTES, t->run->unit));
	put_instant(t, m->at_ns, m->pid, name, text);
}

/* RSS and its kinds, where they are known, at the instant of the peak. */
static void put_peak(struct trace *t, const struct mark *m, const struct mem_pages *kinds)
{
	static const char *const members[] = { "total", "anon", "file", "shmem" };
	int64_t values[4] = { (int64_t)m->bytes, SAMPLE_UNKNOWN, SAMPLE_UNKNOWN, SAMPLE_UNKNOWN };
	int64_t page = (int64_t)t->end->page_bytes;

	if (kinds) {
		values[1] = kinds->kind[MEM_ANON] * page;
		values[2] = kinds->kind[MEM_FILE] * page;
		values[3] = kinds->kind[MEM_SHMEM] * page;
	}
	put_counter(t, m->at_ns, m->pid, "RSS", members, values, 4);
	put_peak_text(t, m, "peak RSS");
}

/* Nothing of it is left. */
static void put_end(struct trace *t, const struct mark *m)
{
	static const char *const members[] = { "total", "anon", "file", "shmem" };
	static const int64_t zero[4];

	put_counter(t, m->at_ns, m->pid, "RSS", members, zero, 4);
	put_bytes(t, m->at_ns, m->pid, "swap", 0);
}

static void put_mark(struct trace *t, const struct mark *m)
{
	switch (m->kind) {
	case MARK_PEAK:
		put_peak(t, m, process_has_kinds(m->process) ? &m->process->reading.at_peak : NULL);
		break;
	case MARK_END:
		put_end(t, m);
		break;
	case MARK_TREE_PEAK:
		put_peak(t, m, t->end->tree.no_kinds ? NULL : &t->end->tree.at_peak);
		break;
	case MARK_MOUNT_PEAK:
		put_counter(t, m->at_ns, m->pid, "shm", (const char *const[]){ "used" },
			    &(const int64_t){ (int64_t)m->bytes }, 1);
		put_peak_text(t, m, "peak of shm");
		break;
	case MARK_LEAST:
		put_peak_text(t, m, "least available memory");
		break;
	}
}

/* Whose track: the process of that pid which was watched last before, else the tree. */
static uint32_t track_pid(const struct trace *t, uint32_t pid, double at_s)
{
	double at_ns = at_s * 1e9 + 1000; /* rounding */
	uint32_t found = TREE_PID;
	size_t low = 0;

	for (size_t high = t->n_processes; low < high;) {
		size_t mid = low + (high - low) / 2;

		if (t->by_pid[mid].process->pid < pid)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < t->n_processes && t->by_pid[low].process->pid == pid; low++) {
		uint64_t watched_ns = t->by_pid[low].process->watched_ns;

		if (found == TREE_PID || (double)(watched_ns - t->end->start_ns) <= at_ns)
			found = t->by_pid[low].pid;
	}
	return found;
}

/* The name is what a file says: one of ours is written. */
static const char *event_name(const char *kind)
{
	static const char *const kinds[] = { "start",    "exec", "exit", "oom",
					     "shm_full", "mode", "lost" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i], kind))
			return kinds[i];
	return "event";
}

static int64_t ns_of(double s)
{
	return s < 9e9 ? (int64_t)(s * 1e9) : INT64_MAX;
}

static void put_event(struct trace *t, const struct recorded_event *e)
{
	put_instant(t, ns_of(e->at_s), e->pid ? track_pid(t, e->pid, e->at_s) : TREE_PID,
		    event_name(e->kind), e->text);
}

/* ---- what there is ---- */

static int compare_tracks(const void *left, const void *right)
{
	const struct track *a = left, *b = right;

	return (a->id > b->id) - (a->id < b->id);
}

static int compare_pids(const void *left, const void *right)
{
	const struct process *a = ((const struct track *)left)->process;
	const struct process *b = ((const struct track *)right)->process;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	if (a->watched_ns != b->watched_ns)
		return a->watched_ns < b->watched_ns ? -1 : 1;
	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

static int compare_marks(const void *left, const void *right)
{
	const struct mark *a = left, *b = right;

	return (a->at_ns > b->at_ns) - (a->at_ns < b->at_ns);
}

static int find_processes(struct trace *t)
{
	size_t n = t->end->n_processes;
	unsigned int reused = 0;

	t->processes = calloc(n + 1, sizeof(*t->processes));
	t->by_pid = calloc(n + 1, sizeof(*t->by_pid));
	if (!t->processes || !t->by_pid)
		return -ENOMEM;
	t->n_processes = n;
	for (size_t i = 0; i < n; i++)
		t->by_pid[i] =
			(struct track){ .id = recording_process_id(t->r, t->end->processes[i]),
					.written = nothing_written,
					.process = t->end->processes[i] };
	qsort(t->by_pid, n, sizeof(*t->by_pid), compare_pids);
	for (size_t i = 0; i < n; i++) {
		uint32_t pid = t->by_pid[i].process->pid;

		reused = i && t->by_pid[i - 1].process->pid == pid ? reused + 1 : 0;
		if (reused > REUSED_MOST)
			reused = REUSED_MOST;
		t->by_pid[i].pid = pid % REUSED_STEP + reused * REUSED_STEP;
	}
	memcpy(t->processes, t->by_pid, n * sizeof(*t->processes));
	qsort(t->processes, n, sizeof(*t->processes), compare_tracks);
	return 0;
}

static int find_mounts(struct trace *t)
{
	const struct shm_view *v = t->end->shm;
	size_t n = v ? v->n_mounts : 0;

	t->mounts = calloc(n + 1, sizeof(*t->mounts));
	if (!t->mounts)
		return -ENOMEM;
	t->n_mounts = n;
	for (size_t i = 0; i < n; i++)
		t->mounts[i] = (struct track){ .id = recording_mount_id(t->r, v->mounts[i]),
					       .pid = MOUNT_PID + (uint32_t)i };
	qsort(t->mounts, n, sizeof(*t->mounts), compare_tracks);
	return 0;
}

static void add_mark(struct trace *t, enum mark_kind kind, uint64_t ts_ns, uint32_t pid,
		     const struct process *p, uint64_t bytes)
{
	t->marks[t->n_marks++] = (struct mark){ .at_ns = (int64_t)(ts_ns - t->end->start_ns),
						.kind = kind,
						.pid = pid,
						.process = p,
						.bytes = bytes };
}

static int find_marks(struct trace *t)
{
	const struct snapshot *s = t->end;
	const struct shm_view *v = s->shm;

	t->marks = calloc(2 * t->n_processes + t->n_mounts + 2, sizeof(*t->marks));
	if (!t->marks)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_processes; i++) {
		const struct process *p = t->processes[i].process;

		if (process_has_rss(p))
			add_mark(t, MARK_PEAK, p->reading.peak_ns, t->processes[i].pid, p,
				 rss_pages(&p->reading.at_peak) * s->page_bytes);
		if (p->end_ns)
			add_mark(t, MARK_END, p->end_ns, t->processes[i].pid, p, 0);
	}
	for (size_t i = 0; i < t->n_mounts; i++)
		if (v->mounts[i]->peak_bytes != UNKNOWN_U64)
			add_mark(t, MARK_MOUNT_PEAK, v->mounts[i]->peak_ns, MOUNT_PID + (uint32_t)i,
				 NULL, v->mounts[i]->peak_bytes);
	if (s->tree.known)
		add_mark(t, MARK_TREE_PEAK, s->tree.peak_ns, TREE_PID, NULL,
			 rss_pages(&s->tree.at_peak) * s->page_bytes);
	if (s->system.known && s->system.available_min_bytes != UNKNOWN_U64)
		add_mark(t, MARK_LEAST, s->system.available_min_ns, SYSTEM_PID, NULL,
			 s->system.available_min_bytes);
	qsort(t->marks, t->n_marks, sizeof(*t->marks), compare_marks);
	return 0;
}

static int prepare(struct trace *t)
{
	static const bool all[ENTITIES] = { true, true, true, true, true };
	char why[8];
	int err = recording_snapshot(t->r, &t->end, why, sizeof(why));

	if (!err)
		err = find_processes(t);
	if (!err)
		err = find_mounts(t);
	if (!err)
		err = find_marks(t);
	if (!err)
		err = recording_events(t->r, &t->events, &t->n_events);
	if (!err)
		err = rows_open(&t->rows, t->r, all);
	return err;
}

/* ---- all of it ---- */

static void put_names(struct trace *t)
{
	const struct shm_view *v = t->end->shm;
	char name[1024], pid[32] = "";

	snprintf(name, sizeof(name), "all watched: %s", t->run->target ? t->run->target : "?");
	put_metadata(t, TREE_PID, name, -3);
	put_metadata(t, SYSTEM_PID, "machine", -2);
	for (size_t i = 0; i < t->n_mounts; i++) {
		char mount[512];

		snprintf(name, sizeof(name), "shm %s",
			 shm_show_mount(mount, sizeof(mount), v->mounts[i], t->run->unit));
		put_metadata(t, MOUNT_PID + (uint32_t)i, name, -1);
	}
	for (size_t i = 0; i < t->n_processes; i++) {
		const struct track *track = &t->by_pid[i];
		const struct process *p = track->process;

		if (track->pid != p->pid)
			snprintf(pid, sizeof(pid), " (pid %u)", p->pid);
		snprintf(name, sizeof(name), "%.*s%s", COMM_LEN, p->comm[0] ? p->comm : "?",
			 track->pid != p->pid ? pid : "");
		put_metadata(t, track->pid, name, 0);
		if (!p->cmdline)
			continue;
		begin(t, "process_labels", 'M', 0, track->pid, NULL);
		fputs("\"labels\":", t->out);
		snprintf(name, sizeof(name), "%s", p->cmdline);
		put_text(t, name);
		finish(t);
	}
}

/*
 * The earliest of what comes next; at the same moment events come before rows, and marks after them:
 * a start, what there was, an end.
 */
static int put_next(struct trace *t, bool *any)
{
	const struct recorded_event *event =
		t->next_event < t->n_events ? &t->events[t->next_event] : NULL;
	const struct mark *mark = t->next_mark < t->n_marks ? &t->marks[t->next_mark] : NULL;
	int64_t event_ns = event ? ns_of(event->at_s) : INT64_MAX;
	int64_t mark_ns = mark ? mark->at_ns : INT64_MAX;
	enum entity entity;
	const struct sample *row = rows_next(&t->rows, &entity);

	*any = true;
	if (event && (!row || event_ns <= row->at_ns) && event_ns <= mark_ns) {
		put_event(t, event);
		t->next_event++;
	} else if (row && row->at_ns <= mark_ns) {
		putters[entity](t, row);
		return rows_advance(&t->rows);
	} else if (mark) {
		put_mark(t, mark);
		t->next_mark++;
	} else {
		*any = false;
	}
	return 0;
}

static void put_head(struct trace *t)
{
	fputs("{\"displayTimeUnit\":\"ms\",\"otherData\":{\"producer\":\"memmon-bpf\",\"version\":",
	      t->out);
	put_text(t, t->run->version);
	fputs(",\"started\":", t->out);
	put_text(t, t->run->started);
	fputs(",\"kernel\":", t->out);
	put_text(t, t->run->kernel_release);
	fputs("},\n\"traceEvents\":[", t->out);
}

static void put_last(struct trace *t)
{
	const struct recording_info *info = recording_info(t->r);
	const char *ended_by = t->run->ended_by ? t->run->ended_by : "the watch ended";

	put_instant(t, ns_of(info->duration_s), TREE_PID,
		    info->complete ? "the watch ended" : "the recording breaks off", ended_by);
}

int perfetto_write(struct recording *r, const struct run *run, FILE *out)
{
	struct trace t = { .out = out, .r = r, .run = run, .tree = nothing_written };
	bool any = true;
	int err = prepare(&t);

	errno = 0;
	if (!err) {
		put_head(&t);
		put_names(&t);
	}
	while (!err && any && !ferror(out))
		err = put_next(&t, &any);
	if (!err) {
		put_last(&t);
		fputs("\n]}\n", out);
		err = show_flush(out);
	}
	rows_close(&t.rows);
	free(t.processes);
	free(t.by_pid);
	free(t.mounts);
	free(t.marks);
	return err;
}
