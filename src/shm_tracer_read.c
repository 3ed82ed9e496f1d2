// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads what the shm programs keep: failures, charges, and which files there are and who holds them. */
#include "shm_tracer_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "os/procfs.h"
#include "run_time.h"
#include "shm_tracer_path.h"
#include "util/clock.h"

#define SWEEP_EVERY_NS 1000000000ULL
#define SWEEP_SHARE 500 /* … and at most this part of the time */
#define BATCH 256
#define ACCOUNTS_WANTED (SHM_ACCOUNTS * 3 / 4) /* with more, dead processes make room */

/* ---- failures ---- */

static int on_record(void *ctx, void *data, size_t size)
{
	struct shm_tracer *t = ctx;
	struct rec_shm_full rec;

	if (size < sizeof(rec) || t->fn_error < 0)
		return 0;
	memcpy(&rec, data, sizeof(rec));
	rec.name[sizeof(rec.name) - 1] = '\0';
	rec.comm[sizeof(rec.comm) - 1] = '\0';
	if (!rec.dev && shm_tracer_find_mount(&rec)) {
		t->unnamed++;
		return 0;
	}
	rec.pad = 0;
	if (rec.how == SHM_FULL_OPEN) /* a name, no bytes */
		rec.wanted_bytes = rec.done_bytes = UNKNOWN_U64;
	shm_tracer_cut_name(&rec);
	t->fn_error = t->fn(t->ctx, &rec.head, sizeof(rec));
	return 0;
}

/* Its coming was all it had to say. */
static int on_alarm(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	(void)size;
	return 0;
}

int shm_tracer_open_rings(struct shm_tracer *t)
{
	t->ring = ring_buffer__new(bpf_map__fd(t->skel->maps.records), on_record, t, NULL);
	if (!t->ring)
		return -errno;
	t->alarms = ring_buffer__new(bpf_map__fd(t->skel->maps.alarms), on_alarm, NULL, NULL);
	return t->alarms ? 0 : -errno;
}

int shm_tracer_alarm_fd(const struct shm_tracer *t)
{
	return bpf_map__fd(t->skel->maps.alarms);
}

/* ---- inodes ---- */

struct inode_list {
	uint64_t *at; /* addresses, by value; the caller frees them */
	size_t n, room;
};

