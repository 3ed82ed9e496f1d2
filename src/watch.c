// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Set up, loop, finish. One thread, one poll(2): signals come through a signalfd, the interval is
 * its timeout. Whatever ends the watch, the summary is written from the kernel's maps, read once
 * more.
 */
#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "follow.h"
#include "util/clock.h"
#include "watch_state.h"

/* The ring buffer is emptied at least this often, also where the interval is longer. */
#define DRAIN_NS 100000000ULL

static void end(struct watch *w, const char *why)
{
	if (!w->quit)
		w->run.ended_by = why;
	w->quit = true;
}

/* ---- the loop ---- */

/* The shared memory of the targets. Without it the watch goes on. */
static void read_ledger(struct watch *w, bool last)
{
	const struct snapshot *s = model_snapshot(w->model);
	int err = 0;

	if (!w->ledger)
		return;
	err = ledger_read(w->ledger, last);
	if (!err && !last && watch_may_trace(w) &&
	    (ledger_concerns_target(w->ledger) || s->tree.now.kind[MEM_SHMEM] > 0))
		err = ledger_trace(w->ledger);
	if (!err) {
		w->run.shm_chain = ledger_chain_name(w->ledger);
		w->run.shm_gaps = ledger_gaps(w->ledger);
		return;
	}
	watch_say("cannot look at the shared memory any more", strerror(-err));
	watch_end_ledger(w);
}

/* Ends an interval: reads everything into the model. NULL when that failed, which was said. */
static const struct snapshot *read_all(struct watch *w, bool untouched_too)
{
	struct rec_head rec = { .type = REC_TICK, .size = sizeof(rec) };
	const struct snapshot *s;
	int err = tracer_read(w->tracer, untouched_too);

	if (!err)
		err = sampler_read(&w->sampler);
	if (!err)
		read_ledger(w, untouched_too);
	rec.ts_ns = monotonic_ns();
	if (!err)
		err = model_apply(w->model, &rec, sizeof(rec));
	s = model_snapshot(w->model);
	if (err || !s) {
		watch_say("cannot read the numbers", strerror(err ? -err : ENOMEM));
		w->outputs.failed = true;
		end(w, "memmon-bpf failed");
	} else if (w->o->fail_if && expr_holds(w->o->fail_if, s)) {
		w->run.fail_if = expr_text(w->o->fail_if);
	}
	return s;
}

static void follow(struct watch *w)
{
	if (w->containers && follow_poll(w->containers, w->tracer) < 0)
		watch_say("cannot watch a container that started", "its processes are missing");
}

static void tick(struct watch *w)
{
	const struct snapshot *s;

	follow(w);
	s = read_all(w, false);
	if (s)
		outputs_tick(&w->outputs, s);
	if (w->outputs.text_closed && !w->o->command)
		end(w, "nobody reads the lines");
}

/* Has the command ended? It stays a zombie until the last reading, which may learn from it how it ended. */
static void look_at_command(struct watch *w)
{
	siginfo_t info = { .si_pid = 0 };

	if (w->command.pid <= 0 ||
	    waitid(P_PID, (id_t)w->command.pid, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid)
		return;
	w->command_ended = true;
	end(w, "the command ended");
}

static void reap(struct watch *w)
{
	if (w->command_ended && !w->run.has_exit)
		w->run.has_exit = waitpid(w->command.pid, &w->run.wait_status, 0) > 0;
}

/*
 * The first signal to end: without a command the watch ends. A command has got a terminal's signal
 * itself and a kill of ours is passed on; the watch goes on until the command ends, or the second
 * signal.
 */
static void on_end_signal(struct watch *w, int sig)
{
	w->interrupts++;
	w->last_signal = sig;
	if (!w->o->command || w->interrupts > 1)
		end(w, "interrupted");
	else if (sig != SIGINT && sig != SIGQUIT)
		kill(w->command.pid, sig);
}

static void on_signals(struct watch *w)
{
	struct signalfd_siginfo info;

	while (read(w->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			look_at_command(w);
			break;
		case SIGWINCH:
			if (w->outputs.live)
				live_input(w->outputs.live, model_snapshot(w->model));
			break;
		default:
			on_end_signal(w, (int)info.ssi_signo);
		}
	}
}

static void drain(struct watch *w)
{
	int err = tracer_drain(w->tracer);

	if (err >= 0)
		return;
	watch_say("cannot read the records", strerror(-err));
	w->outputs.failed = true;
	end(w, "memmon-bpf failed");
}

/* Waits until `until_ns` or the next signal or key. */
static void wait_until(struct watch *w, uint64_t until_ns)
{
	uint64_t now = monotonic_ns(), left = until_ns > now ? until_ns - now : 0;
	struct timespec timeout = { .tv_sec = (time_t)(left / 1000000000),
				    .tv_nsec = (long)(left % 1000000000) };
	struct pollfd fds[4] = {
		{ .fd = w->signals, .events = POLLIN },
		{ .fd = w->outputs.live ? w->outputs.live_fd : -1, .events = POLLIN },
		{ .fd = tracer_alarm_fd(w->tracer), .events = POLLIN },
		{ .fd = w->ledger ? ledger_alarm_fd(w->ledger) : -1, .events = POLLIN }
	};

	/* an alarm needs no more than that the caller drains */
	if (ppoll(fds, 4, &timeout, NULL) <= 0)
		return;
	if (fds[0].revents)
		on_signals(w);
	if (fds[3].revents) {
		/* who hit the wall may have started just now */
		follow(w);
		drain(w);
		read_ledger(w, false);
	}
	if (fds[1].revents && w->outputs.live &&
	    live_input(w->outputs.live, model_snapshot(w->model)) == 1)
		end(w, "quit");
	if (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL))
		end(w, "the terminal is gone");
}

