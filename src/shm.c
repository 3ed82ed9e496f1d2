// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ledger, model, sinks; and with --watch or -d again and again until the end. One thread, one
 * poll(2): signals come through a signalfd, the interval is its timeout.
 */
#include "shm.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "kernel_btf.h"
#include "ledger.h"
#include "privilege.h"
#include "shm_filter.h"
#include "shm_outputs.h"
#include "util/clock.h"

#define EXIT_FAILED 1
#define EXIT_CONDITION 3

struct shm {
	struct shm_options *o;
	struct ledger *ledger;
	struct cgroup_mounts mounts;
	struct containers *containers;
	struct shm_filter filter;
	struct model *model;
	struct run run;
	struct shm_outputs outputs;
	uint64_t start_ns;
	int signals; /* a signalfd; -1 = none yet */
	bool quit, failed;
};

static int say(const char *what, const char *why)
{
	fprintf(stderr, "memmon-bpf: %s%s%s\n", what, *why ? ": " : "", why);
	return -EIO;
}

static bool passes(void *ctx, const struct rec_head *rec)
{
	struct shm *w = ctx;

	return shm_filter_passes(&w->filter, rec);
}

/* ---- looks ---- */

static int fail(struct shm *w, const char *what, int err)
{
	w->failed = w->quit = true;
	return say(what, strerror(-err));
}

static void tick(struct shm *w, bool survey)
{
	struct rec_head rec = { .type = REC_TICK, .size = sizeof(rec) };
	const struct snapshot *s;
	int err = ledger_read(w->ledger, survey);

	if (err) {
		fail(w, "cannot look at the shared memory", err);
		return;
	}
	rec.ts_ns = monotonic_ns();
	err = model_apply(w->model, &rec, sizeof(rec));
	s = model_snapshot(w->model);
	if (err || !s->shm) {
		fail(w, "cannot keep the records", err ? err : -ENOMEM);
		return;
	}
	w->run.shm_gaps = ledger_gaps(w->ledger);
	if (w->o->fail_if && expr_holds(w->o->fail_if, s))
		w->run.fail_if = expr_text(w->o->fail_if);
	if (shm_options_stays(w->o))
		shm_outputs_tick(&w->outputs, s);
}

static void on_signals(struct shm *w)
{
	struct signalfd_siginfo info;

	while (read(w->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo != SIGWINCH)
			w->quit = true;
		else if (w->outputs.live)
			shm_live_input(w->outputs.live, model_snapshot(w->model));
	}
}

/* Waits until `until_ns`, or the next signal, key or failure. */
static void wait_until(struct shm *w, uint64_t until_ns)
{
	uint64_t now = monotonic_ns(), left = until_ns > now ? until_ns - now : 0;
	struct timespec timeout = { .tv_sec = (time_t)(left / 1000000000),
				    .tv_nsec = (long)(left % 1000000000) };
	struct pollfd fds[] = {
		{ .fd = w->signals, .events = POLLIN },
		{ .fd = w->outputs.live ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = ledger_alarm_fd(w->ledger), .events = POLLIN },
		{ .fd = STDOUT_FILENO }, /* for POLLERR and POLLHUP: its reader is gone */
	};

	if (ppoll(fds, 4, &timeout, NULL) <= 0)
		return;
	if (fds[0].revents)
		on_signals(w);
	if (fds[3].revents)
		w->quit = true; /* what cannot be written is told at the end */
	if (fds[1].revents && w->outputs.live &&
	    shm_live_input(w->outputs.live, model_snapshot(w->model)))
		w->quit = true;
	/* a failure is told at once */
	if (fds[2].revents && !w->quit)
		tick(w, false);
}

static void loop(struct shm *w)
{
	uint64_t interval_ns = (uint64_t)(w->o->interval_s * 1e9), next_ns = w->start_ns;
	uint64_t end_ns = w->o->duration_s > 0 ? w->start_ns + (uint64_t)(w->o->duration_s * 1e9) :
						 UINT64_MAX;

	while (!w->quit) {
		uint64_t now = monotonic_ns();

		if (now >= end_ns) {
			w->quit = true;
		} else if (now >= next_ns) {
			next_ns += ((now - next_ns) / interval_ns + 1) * interval_ns;
			tick(w, now - w->start_ns < interval_ns);
		} else {
			wait_until(w, next_ns < end_ns ? next_ns : end_ns);
		}
	}
}

/* ---- set-up ---- */

static void describe_run(struct shm *w)
{
	static struct utsname kernel;
	time_t now = time(NULL);
	struct tm local;
	size_t len;

	uname(&kernel);
	localtime_r(&now, &local);
	len = strftime(w->run.started, sizeof(w->run.started), "%Y-%m-%dT%H:%M:%S%z", &local);
	/* RFC 3339 wants +02:00, strftime gives +0200 */
	if (len >= 5 && len + 1 < sizeof(w->run.started)) {
		memmove(&w->run.started[len - 1], &w->run.started[len - 2], 3);
		w->run.started[len - 2] = ':';
	}
	w->run.version = MEMMON_VERSION;
	w->run.kernel_release = kernel.release;
	w->run.target = "shared memory";
	w->run.unit = w->o->unit;
	w->run.color = !w->o->no_color && !getenv("NO_COLOR") && isatty(STDOUT_FILENO);
	w->run.interval_s = w->o->interval_s;
}