static int compare_inodes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int add_inode(struct inode_list *list, uint64_t inode)
{
	if (list->n == list->room) {
		size_t room = list->room ? list->room * 2 : 256;
		uint64_t *more = realloc(list->at, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		list->at = more;
		list->room = room;
	}
	list->at[list->n++] = inode;
	return 0;
}

/*
 * Those that are known. Asked for what follows one that has gone meanwhile, the kernel begins anew, so that
 * some may come twice; when it comes to the end every one that stayed has come.
 */
static int list_inodes(struct shm_tracer *t, struct inode_list *list)
{
	int fd = bpf_map__fd(t->skel->maps.inodes), err = 0;
	uint64_t inode;
	size_t kept = 0;

	while (!err && list->n < 2 * (size_t)SHM_INODES) {
		err = bpf_map_get_next_key(fd, list->n ? &inode : NULL, &inode);
		if (!err)
			err = add_inode(list, inode);
	}
	t->dropped += !err; /* it would have gone on for ever */
	if (list->n)
		qsort(list->at, list->n, sizeof(*list->at), compare_inodes);
	for (size_t i = 0; i < list->n; i++)
		if (!kept || list->at[kept - 1] != list->at[i])
			list->at[kept++] = list->at[i];
	list->n = kept;
	return err == -ENOENT ? 0 : err; /* that was the end */
}

/* Runs over those that are known; `each` may be NULL. */
static int run_over_inodes(struct shm_tracer *t, bool sweep,
			   int (*each)(void *ctx, const struct shm_inode_reading *r), void *ctx)
{
	struct shm_bpf__bss *bss = t->skel->bss;
	struct inode_list list = { 0 };
	int err = list_inodes(t, &list);

	for (size_t at = 0; err >= 0 && at < list.n; at += bss->n_picked) {
		bss->n_picked = list.n - at < SHM_PICKS ? (uint32_t)(list.n - at) : SHM_PICKS;
		memcpy(bss->picked, &list.at[at], bss->n_picked * sizeof(bss->picked[0]));
		err = sweep ? shm_tracer_run(t->skel->progs.sweep) : 0;
		if (!err && each)
			err = shm_tracer_run(t->skel->progs.read_inodes);
		for (uint32_t i = 0; each && err >= 0 && i < bss->n_readings; i++)
			err = each(ctx, &bss->readings[i]);
	}
	free(list.at);
	return err < 0 ? err : 0;
}

/* Books what the hooks missed. */
static int sweep_if_due(struct shm_tracer *t)
{
	uint64_t begin = monotonic_ns(), took;
	int err;

	if (!t->sweeps || begin < t->sweep_due_ns)
		return 0;
	err = run_over_inodes(t, true, NULL, NULL);
	took = (monotonic_ns() - begin) * SWEEP_SHARE;
	t->sweep_due_ns = begin + (took > SWEEP_EVERY_NS ? took : SWEEP_EVERY_NS);
	return err;
}

/*
 * What fills the table is calls whose end was missed, by threads that ended too: else they would have
 * been found. The rest are lost with them.
 */
static void clear_calls(struct shm_tracer *t)
{
	int fd = bpf_map__fd(t->skel->maps.calls);
	struct shm_call_key key;

	if (!t->skel->bss->calls_full)
		return;
	t->skel->bss->calls_full = 0;
	for (int i = 0; i < SHM_CALLS && !bpf_map_get_next_key(fd, NULL, &key); i++)
		if (!bpf_map_delete_elem(fd, &key))
			t->dropped++;
}

int shm_tracer_drain(struct shm_tracer *t)
{
	int err;

	t->fn_error = 0;
	clear_calls(t);
	ring_buffer__consume(t->alarms);
	err = ring_buffer__consume(t->ring);
	if (err >= 0)
		err = t->fn_error;
	return err < 0 ? err : sweep_if_due(t);
}

uint64_t shm_tracer_lost(const struct shm_tracer *t)
{
	const struct shm_lost *lost = &t->skel->bss->lost;

	return lost->records + lost->supers + lost->inodes + lost->accounts + lost->calls +
	       t->unnamed + t->dropped;
}

static void add_skipped(void *ctx, const char *section, uint64_t runs)
{
	uint64_t *sum = ctx;

	(void)section;
	*sum += runs == UNKNOWN_U64 ? 0 : runs;
}

uint64_t shm_tracer_skipped(const struct shm_tracer *t)
{
	uint64_t sum = 0;

	run_time_skipped(t->skel->obj, add_skipped, &sum);
	return sum;
}

/* ---- charges ---- */

int shm_tracer_charges(struct shm_tracer *t, uint32_t dev, struct shm_charges *out)
{
	struct shm_super s;
	int err;

	if (t->chain < SHM_CHAIN_TRACEPOINTS)
		return -ENOENT;
	err = bpf_map_lookup_elem(bpf_map__fd(t->skel->maps.supers), &dev, &s);
	if (err)
		return err;
	*out = (struct shm_charges){
		.dev = dev,
		.peak_bytes = s.peak_pages * t->page_bytes,
		.peak_ns = s.peak_ns,
		.charged_bytes = s.charged_pages * t->page_bytes,
		.uncharged_bytes = s.uncharged_pages * t->page_bytes,
	};
	return 0;
}

/*
 * Does the process live? /proc has its start by the clock that counts suspended time, we by the other:
 * the difference of the two when it started was between none and what it is now.
 */
static bool is_alive(uint32_t pid, uint64_t start_ns)
{
	uint64_t tick_ns = 1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK), at_ns, suspended_ns;
	struct timespec boot;
	struct proc_stat stat;

	if (!pid || procfs_read_stat((pid_t)pid, &stat) || stat.state == 'Z' || stat.state == 'X')
		return false;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	suspended_ns = (uint64_t)boot.tv_sec * 1000000000 + (uint64_t)boot.tv_nsec - monotonic_ns();
	at_ns = stat.start_ticks * tick_ns;
	return at_ns + tick_ns >= start_ns && at_ns <= start_ns + suspended_ns + tick_ns;
}

