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
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "features.h"
#include "follow.h"
#include "outputs.h"
#include "privilege.h"
#include "sampler.h"
#include "targets.h"
#include "tracer.h"
#include "util/clock.h"
#include "util/escape.h"

#define EXIT_FAILED 1
#define EXIT_CONDITION 3
#define EXIT_LOST 4
#define EXIT_FAILED_WITH_COMMAND 125

/* The ring buffer is emptied at least this often, also where the interval is longer. */
#define DRAIN_NS 100000000ULL

struct watch {
	struct options *o;
	struct features *features;
	struct tracer *tracer;
	struct model *model;
	struct sampler sampler;
	struct cgroup_mounts mounts;
	struct cgroup cgroup; /* of -g */
	struct containers *containers; /* of -c; NULL = none */
	struct scope scope; /* of --scope */
	struct command command;
	struct command_signals inherited;
	struct run run;
	struct outputs outputs;
	char target[256];
	int signals; /* a signalfd; -1 = none yet */
	int interrupts; /* SIGINT, SIGQUIT, SIGTERM, SIGHUP so far */
	int last_signal; /* of them */
	bool lost; /* records, under --strict */
	bool reaped; /* the command has ended and run.wait_status is valid */
	bool quit;
	uint64_t start_ns;
};

static int say(const char *what, const char *why)
{
	fprintf(stderr, "memmon-bpf: %s%s%s\n", what, *why ? ": " : "", why);
	return -EIO;
}

static void end(struct watch *w, const char *why)
{
	if (!w->quit)
		w->run.ended_by = why;
	w->quit = true;
}

static int on_record(void *ctx, const struct rec_head *rec, size_t size)
{
	struct watch *w = ctx;
	int err = model_apply(w->model, rec, size);

	if (err)
		return err == -EINVAL ? 0 : err;
	if (rec->type == REC_START || rec->type == REC_EXEC)
		return sampler_name_process(&w->sampler, rec);
	if (rec->type == REC_OOM)
		return sampler_name_victim(&w->sampler, (const struct rec_oom *)rec);
	return 0;
}

/* ---- set-up ---- */

static void describe_run(struct watch *w)
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
	targets_describe(w->o, w->target, sizeof(w->target));
	w->run.version = MEMMON_VERSION;
	w->run.kernel_release = kernel.release;
	w->run.command = w->o->command;
	w->run.target = w->target;
	w->run.features = features_table(w->features);
	w->run.n_features = FEATURE_COUNT;
	w->run.unit = w->o->unit;
	w->run.from_zero = w->o->from_zero;
	w->run.color = !w->o->no_color && !getenv("NO_COLOR") && isatty(fileno(outputs_text(w->o)));
	w->run.max_processes = w->o->max_processes;
	w->run.interval_s = w->o->interval_s;
}

static int find_containers(struct watch *w)
{
	int err = targets_find_containers(w->o, &w->mounts, &w->containers);

	if (err)
		return err;
	targets_describe_containers(w->containers, w->target, sizeof(w->target));
	/* several are charged each by itself: the sum has no peak */
	if (containers_count(w->containers) == 1)
		w->sampler.charged = &containers_get(w->containers, 0)->is.cgroup;
	return 0;
}

static int find_targets(struct watch *w)
{
	int err;

	err = cgroup_mounts_read(&w->mounts);
	if (err)
		return say("cannot read /proc/self/mountinfo", strerror(-err));
	if (w->o->n_pids)
		return targets_check_pids(w->o);
	if (w->o->cgroup) {
		err = targets_find_cgroup(w->o, &w->mounts, &w->cgroup);
		w->sampler.charged = &w->cgroup;
	}
	if (w->o->n_containers)
		err = find_containers(w);
	if (w->o->scope) {
		err = scope_create(&w->scope, &w->mounts);
		if (err)
			return say("--scope: cannot make a memory cgroup", cgroup_reason(err));
		w->sampler.charged = &w->scope.cgroup;
	}
	return err;
}

static int start_tracer(struct watch *w)
{
	struct tracer_config config = {
		.children = !w->o->no_children,
		.all = w->o->all,
		.cgroups = w->o->cgroup || w->containers,
		.volumes = w->o->vma,
		.slots = w->o->all ? 16384 : 0,
		.btf = w->o->btf,
		.verbose = w->o->verbose,
	};
	char why[1024] = "";
	int err;

	if (w->containers)
		config.cgroup_hierarchy = follow_hierarchy(&w->mounts);
	else if (config.cgroups)
		config.cgroup_hierarchy = targets_hierarchy(&w->cgroup);
	err = tracer_create(&config, w->features, on_record, w, &w->tracer, why, sizeof(why));
	if (err)
		say(why, "");
	else if (w->containers)
		err = follow_start(w->containers, w->tracer);
	else if (config.cgroups)
		err = tracer_want_cgroup(w->tracer, w->cgroup.id);
	return err;
}

