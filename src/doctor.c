// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the features and hooks amount to: whether -p, shm and -c will work. That is tried, with this very
 * process as the target, as no probe of a part can promise that the whole loads.
 */
#include "doctor.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "features.h"
#include "follow.h"
#include "hooks.h"
#include "os/cgroup.h"
#include "os/docker.h"
#include "os/readfile.h"
#include "shm_tracer.h"
#include "sinks/doctor.h"
#include "tracer.h"
#include "util/escape.h"
#include "util/outfile.h"

#define EXIT_FAILED 1
#define FILES_NEEDED 256 /* about 100 programs, maps and links, and files that are read meanwhile */
#define MEMLOCK_NEEDED (40ULL << 20) /* with few CPUs */
#define PODMAN_SOCKET "/run/podman/podman.sock"
#define FACTS 8

struct findings {
	const struct doctor_options *o;
	struct features *features;
	struct doctor doctor;
	struct doctor_fact facts[FACTS], limits[FACTS];
	struct doctor_capability capabilities[RIGHTS];
	struct doctor_hook *hooks;
	struct cgroup_mounts mounts;
	int hierarchy; /* of containers' cgroups, or a negative errno */
	bool moves_tried; /* what -c has beyond -p */
};

/* ---- facts ---- */

static struct doctor_fact *add_fact(struct doctor_fact *facts, size_t *n, const char *key,
				    const char *name, const char *value)
{
	struct doctor_fact *fact = &facts[(*n)++];

	*fact = (struct doctor_fact){ .key = key, .name = name };
	snprintf(fact->value, sizeof(fact->value), "%s", value ? value : "");
	return fact;
}

static void note(struct doctor_fact *fact, bool bad, const char *text)
{
	fact->bad = bad;
	snprintf(fact->note, sizeof(fact->note), "%s", text);
}

static void find_mount(struct findings *f, const char *name, const char *type, const char *why)
{
	char point[200];
	int err = mount_point_of(type, point, sizeof(point));
	const char *value = err == -ENOENT ? "not mounted" : err ? NULL : point;

	note(add_fact(f->facts, &f->doctor.n_facts, type, name, value), false, why);
}

static void find_facts(struct findings *f)
{
	const struct rights *r = features_rights(f->features);
	struct doctor_fact *fact = add_fact(f->facts, &f->doctor.n_facts, "lockdown", "lockdown",
					    lockdown_name(r->lockdown));

	if (r->lockdown == LOCKDOWN_CONFIDENTIALITY)
		note(fact, true,
		     "BPF programs may not read the kernel's memory; boot with lockdown=integrity");
	else if (r->lockdown == LOCKDOWN_UNKNOWN)
		note(fact, false,
		     "no /sys/kernel/security/lockdown: not in this kernel, or not mounted");
	fact = add_fact(f->facts, &f->doctor.n_facts, "user_namespace", "user namespace",
			r->initial_user_namespace ? "the initial one" : "one of its own");
	if (!r->initial_user_namespace)
		note(fact, true, "capabilities do not count for bpf(2) here");
	fact = add_fact(f->facts, &f->doctor.n_facts, "seccomp", "seccomp",
			r->seccomp ? "a filter" : "no filter");
	if (r->seccomp)
		note(fact, false, "it may refuse bpf(2); see bpf below");
	find_mount(f, "tracefs", "tracefs", "not needed: hooks are attached by descriptors alone");
	find_mount(f, "bpf file system", "bpf", "not needed: nothing is pinned in /sys/fs/bpf");
	f->doctor.facts = f->facts;
}

static void find_capabilities(struct findings *f)
{
	const struct rights *r = features_rights(f->features);

	for (int right = 0; right < RIGHTS; right++)
		f->capabilities[right] = (struct doctor_capability){ .name = right_name(right),
								     .has = r->has[right],
								     .lost = right_lost(right) };
	/* who has the great one does not miss the two that were cut out of it */
	if (rights_allow(r, RIGHT_BPF) && !r->has[RIGHT_BPF])
		f->capabilities[RIGHT_BPF].lost = "nothing is lost, as CAP_SYS_ADMIN stands for it";
	if (rights_allow(r, RIGHT_PERFMON) && !r->has[RIGHT_PERFMON])
		f->capabilities[RIGHT_PERFMON].lost =
			"nothing is lost, as CAP_SYS_ADMIN stands for it";
	if (!features_memlock_counts(f->features))
		f->capabilities[RIGHT_SYS_RESOURCE].lost = "nothing is lost on this kernel";
	f->doctor.capabilities = f->capabilities;
	f->doctor.n_capabilities = RIGHTS;
}