struct accounts {
	struct shm_tracer *t;
	record_fn fn;
	void *ctx;
	size_t seen, dead;
};

static int tell_account(struct accounts *all, const struct shm_account_key *key,
			const struct shm_account *a)
{
	struct rec_shm_charger rec = {
		.head = { .type = REC_SHM_CHARGER,
			  .size = sizeof(rec),
			  .pid = a->pid,
			  .ts_ns = monotonic_ns(),
			  .start_ns = key->start_ns },
		.dev = key->dev,
		.alive = is_alive(a->pid, key->start_ns),
		.charged_bytes = a->charged_pages * all->t->page_bytes,
		.uncharged_bytes = a->uncharged_pages * all->t->page_bytes,
	};

	memcpy(rec.comm, a->comm, sizeof(rec.comm));
	rec.comm[sizeof(rec.comm) - 1] = '\0';
	all->seen++;
	all->dead += !rec.alive;
	/* from another pid namespace, or only noted for a failure */
	if (!a->pid || (!a->charged_pages && !a->uncharged_pages))
		return 0;
	return all->fn(all->ctx, &rec.head, sizeof(rec));
}

/* Calls `each` with every account, as it is at that moment. */
static int each_account(struct accounts *all,
			int (*each)(struct accounts *, const struct shm_account_key *,
				    const struct shm_account *))
{
	int fd = bpf_map__fd(all->t->skel->maps.accounts), err = 0, last = 0;
	struct shm_account_key *keys = calloc(BATCH, sizeof(*keys));
	struct shm_account *values = calloc(BATCH, sizeof(*values));
	uint32_t at = 0, next, n;
	bool begun = false;

	if (!keys || !values)
		err = -ENOMEM;
	while (!last && err >= 0) {
		n = BATCH;
		last = bpf_map_lookup_batch(fd, begun ? &at : NULL, &next, keys, values, &n, NULL);
		if (last && last != -ENOENT) { /* else it was the last batch */
			err = last;
			break;
		}
		for (uint32_t i = 0; i < n && err >= 0; i++)
			err = each(all, &keys[i], &values[i]);
		at = next;
		begun = true;
	}
	free(keys);
	free(values);
	return err < 0 ? err : 0;
}

/* A dead process makes room; if it left something behind that is a loss. */
static int drop_dead(struct accounts *all, const struct shm_account_key *key,
		     const struct shm_account *a)
{
	if (is_alive(a->pid, key->start_ns))
		return 0;
	if (bpf_map_delete_elem(bpf_map__fd(all->t->skel->maps.accounts), key) == 0)
		all->t->dropped += a->charged_pages > a->uncharged_pages;
	return 0;
}

int shm_tracer_chargers(struct shm_tracer *t, record_fn fn, void *ctx)
{
	struct accounts all = { .t = t, .fn = fn, .ctx = ctx };
	int err = each_account(&all, tell_account);

	if (!err && all.seen > ACCOUNTS_WANTED)
		err = each_account(&all, drop_dead);
	return err;
}

/* ---- files ---- */

struct files {
	record_fn fn;
	void *ctx;
	struct shm_hold *holds; /* by inode and pid */
	size_t n_holds, room;
};

static int add_hold(struct files *f, const struct shm_hold *hold)
{
	if (f->n_holds == f->room) {
		size_t room = f->room ? f->room * 2 : 256;
		struct shm_hold *more = realloc(f->holds, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		f->holds = more;
		f->room = room;
	}
	f->holds[f->n_holds++] = *hold;
	return 0;
}

/* The kernel hands over whole ones, as each is written at once. */
static int add_holds(struct files *f, struct bpf_link *iterator)
{
	int fd = bpf_iter_create(bpf_link__fd(iterator)), err = 0;
	struct shm_hold holds[64];
	ssize_t got;

	if (fd < 0)
		return -errno;
	while (!err && ((got = read(fd, holds, sizeof(holds))) != 0)) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			err = -errno;
		for (ssize_t i = 0; !err && i < got / (ssize_t)sizeof(holds[0]); i++)
			err = add_hold(f, &holds[i]);
	}
	close(fd);
	return err;
}

