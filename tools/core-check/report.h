/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was found, in words. */
#ifndef CORE_CHECK_REPORT_H
#define CORE_CHECK_REPORT_H

#include "check.h"

/* A name out of a file, fit to be printed. Good until the eighth call after. */
const char *safe(const char *text);

/* How many relocations were resolved, and what is wrong; `verbose`: the unresolved that do no harm, too. */
void report_check(const struct check *check, const char *label, bool verbose);

/* "FUNCTION INSTRUCTION CHANGE BEFORE AFTER" for each relocation: what libbpf tells when it debugs. */
void report_relocations(const struct check *check);

#endif
