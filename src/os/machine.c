/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "readfile.h"

#define DIGITS 32

bool machine_id(char *dst)
{
	static const char ours[] = "memmon-bpf recording"; /* nobody else's number is like it */
	uint64_t hash = 0xcbf29ce484222325ULL;
	char text[DIGITS + 1];

	if (readfile("/etc/machine-id", text, DIGITS) < DIGITS)
		return false;
	text[DIGITS] = '\0';
	if (strspn(text, "0123456789abcdef") != DIGITS)
		return false; /* "uninitialized" */
	for (const char *c = ours; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001b3ULL;
	for (size_t i = 0; i < DIGITS; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3ULL;
	hash ^= hash >> 32;
	hash *= 0x9e3779b97f4a7c15ULL;
	hash ^= hash >> 29;
	snprintf(dst, MACHINE_ID_LEN, "%016" PRIx64, hash);
	return true;
}