/* ---- limits ---- */

static void find_memlock(struct findings *f)
{
	bool counts = features_memlock_counts(f->features);
	struct doctor_fact *fact;
	struct rlimit limit;
	char value[64] = "";

	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
		if (limit.rlim_cur == RLIM_INFINITY)
			snprintf(value, sizeof(value), "unlimited");
		else
			snprintf(value, sizeof(value), "%llu bytes",
				 (unsigned long long)limit.rlim_cur);
	}
	fact = add_fact(f->limits, &f->doctor.n_limits, "memlock", "RLIMIT_MEMLOCK", value);
	if (!feature_on(f->features, FEATURE_BTF))
		note(fact, false, "counts for BPF memory before Linux 5.11 only");
	else if (!counts)
		note(fact, false, "does not count for BPF memory on this kernel");
	else if (limit.rlim_max == RLIM_INFINITY ||
		 features_rights(f->features)->has[RIGHT_SYS_RESOURCE])
		note(fact, false, "counts for BPF memory on this kernel; it is raised as needed");
	else
		note(fact, limit.rlim_cur < MEMLOCK_NEEDED,
		     "counts for BPF memory on this kernel: at least 40 MiB are needed; ulimit -l "
		     "unlimited, or CAP_SYS_RESOURCE");
}

static void find_limits(struct findings *f)
{
	struct doctor_fact *fact;
	struct rlimit limit;
	char value[64] = "";
	int cpus = libbpf_num_possible_cpus();

	if (cpus > 0)
		snprintf(value, sizeof(value), "%d", cpus);
	fact = add_fact(f->limits, &f->doctor.n_limits, "cpus", "possible CPUs", value);
	snprintf(value, sizeof(value), "at most %d", MAX_CPUS);
	note(fact, cpus > MAX_CPUS, value);
	find_memlock(f);
	*value = '\0';
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		snprintf(value, sizeof(value), "%llu files", (unsigned long long)limit.rlim_cur);
	fact = add_fact(f->limits, &f->doctor.n_limits, "nofile", "RLIMIT_NOFILE", value);
	if (*value && limit.rlim_cur < FILES_NEEDED)
		note(fact, true, "256 are needed; ulimit -n 1024");
	else
		note(fact, false, "256 are needed");
	f->doctor.limits = f->limits;
}

/* ---- what will work ---- */

static void __attribute__((format(printf, 4, 5)))
say(struct findings *f, enum doctor_way way, const char *state, const char *format, ...)
{
	char *why = f->doctor.ways[way].why;
	size_t used = strlen(why);
	va_list args;

	/* what does not work at all does not come to work with less */
	if (!f->doctor.ways[way].state || strcmp(f->doctor.ways[way].state, "on") == 0)
		f->doctor.ways[way].state = state;
	if (used && *format)
		used += (size_t)snprintf(why + used, DOCTOR_WHY_LEN - used, "; ");
	if (used >= DOCTOR_WHY_LEN)
		return;
	va_start(args, format);
	vsnprintf(why + used, DOCTOR_WHY_LEN - used, format, args);
	va_end(args);
}

static bool works(const struct findings *f, enum doctor_way way)
{
	return strcmp(f->doctor.ways[way].state, "off") != 0;
}

static int ignore(void *ctx, const struct rec_head *rec, size_t size)
{
	(void)ctx;
	(void)rec;
	(void)size;
	return 0;
}

/* Watches ourselves. Returns 0 or a negative errno with what is wrong in `why`. */
static int try_watch(const struct findings *f, bool cgroups, char *why, size_t why_len)
{
	const struct tracer_config config = {
		.cgroups = cgroups,
		.cgroup_hierarchy = cgroups ? f->hierarchy : 0,
		.btf = f->o->btf,
		.verbose = f->o->verbose,
	};
	struct tracer *tracer = NULL;
	const char *remedy;
	int err = tracer_create(&config, f->features, ignore, NULL, &tracer, why, why_len);

	if (err) {
		remedy = features_remedy(f->features, err);
		snprintf(why + strlen(why), why_len - strlen(why), "%s%s", *remedy ? "; " : "",
			 remedy);
		return err;
	}
	*why = '\0';
	err = tracer_want(tracer, getpid(), WANTED_NOW);
	if (!err)
		err = tracer_adopt(tracer);
	if (err < 0) {
		snprintf(why, why_len, "cannot adopt running processes: %s", strerror(-err));
	} else if (!tracer_found(tracer, getpid())) {
		err = -ESRCH;
		snprintf(
			why, why_len,
			"the kernel does not show this process to BPF programs; is /proc that of another "
			"pid namespace?");
	}
	tracer_destroy(tracer);
	return err < 0 ? err : 0;
}

