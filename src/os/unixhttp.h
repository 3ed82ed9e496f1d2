/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HTTP GET over a unix socket, as container engines speak it; bounded in time and size. */
#ifndef MEMMON_UNIXHTTP_H
#define MEMMON_UNIXHTTP_H

#include <stddef.h>

#define UNIXHTTP_MAX (16U << 20) /* bytes of headers and body together */

/*
 * `target` is what follows the host: "/containers/json". `*body` is the caller's to free and not
 * NUL-terminated; only of a status of 200. Returns the HTTP status, or
 *   -ENOSYS     this program was built without libcurl
 *   -ELIBACC    libcurl is not installed
 *   -ETIMEDOUT  no whole answer within `timeout_ms`
 *   -EFBIG      the answer is larger than UNIXHTTP_MAX
 *   -EPROTO     it is no HTTP
 * or what connect(2) says: -ENOENT, -ECONNREFUSED, -EACCES.
 */
int unixhttp_get(const char *socket, const char *target, int timeout_ms, char **body, size_t *len);

#endif