static void govern(struct watch *w)
{
	int err = watch_govern(w);

	if (err >= 0)
		return;
	watch_say("cannot keep the records", strerror(-err));
	w->outputs.failed = true;
	end(w, "memmon-bpf failed");
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void loop(struct watch *w)
{
	uint64_t interval_ns = (uint64_t)(w->o->interval_s * 1e9),
		 next_ns = w->start_ns + interval_ns;
	uint64_t end_ns = w->o->duration_s > 0 ? w->start_ns + (uint64_t)(w->o->duration_s * 1e9) :
						 UINT64_MAX;

	if (!w->o->command)
		tick(w); /* the first line at once */
	if (!w->ledger) {
		watch_start_ledger(w);
		read_ledger(w, false); /* which finds out whether there is anything to trace */
	}
	while (!w->quit) {
		uint64_t now = monotonic_ns();

		if (now >= end_ns) {
			end(w, "the duration is over");
		} else if (now >= next_ns) {
			next_ns += ((now - next_ns) / interval_ns + 1) * interval_ns;
			tick(w);
		} else if (now >= w->govern.due_ns) {
			govern(w);
		} else {
			uint64_t until_ns = earlier(now + DRAIN_NS, w->govern.due_ns);

			wait_until(w, earlier(earlier(next_ns, end_ns), until_ns));
			if (monotonic_ns() < next_ns)
				drain(w); /* else the tick does */
		}
		if (w->o->n_pids && tracer_live(w->tracer) == 0)
			end(w, "every watched process has ended");
		if (w->containers && containers_over(w->containers))
			end(w, "every container was removed");
	}
}

/* ---- the end ---- */

static void finish(struct watch *w)
{
	const struct snapshot *s;

	w->sampler.pss_at_ns = 0;
	watch_govern_finish(w);
	s = read_all(w, true);
	reap(w);
	if (!s)
		return;
	outputs_finish(&w->outputs, s);
	if (w->o->strict && (snapshot_lost(s) || s->tree.processes_untracked)) {
		watch_say("records were lost (--strict)", "");
		w->lost = true;
	}
}

/*
 * A command that goes on after its watch ended is waited for: its status is ours. Signals are
 * still passed on, and a second one ends us at once.
 */
static void outlive(struct watch *w)
{
	struct pollfd fd = { .fd = w->signals, .events = POLLIN };

	while (w->command.pid > 0 && !w->command_ended && w->interrupts <= 1)
		if (ppoll(&fd, 1, NULL, NULL) > 0)
			on_signals(w);
	reap(w);
}

static int exit_status(const struct watch *w)
{
	int status = w->run.has_exit ? command_exit_status(w->run.wait_status) : 0;

	if (status)
		return status;
	if (w->outputs.failed)
		return w->o->command ? EXIT_FAILED_WITH_COMMAND : EXIT_FAILED;
	if (w->run.fail_if)
		return EXIT_CONDITION;
	if (w->lost)
		return EXIT_LOST;
	/* the command goes on, and nobody knows how it will end */
	return w->o->command && !w->run.has_exit ? 128 + w->last_signal : 0;
}

static void clean_up(struct watch *w)
{
	int err;

	outputs_abandon(&w->outputs);
	watch_end_ledger(w);
	tracer_destroy(w->tracer);
	command_finish(&w->command);
	err = scope_destroy(&w->scope);
	if (err)
		fprintf(stderr,
			"memmon-bpf: --scope: cannot remove '%s': %s; are there cgroups in it?\n",
			w->scope.cgroup.path, strerror(-err));
	containers_destroy(w->containers);
	containers_destroy(w->names);
	cgroup_mounts_finish(&w->mounts);
	stats_switch_destroy(w->govern.stats);
	model_destroy(w->model);
	if (stream_close(&w->stream))
		watch_say("MEMMON_EVENTS: the stream is not whole", "");
	features_destroy(w->features);
	if (w->signals >= 0)
		close(w->signals);
}

int watch_run(struct options *o)
{
	struct watch w = {
		.o = o, .signals = -1, .command = { .go = -1, .failed = -1 }, .outputs.live_fd = -1
	};
	int status = watch_start(&w);

	if (!status) {
		loop(&w);
		finish(&w);
		/* nothing stays attached while a command goes on */
		watch_end_ledger(&w);
		tracer_destroy(w.tracer);
		w.tracer = NULL;
		stats_switch_destroy(w.govern.stats);
		w.govern.stats = NULL;
		outlive(&w);
		status = exit_status(&w);
	} else if (!w.run.ended_by) { /* for a recording, which is there already */
		w.run.ended_by = status == 126 || status == 127 ? "the command could not be run" :
								  "memmon-bpf could not start";
	}
	clean_up(&w);
	return status;
}
