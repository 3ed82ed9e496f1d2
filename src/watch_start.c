// SPDX-License-Identifier: GPL-2.0-or-later
/* The set-up of a watch. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "follow.h"
#include "privilege.h"
#include "util/clock.h"
#include "util/escape.h"
#include "watch_state.h"

int watch_say(const char *what, const char *why)
{
	fprintf(stderr, "memmon-bpf: %s%s%s\n", what, *why ? ": " : "", why);
	return -EIO;
}

static int on_record(void *ctx, const struct rec_head *rec, size_t size)
{
	struct watch *w = ctx;
	int err = model_apply(w->model, rec, size);

	if (err)
		return err == -EINVAL ? 0 : err;
	if (rec->type == REC_START || rec->type == REC_EXEC) {
		if (w->ledger)
			ledger_add_target(w->ledger, rec->pid);
		return sampler_name_process(&w->sampler, rec);
	}
	if (rec->type == REC_OOM)
		return sampler_name_victim(&w->sampler, (const struct rec_oom *)rec);
	return 0;
}

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
	w->sampler.containers = w->containers;
	targets_describe_containers(w->containers, w->target, sizeof(w->target));
	/* several are charged each by itself: the sum has no peak */
	if (containers_count(w->containers) == 1)
		w->sampler.charged = &containers_get(w->containers, 0)->is.cgroup;
	return 0;
}

/* Those that need no waiting: an old output is not emptied for a name that was mistyped. */
static int find_targets(struct watch *w)
{
	int err;

	err = cgroup_mounts_read(&w->mounts);
	if (err)
		return watch_say("cannot read /proc/self/mountinfo (is /proc mounted?)",
				 strerror(-err));
	if (w->o->n_pids)
		return targets_check_pids(w->o);
	if (w->o->cgroup) {
		err = targets_find_cgroup(w->o, &w->mounts, &w->cgroup);
		w->sampler.charged = &w->cgroup;
	}
	if (w->o->n_containers && !w->o->wait)
		err = find_containers(w);
	return err;
}