/* From here on signals are ours; the command gets back what we were given. */
static int take_signals(struct watch *w)
{
	static const int ours[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGWINCH };
	const struct sigaction ignore = { .sa_handler = SIG_IGN },
			       by_default = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigemptyset(&set);
	/* where it is ignored the kernel reaps the command itself, and nobody hears how it ended */
	sigaction(SIGCHLD, &by_default, &w->inherited.chld);
	sigaction(SIGPIPE, &ignore, &w->inherited.pipe);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		struct sigaction old;

		/* what nohup(1) or a script's background job ignores stays ignored */
		if (sigaction(ours[i], NULL, &old) || old.sa_handler != SIG_IGN)
			sigaddset(&set, ours[i]);
	}
	sigprocmask(SIG_BLOCK, &set, &w->inherited.mask);
	w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return w->signals < 0 ? say("cannot read signals", strerror(errno)) : 0;
}

static int start_command(struct watch *w)
{
	int err = command_start(&w->command, w->o->command, w->o->scope ? &w->scope : NULL,
				&w->inherited);

	if (err)
		return say("cannot fork", strerror(-err));
	return tracer_want(w->tracer, w->command.pid, WANTED_AT_EXEC);
}

static int adopt(struct watch *w)
{
	int adopted = 0, err = 0;

	for (size_t i = 0; !err && i < w->o->n_pids; i++)
		err = tracer_want(w->tracer, w->o->pids[i], WANTED_NOW);
	if (!err)
		adopted = tracer_adopt(w->tracer);
	if (err || adopted < 0)
		return say("cannot adopt the running processes", strerror(err ? -err : -adopted));
	for (size_t i = 0; i < w->o->n_pids; i++)
		if (!tracer_found(w->tracer, w->o->pids[i]))
			fprintf(stderr, "memmon-bpf: -p %d: it %s\n", (int)w->o->pids[i],
				kill(w->o->pids[i], 0) && errno == ESRCH ?
					"ended before it could be watched" :
					"runs, but the kernel does not show it to BPF programs");
	if (w->o->n_pids && adopted == 0)
		return say("nothing is left to watch", "see `ps -e` for what runs");
	if (w->o->command && adopted == 0)
		return say("the command's process could not be watched",
			   "is memmon-bpf in another pid namespace's /proc?");
	return 0;
}

/* -v: what was found possible, and how long it took. */
static void describe_start(const struct watch *w)
{
	const struct feature_state *table = features_table(w->features);

	for (int i = 0; i < FEATURE_COUNT; i++)
		if (table[i].why)
			fprintf(stderr, "memmon-bpf: %s %s: %s\n", table[i].name, table[i].state,
				table[i].why);
	fprintf(stderr,
		"memmon-bpf: attached; %llu processes watched so far; set-up took %.0f ms of CPU time\n",
		(unsigned long long)tracer_live(w->tracer),
		(double)clock() * 1000 / CLOCKS_PER_SEC);
}

/* Returns 0, or the exit status of a command that could not be executed. */
static int exec_command(struct watch *w)
{
	char name[256];
	int err = command_exec(&w->command);

	if (!err)
		return 0;
	escape_bytes(name, sizeof(name), w->o->command[0], strlen(w->o->command[0]));
	if (w->command.outside)
		say("--scope: cannot move the command into its cgroup", strerror(-err));
	else
		fprintf(stderr, "memmon-bpf: cannot run '%s': %s\n", name, strerror(-err));
	waitpid(w->command.pid, NULL, 0);
	if (w->command.outside)
		return EXIT_FAILED_WITH_COMMAND;
	return err == -ENOENT ? 127 : 126;
}

/* ---- the loop ---- */

/* Ends an interval: reads everything into the model. NULL when that failed, which was said. */
static const struct snapshot *read_all(struct watch *w, bool untouched_too)
{
	struct rec_head rec = { .type = REC_TICK, .size = sizeof(rec) };
	const struct snapshot *s;
	int err = tracer_read(w->tracer, untouched_too);

	if (!err)
		err = sampler_read(&w->sampler);
	rec.ts_ns = monotonic_ns();
	if (!err)
		err = model_apply(w->model, &rec, sizeof(rec));
	s = model_snapshot(w->model);
	if (err || !s) {
		say("cannot read the numbers", strerror(err ? -err : ENOMEM));
		w->outputs.failed = true;
		end(w, "memmon-bpf failed");
	} else if (w->o->fail_if && expr_holds(w->o->fail_if, s)) {
		w->run.fail_if = expr_text(w->o->fail_if);
	}
	return s;
}

static void tick(struct watch *w)
{
	const struct snapshot *s;

	if (w->containers && follow_poll(w->containers, w->tracer))
		say("cannot watch a container that started", "its processes are missing");
	s = read_all(w, false);
	if (s)
		outputs_tick(&w->outputs, s);
	if (w->outputs.text_closed && !w->o->command)
		end(w, "nobody reads the lines");
}