/* Names the features that are not on, of those that a watch can do without. */
static void name_less(struct findings *f, enum doctor_way way, const enum feature *which, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct feature_state *state = &features_table(f->features)[which[i]];

		if (state->why)
			say(f, way, "degraded", "%s is %s", state->name, state->state);
	}
}

static void judge_pid(struct findings *f)
{
	static const enum feature less[] = { FEATURE_BTF,        FEATURE_EVERY_EVENT,
					     FEATURE_PERCPU_RSS, FEATURE_EXIT_MMAP,
					     FEATURE_LAST,       FEATURE_OOM,
					     FEATURE_VOLUMES,    FEATURE_AVAILABLE,
					     FEATURE_PRESSURE,   FEATURE_PSS };
	char why[DOCTOR_WHY_LEN] = "";
	int err = features_require(f->features, why, sizeof(why));

	/* a watch of containers is one of processes and a hook more: mostly one try will do for both */
	if (!err && f->hierarchy >= 0)
		f->moves_tried = try_watch(f, true, why, sizeof(why)) == 0;
	if (!err && !f->moves_tried)
		err = try_watch(f, false, why, sizeof(why));
	if (err) {
		say(f, DOCTOR_PID, "off", "%s", why);
		return;
	}
	say(f, DOCTOR_PID, "on", "%s", "");
	name_less(f, DOCTOR_PID, less, sizeof(less) / sizeof(less[0]));
}

static void judge_container(struct findings *f)
{
	const char *socket, *state = f->doctor.ways[DOCTOR_PID].state;
	char why[DOCTOR_WHY_LEN] = "";

	if (!works(f, DOCTOR_PID)) {
		say(f, DOCTOR_CONTAINER, "off", "as -p");
		return;
	}
	if (f->hierarchy < 0) {
		say(f, DOCTOR_CONTAINER, "off", "the cgroups of containers cannot be found: %s",
		    cgroup_reason(f->hierarchy));
		return;
	}
	if (!f->moves_tried && try_watch(f, true, why, sizeof(why))) {
		say(f, DOCTOR_CONTAINER, "off", "%s", why);
		return;
	}
	say(f, DOCTOR_CONTAINER, state, "%s", strcmp(state, "on") ? "as -p" : "");
	if (!feature_on(f->features, FEATURE_CGROUP_MOVES))
		say(f, DOCTOR_CONTAINER, "degraded", "cgroup_moves is off");
	if ((docker_socket(getenv("DOCKER_HOST"), &socket) || access(socket, R_OK | W_OK)) &&
	    access(PODMAN_SOCKET, R_OK | W_OK))
		say(f, DOCTOR_CONTAINER, state,
		    "no socket of Docker or Podman: containers are known by their ids alone");
}

static const char *chain_words(enum shm_chain chain)
{
	switch (chain) {
	case SHM_CHAIN_FEXIT:
		return "fexit";
	case SHM_CHAIN_KPROBE:
		return "kprobes";
	case SHM_CHAIN_TRACEPOINTS:
		return "tracepoints, which taxes system calls and page faults";
	case SHM_CHAIN_SIGNALS:
		return "nothing; only SIGBUS is told";
	default:
		return "nothing";
	}
}

