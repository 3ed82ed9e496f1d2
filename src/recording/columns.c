/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "columns.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../util/escape.h"

#define SQL_CAP 8192

/* ---- texts ------------------------------------------------------------------------------------ */

struct text_block {
	struct text_block *next;
	size_t used, cap;
	char bytes[];
};

#define BLOCK_BYTES 65536

void texts_finish(struct texts *t)
{
	while (t->blocks) {
		struct text_block *next = t->blocks->next;

		free(t->blocks);
		t->blocks = next;
	}
}

char *texts_add(struct texts *t, const char *bytes, size_t len)
{
	struct text_block *b = t->blocks;
	char *text;

	if (!b || b->cap - b->used <= len) {
		size_t cap = len < BLOCK_BYTES ? BLOCK_BYTES : len + 1;

		b = malloc(sizeof(*b) + cap);
		if (!b)
			return NULL;
		*b = (struct text_block){ .next = t->blocks, .cap = cap };
		t->blocks = b;
	}
	text = b->bytes + b->used;
	memcpy(text, bytes, len);
	text[len] = '\0';
	b->used += len + 1;
	return text;
}

/* ---- SQL -------------------------------------------------------------------------------------- */

struct sql {
	char text[SQL_CAP];
	size_t len;
	int columns;
};

static void add(struct sql *s, const char *piece)
{
	size_t len = strlen(piece);

	if (len >= sizeof(s->text) - s->len)
		abort(); /* our own tables fit: test_recorder prepares all of them */
	memcpy(s->text + s->len, piece, len + 1);
	s->len += len;
}

static void add_column(struct sql *s, const char *name, const char *suffix)
{
	add(s, s->columns++ ? ", \"" : "\"");
	add(s, name);
	add(s, suffix);
	add(s, "\"");
}

static bool has_raw(const struct column *c)
{
	return c->kind == COLUMN_CHARS || c->kind == COLUMN_TEXT;
}

/* Where NULL is "not known", a file whose memmon-bpf did not know the column yet has that. */
static bool is_missing(sqlite3 *db, const struct table *t, const struct column *c)
{
	return (c->kind == COLUMN_U64 || c->kind == COLUMN_UPAGES) &&
	       sqlite3_table_column_metadata(db, "main", t->name, c->name, NULL, NULL, NULL, NULL,
					     NULL) != SQLITE_OK;
}

/* db: of the file that is read; NULL = it is one that we made. */
static void add_columns(struct sql *s, const struct table *t, sqlite3 *db)
{
	for (size_t i = 0; i < COLUMN_KEYS && t->keys[i]; i++)
		add_column(s, t->keys[i], "");
	for (size_t i = 0; i < t->n; i++) {
		if (db && is_missing(db, t, &t->columns[i])) {
			add(s, s->columns++ ? ", NULL" : "NULL");
			continue;
		}
		add_column(s, t->columns[i].name, "");
		if (has_raw(&t->columns[i]))
			add_column(s, t->columns[i].name, "_raw");
	}
	for (size_t i = 0; i < COLUMN_KEYS && t->more[i]; i++)
		add_column(s, t->more[i], "");
}

static int first_member(const struct table *t)
{
	int n = 0;

	while (n < COLUMN_KEYS && t->keys[n])
		n++;
	return n;
}

int table_prepare_put(sqlite3 *db, const struct table *t, sqlite3_stmt **out)
{
	struct sql s = { .len = 0 };

	add(&s, "INSERT OR REPLACE INTO ");
	add(&s, t->name);
	add(&s, " (");
	add_columns(&s, t, NULL);
	add(&s, ") VALUES (?");
	for (int i = 1; i < s.columns; i++)
		add(&s, ", ?");
	add(&s, ")");
	return sqlite3_prepare_v3(db, s.text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
}

int table_prepare_get(sqlite3 *db, const struct table *t, const char *rest, sqlite3_stmt **out)
{
	struct sql s = { .len = 0 };

	add(&s, "SELECT ");
	add_columns(&s, t, db);
	add(&s, " FROM ");
	add(&s, t->name);
	add(&s, " ");
	add(&s, rest);
	return sqlite3_prepare_v2(db, s.text, -1, out, NULL);
}

/* ---- writing ---------------------------------------------------------------------------------- */

int bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	if (!text)
		return sqlite3_bind_null(stmt, at);
	return sqlite3_bind_text(stmt, at, text, -1, SQLITE_TRANSIENT);
}

