// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What our programs cost everybody, measured in short windows, and the governor that keeps it within the
 * budget.
 *
 * A window is a fiftieth of each second, in which the kernel's run-time statistics are on. What was
 * found in it stands for the time since the window before: an estimate. Each run's time has one of the
 * two clock readings in it that the statistics take (20 to 40 ns), and lacks what it costs to call a
 * program at all (as much, and more on slow machines); neither is corrected, as neither can be told
 * apart from here. Without CAP_SYS_ADMIN there are no statistics; then the hook on RSS times itself,
 * which knows nothing of processes that are not watched.
 */
#include <errno.h>
#include <string.h>

#include "util/clock.h"
#include "watch_state.h"

#define WINDOW_NS 20000000ULL
#define EVERY_NS 1000000000ULL
#define WATCHFUL_NS 250000000ULL /* while the governor makes up its mind */
#define FIRST_NS 100000000ULL /* a command that is over by then is not worth a window */
#define OFTEN_NS 1000000000ULL /* in the beginning, as the watch may be short */
#define SHORTEST_NS 10000000ULL /* a window that tells something */

bool watch_may_trace(const struct watch *w)
{
	/* what hooks only functions of shmem costs nobody else anything */
	return features_shm_by(w->features) >= HOOK_KPROBE ||
	       (!w->o->sample && w->govern.governor.mode == MODE_FULL);
}

static uint64_t ppm(double share)
{
	return share > 0 ? (uint64_t)(share * 1e6 + 0.5) : 0;
}

static int say_mode(struct watch *w, enum mode_why why, uint64_t share_ppm)
{
	struct rec_mode rec = {
		.head = { .type = REC_MODE, .size = sizeof(rec), .ts_ns = monotonic_ns() },
		.mode = w->govern.governor.mode,
		.why = why,
		.share_ppm = share_ppm,
		.budget_ppm = ppm(w->o->budget),
	};

	return model_apply(w->model, &rec.head, sizeof(rec));
}

void watch_govern_start(struct watch *w)
{
	struct govern *g = &w->govern;

	governor_init(&g->governor, w->o->budget, w->o->sample ? MODE_SAMPLE : MODE_FULL);
	g->from_ns = g->to_ns = w->start_ns;
	g->due_ns = w->start_ns + FIRST_NS;
	say_mode(w, w->o->sample ? MODE_ASKED : MODE_STARTED, UNKNOWN_U64);
}

/* ---- the windows ---- */

static struct run_time run_so_far(const struct watch *w)
{
	struct run_time sum = { 0 };

	if (!w->govern.stats) {
		tracer_own_time(w->tracer, &sum);
		return sum;
	}
	tracer_run_time(w->tracer, &sum);
	if (w->ledger)
		ledger_run_time(w->ledger, &sum);
	return sum;
}

static void give_up_stats(struct govern *g)
{
	stats_switch_destroy(g->stats);
	g->stats = NULL;
}

static void open_window(struct watch *w)
{
	struct govern *g = &w->govern;

	if (g->stats && stats_switch_set(g->stats, true))
		give_up_stats(g);
	g->begin = run_so_far(w);
	g->open_ns = monotonic_ns();
	g->open = true;
	/* our own clock needs no window: it is looked at now and then */
	g->due_ns = g->open_ns + (g->stats ? WINDOW_NS : WATCHFUL_NS);
}

/* Returns the share of one core that was found, negative where nothing was. */
static double close_window(struct watch *w)
{
	struct govern *g = &w->govern;
	struct run_time end = run_so_far(w);
	uint64_t now = monotonic_ns();
	double length = (double)(now - g->open_ns), runs, ns, scale;

	g->open = false;
	if (g->stats && stats_switch_set(g->stats, false))
		give_up_stats(g);
	/* programs came or went, or the window was too short */
	if (end.ns < g->begin.ns || end.runs < g->begin.runs || length < (double)SHORTEST_NS)
		return -1;
	runs = (double)(end.runs - g->begin.runs);
	ns = (double)(end.ns - g->begin.ns);
	scale = (double)(now - g->to_ns) / length;
	g->run_ns += ns * scale;
	g->runs += runs * scale;
	g->to_ns = now;
	return ns / length;
}

static int say_time(struct watch *w)
{
	const struct govern *g = &w->govern;
	struct rec_bpf_time rec = {
		.head = { .type = REC_BPF_TIME, .size = sizeof(rec), .ts_ns = monotonic_ns() },
		.flags = g->stats ? 0 : BPF_TIME_OWN,
		.span_ns = g->to_ns - g->from_ns,
		.run_ns = (uint64_t)g->run_ns,
		.runs = (uint64_t)g->runs,
	};

	return model_apply(w->model, &rec.head, sizeof(rec));
}

/* ---- the steps ---- */

static bool has_optional(const struct watch *w)
{
	return w->ledger && ledger_chain(w->ledger) == SHM_CHAIN_TRACEPOINTS;
}

static int enter(struct watch *w, enum watch_mode mode)
{
	int err = 0;

	/* what is optional comes back by itself, where something calls for it */
	if (mode != MODE_FULL && has_optional(w))
		err = ledger_untrace(w->ledger);
	if (err) {
		watch_say("cannot look at the shared memory any more", strerror(-err));
		watch_end_ledger(w);
	}
	return tracer_set_mode(w->tracer, mode == MODE_SAMPLE ? TRACER_SAMPLE : TRACER_HOOK);
}

static int step(struct watch *w, double share)
{
	struct governor *g = &w->govern.governor;
	enum watch_mode before = g->mode;
	uint64_t now = monotonic_ns();
	enum watch_mode wanted = governor_input(g, now, share, has_optional(w));
	int err;

	if (wanted == before)
		return 0;
	err = enter(w, wanted);
	if (err) {
		watch_say("cannot change the way of watching", strerror(-err));
		governor_stay(g, now, before);
		return 0;
	}
	return say_mode(w, wanted > before ? MODE_OVER_BUDGET : MODE_CALM, ppm(share));
}

int watch_govern(struct watch *w)
{
	struct govern *g = &w->govern;
	uint64_t gap_ns;
	double share;
	int err;

	if (!g->open) {
		open_window(w);
		return 0;
	}
	share = close_window(w);
	err = share < 0 ? 0 : step(w, share);
	gap_ns = EVERY_NS;
	if (governor_watchful(&g->governor) || g->open_ns - g->from_ns < OFTEN_NS)
		gap_ns = WATCHFUL_NS;
	g->due_ns = g->open_ns + (g->stats ? gap_ns : 0);
	return err || share < 0 ? err : say_time(w);
}

int watch_govern_finish(struct watch *w)
{
	return w->govern.open && close_window(w) >= 0 ? say_time(w) : 0;
}
