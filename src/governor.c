// SPDX-License-Identifier: GPL-2.0-or-later
#include "governor.h"

#define SECOND 1000000000ULL
#define PATIENCE_NS SECOND
#define LESS_PATIENCE_NS (SECOND / 2) /* for what follows on a step down that was not enough */
#define BACK_OFF_NS (5 * SECOND)
#define BACK_OFF_MAX_NS (300 * SECOND)

void governor_init(struct governor *g, double budget, enum watch_mode mode)
{
	*g = (struct governor){ .budget = budget, .mode = mode };
}

static uint64_t doubled(uint64_t back_off_ns)
{
	if (!back_off_ns)
		return BACK_OFF_NS;
	return back_off_ns > BACK_OFF_MAX_NS / 2 ? BACK_OFF_MAX_NS : back_off_ns * 2;
}

static void step_down(struct governor *g, uint64_t now_ns, bool optional)
{
	/* of two steps that follow each other only the first says something of the try before */
	if (g->up_ns > g->down_ns && now_ns - g->up_ns < g->back_off_ns)
		g->back_off_ns = doubled(g->back_off_ns);
	else if (g->up_ns >= g->down_ns)
		g->back_off_ns =
			BACK_OFF_NS; /* it has gone well for longer than it was waited for */
	g->lean = g->lean || (g->mode == MODE_FULL && optional);
	g->mode = g->mode == MODE_FULL && optional ? MODE_LEAN : MODE_SAMPLE;
	g->trial = false;
	g->over_ns = now_ns - (PATIENCE_NS - LESS_PATIENCE_NS);
	g->down_ns = now_ns;
}

static void step_up(struct governor *g, uint64_t now_ns)
{
	if (g->mode == MODE_SAMPLE && g->lean) {
		g->mode = MODE_LEAN;
	} else {
		g->mode = MODE_FULL;
		g->lean = false;
	}
	g->trial = true;
	g->up_ns = now_ns;
}

enum watch_mode governor_input(struct governor *g, uint64_t now_ns, double share, bool optional)
{
	uint64_t since = g->up_ns > g->down_ns ? g->up_ns : g->down_ns;

	if (g->budget <= 0)
		return g->mode;
	if (share > g->budget) {
		if (!g->over)
			g->over_ns = now_ns;
		g->over = true;
		/* in the sample mode there is nothing left to drop */
		if (g->mode != MODE_SAMPLE && (g->trial || now_ns - g->over_ns >= PATIENCE_NS))
			step_down(g, now_ns, optional);
		return g->mode;
	}
	g->over = g->trial = false;
	if (g->mode != MODE_FULL && now_ns - since >= g->back_off_ns)
		step_up(g, now_ns);
	return g->mode;
}

void governor_stay(struct governor *g, uint64_t now_ns, enum watch_mode mode)
{
	g->mode = mode;
	g->trial = g->over = false;
	g->down_ns = now_ns;
	g->back_off_ns = doubled(g->back_off_ns);
}

bool governor_watchful(const struct governor *g)
{
	return g->budget > 0 && g->mode != MODE_SAMPLE && (g->over || g->trial);
}