static void reap(struct watch *w)
{
	int status;

	if (w->command.pid <= 0 || w->reaped ||
	    waitpid(w->command.pid, &status, WNOHANG) != w->command.pid)
		return;
	w->reaped = true;
	w->run.has_exit = true;
	w->run.wait_status = status;
	end(w, "the command ended");
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
			reap(w);
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

/* Waits until `until_ns` or the next signal or key. */
static void wait_until(struct watch *w, uint64_t until_ns)
{
	uint64_t now = monotonic_ns(), left = until_ns > now ? until_ns - now : 0;
	struct timespec timeout = { .tv_sec = (time_t)(left / 1000000000),
				    .tv_nsec = (long)(left % 1000000000) };
	struct pollfd fds[3] = { { .fd = w->signals, .events = POLLIN },
				 { .fd = w->outputs.live ? w->outputs.live_fd : -1,
				   .events = POLLIN },
				 { .fd = tracer_alarm_fd(w->tracer), .events = POLLIN } };

	/* an alarm needs no more than that the caller drains */
	if (ppoll(fds, 3, &timeout, NULL) <= 0)
		return;
	if (fds[0].revents)
		on_signals(w);
	if (fds[1].revents && w->outputs.live &&
	    live_input(w->outputs.live, model_snapshot(w->model)) == 1)
		end(w, "quit");
	if (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL))
		end(w, "the terminal is gone");
}

static void drain(struct watch *w)
{
	int err = tracer_drain(w->tracer);

	if (err >= 0)
		return;
	say("cannot read the records", strerror(-err));
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
	while (!w->quit) {
		uint64_t now = monotonic_ns();

		if (now >= end_ns) {
			end(w, "the duration is over");
		} else if (now >= next_ns) {
			next_ns += ((now - next_ns) / interval_ns + 1) * interval_ns;
			tick(w);
		} else {
			wait_until(w, earlier(earlier(next_ns, end_ns), now + DRAIN_NS));
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
	s = read_all(w, true);
	if (!s)
		return;
	outputs_finish(&w->outputs, s);
	if (w->o->strict && (s->cost.last.lost_records || s->tree.processes_untracked)) {
		say("records were lost (--strict)", "");
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

	while (w->command.pid > 0 && !w->reaped && w->interrupts <= 1)
		if (ppoll(&fd, 1, NULL, NULL) > 0)
			on_signals(w);
}

static int exit_status(const struct watch *w)
{
	int status = w->reaped ? command_exit_status(w->run.wait_status) : 0;

	if (status)
		return status;
	if (w->outputs.failed)
		return w->o->command ? EXIT_FAILED_WITH_COMMAND : EXIT_FAILED;
	if (w->run.fail_if)
		return EXIT_CONDITION;
	if (w->lost)
		return EXIT_LOST;
	/* the command goes on, and nobody knows how it will end */
	return w->o->command && !w->reaped ? 128 + w->last_signal : 0;
}

static void clean_up(struct watch *w)
{
	int err;

	outputs_abandon(&w->outputs);
	tracer_destroy(w->tracer);
	command_finish(&w->command);
	err = scope_destroy(&w->scope);
	if (err)
		fprintf(stderr,
			"memmon-bpf: --scope: cannot remove '%s': %s; are there cgroups in it?\n",
			w->scope.cgroup.path, strerror(-err));
	containers_destroy(w->containers);
	cgroup_mounts_finish(&w->mounts);
	model_destroy(w->model);
	features_destroy(w->features);
	if (w->signals >= 0)
		close(w->signals);
}

/* Returns 0, or the exit status with which it failed. */
static int set_up(struct watch *w)
{
	int failed = w->o->command ? EXIT_FAILED_WITH_COMMAND : EXIT_FAILED, status;
	char why[512];

	if (features_probe(w->o->btf, &w->features))
		return failed;
	features_note_vma(w->features, w->o->vma);
	if (features_require(w->features, why, sizeof(why))) {
		say("cannot watch", why);
		return failed;
	}
	w->model = model_create((uint64_t)getpagesize(), w->o->max_processes);
	if (!w->model)
		return failed;
	w->sampler = (struct sampler){ .model = w->model, .mounts = &w->mounts, .pss = w->o->pss };
	describe_run(w);
	/* only the first may wait, and be interrupted; the others leave things to clean up */
	if (outputs_open(&w->outputs, w->o) || take_signals(w) || find_targets(w) ||
	    outputs_start(&w->outputs, w->o, &w->run) || start_tracer(w) ||
	    (w->o->command && start_command(w)))
		return failed;
	w->start_ns = monotonic_ns();
	if (sampler_read(&w->sampler) || adopt(w))
		return failed;
	if (w->o->verbose)
		describe_start(w);
	if (privilege_drop(w->o->command != NULL, w->o->scope))
		say("cannot drop privileges", "going on with all of them");
	status = w->o->command ? exec_command(w) : 0;
	return status;
}

int watch_run(struct options *o)
{
	struct watch w = {
		.o = o, .signals = -1, .command = { .go = -1, .failed = -1 }, .outputs.live_fd = -1
	};
	int status = set_up(&w);

	if (!status) {
		loop(&w);
		finish(&w);
		tracer_destroy(w.tracer); /* nothing stays attached while a command goes on */
		w.tracer = NULL;
		outlive(&w);
		status = exit_status(&w);
	}
	clean_up(&w);
	return status;
}
