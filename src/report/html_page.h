/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the HTML report: shared by html.c, html_tables.c and html_data.c. Nobody else includes this. */
#ifndef MEMMON_HTML_PAGE_H
#define MEMMON_HTML_PAGE_H

#include <stdio.h>

#include "../sinks/show.h"
#include "chart_load.h"
#include "markup.h"

struct html_page {
	FILE *out;
	struct recording *recording;
	const struct run *run;
	const struct snapshot *s;
	struct chart_plan plan;
};

/* A field of the snapshot as text; dst of SHOW_LEN bytes. Returns it. */
const char *html_field(const struct html_page *pg, char *dst, const char *name);

/* Each writes a section, or nothing where there is nothing to tell. Returns 0 or a negative errno. */
int html_events(const struct html_page *pg);
int html_processes(const struct html_page *pg);
int html_mounts(const struct html_page *pg);

/* The elements that page.js reads: facts as JSON, and the packed rows of each layer of each chart. */
int html_data(const struct html_page *pg);

#endif