static void judge_shm(struct findings *f)
{
	const struct shm_tracer_config config = { .most = SHM_CHAIN_FEXIT,
						  .btf = f->o->btf,
						  .verbose = f->o->verbose > 1 };
	const struct rights *rights = features_rights(f->features);
	char why[DOCTOR_WHY_LEN] = "", *mountinfo = NULL;
	struct shm_tracer *tracer = NULL;
	enum shm_chain chain;
	size_t len;
	int err = readfile_all("/proc/self/mountinfo", &mountinfo, &len);

	free(mountinfo);
	if (err) {
		say(f, DOCTOR_SHM, "off", "cannot read /proc/self/mountinfo: %s; is /proc mounted?",
		    strerror(-err));
		return;
	}
	say(f, DOCTOR_SHM, "on", "%s", "");
	err = features_require(f->features, why, sizeof(why));
	if (!err)
		err = shm_tracer_create(&config, ignore, NULL, &tracer, why, sizeof(why));
	if (err) {
		say(f, DOCTOR_SHM, "degraded",
		    "no charges, creators, holders and failures, only mounts, files and segments: %s",
		    why);
	} else {
		chain = shm_tracer_chain(tracer);
		say(f, DOCTOR_SHM, chain == SHM_CHAIN_FEXIT ? "on" : "degraded",
		    "charges are traced by %s", chain_words(chain));
		shm_tracer_destroy(tracer);
	}
	for (int right = RIGHT_SYS_PTRACE; right <= RIGHT_SYS_ADMIN; right++)
		if (!rights->has[right])
			say(f, DOCTOR_SHM, "degraded", "without %s", right_name(right));
}

/* ---- all ---- */

static int write_json(const struct findings *f, struct outfile *file)
{
	char name[256];
	int err = doctor_json(&f->doctor, file->file), closed = outfile_close(file);

	if (!err)
		err = closed;
	if (!err)
		return 0;
	escape_bytes(name, sizeof(name), f->o->json, strlen(f->o->json));
	fprintf(stderr, "memmon-bpf: --json: cannot write '%s': %s\n", name, strerror(-err));
	return err;
}

static int open_json(const struct doctor_options *o, struct outfile *file)
{
	char name[256];
	int err = o->json ? outfile_open(file, o->json) : 0;

	if (!err)
		return 0;
	escape_bytes(name, sizeof(name), o->json, strlen(o->json));
	fprintf(stderr, "memmon-bpf: --json: cannot write '%s': %s; name another file\n", name,
		outfile_reason(file, err));
	return err;
}

static int print(const struct findings *f, struct outfile *json)
{
	bool color = !f->o->no_color && !getenv("NO_COLOR") && isatty(STDOUT_FILENO);
	int err = 0;

	if (!f->o->json || strcmp(f->o->json, "-") != 0) {
		err = doctor_text(&f->doctor, stdout, color);
		if (err)
			fprintf(stderr, "memmon-bpf: cannot write standard output: %s\n",
				strerror(-err));
	}
	if (f->o->json && write_json(f, json))
		err = -EIO;
	return err;
}

static int find_all(struct findings *f)
{
	static struct utsname kernel;
	struct doctor *d = &f->doctor;
	const struct feature_state *btf;
	int err;

	uname(&kernel);
	err = features_probe(f->o->btf, &f->features);
	if (!err)
		err = hooks_probe(f->features, f->o->btf, &f->hooks, &d->n_hooks);
	if (err)
		return err;
	btf = &features_table(f->features)[FEATURE_BTF];
	d->version = MEMMON_VERSION;
	d->release = kernel.release;
	d->machine = kernel.machine;
	d->btf.state = btf->state;
	d->btf.why = btf->why;
	d->btf.from = features_btf(f->features)->from;
	d->btf.bytes = strcmp(btf->state, "off") ? features_btf(f->features)->bytes : UNKNOWN_U64;
	d->features = features_table(f->features);
	d->n_features = FEATURE_COUNT;
	d->hooks = f->hooks;
	find_facts(f);
	find_capabilities(f);
	find_limits(f);
	f->hierarchy = cgroup_mounts_read(&f->mounts);
	if (!f->hierarchy)
		f->hierarchy = follow_hierarchy(&f->mounts);
	judge_pid(f);
	judge_shm(f);
	judge_container(f);
	return 0;
}

int doctor_run(const struct doctor_options *o)
{
	struct findings *f = calloc(1, sizeof(*f));
	struct outfile json = { 0 };
	int status = EXIT_FAILED, err = f ? 0 : -ENOMEM;

	if (!err) {
		f->o = o;
		if (open_json(o, &json))
			goto out;
		err = find_all(f);
	}
	if (err)
		fprintf(stderr, "memmon-bpf: cannot probe this machine: %s\n", strerror(-err));
	else if (!print(f, &json) && works(f, DOCTOR_PID) && works(f, DOCTOR_SHM) &&
		 works(f, DOCTOR_CONTAINER))
		status = 0;
out:
	outfile_close(&json);
	if (f) {
		cgroup_mounts_finish(&f->mounts);
		features_destroy(f->features);
		free(f->hooks);
	}
	free(f);
	return status;
}
