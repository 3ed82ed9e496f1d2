/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any stream of records: the model takes or refuses each, and every snapshot keeps the promises of
 * model.h. Few pids and start times, so that records meet. The bytes of the input are:
 *
 *   type, pid and start (4 bits each), time step, size cut, then up to 64 bytes of the body, which
 *   are repeated to fill it
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/fields.h"

#define MAX_ENDED 4
#define BODY_BYTES 64

struct input {
	const uint8_t *data;
	size_t size;
};

static void check(bool ok)
{
	if (!ok)
		abort();
}

static uint8_t take(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

static uint64_t weight(const struct process *p)
{
	if (!p->has_reading || p->reading.flags & READING_NO_MM)
		return 0;
	return rss_pages(p->end_ns ? &p->reading.at_peak : &p->reading.now);
}

static void check_processes(const struct snapshot *s)
{
	check(s->n_live <= s->n_processes);
	check(s->n_processes - s->n_live <= MAX_ENDED);
	for (size_t i = 0; i < s->n_processes; i++) {
		const struct process *p = s->processes[i];

		check((i < s->n_live) == !p->end_ns);
		check(!p->has_status || p->end_ns);
		check(memchr(p->comm, '\0', COMM_LEN));
		if (i && i != s->n_live)
			check(weight(s->processes[i - 1]) >= weight(p));
		for (size_t j = 0; j < i; j++) {
			const struct process *q = s->processes[j];

			check(p->pid != q->pid || p->start_ns != q->start_ns);
			check(!p->pid || p->pid != q->pid || i >= s->n_live);
		}
		/* no process held more than the tree did */
		if (s->tree.known && s->tree.processes != 1 && weight(p) && p->end_ns)
			check(rss_pages(&s->tree.at_peak) >= weight(p));
	}
}

static void check_values(const struct snapshot *s)
{
	for (size_t i = 0; i < n_snapshot_fields; i++) {
		const struct field *f = &snapshot_fields[i];
		struct field_value v = f->get(s);

		check(!v.known || (v.whole >= 0 && v.real >= 0));
		check(f->flags & FIELD_FROM_ZERO || !field_first(s, f).known);
	}
	for (size_t n = 0; n < s->n_processes; n++)
		for (size_t i = 0; i < n_process_fields; i++) {
			struct field_value v = process_fields[i].get(s, s->processes[n]);

			check(!v.known || (v.whole >= 0 && v.real >= 0));
		}
}

static void check_snapshot(struct model *m)
{
	const struct snapshot *s = model_snapshot(m);

	check_processes(s);
	check_values(s);
	check(s->n_history <= HISTORY_POINTS);
	check(s->n_oom <= 64);
	for (size_t i = 0; i < s->n_oom; i++)
		for (size_t j = 1; j < sizeof(s->oom[i].top) / sizeof(s->oom[i].top[0]); j++)
			check(s->oom[i].top[j - 1].rss_bytes >= s->oom[i].top[j].rss_bytes);
	check(s->now_ns >= s->start_ns);
}

static size_t record_size(unsigned int type)
{
	static const size_t sizes[REC_TYPES] = {
		[REC_START] = sizeof(struct rec_start),
		[REC_EXEC] = sizeof(struct rec_start),
		[REC_LEVEL] = sizeof(struct rec_level),
		[REC_OOM] = sizeof(struct rec_oom),
		[REC_READING] = sizeof(struct rec_reading),
		[REC_EXIT] = sizeof(struct rec_exit),
		[REC_TREE] = sizeof(struct rec_tree),
		[REC_SYSTEM] = sizeof(struct rec_system),
		[REC_CHARGE] = sizeof(struct rec_charge),
		[REC_PSS] = sizeof(struct rec_pss),
		[REC_COST] = sizeof(struct rec_cost),
	};

	return type < REC_TYPES && sizes[type] ? sizes[type] : sizeof(struct rec_head);
}

static void fill_body(struct input *in, uint8_t *body, size_t len)
{
	uint8_t bytes[BODY_BYTES];
	size_t n = take(in) % (BODY_BYTES + 1);

	for (size_t i = 0; i < n; i++)
		bytes[i] = take(in);
	for (size_t i = 0; i < len; i++)
		body[i] = n ? bytes[i % n] : 0;
}

/* One record, in memory of just its size, so that reading beyond it shows. */
static void apply_one(struct model *m, struct input *in, uint64_t *now)
{
	unsigned int type = take(in) % (REC_TYPES + 1), id = take(in), cut;
	size_t full = record_size(type), size;
	struct rec_head *rec;
	int err;

	*now += take(in) * 1000ULL;
	cut = take(in);
	size = cut < 250 ? full : full - (cut - 249) * full / 8;
	rec = malloc(size < sizeof(*rec) ? sizeof(*rec) : size);
	if (!rec)
		return;
	rec->type = (uint16_t)type;
	rec->size = (uint16_t)size;
	rec->pid = id & 15;
	rec->start_ns = (id >> 4) * 500ULL;
	/* cut also makes some records late */
	rec->ts_ns = cut >= 200 && cut < 250 && *now > 5000 ? *now - 5000 : *now;
	if (size > sizeof(*rec))
		fill_body(in, (uint8_t *)(rec + 1), size - sizeof(*rec));
	err = model_apply(m, rec, size);
	check(!err || err == -EINVAL || err == -ENOMEM);
	check(size == full || size >= sizeof(*rec) || err == -EINVAL);
	if (cut & 1) {
		model_set_cmdline(m, rec->pid, rec->start_ns, "a\nb");
		model_set_container(m, rec->pid, rec->start_ns, cut & 2 ? "c" : NULL);
		model_set_oom_cgroup(m, rec->pid, rec->ts_ns, "/g");
	}
	free(rec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .data = data, .size = size };
	struct model *m = model_create(4096, MAX_ENDED);
	uint64_t now = 0;

	if (!m)
		return 0;
	for (unsigned int n = 1; in.size; n++) {
		apply_one(m, &in, &now);
		if (n % 16 == 0)
			check_snapshot(m);
	}
	check_snapshot(m);
	model_destroy(m);
	return 0;
}
