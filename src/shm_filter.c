// SPDX-License-Identifier: GPL-2.0-or-later
#include "shm_filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int shm_filter_add(struct shm_filter *f, const struct containers *containers)
{
	size_t n = containers_count(containers);

	f->ids = calloc(n + 1, sizeof(*f->ids));
	if (!f->ids)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		memcpy(f->ids[f->n_ids++], containers_get(containers, i)->is.id, sizeof(f->ids[0]));
	return 0;
}

void shm_filter_finish(struct shm_filter *f)
{
	free(f->ids);
	free(f->devs);
	*f = (struct shm_filter){ 0 };
}

static size_t find_dev(const struct shm_filter *f, uint32_t dev)
{
	size_t i = 0;

	while (i < f->n_devs && f->devs[i] != dev)
		i++;
	return i;
}

/* The id is the second text. */
static bool is_ours(const struct shm_filter *f, const struct rec_shm_mount *r)
{
	const char *texts = (const char *)(r + 1), *nul, *id;
	size_t len = r->head.size > sizeof(*r) ? r->head.size - sizeof(*r) : 0;

	if (r->flags & SHM_MOUNT_TARGET)
		return true;
	nul = memchr(texts, '\0', len);
	id = nul ? nul + 1 : NULL;
	if (!id || !memchr(id, '\0', len - (size_t)(id - texts)))
		return false;
	for (size_t i = 0; i < f->n_ids; i++)
		if (strcmp(id, f->ids[i]) == 0)
			return true;
	return false;
}

static bool pass_mount(struct shm_filter *f, const struct rec_shm_mount *r)
{
	size_t i = find_dev(f, r->dev);
	bool known = i < f->n_devs;

	if (!is_ours(f, r)) {
		if (known) /* the number is another one's now */
			f->devs[i] = f->devs[--f->n_devs];
		return false;
	}
	if (known)
		return true;
	if (f->n_devs == f->devs_cap) {
		size_t cap = f->devs_cap ? f->devs_cap * 2 : 16;
		uint32_t *devs = realloc(f->devs, cap * sizeof(*devs));

		if (!devs)
			return false;
		f->devs = devs;
		f->devs_cap = cap;
	}
	f->devs[f->n_devs++] = r->dev;
	return true;
}

bool shm_filter_passes(struct shm_filter *f, const struct rec_head *rec)
{
	if (!f->n_ids)
		return true;
	switch (rec->type) {
	case REC_SHM_MOUNT:
		return pass_mount(f, (const struct rec_shm_mount *)rec);
	case REC_SHM_FILE:
		return find_dev(f, ((const struct rec_shm_file *)rec)->dev) < f->n_devs;
	case REC_SHM_HOLDER:
		return find_dev(f, ((const struct rec_shm_holder *)rec)->dev) < f->n_devs;
	case REC_SHM_CHARGER:
		return find_dev(f, ((const struct rec_shm_charger *)rec)->dev) < f->n_devs;
	case REC_SHM_FULL:
		return find_dev(f, ((const struct rec_shm_full *)rec)->dev) < f->n_devs;
	case REC_SHM_SEGMENT:
	case REC_SHM_LIMITS:
		return false;
	default:
		return true;
	}
}
