/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any stream of records about shared memory: the ledger takes or refuses each, and every view keeps
 * the promises of shm.h. Few numbers, so that records meet. The bytes of the input are:
 *
 *   type and cut (4 bits each), device and inode (4 bits each), pid, time step, flags, then up to 32
 *   bytes that fill the figures, then up to 16 of texts, each with its length before it
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

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

static size_t record_size(unsigned int type)
{
	switch (type) {
	case REC_SHM_MOUNT:
		return sizeof(struct rec_shm_mount);
	case REC_SHM_FILE:
		return sizeof(struct rec_shm_file);
	case REC_SHM_HOLDER:
		return sizeof(struct rec_shm_holder);
	case REC_SHM_CHARGER:
		return sizeof(struct rec_shm_charger);
	case REC_SHM_SEGMENT:
		return sizeof(struct rec_shm_segment);
	case REC_SHM_FULL:
		return sizeof(struct rec_shm_full);
	case REC_SHM_LIMITS:
		return sizeof(struct rec_shm_limits);
	default:
		return sizeof(struct rec_head);
	}
}

/* Puts the numbers that have to meet where the type has them. */
static void identify(struct rec_head *rec, uint32_t dev, uint64_t ino, uint32_t flags)
{
	switch (rec->type) {
	case REC_SHM_MOUNT:
		((struct rec_shm_mount *)rec)->dev = dev;
		((struct rec_shm_mount *)rec)->flags = flags;
		break;
	case REC_SHM_FILE:
		((struct rec_shm_file *)rec)->dev = dev;
		((struct rec_shm_file *)rec)->ino = ino;
		((struct rec_shm_file *)rec)->key = flags >> 7;
		((struct rec_shm_file *)rec)->flags = flags;
		((struct rec_shm_file *)rec)->kind = flags >> 5;
		break;
	case REC_SHM_HOLDER:
		((struct rec_shm_holder *)rec)->dev = dev;
		((struct rec_shm_holder *)rec)->ino = ino;
		((struct rec_shm_holder *)rec)->key = flags >> 7;
		break;
	case REC_SHM_CHARGER:
		((struct rec_shm_charger *)rec)->dev = dev;
		break;
	case REC_SHM_SEGMENT:
		((struct rec_shm_segment *)rec)->shmid = (int32_t)ino;
		((struct rec_shm_segment *)rec)->ipc_namespace = dev;
		((struct rec_shm_segment *)rec)->flags = flags;
		break;
	case REC_SHM_FULL:
		((struct rec_shm_full *)rec)->dev = dev;
		((struct rec_shm_full *)rec)->ino = ino;
		((struct rec_shm_full *)rec)->how = flags & 7;
		break;
	default:
		break;
	}
}

static size_t fill(struct input *in, char *dst, size_t most)
{
	size_t n = take(in) % (most + 1);

	for (size_t i = 0; i < n; i++)
		dst[i] = (char)take(in);
	return n;
}

static void apply_one(struct model *m, struct input *in, uint64_t *now)
{
	unsigned int first = take(in), where = take(in), type = REC_SHM_MOUNT + (first & 7);
	size_t fixed = record_size(type), size, n;
	char body[32], texts[16];
	struct rec_head *rec;
	uint32_t pid = take(in) & 7, flags;
	size_t n_texts;
	int err;

	*now += take(in) * 50000000ULL;
	flags = take(in);
	n = fill(in, body, sizeof(body));
	n_texts = fill(in, texts, sizeof(texts));
	size = fixed + n_texts;
	rec = calloc(1, size);
	if (!rec)
		return;
	for (size_t i = sizeof(*rec); n && i < fixed; i++)
		((char *)rec)[i] = body[i % n];
	memcpy((char *)rec + fixed, texts, n_texts);
	rec->type = (uint16_t)type;
	rec->pid = pid;
	rec->start_ns = pid & 3;
	rec->ts_ns = first & 0x80 ? *now / 2 : *now;
	identify(rec, where & 7, where >> 4, flags);
	if ((first >> 4 & 7) == 7 && fixed > sizeof(*rec)) /* cut short */
		size = fixed - 1;
	rec->size = (uint16_t)size;
	if (size < fixed + n_texts) { /* reading beyond it must show */
		struct rec_head *cut = malloc(size);

		if (cut)
			memcpy(cut, rec, size);
		free(rec);
		rec = cut;
	}
	err = rec ? model_apply(m, rec, size) : 0;
	check(!err || err == -EINVAL || err == -ENOMEM);
	free(rec);
	if (flags & 1)
		model_set_shm_container(m, pid, *now, flags & 2 ? "c" : NULL);
}