static int compare_holds(const void *a, const void *b)
{
	const struct shm_hold *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* One entry for each file and process. */
static void merge_holds(struct files *f)
{
	size_t kept = 0;

	if (f->n_holds)
		qsort(f->holds, f->n_holds, sizeof(f->holds[0]), compare_holds);
	for (size_t i = 0; i < f->n_holds; i++) {
		if (kept && !compare_holds(&f->holds[kept - 1], &f->holds[i]))
			f->holds[kept - 1].flags |= f->holds[i].flags;
		else
			f->holds[kept++] = f->holds[i];
	}
	f->n_holds = kept;
}

/* The first of the file's holders. */
static size_t first_hold(const struct files *f, uint64_t inode)
{
	size_t low = 0, high = f->n_holds;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->holds[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int tell_holders(const struct files *f, const struct shm_inode_reading *r)
{
	int err = 0;

	for (size_t i = first_hold(f, r->inode);
	     err >= 0 && i < f->n_holds && f->holds[i].inode == r->inode; i++) {
		struct rec_shm_holder rec = {
			.head = { .type = REC_SHM_HOLDER,
				  .size = sizeof(rec),
				  .pid = f->holds[i].pid,
				  .ts_ns = r->rec.head.ts_ns,
				  .start_ns = f->holds[i].start_ns },
			.dev = r->rec.dev,
			.flags = f->holds[i].flags,
			.ino = r->rec.ino,
			.key = r->rec.key,
		};

		memcpy(rec.comm, f->holds[i].comm, sizeof(rec.comm));
		rec.comm[sizeof(rec.comm) - 1] = '\0';
		err = f->fn(f->ctx, &rec.head, sizeof(rec));
	}
	return err;
}

/* The name that goes with the record: where a directory knows it, that is to be asked for the path. */
static const char *name_of(const struct shm_inode_reading *r)
{
	static const char memfd[] = "memfd:";

	if (r->rec.kind == SHM_MEMFD && !strncmp(r->name, memfd, strlen(memfd)))
		return r->name + strlen(memfd);
	if (r->rec.kind == SHM_TMPFS && !(r->rec.flags & SHM_FILE_UNLINKED))
		return "";
	return r->name;
}

static int tell_file(void *ctx, const struct shm_inode_reading *found)
{
	struct files *f = ctx;
	struct shm_inode_reading r = *found;
	struct {
		struct rec_shm_file rec;
		char name[SHM_FULL_NAME];
	} out;
	size_t len;
	int err;

	r.name[sizeof(r.name) - 1] = '\0';
	r.rec.comm[sizeof(r.rec.comm) - 1] = '\0';
	if (r.rec.flags & SHM_FILE_CREATOR && is_alive(r.rec.head.pid, r.rec.head.start_ns))
		r.rec.flags |= SHM_FILE_CREATOR_ALIVE;
	out.rec = r.rec;
	len = strlen(name_of(&r));
	memcpy(out.name, name_of(&r), len + 1);
	out.rec.head.size = (uint16_t)(sizeof(out.rec) + len + 1);
	err = f->fn(f->ctx, &out.rec.head, out.rec.head.size);
	return err < 0 ? err : tell_holders(f, &r);
}

int shm_tracer_files(struct shm_tracer *t, record_fn fn, void *ctx)
{
	struct files f = { .fn = fn, .ctx = ctx };
	int err = shm_tracer_prime(t);

	t->skel->bss->held_inode = 0;
	if (!err && t->openers)
		err = add_holds(&f, t->openers);
	if (!err && t->mappers)
		err = add_holds(&f, t->mappers);
	if (!err) {
		merge_holds(&f);
		err = run_over_inodes(t, t->sweeps, tell_file, &f);
	}
	free(f.holds);
	return err;
}