int bind_name(sqlite3_stmt *stmt, int at, const char *bytes, size_t len)
{
	size_t cap = len * ESCAPE_MAX_GROWTH + 1, n;
	char small[512], *shown = small;
	int rc;

	if (!bytes) {
		rc = sqlite3_bind_null(stmt, at);
		return rc ? rc : sqlite3_bind_null(stmt, at + 1);
	}
	if (cap > sizeof(small))
		shown = malloc(cap);
	if (!shown)
		return SQLITE_NOMEM;
	n = escape_bytes(shown, cap, bytes, len);
	rc = sqlite3_bind_text(stmt, at, shown, (int)n, SQLITE_TRANSIENT);
	if (!rc && n == len && !memcmp(shown, bytes, len))
		rc = sqlite3_bind_null(stmt, at + 1);
	else if (!rc)
		rc = sqlite3_bind_blob(stmt, at + 1, bytes, (int)len, SQLITE_TRANSIENT);
	if (shown != small)
		free(shown);
	return rc;
}

static int64_t whole(uint64_t v)
{
	return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

static int64_t bytes_of(int64_t pages, uint64_t page_bytes)
{
	int64_t bytes;

	if (__builtin_mul_overflow(pages, (int64_t)page_bytes, &bytes))
		bytes = pages < 0 ? -(int64_t)page_bytes :
				    INT64_MAX - INT64_MAX % (int64_t)page_bytes;
	return bytes;
}

static int bind_u64(sqlite3_stmt *put, int at, uint64_t v, const struct units_of *u,
		    enum column_kind kind)
{
	switch (kind) {
	case COLUMN_TIME:
	case COLUMN_STAMP:
		if (!v)
			return sqlite3_bind_null(put, at);
		return sqlite3_bind_int64(put, at, (int64_t)(v - u->clock_ns));
	case COLUMN_UPAGES:
		if (v == UNKNOWN_U64)
			return sqlite3_bind_null(put, at);
		return sqlite3_bind_int64(put, at, bytes_of(whole(v), u->page_bytes));
	case COLUMN_U64:
		if (v == UNKNOWN_U64)
			return sqlite3_bind_null(put, at);
		break;
	default:
		break;
	}
	return sqlite3_bind_int64(put, at, whole(v));
}

static int bind_member(sqlite3_stmt *put, int at, const struct column *c, const struct units_of *u,
		       const char *row)
{
	const void *member = row + c->offset;
	const char *text;

	if (c->when && !*(const bool *)(row + c->when))
		return has_raw(c) ? bind_name(put, at, NULL, 0) : sqlite3_bind_null(put, at);
	switch (c->kind) {
	case COLUMN_U32:
		return sqlite3_bind_int64(put, at, *(const uint32_t *)member);
	case COLUMN_I32:
		return sqlite3_bind_int64(put, at, *(const int32_t *)member);
	case COLUMN_BOOL:
		return sqlite3_bind_int64(put, at, *(const bool *)member);
	case COLUMN_I64:
		return sqlite3_bind_int64(put, at, *(const int64_t *)member);
	case COLUMN_REAL:
		return sqlite3_bind_double(put, at, *(const double *)member);
	case COLUMN_PAGES:
		return sqlite3_bind_int64(put, at,
					  bytes_of(*(const int64_t *)member, u->page_bytes));
	case COLUMN_COUNT:
	case COLUMN_U64:
	case COLUMN_UPAGES:
	case COLUMN_TIME:
	case COLUMN_STAMP:
		return bind_u64(put, at, *(const uint64_t *)member, u, c->kind);
	case COLUMN_CHARS:
		return bind_name(put, at, member, strnlen(member, c->size));
	case COLUMN_TEXT:
		text = *(const char *const *)member;
		return bind_name(put, at, text, text ? strlen(text) : 0);
	}
	return SQLITE_INTERNAL;
}

int table_bind(sqlite3_stmt *put, const struct table *t, const struct units_of *u, const void *row,
	       int *more)
{
	int at = first_member(t) + 1, rc = SQLITE_OK;

	for (size_t i = 0; !rc && i < t->n; i++) {
		rc = bind_member(put, at, &t->columns[i], u, row);
		at += has_raw(&t->columns[i]) ? 2 : 1;
	}
	if (more)
		*more = at;
	return rc;
}

static uint64_t mix(uint64_t hash, uint64_t v)
{
	hash = (hash ^ v) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

static uint64_t mix_bytes(uint64_t hash, const char *bytes, size_t len)
{
	hash = mix(hash, len);
	for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
		size_t n = len - i < sizeof(uint64_t) ? len - i : sizeof(uint64_t);
		uint64_t v = 0;

		memcpy(&v, bytes + i, n);
		hash = mix(hash, v);
	}
	return hash;
}

uint64_t table_hash(const struct table *t, const void *row)
{
	uint64_t hash = 1;

	for (size_t i = 0; i < t->n; i++) {
		const struct column *c = &t->columns[i];
		const char *member = (const char *)row + c->offset;

		if (c->when && !*((const char *)row + c->when))
			hash = mix(hash, 0);
		else if (c->kind == COLUMN_CHARS)
			hash = mix_bytes(hash, member, strnlen(member, c->size));
		else if (c->kind == COLUMN_TEXT && *(const char *const *)member)
			hash = mix_bytes(hash, *(const char *const *)member,
					 strlen(*(const char *const *)member));
		else if (c->kind == COLUMN_TEXT)
			hash = mix(hash, 1); /* no text is not "" */
		else if (c->kind != COLUMN_STAMP)
			hash = mix_bytes(hash, member, c->size);
	}
	return hash;
}

/* ---- reading ---------------------------------------------------------------------------------- */

/* Bytes of a text or a blob, up to the first NUL; NULL for NULL and numbers. */
static const char *bytes_at(sqlite3_stmt *stmt, int at, size_t *len)
{
	int type = sqlite3_column_type(stmt, at);
	const char *bytes;

	if (type != SQLITE_TEXT && type != SQLITE_BLOB)
		return NULL;
	bytes = sqlite3_column_blob(stmt, at);
	*len = bytes ? strnlen(bytes, (size_t)sqlite3_column_bytes(stmt, at)) : 0;
	return bytes ? bytes : "";
}

static const char *name_at(sqlite3_stmt *stmt, int at, size_t *len)
{
	const char *raw = bytes_at(stmt, at + 1, len);

	return raw ? raw : bytes_at(stmt, at, len);
}

int read_name(sqlite3_stmt *stmt, int at, struct texts *texts, const char **out)
{
	size_t len = 0;
	const char *bytes = name_at(stmt, at, &len);

	*out = bytes ? texts_add(texts, bytes, len) : NULL;
	return bytes && !*out ? -ENOMEM : 0;
}

int read_text(sqlite3_stmt *stmt, int at, struct texts *texts, const char **out)
{
	size_t len = 0, n = 0;
	const char *bytes = bytes_at(stmt, at, &len);
	char *clean;

	*out = NULL;
	if (!bytes)
		return 0;
	clean = malloc(len * ESCAPE_MAX_GROWTH + 1);
	if (!clean)
		return -ENOMEM;
	while (len) { /* a backslash is an escape's: it stays */
		const char *slash = memchr(bytes, '\\', len);
		size_t part = slash ? (size_t)(slash - bytes) : len;

		n += escape_bytes(clean + n, part * ESCAPE_MAX_GROWTH + 1, bytes, part);
		if (slash)
			clean[n++] = '\\';
		part += slash ? 1 : 0;
		bytes += part;
		len -= part;
	}
	*out = texts_add(texts, clean, n);
	free(clean);
	return *out ? 0 : -ENOMEM;
}

int read_integer(sqlite3_stmt *stmt, int at, int64_t least, int64_t most, int64_t none,
		 int64_t *out)
{
	int64_t v;

	if (sqlite3_column_type(stmt, at) == SQLITE_NULL) {
		*out = none;
		return 0;
	}
	if (sqlite3_column_type(stmt, at) != SQLITE_INTEGER)
		return -EINVAL;
	v = sqlite3_column_int64(stmt, at);
	if (v < least || v > most)
		return -EINVAL;
	*out = v;
	return 0;
}

static int read_real(sqlite3_stmt *stmt, int at, double *out)
{
	int type = sqlite3_column_type(stmt, at);

	if (type != SQLITE_NULL && type != SQLITE_FLOAT && type != SQLITE_INTEGER)
		return -EINVAL;
	*out = type == SQLITE_NULL ? NAN : sqlite3_column_double(stmt, at);
	return 0;
}

static int read_number(sqlite3_stmt *get, int at, const struct column *c, const struct units_of *u,
		       void *member)
{
	bool is_null = sqlite3_column_type(get, at) == SQLITE_NULL;
	int64_t page = (int64_t)u->page_bytes, v = 0;
	int err;

	switch (c->kind) {
	case COLUMN_U32:
		err = read_integer(get, at, 0, UINT32_MAX, 0, &v);
		*(uint32_t *)member = (uint32_t)v;
		return err;
	case COLUMN_I32:
		err = read_integer(get, at, INT32_MIN, INT32_MAX, 0, &v);
		*(int32_t *)member = (int32_t)v;
		return err;
	case COLUMN_BOOL:
		err = read_integer(get, at, 0, 1, 0, &v);
		*(bool *)member = v;
		return err;
	case COLUMN_COUNT:
		err = read_integer(get, at, 0, INT64_MAX, 0, &v);
		*(uint64_t *)member = (uint64_t)v;
		return err;
	case COLUMN_U64:
		err = read_integer(get, at, 0, INT64_MAX, 0, &v);
		*(uint64_t *)member = is_null ? UNKNOWN_U64 : (uint64_t)v;
		return err;
	case COLUMN_UPAGES:
		err = read_integer(get, at, 0, INT64_MAX, 0, &v);
		*(uint64_t *)member = is_null ? UNKNOWN_U64 : (uint64_t)(v / page);
		return err;
	case COLUMN_I64:
		err = read_integer(get, at, INT64_MIN, INT64_MAX, 0, &v);
		*(int64_t *)member = v;
		return err;
	case COLUMN_PAGES:
		err = read_integer(get, at, INT64_MIN, INT64_MAX, 0, &v);
		*(int64_t *)member = v / page;
		return err;
	case COLUMN_TIME:
	case COLUMN_STAMP:
		err = read_integer(get, at, INT64_MIN, INT64_MAX, 0, &v);
		*(uint64_t *)member = is_null ? 0 : u->clock_ns + (uint64_t)v;
		return err;
	case COLUMN_REAL:
		return read_real(get, at, member);
	default:
		return -EINVAL;
	}
}

static int read_member(sqlite3_stmt *get, int at, const struct column *c, const struct units_of *u,
		       struct texts *texts, char *row)
{
	size_t len = 0;
	const char *bytes;

	if (c->when && sqlite3_column_type(get, at) != SQLITE_NULL)
		*(bool *)(row + c->when) = true;
	switch (c->kind) {
	case COLUMN_CHARS:
		bytes = name_at(get, at, &len);
		if (len > c->size - 1U)
			len = c->size - 1U;
		memset(row + c->offset, 0, c->size);
		if (bytes)
			memcpy(row + c->offset, bytes, len);
		return 0;
	case COLUMN_TEXT:
		return read_name(get, at, texts, (const char **)(void *)(row + c->offset));
	default:
		return read_number(get, at, c, u, row + c->offset);
	}
}

int table_read(sqlite3_stmt *get, const struct table *t, const struct units_of *u,
	       struct texts *texts, void *row, int *more)
{
	int at = first_member(t), err = 0;

	for (size_t i = 0; !err && i < t->n; i++) {
		err = read_member(get, at, &t->columns[i], u, texts, row);
		at += has_raw(&t->columns[i]) ? 2 : 1;
	}
	if (more)
		*more = at;
	return err;
}