static void check_files(const struct shm_file *const *files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct shm_file *f = files[i];
		uint64_t bytes = f->rec.bytes == UNKNOWN_U64 ? 0 : f->rec.bytes;
		uint64_t next = i + 1 == n || files[i + 1]->rec.bytes == UNKNOWN_U64 ?
					0 :
					files[i + 1]->rec.bytes;

		check(bytes >= next);
		check(f->path && strlen(f->path) <= 16);
		check(memchr(f->rec.comm, '\0', COMM_LEN) != NULL);
		check(f->state != SHM_ORPHAN || !f->n_holders);
		for (size_t j = 0; j < f->n_holders; j++) {
			check(memchr(f->holders[j].comm, '\0', COMM_LEN) != NULL);
			check(!j || f->holders[j - 1].pid < f->holders[j].pid);
		}
	}
}

static void check_mount(const struct shm_mount *m)
{
	check(m->point && m->container && m->container_id && m->runtime);
	check(strlen(m->point) + strlen(m->container_id) + strlen(m->container) <= 32);
	check(!m->gone || (m->rec.used_bytes == UNKNOWN_U64 && !m->n_files && !m->n_chargers));
	check(m->peak_bytes == UNKNOWN_U64 || m->rec.used_bytes == UNKNOWN_U64 ||
	      m->peak_bytes >= m->rec.used_bytes);
	check(!isinf(m->growth_bytes_s) && !isinf(m->full_in_s));
	check(m->orphans <= m->n_files);
	check_files(m->files, m->n_files);
	for (size_t i = 0; i < m->n_files; i++)
		check(m->files[i]->rec.dev == m->rec.dev);
	for (size_t i = 1; i < m->n_chargers; i++)
		check(m->chargers[i - 1].held_bytes >= m->chargers[i].held_bytes);
	for (size_t i = 0; i < m->n_full; i++) {
		check(m->full[i].times >= 1);
		check(m->full[i].rec.dev == m->rec.dev);
		check(memchr(m->full[i].rec.name, '\0', SHM_FULL_NAME) != NULL);
		check(!i || m->full[i - 1].number < m->full[i].number);
		for (size_t j = 1; j < SHM_FULL_LARGEST; j++)
			check(m->full[i].largest[j - 1].bytes >= m->full[i].largest[j].bytes);
	}
}

static void check_view(struct model *m)
{
	const struct shm_view *v = model_snapshot(m)->shm;
	size_t full = 0;

	if (!v)
		return;
	for (size_t i = 0; i < v->n_mounts; i++) {
		check_mount(v->mounts[i]);
		check(!i || v->mounts[i - 1]->gone <= v->mounts[i]->gone);
		full += v->mounts[i]->n_full;
	}
	check(full <= SHM_FULLS);
	check_files(v->anonymous, v->n_anonymous);
	check(v->used_bytes <= INT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .data = data, .size = size };
	struct model *m = model_create(4096, 4);
	uint64_t now = 1000000000;

	if (!m)
		return 0;
	for (unsigned int n = 1; in.size; n++) {
		apply_one(m, &in, &now);
		if (n % 8 == 0)
			check_view(m);
	}
	check_view(m);
	model_destroy(m);
	return 0;
}
