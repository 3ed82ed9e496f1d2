/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger for programs: schema memmon-bpf/shm/1, and the shm[] of the summary, of the same form.
 *
 * A figure that is not known is null. A limit that there is not is null too, and `limited` is then
 * false; `full_in_s` is null also where it will never be full.
 */
#include "shm_json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "remedy.h"
#include "shm_show.h"

#define SCHEMA "memmon-bpf/shm/1"
#define SUMMARY_FILES 1000

struct shm_json {
	struct sink sink;
	FILE *out;
};

static json_t *text_or_null(const char *text)
{
	return json_text(text && *text ? text : NULL);
}

static json_t *creator_json(const struct rec_shm_file *r)
{
	json_t *creator;
	int err;

	if (!(r->flags & SHM_FILE_CREATOR))
		return json_null();
	creator = json_object();
	err = json_put(creator, "pid", json_integer(r->head.pid));
	err |= json_put(creator, "comm", json_text(r->comm));
	err |= json_put(creator, "alive", json_boolean(r->flags & SHM_FILE_CREATOR_ALIVE));
	return json_done(creator, err);
}

static json_t *holders_json(const struct shm_file *f)
{
	json_t *list;
	int err = 0;

	if (f->rec.flags & SHM_FILE_HELD_UNKNOWN && !f->n_holders)
		return json_null();
	list = json_array();
	for (size_t i = 0; !err && i < f->n_holders; i++)
		err = json_add(list, json_integer(f->holders[i].pid));
	return json_done(list, err);
}

/* `name` is what its name is called: "path" or "name". */
static json_t *file_json(const struct shm_file *f, const char *name)
{
	json_t *file = json_object();
	int err;

	err = json_put(file, name, json_text(f->path));
	err |= json_put(file, "kind", json_string(shm_kind_name(f->rec.kind)));
	err |= json_put(file, "ino", json_count(f->rec.ino));
	err |= json_put(file, "uid", json_integer(f->rec.uid));
	err |= json_put(file, "size_bytes", json_count(f->rec.size_bytes));
	err |= json_put(file, "bytes", json_count(f->rec.bytes));
	err |= json_put(file, "peak_bytes", json_count(f->rec.peak_bytes));
	err |= json_put(file, "creator", creator_json(&f->rec));
	err |= json_put(file, "holders", holders_json(f));
	err |= json_put(file, "holders_omitted", json_count(f->holders_omitted));
	err |= json_put(file, "state", json_string(shm_state_name(f->state)));
	err |= json_put(file, "before", json_boolean(f->rec.flags & SHM_FILE_BEFORE));
	return json_done(file, err);
}

static json_t *files_json(const struct shm_file *const *files, size_t n, const char *name)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; !err && i < n; i++)
		err = json_add(list, file_json(files[i], name));
	return json_done(list, err);
}

static json_t *chargers_json(const struct shm_mount *m)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; !err && i < m->n_chargers; i++) {
		const struct shm_charger *c = &m->chargers[i];
		json_t *charger = json_object();

		err = json_put(charger, "pid", json_integer(c->pid));
		err |= json_put(charger, "comm", json_text(c->comm));
		err |= json_put(charger, "alive", json_boolean(c->alive));
		err |= json_put(charger, "charged_bytes", json_count(c->charged_bytes));
		err |= json_put(charger, "uncharged_bytes", json_count(c->uncharged_bytes));
		err |= json_put(charger, "held_bytes", json_count(c->held_bytes));
		err |= json_add(list, charger);
	}
	return json_done(list, err);
}

static json_t *largest_json(const struct shm_full *full)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; !err && i < SHM_FULL_LARGEST && full->largest[i].name[0]; i++) {
		json_t *file = json_object();
		uint32_t pid = full->largest[i].creator_pid;

		err = json_put(file, "name", json_text(full->largest[i].name));
		err |= json_put(file, "bytes", json_count(full->largest[i].bytes));
		err |= json_put(file, "creator", pid ? json_object() : json_null());
		if (pid) {
			err |= json_put(file, "creator.pid", json_integer(pid));
			err |= json_put(file, "creator.comm", json_text(full->largest[i].comm));
		}
		err |= json_add(list, file);
	}
	return json_done(list, err);
}