/* What nohup(1) or a script's background job ignores stays ignored. */
static int take_signals(struct shm *w)
{
	static const int ours[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGWINCH };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	sigemptyset(&set);
	sigaction(SIGPIPE, &ignore, NULL);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		struct sigaction old;

		if (sigaction(ours[i], NULL, &old) || old.sa_handler != SIG_IGN)
			sigaddset(&set, ours[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return w->signals < 0 ? say("cannot read signals", strerror(errno)) : 0;
}

static int find_containers(struct shm *w)
{
	char why[4096] = "";
	int err = cgroup_mounts_read(&w->mounts);

	if (err)
		return say("cannot read /proc/self/mountinfo (is /proc mounted?)", strerror(-err));
	err = containers_create(&w->mounts, getenv("DOCKER_HOST"), &w->containers);
	if (err)
		return say("cannot look for containers", strerror(-err));
	if (!w->o->n_containers)
		return 0;
	err = containers_find(w->containers, w->o->containers, w->o->n_containers, false, why,
			      sizeof(why));
	if (!err)
		return shm_filter_add(&w->filter, w->containers);
	fprintf(stderr, "memmon-bpf: %s%s", why, *why ? "" : "cannot find the container\n");
	return err;
}

static int start_ledger(struct shm *w)
{
	const struct ledger_config config = {
		.most = shm_options_stays(w->o) ? SHM_CHAIN_FEXIT : SHM_CHAIN_NONE,
		.verbose = w->o->verbose > 1,
		.btf = w->o->btf,
		.model = w->model,
		.mounts = &w->mounts,
		.containers = w->containers,
		.passes = passes,
		.ctx = w,
	};
	struct kernel_btf btf;
	char why[512];
	int err;

	/* another kernel's would make every charge wrong */
	if (w->o->btf && kernel_btf_open(&btf, w->o->btf, why, sizeof(why)))
		return say(why, "");
	if (w->o->btf)
		kernel_btf_close(&btf);
	err = ledger_create(&config, &w->ledger);
	if (!err)
		err = ledger_trace(w->ledger);
	if (err)
		return say("cannot look at the shared memory", strerror(-err));
	w->run.shm_chain = ledger_chain_name(w->ledger);
	w->run.shm_gaps = ledger_gaps(w->ledger);
	if (w->o->verbose)
		fprintf(stderr, "memmon-bpf: charges are %s%s%s\n", w->run.shm_chain,
			*ledger_why(w->ledger) ? "; " : "", ledger_why(w->ledger));
	for (size_t i = 0; w->o->n_containers && i < containers_count(w->containers); i++) {
		const struct container *c = &containers_get(w->containers, i)->is;

		if (c->init_pid) /* the /dev/shm may be the host's or another container's */
			ledger_add_target(w->ledger, (uint32_t)c->init_pid);
	}
	return 0;
}

static int set_up(struct shm *w)
{
	w->model = model_create((uint64_t)getpagesize(), 1);
	if (!w->model)
		return say("cannot start", strerror(ENOMEM));
	describe_run(w);
	/* only the first may wait, and be interrupted; the others leave things to clean up */
	if (shm_outputs_open(&w->outputs, w->o) || take_signals(w) || find_containers(w))
		return -EIO;
	if (start_ledger(w))
		return -EIO;
	if (privilege_drop(PRIVILEGE_IPC))
		say("cannot drop privileges", "going on with all of them");
	return shm_outputs_start(&w->outputs, w->o, &w->run);
}

int shm_run(struct shm_options *o)
{
	struct shm *w = calloc(1, sizeof(*w));
	int status = EXIT_FAILED;

	if (!w) {
		say("cannot start", strerror(ENOMEM));
		return status;
	}
	w->o = o;
	w->signals = -1;
	if (!set_up(w)) {
		w->start_ns = monotonic_ns();
		if (shm_options_stays(o))
			loop(w);
		if (!w->failed)
			tick(w, true); /* the last look, or the only one */
		if (model_snapshot(w->model)->shm)
			shm_outputs_finish(&w->outputs, model_snapshot(w->model));
		status = w->failed || w->outputs.failed ? EXIT_FAILED :
			 w->run.fail_if                 ? EXIT_CONDITION :
							  0;
	}
	shm_outputs_abandon(&w->outputs);
	ledger_destroy(w->ledger);
	containers_destroy(w->containers);
	shm_filter_finish(&w->filter);
	cgroup_mounts_finish(&w->mounts);
	model_destroy(w->model);
	if (w->signals >= 0)
		close(w->signals);
	free(w);
	return status;
}
