/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hooks that must not be used, for tests of what remains without them: MEMMON_FORBID, words joined
 * with blanks or commas.
 */
#ifndef MEMMON_FORBID_H
#define MEMMON_FORBID_H

#include <stdbool.h>

/*
 * `section` is a libbpf section name, as in "tp_btf/rss_stat". True when MEMMON_FORBID has a word that
 * equals it, the part before the slash ("fexit"), or the part after it ("rss_stat"). Empty or
 * unset: false.
 */
bool hook_forbidden(const char *section);

#endif