static json_t *full_json(const struct snapshot *s, const struct shm_mount *m,
			 const struct shm_full *full)
{
	const struct rec_shm_full *r = &full->rec;
	char remedy[SHM_TEXT_LEN] = "";
	json_t *json = json_object();
	int err;

	remedy_write(remedy, sizeof(remedy), m, full);
	err = json_put(json, "at_s", json_number_of(show_since_s(s, r->head.ts_ns)));
	err |= json_put(json, "pid", json_integer(r->head.pid));
	err |= json_put(json, "tid", json_integer(r->tid));
	err |= json_put(json, "comm", json_text(r->comm));
	err |= json_put(json, "container", text_or_null(full->container));
	err |= json_put(json, "how", json_string(shm_how_name(r->how)));
	err |= json_put(json, "errno", r->error ? json_integer(r->error) : json_null());
	err |= json_put(json, "signal", r->signal ? json_integer(r->signal) : json_null());
	err |= json_put(json, "file", text_or_null(r->name));
	err |= json_put(json, "ino", r->ino ? json_count(r->ino) : json_null());
	err |= json_put(json, "wanted_bytes", json_count(r->wanted_bytes));
	err |= json_put(json, "done_bytes", json_count(r->done_bytes));
	err |= json_put(json, "limit_bytes", json_count(r->limit_bytes));
	err |= json_put(json, "used_bytes", json_count(r->used_bytes));
	err |= json_put(json, "times", json_count(full->times));
	err |= json_put(json, "largest", largest_json(full));
	err |= json_put(json, "orphans", json_count(full->orphans));
	err |= json_put(json, "orphan_bytes", json_count(full->orphan_bytes));
	err |= json_put(json, "remedy", text_or_null(remedy));
	return json_done(json, err);
}

static json_t *fulls_json(const struct snapshot *s, const struct shm_mount *m)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; !err && i < m->n_full; i++)
		err = json_add(list, full_json(s, m, &m->full[i]));
	return json_done(list, err);
}

static json_t *limited_json(uint64_t limit)
{
	return limit == UNKNOWN_U64 ? json_null() : json_boolean(limit != 0);
}

static json_t *limit_json(uint64_t limit)
{
	return limit ? json_count(limit) : json_null();
}

static int put_figures(json_t *json, const struct snapshot *s, const struct shm_mount *m)
{
	const struct rec_shm_mount *r = &m->rec;
	int err;

	err = json_put(json, "limited", limited_json(r->limit_bytes));
	err |= json_put(json, "limit_bytes", limit_json(r->limit_bytes));
	err |= json_put(json, "used_bytes", json_count(r->used_bytes));
	err |= json_put(json, "peak_bytes", json_count(m->peak_bytes));
	err |= json_put(json, "peak_at_s",
			m->peak_bytes == UNKNOWN_U64 ? json_null() :
						       json_number_of(show_since_s(s, m->peak_ns)));
	err |= json_put(json, "inodes.limit", limit_json(r->limit_inodes));
	err |= json_put(json, "inodes.used", json_count(r->used_inodes));
	err |= json_put(json, "growth_bytes_s", json_number_of(m->growth_bytes_s));
	err |= json_put(json, "full_in_s",
			m->full_in_s < 0 ? json_null() : json_number_of(m->full_in_s));
	err |= json_put(json, "charged_bytes", json_count(r->charged_bytes));
	err |= json_put(json, "uncharged_bytes", json_count(r->uncharged_bytes));
	err |= json_put(json, "unattributed_bytes",
			m->attributed ? json_integer(m->unattributed_bytes) : json_null());
	err |= json_put(json, "orphans", json_count(m->orphans));
	err |= json_put(json, "orphan_bytes", json_count(m->orphan_bytes));
	return err;
}

