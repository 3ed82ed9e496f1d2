/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a recording is made with: schema.sql and events.sql as C strings, and what tells it from other files. */
#ifndef MEMMON_SCHEMA_H
#define MEMMON_SCHEMA_H

#include "schema_sql.h" /* SCHEMA_SQL and EVENTS_SQL, made by tools/embed-sql */

#define RECORDING_APPLICATION_ID 0x4d4d4f4e /* "MMON" */
#define RECORDING_VERSION 1 /* user_version */

static const char schema_sql[] = SCHEMA_SQL "CREATE VIEW events AS\n" EVENTS_SQL
					    "ORDER BY at_ns;\n";

#endif
