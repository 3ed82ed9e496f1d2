/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All of this directory where the program was built without SQLite: it says so, and nothing else. */
#include <errno.h>
#include <stdio.h>

#include "recorder.h"
#include "recording.h"

static int refuse(char *why, size_t why_len)
{
	snprintf(
		why, why_len,
		"this memmon-bpf was built without SQLite (WITHOUT=sqlite), which recordings need");
	return -ENOTSUP;
}

int recorder_open(const struct recorder_config *config, struct recorder_file **out, char *why,
		  size_t why_len)
{
	(void)config;
	*out = NULL;
	return refuse(why, why_len);
}

void recorder_close(struct recorder_file *file)
{
	(void)file;
}

struct sink *recorder_create(const struct run *run, struct recorder_file *file)
{
	(void)run;
	(void)file;
	return NULL;
}

bool recorder_needs_override(const struct recorder_file *file)
{
	(void)file;
	return false;
}

int recording_open(const char *path, struct recording **out, char *why, size_t why_len)
{
	(void)path;
	*out = NULL;
	return refuse(why, why_len);
}

/* Without a recording nobody gets here. */

void recording_close(struct recording *r)
{
	(void)r;
}

const struct run *recording_run(const struct recording *r)
{
	(void)r;
	return NULL;
}

const struct recording_info *recording_info(const struct recording *r)
{
	(void)r;
	return NULL;
}

int recording_snapshot(struct recording *r, const struct snapshot **out, char *why, size_t why_len)
{
	(void)r;
	*out = NULL;
	return refuse(why, why_len);
}

int64_t recording_process_id(const struct recording *r, const struct process *p)
{
	(void)r;
	(void)p;
	return 0;
}

int64_t recording_mount_id(const struct recording *r, const struct shm_mount *m)
{
	(void)r;
	(void)m;
	return 0;
}

const char *const *recording_figures(enum entity entity, size_t *n)
{
	(void)entity;
	*n = 0;
	return NULL;
}

int recording_cursor_open(struct recording *r, enum entity entity, struct recording_cursor **out)
{
	(void)r;
	(void)entity;
	*out = NULL;
	return -ENOTSUP;
}

int recording_cursor_next(struct recording_cursor *c, struct sample *out)
{
	(void)c;
	(void)out;
	return 0;
}

void recording_cursor_close(struct recording_cursor *c)
{
	(void)c;
}

void series_finish(struct series *s)
{
	(void)s;
}

int recording_series_of(struct recording *r, enum entity entity, const int64_t *ids, size_t n,
			const char *figure, size_t buckets, struct series *out)
{
	(void)r;
	(void)entity;
	(void)ids;
	(void)n;
	(void)figure;
	(void)buckets;
	(void)out;
	return -ENOTSUP;
}

int recording_series(struct recording *r, enum entity entity, int64_t id, const char *figure,
		     size_t buckets, struct series *out)
{
	return recording_series_of(r, entity, &id, 1, figure, buckets, out);
}

int recording_events(struct recording *r, const struct recorded_event **out, size_t *n)
{
	(void)r;
	*out = NULL;
	*n = 0;
	return -ENOTSUP;
}