/* Containers that are waited for, and what has to be taken away again. */
static int settle_targets(struct watch *w)
{
	int err = w->o->wait ? find_containers(w) : 0;

	if (w->o->scope) {
		err = scope_create(&w->scope, &w->mounts);
		if (err)
			return watch_say("--scope: cannot make a memory cgroup",
					 cgroup_reason(err));
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
		.sample = w->o->sample,
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
		watch_say(why, features_remedy(w->features, err));
	else if (*why)
		watch_say("this kernel refuses some hooks, and what they tell is n/a", why);
	if (err)
		return err;
	if (w->containers)
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
	return w->signals < 0 ? watch_say("cannot read signals", strerror(errno)) : 0;
}

static int start_command(struct watch *w)
{
	int err = command_start(&w->command, w->o->command, w->o->scope ? &w->scope : NULL,
				&w->inherited);

	if (err)
		return watch_say("cannot fork", strerror(-err));
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
		return watch_say("cannot adopt the running processes",
				 strerror(err ? -err : -adopted));
	for (size_t i = 0; i < w->o->n_pids; i++)
		if (!tracer_found(w->tracer, w->o->pids[i]))
			fprintf(stderr, "memmon-bpf: -p %d: it %s\n", (int)w->o->pids[i],
				targets_has_ended(w->o->pids[i]) ?
					"ended before it could be watched" :
					"runs, but the kernel does not show it to BPF programs");
	if (w->o->n_pids && adopted == 0)
		return watch_say("nothing is left to watch", "see `ps -e` for what runs");
	if (w->o->command && adopted == 0)
		return watch_say("the command's process could not be watched",
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
		watch_say("--scope: cannot move the command into its cgroup", strerror(-err));
	else
		fprintf(stderr, "memmon-bpf: cannot run '%s': %s\n", name, strerror(-err));
	waitpid(w->command.pid, NULL, 0);
	if (w->command.outside)
		return EXIT_FAILED_WITH_COMMAND;
	return err == -ENOENT ? 127 : 126;
}

static bool passes(void *ctx, const struct rec_head *rec)
{
	struct watch *w = ctx;

	/* who else on the machine hits which wall is not our business */
	return rec->type != REC_SHM_FULL || model_watches(w->model, rec->pid, rec->start_ns) ||
	       model_shm_concerns(w->model, ((const struct rec_shm_full *)rec)->dev);
}

void watch_end_ledger(struct watch *w)
{
	ledger_destroy(w->ledger);
	w->ledger = NULL;
	w->run.shm_gaps = w->run.shm_chain = NULL;
}

void watch_start_ledger(struct watch *w)
{
	enum feature_hook by = features_shm_by(w->features);
	struct ledger_config config = {
		/* without this the try costs 50 ms */
		.most = by == HOOK_TRAMPOLINE ? SHM_CHAIN_FEXIT :
			by == HOOK_KPROBE     ? SHM_CHAIN_KPROBE :
						SHM_CHAIN_TRACEPOINTS,
		.verbose = w->o->verbose > 1,
		.btf = w->o->btf,
		.model = w->model,
		.mounts = &w->mounts,
		.containers = w->containers,
		.passes = passes,
		.ctx = w,
	};
	const struct snapshot *s = model_snapshot(w->model);
	int err;

	/* nobody is asked until a container is seen */
	if (!w->containers && !w->names)
		containers_create(&w->mounts, getenv("DOCKER_HOST"), &w->names);
	if (!w->containers)
		config.containers = w->names;
	err = ledger_create(&config, &w->ledger);
	if (!err && (w->o->command || w->containers) && watch_may_trace(w))
		err = ledger_trace(w->ledger);
	if (err) {
		watch_say("cannot look at the shared memory", strerror(-err));
		watch_end_ledger(w);
		return;
	}
	for (size_t i = 0; i < s->n_live; i++)
		ledger_add_target(w->ledger, s->processes[i]->pid);
}

/* For developers. */
static int open_stream(struct watch *w)
{
	const char *path = getenv("MEMMON_EVENTS");
	int err;

	if (!path)
		return 0;
	err = stream_open(&w->stream, path, w->model, (uint64_t)getpagesize());
	return err ? watch_say("MEMMON_EVENTS: cannot write the stream",
			       outfile_reason(&w->stream.out, err)) :
		     0;
}

int watch_start(struct watch *w)
{
	int failed = w->o->command ? EXIT_FAILED_WITH_COMMAND : EXIT_FAILED, status;
	char why[512];

	w->govern.stats = stats_switch_create();
	if (features_probe(w->o->btf, &w->features))
		return failed;
	features_note_vma(w->features, w->o->vma);
	if (features_require(w->features, why, sizeof(why))) {
		watch_say("cannot watch", why);
		return failed;
	}
	w->model = model_create((uint64_t)getpagesize(), w->o->max_processes);
	if (!w->model)
		return failed;
	w->sampler = (struct sampler){ .model = w->model, .mounts = &w->mounts, .pss = w->o->pss };
	describe_run(w);
	/* opening outputs may wait, and be interrupted; what comes after it leaves things to clean up */
	if (find_targets(w) || outputs_open(&w->outputs, w->o) || open_stream(w) ||
	    take_signals(w) || settle_targets(w) || outputs_start(&w->outputs, w->o, &w->run) ||
	    start_tracer(w) || (w->o->command && start_command(w)))
		return failed;
	/* a command waits for it, and its time counts from its exec on */
	if (w->o->command || w->containers)
		watch_start_ledger(w);
	w->start_ns = monotonic_ns();
	if (sampler_read(&w->sampler) || adopt(w))
		return failed;
	watch_govern_start(w);
	if (w->o->verbose)
		describe_start(w);
	if (privilege_drop(
		    (w->o->command ? PRIVILEGE_COMMAND : 0) |
		    (w->o->scope || outputs_need_override(&w->outputs) ? PRIVILEGE_FILES : 0)))
		watch_say("cannot drop privileges", "going on with all of them");
	status = w->o->command ? exec_command(w) : 0;
	return status;
}