static json_t *mount_json(const struct snapshot *s, const struct shm_mount *m, size_t max_files)
{
	size_t n = m->n_files < max_files ? m->n_files : max_files;
	json_t *json = json_object();
	uint64_t left_out = m->files_omitted_bytes;
	char device[SHOW_LEN];
	int err;

	err = json_put(json, "mount", text_or_null(m->point));
	err |= json_put(json, "device", json_string(shm_device(device, m->rec.dev)));
	err |= json_put(json, "container", text_or_null(m->container));
	err |= json_put(json, "container_id", text_or_null(m->container_id));
	err |= json_put(json, "runtime", text_or_null(m->runtime));
	err |= json_put(json, "namespace_of", m->rec.head.pid ? json_object() : json_null());
	if (m->rec.head.pid) {
		err |= json_put(json, "namespace_of.pid", json_integer(m->rec.head.pid));
		err |= json_put(json, "namespace_of.comm", json_text(m->rec.comm));
	}
	err |= json_put(json, "hidden", json_boolean(m->rec.flags & SHM_MOUNT_HIDDEN));
	err |= json_put(json, "dev_shm", json_boolean(m->rec.flags & SHM_MOUNT_DEV_SHM));
	err |= json_put(json, "target", json_boolean(m->rec.flags & SHM_MOUNT_TARGET));
	err |= json_put(json, "traced", json_boolean(m->rec.flags & SHM_MOUNT_TRACED));
	err |= json_put(json, "gone", json_boolean(m->gone));
	err |= put_figures(json, s, m);
	for (size_t i = n; i < m->n_files; i++)
		if (m->files[i]->rec.bytes <= INT64_MAX && left_out <= INT64_MAX)
			left_out += m->files[i]->rec.bytes;
	err |= json_put(json, "files", files_json(m->files, n, "path"));
	err |= json_put(json, "files_complete",
			json_boolean(!(m->rec.flags & SHM_MOUNT_NO_FILES) && !m->gone));
	err |= json_put(json, "files_omitted", json_count(m->files_omitted + (m->n_files - n)));
	err |= json_put(json, "files_omitted_bytes", json_count(left_out));
	err |= json_put(json, "chargers", chargers_json(m));
	err |= json_put(json, "full", fulls_json(s, m));
	err |= json_put(json, "full_omitted", json_count(m->full_omitted));
	return json_done(json, err);
}

json_t *shm_json_of_watch(const struct snapshot *s)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; !err && s->shm && i < s->shm->n_mounts; i++) {
		if (shm_is_of_watch(s, s->shm->mounts[i]))
			err = json_add(list, mount_json(s, s->shm->mounts[i], SUMMARY_FILES));
	}
	return json_done(list, err);
}

static json_t *all_mounts_json(const struct snapshot *s)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; !err && s->shm && i < s->shm->n_mounts; i++)
		err = json_add(list, mount_json(s, s->shm->mounts[i], SIZE_MAX));
	return json_done(list, err);
}

static json_t *time_json(uint64_t s)
{
	return s ? json_count(s) : json_null();
}

static json_t *segment_json(const struct rec_shm_segment *r)
{
	json_t *json = json_object(), *status = json_array(), *alive = json_null();
	char mode[16], key[16];
	int err = 0;

	snprintf(mode, sizeof(mode), "%03o", r->mode & 07777);
	snprintf(key, sizeof(key), "0x%08x", (unsigned int)r->key);
	if (r->flags & (SHM_SEGMENT_CREATOR_ALIVE | SHM_SEGMENT_CREATOR_DEAD))
		alive = json_boolean(r->flags & SHM_SEGMENT_CREATOR_ALIVE);
	if (r->flags & SHM_SEGMENT_DEST)
		err |= json_add(status, json_string("dest"));
	if (r->flags & SHM_SEGMENT_LOCKED)
		err |= json_add(status, json_string("locked"));
	err |= json_put(json, "shmid", json_integer(r->shmid));
	err |= json_put(json, "key", json_string(key));
	err |= json_put(json, "owner.uid", json_integer(r->uid));
	err |= json_put(json, "owner.gid", json_integer(r->gid));
	err |= json_put(json, "mode", json_string(mode));
	err |= json_put(json, "bytes", json_count(r->bytes));
	err |= json_put(json, "resident_bytes", json_count(r->resident_bytes));
	err |= json_put(json, "swapped_bytes", json_count(r->swapped_bytes));
	err |= json_put(json, "attached", json_count(r->attached));
	err |= json_put(json, "creator.pid", r->head.pid ? json_integer(r->head.pid) : json_null());
	err |= json_put(json, "creator.alive", alive);
	err |= json_put(json, "creator.uid", json_integer(r->creator_uid));
	err |= json_put(json, "creator.gid", json_integer(r->creator_gid));
	err |= json_put(json, "last.pid", r->last_pid ? json_integer(r->last_pid) : json_null());
	err |= json_put(json, "attach_s", time_json(r->attach_s));
	err |= json_put(json, "detach_s", time_json(r->detach_s));
	err |= json_put(json, "change_s", time_json(r->change_s));
	err |= json_put(json, "status", status);
	err |= json_put(json, "ipc_namespace", json_integer(r->ipc_namespace));
	err |= json_put(json, "own_namespace", json_boolean(!(r->flags & SHM_SEGMENT_NAMESPACE)));
	return json_done(json, err);
}

