/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why: the directory knows a file's names, the kernel side who made it and who holds it, and neither
 * knows all files: one is unlinked, the other not touched since we watch.
 */
#include "shm_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct shm_file_key key_of(uint32_t dev, uint64_t ino, uint64_t key)
{
	return (struct shm_file_key){ .ino = ino, .key = key, .dev = dev };
}

static struct shm_known *find(struct shm_files *f, struct shm_file_key id)
{
	struct shm_known *k;

	HASH_FIND(hh, f->all, &id, sizeof(id), k);
	return k;
}

static struct shm_known *add(struct shm_files *f, struct shm_file_key id)
{
	struct shm_known *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->id = id;
	k->last = &k->first;
	HASH_ADD(hh, f->all, id, sizeof(k->id), k);
	if (find(f, id) == k)
		return k;
	free(k); /* not added: memory */
	return NULL;
}

static int take_file(struct shm_files *f, const struct rec_shm_file *rec, size_t size)
{
	const char *name = (const char *)(rec + 1);
	struct shm_known *k;
	char *copy;

	if (size <= sizeof(*rec) || !memchr(name, '\0', size - sizeof(*rec)))
		return -EINVAL;
	k = find(f, key_of(rec->dev, rec->ino, rec->key));
	if (!k && HASH_COUNT(f->all) >= SHM_FILES_MAX) {
		f->omitted++;
		return 0;
	}
	copy = strdup(name);
	if (copy && !k)
		k = add(f, key_of(rec->dev, rec->ino, rec->key));
	if (!copy || !k) {
		free(copy);
		return -ENOMEM;
	}
	free(k->name);
	k->name = copy;
	k->rec = *rec;
	k->from_kernel = true;
	return 0;
}

static int take_holder(struct shm_files *f, const struct rec_shm_holder *rec)
{
	struct shm_known *k = find(f, key_of(rec->dev, rec->ino, rec->key));
	struct shm_held *held;

	if (!k || f->holders >= SHM_FILES_HOLDERS_MAX) {
		f->omitted++;
		return 0;
	}
	held = calloc(1, sizeof(*held));
	if (!held)
		return -ENOMEM;
	held->rec = *rec;
	*k->last = held;
	k->last = &held->next;
	f->holders++;
	return 0;
}

int shm_files_take(void *ctx, const struct rec_head *rec, size_t size)
{
	struct shm_files *f = ctx;

	if (size < sizeof(*rec) || rec->size > size)
		return -EINVAL;
	switch (rec->type) {
	case REC_SHM_FILE:
		return rec->size < sizeof(struct rec_shm_file) ?
			       -EINVAL :
			       take_file(f, (const void *)rec, rec->size);
	case REC_SHM_HOLDER:
		return rec->size < sizeof(struct rec_shm_holder) ?
			       -EINVAL :
			       take_holder(f, (const void *)rec);
	default:
		return 0;
	}
}

struct shm_known *shm_files_find(struct shm_files *f, uint32_t dev, uint64_t ino)
{
	struct shm_known *k = find(f, key_of(dev, ino, 0));

	return k && k->from_kernel ? k : NULL;
}

int shm_files_see(struct shm_files *f, uint32_t dev, uint64_t ino)
{
	struct shm_known *k = find(f, key_of(dev, ino, 0));
	bool before;

	if (!k)
		k = add(f, key_of(dev, ino, 0));
	if (!k)
		return -ENOMEM;
	before = k->seen;
	k->seen = true;
	return before;
}

void shm_files_finish(struct shm_files *f)
{
	struct shm_known *k, *tmp;
	struct shm_held *held;

	if (!f)
		return;
	HASH_ITER(hh, f->all, k, tmp) {
		HASH_DELETE(hh, f->all, k);
		while ((held = k->first)) {
			k->first = held->next;
			free(held);
		}
		free(k->name);
		free(k);
	}
	*f = (struct shm_files){ 0 };
}
