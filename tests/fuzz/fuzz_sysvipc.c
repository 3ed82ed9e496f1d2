/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/sysvipc/shm, the number of an IPC namespace, and the kernel side's records of files. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/os/namespaces.h"
#include "../../src/os/shm_files.h"
#include "../../src/os/sysvipc.h"

#define REQUIRE(condition)                \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

static void parse_segments(const uint8_t *data, size_t size)
{
	struct sysv_segments s;

	if (sysvipc_parse(&s, (const char *)data, size)) {
		REQUIRE(!s.n && !s.items);
		return;
	}
	for (size_t i = 0; i < s.n; i++) {
		REQUIRE(s.items[i].mode <= 0777);
		REQUIRE(!(s.items[i].flags & ~(SHM_SEGMENT_DEST | SHM_SEGMENT_LOCKED)));
	}
	sysvipc_finish(&s);
}

/* The bytes as one record after the other, as their sizes say. */
static void take_records(const uint8_t *data, size_t size)
{
	struct shm_files files = { 0 };
	uint64_t buf[512];

	while (size >= sizeof(struct rec_head)) {
		size_t len = size < sizeof(buf) ? size : sizeof(buf);
		struct rec_head *head = (void *)buf;

		memcpy(buf, data, len);
		if (head->size < sizeof(*head) || head->size > len)
			break;
		shm_files_take(&files, head, head->size);
		data += head->size;
		size -= head->size;
	}
	for (const struct shm_known *k = files.all; k; k = k->hh.next)
		REQUIRE(k->from_kernel && k->name);
	shm_files_finish(&files);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse_segments(data, size);
	take_records(data, size);
	namespace_parse((const char *)data, size);
	return 0;
}