static json_t *segments_json(const struct shm_view *v)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; !err && v && i < v->n_segments; i++)
		err = json_add(list, segment_json(&v->segments[i].rec));
	return json_done(list, err);
}

/* Beyond what any machine has it is no limit. */
static json_t *most_json(uint64_t most)
{
	return most > INT64_MAX ? json_null() : json_count(most);
}

static json_t *limits_json(const struct shm_view *v)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; !err && v && i < v->n_limits; i++) {
		const struct rec_shm_limits *r = &v->limits[i];
		json_t *json = json_object();

		err = json_put(json, "segments", json_count(r->segments));
		err |= json_put(json, "segment_min_bytes", json_count(r->least_bytes));
		err |= json_put(json, "segment_max_bytes", most_json(r->most_bytes));
		err |= json_put(json, "total_bytes", most_json(r->total_bytes));
		err |= json_put(json, "ipc_namespace", json_integer(r->ipc_namespace));
		err |= json_put(json, "own_namespace",
				json_boolean(!(r->flags & SHM_SEGMENT_NAMESPACE)));
		err |= json_add(list, json);
	}
	return json_done(list, err);
}

static int put_sums(json_t *root, const struct shm_view *v)
{
	int err;

	if (!v || !v->known)
		return json_put(root, "sums", json_null());
	err = json_put(root, "sums.used_bytes", json_count(v->used_bytes));
	err |= json_put(root, "sums.files", json_count(v->files));
	err |= json_put(root, "sums.orphans", json_count(v->orphans));
	err |= json_put(root, "sums.orphan_bytes", json_count(v->orphan_bytes));
	err |= json_put(root, "sums.full", json_count(v->full));
	err |= json_put(root, "sums.omitted", json_count(v->omitted));
	return err;
}

static int fill(json_t *root, const struct run *run, const struct snapshot *s)
{
	const struct shm_view *v = s->shm;
	int err;

	err = json_put(root, "schema", json_string(SCHEMA));
	err |= json_put(root, "version", json_text(run->version));
	err |= json_put(root, "started", json_text(run->started));
	err |= json_put(root, "duration_s", json_number_of(show_since_s(s, s->now_ns)));
	err |= json_put(root, "kernel.release", json_text(run->kernel_release));
	err |= json_put(root, "charges", text_or_null(run->shm_chain));
	err |= json_put(root, "gaps", text_or_null(run->shm_gaps));
	err |= put_sums(root, v);
	err |= json_put(root, "shm", all_mounts_json(s));
	err |= json_put(root, "sysv", segments_json(v));
	err |= json_put(root, "sysv_limits", limits_json(v));
	err |= json_put(root, "anonymous",
			files_json(v ? v->anonymous : NULL, v ? v->n_anonymous : 0, "name"));
	return err ? -ENOMEM : 0;
}

static int shm_json_tick(struct sink *sink, const struct snapshot *s)
{
	(void)sink;
	(void)s;
	return 0;
}

static int shm_json_finish(struct sink *sink, const struct snapshot *s)
{
	struct shm_json *json = (struct shm_json *)sink;
	json_t *root = json_object();
	int err = fill(root, sink->run, s);

	if (err)
		goto out;
	errno = 0;
	/* its own failures are the stream's, which show_flush() reports */
	json_dumpf(root, json->out, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
	fputc('\n', json->out);
	err = show_flush(json->out);
out:
	json_decref(root);
	return err;
}

static void shm_json_destroy(struct sink *sink)
{
	free(sink);
}

static const struct sink_ops shm_json_ops = {
	.name = "json",
	.tick = shm_json_tick,
	.finish = shm_json_finish,
	.destroy = shm_json_destroy,
};

struct sink *shm_json_create(const struct run *run, FILE *out)
{
	struct shm_json *json = calloc(1, sizeof(*json));

	if (!json)
		return NULL;
	json->sink = (struct sink){ .ops = &shm_json_ops, .run = run };
	json->out = out;
	return &json->sink;
}
