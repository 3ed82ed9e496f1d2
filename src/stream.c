/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stream.h"

#include <string.h>

static void put_record(void *ctx, const struct rec_head *rec, size_t size)
{
	struct stream *s = ctx;
	struct stream_item item = { .size = (uint32_t)size };

	fwrite(&item, sizeof(item), 1, s->out.file);
	fwrite(rec, size, 1, s->out.file);
}

static void put_text(void *ctx, enum model_text which, uint32_t pid, uint64_t at_ns,
		     const char *text)
{
	size_t len = text ? strlen(text) : 0;
	struct stream_text t = { .at_ns = at_ns, .pid = pid, .which = which };
	struct stream_item item = { .size = (uint32_t)(sizeof(t) + len),
				    .is_text = 1,
				    .flags = text ? 0 : STREAM_NULL };
	struct stream *s = ctx;

	fwrite(&item, sizeof(item), 1, s->out.file);
	fwrite(&t, sizeof(t), 1, s->out.file);
	if (len)
		fwrite(text, len, 1, s->out.file);
}

int stream_open(struct stream *s, const char *path, struct model *m, uint64_t page_bytes)
{
	const struct model_tap tap = { .record = put_record, .text = put_text, .ctx = s };
	int err = outfile_open(&s->out, path);

	if (err)
		return err;
	fwrite(STREAM_MAGIC, STREAM_MAGIC_LEN, 1, s->out.file);
	fwrite(&page_bytes, sizeof(page_bytes), 1, s->out.file);
	model_set_tap(m, &tap);
	return 0;
}

int stream_close(struct stream *s)
{
	return outfile_close(&s->out);
}
