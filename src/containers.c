// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Invariants: what runs is decided by the cgroups, never by an engine: a container is running when
 * its cgroup exists and its first process lives. An engine adds names, and where a container went.
 * An engine that once did not answer in time is left alone for a while.
 */
#include "containers.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "os/charge.h"
#include "os/container_list.h"
#include "os/container_tree.h"
#include "os/procfs.h"
#include "util/clock.h"
#include "util/escape.h"

#define PODMAN_SOCKET "/run/podman/podman.sock"

#define MS 1000000ULL
#define FIND_NS (1000 * MS) /* for all questions that are asked at the start */
#define POLL_NS (250 * MS) /* … and later, while the watch waits */
#define ASK_EVERY_NS (1000 * MS)
#define NAMES_EVERY_NS (2000 * MS)
#define QUIET_NS (10000 * MS) /* after a question that was not answered in time */
#define MADE_WITHIN_NS \
	(100 * MS) /* what the runtime begins with is gone, or goes by its name, by then */
#define REMOVED_AFTER_NS (3000 * MS) /* `docker compose up` removes one before it makes the next */
#define NAMES_MAX 65536

struct engine {
	const char *runtime; /* of containers whose cgroup does not tell */
	const char *title; /* for people */
	const char *socket;
	int err; /* of the last question */
	bool never; /* there is no asking it */
	uint64_t quiet_until_ns;
};

struct followed {
	struct container_target t;
	uint64_t init_start_ticks;
	uint64_t stopped_ticks; /* since boot: when it was seen stopped */
	uint64_t asked_ns; /* the engines, or the hierarchy */
	uint64_t missing_ns; /* since when no engine knows it; 0 = one does, or none can be asked */
};

struct name {
	char id[CONTAINER_ID_DIGITS + 1];
	char name[DOCKER_TEXT];
	UT_hash_handle hh;
};

#define ENGINES 2

struct containers {
	const struct cgroup_mounts *mounts;
	struct engine engines[ENGINES];
	struct followed *followed;
	size_t n;
	bool wait;
	struct name *names;
	uint64_t names_due_ns;
};

int containers_create(const struct cgroup_mounts *mounts, const char *docker_host,
		      struct containers **out)
{
	struct containers *c = calloc(1, sizeof(*c));
	struct engine *docker;

	*out = c;
	if (!c)
		return -ENOMEM;
	c->mounts = mounts;
	docker = &c->engines[0];
	*docker = (struct engine){ .runtime = "docker", .title = "Docker" };
	docker->err = docker_socket(docker_host, &docker->socket);
	docker->never = docker->err;
	if (docker->never)
		docker->socket = docker_host;
	c->engines[1] = (struct engine){ .runtime = "podman",
					 .title = "Podman",
					 .socket = PODMAN_SOCKET,
					 .err = -ENOENT,
					 .never = !strcmp(docker->socket, PODMAN_SOCKET) };
	return 0;
}

void containers_destroy(struct containers *c)
{
	struct name *name, *next;

	if (!c)
		return;
	HASH_ITER(hh, c->names, name, next) {
		HASH_DEL(c->names, name);
		free(name);
	}
	free(c->followed);
	free(c);
}

/* ---- engines ---------------------------------------------------------------------------------- */

static bool may_ask(const struct engine *e)
{
	return !e->never && monotonic_ns() >= e->quiet_until_ns;
}

static void note_answer(struct engine *e, int err)
{
	e->err = err;
	if (err == -ETIMEDOUT || err == -EFBIG)
		e->quiet_until_ns = monotonic_ns() + QUIET_NS;
}

static struct name *find_name(struct containers *c, const char *id)
{
	struct name *name;

	HASH_FIND(hh, c->names, id, CONTAINER_ID_DIGITS, name);
	return name;
}

static void keep_name(struct containers *c, const struct docker_container *d)
{
	struct name *name;
	size_t before = HASH_COUNT(c->names);

	if (!d->name[0] || before >= NAMES_MAX || find_name(c, d->id))
		return;
	name = calloc(1, sizeof(*name));
	if (!name)
		return;
	memcpy(name->id, d->id, sizeof(name->id));
	memcpy(name->name, d->name, sizeof(name->name));
	HASH_ADD(hh, c->names, id, CONTAINER_ID_DIGITS, name);
	if (HASH_COUNT(c->names) == before) /* no memory: it is not in the table */
		free(name);
}

/* The time for one engine: it shares with those after it whose sockets exist. */
static uint64_t share(const struct containers *c, int engine, uint64_t deadline_ns)
{
	uint64_t now = monotonic_ns(), sharers = 1;

	for (int i = engine + 1; i < ENGINES; i++)
		sharers += may_ask(&c->engines[i]) && !access(c->engines[i].socket, F_OK);
	return deadline_ns > now ? now + (deadline_ns - now) / sharers : now;
}

/* What the engines list; those that do not answer are passed over, see engine.err. */
static int list_engines(struct containers *c, uint64_t deadline_ns, struct container_list *out)
{
	int err = 0;

	for (int i = 0; i < ENGINES; i++) {
		struct engine *e = &c->engines[i];
		struct docker_list list;

		if (!may_ask(e))
			continue;
		note_answer(e, docker_list(e->socket, share(c, i, deadline_ns), &list));
		for (size_t j = 0; !err && j < list.n; j++) {
			keep_name(c, &list.items[j]);
			if (out)
				err = container_list_add(out, &list.items[j], e->runtime, i);
		}
		docker_list_finish(&list);
	}
	c->names_due_ns = monotonic_ns() + NAMES_EVERY_NS;
	return err;
}

struct running {
	struct container_list *list;
	int err;
};

static int add_running(void *ctx, const char *id, const char *path, const char *runtime)
{
	struct docker_container d = { .running = true, .shm_bytes = UNKNOWN_U64 };
	struct running *r = ctx;

	(void)path;
	memcpy(d.id, id, sizeof(d.id));
	r->err = container_list_add(r->list, &d, runtime, -1);
	return r->err ? 1 : 0;
}

/* Those that run, by their cgroups; the engines' are in the list already. */
static int list_running(struct containers *c, struct container_list *out)
{
	struct running r = { .list = out };
	int err = container_walk(c->mounts, add_running, &r);

	return err < 0 ? err : r.err;
}

const char *containers_name(void *containers, const char *id)
{
	struct containers *c = containers;
	struct name *name;

	if (strlen(id) != CONTAINER_ID_DIGITS)
		return "";
	name = find_name(c, id);
	if (!name && monotonic_ns() >= c->names_due_ns) {
		list_engines(c, monotonic_ns() + POLL_NS, NULL);
		name = find_name(c, id);
	}
	return name ? name->name : "";
}

/* ---- one container ---------------------------------------------------------------------------- */

static bool has_own_shm(const char *ipc_mode)
{
	return !strcmp(ipc_mode, "private") || !strcmp(ipc_mode, "shareable");
}

/* The engine's part of it; `d` may have an id alone. */
static void describe(struct container *is, const struct docker_container *d, const char *runtime)
{
	memcpy(is->id, d->id, sizeof(is->id));
	memcpy(is->name, d->name, sizeof(is->name));
	memcpy(is->image, d->image, sizeof(is->image));
	memcpy(is->ipc_mode, d->ipc_mode, sizeof(is->ipc_mode));
	is->shm_bytes = has_own_shm(d->ipc_mode) ? d->shm_bytes : UNKNOWN_U64;
	is->runtime = runtime;
}

/* The kernel's part of it: `is.cgroup` is that of a container that runs. */
static void start(struct followed *f, const struct container_process *init)
{
	struct container *is = &f->t.is;
	struct rec_charge charge = { 0 };
	const char *runtime = container_runtime(is->cgroup.name);

	is->init_pid = init->pid;
	f->init_start_ticks = init->start_ticks;
	is->memory_limit_bytes = charge_read(&is->cgroup, &charge) ? UNKNOWN_U64 :
								     charge.limit_bytes;
	if (*runtime)
		is->runtime = runtime;
	f->t.state = CONTAINER_RUNNING;
	f->missing_ns = 0;
}

static uint64_t to_ticks(const struct timespec *t)
{
	uint64_t per_s = (uint64_t)sysconf(_SC_CLK_TCK);

	return (uint64_t)t->tv_sec * per_s + (uint64_t)t->tv_nsec * per_s / 1000000000;
}

static uint64_t ticks_since_boot(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return to_ticks(&now);
}

/*
 * Its first process; `told` is what the engine says of it, 0 = nothing. False where that is too young to be
 * told from one that makes the container, and is gone before it begins.
 */
static bool find_init(const struct cgroup *cgroup, pid_t told, struct container_process *out)
{
	static const struct timespec within = { .tv_nsec = MADE_WITHIN_NS };

	container_init(cgroup, told, out);
	return !out->pid || out->is_sure ||
	       ticks_since_boot() > out->start_ticks + to_ticks(&within);
}

static bool is_alive(const struct followed *f)
{
	const struct container *is = &f->t.is;
	struct proc_stat proc;
	struct stat st;

	if (stat(is->cgroup.path, &st) || st.st_ino != is->cgroup.id)
		return false;
	return !is->init_pid ||
	       (!procfs_read_stat(is->init_pid, &proc) && proc.start_ticks == f->init_start_ticks &&
		proc.state != 'Z' && proc.state != 'X');
}

/*
 * Its cgroup exists again. Where it is the very cgroup that it stopped in, what is in it may be
 * what has not ended yet: only a process that started later counts.
 */
static bool start_in_cgroup(struct followed *f)
{
	struct container *is = &f->t.is;
	struct container_process init;
	struct stat st;

	if (!is->cgroup.path[0] || stat(is->cgroup.path, &st))
		return false;
	if (!find_init(&is->cgroup, 0, &init) || !init.pid ||
	    (st.st_ino == is->cgroup.id && init.start_ticks <= f->stopped_ticks))
		return false;
	is->cgroup.id = st.st_ino;
	start(f, &init);
	return true;
}

/* It runs as the engine says, or as a walk over the cgroups did. Returns 0 or a negative errno. */
static int start_found(struct containers *c, struct followed *f, const struct docker_container *d,
		       const char *runtime)
{
	struct container_process init;
	struct cgroup cgroup;
	int err = container_cgroup(c->mounts, d->id, d->pid, &cgroup);

	if (err)
		return err;
	if (!find_init(&cgroup, d->pid, &init))
		return -ENOENT;
	/* the cgroup that it stopped in: see start_in_cgroup(), or the engine knows the process */
	if (cgroup.id == f->t.is.cgroup.id &&
	    (!init.pid || init.pid == f->t.is.init_pid ||
	     (init.pid != d->pid && init.start_ticks <= f->stopped_ticks)))
		return -ENOENT;
	describe(&f->t.is, d, runtime);
	f->t.is.cgroup = cgroup;
	start(f, &init);
	return 0;
}

/* ---- finding ---------------------------------------------------------------------------------- */

struct finding {
	struct containers *c;
	struct container_list list;
	uint64_t deadline_ns;
	bool wait;
	char *why;
	size_t why_len;
};

static void __attribute__((format(printf, 2, 3)))
explain(struct finding *f, const char *format, ...)
{
	size_t len = strnlen(f->why, f->why_len);
	va_list args;

	if (len >= f->why_len)
		return;
	va_start(args, format);
	vsnprintf(f->why + len, f->why_len - len, format, args);
	va_end(args);
}

static const char *shown(char dst[128], const char *raw)
{
	escape_bytes(dst, 128, raw, strlen(raw));
	return dst;
}

static bool any_answered(const struct containers *c)
{
	bool answered = false;

	for (int i = 0; i < ENGINES; i++)
		answered = answered || !c->engines[i].err;
	return answered;
}

/* Why names may be missing; nothing where every engine that is there answered. */
static void explain_engines(struct finding *f)
{
	bool answered = any_answered(f->c);

	for (int i = 0; i < ENGINES; i++) {
		const struct engine *e = &f->c->engines[i];
		char socket[128];

		/* an engine that is not installed is missed only where no other answers */
		if (!e->err || (e->err == -ENOENT && answered) ||
		    (i > 0 && (e->err == -ENOENT || e->err == f->c->engines[0].err)))
			continue;
		explain(f, "%s's socket %s: %s; only ids are known without it\n", e->title,
			shown(socket, e->socket), docker_reason(e->err));
	}
}

static int explain_none(struct finding *f, const char *wanted)
{
	const struct listed_container **running;
	char text[128];
	size_t n = 0;

	explain(f, "-c '%s': %s\n", shown(text, wanted),
		any_answered(f->c) ? "no such container" : "no container that runs has this id");
	explain_engines(f);
	running = calloc(f->list.n + 1, sizeof(*running));
	if (!running)
		return -ENOMEM;
	for (size_t i = 0; i < f->list.n; i++)
		if (f->list.items[i].is.running)
			running[n++] = &f->list.items[i];
	explain(f, n ? "these run:\n" : "none runs\n");
	container_list_write(f->why, f->why_len, running, n);
	free(running);
	return -ENOENT;
}

static int explain_stopped(struct finding *f, const char *wanted, const struct listed_container *l)
{
	const char *name = l->is.name[0] ? l->is.name : l->is.id;
	char text[128], start_name[128], state[128];

	explain(f,
		"-c '%s': the container %s (%.12s) does not run (%s); "
		"start it with `%s start %s`, or wait for it with --wait\n",
		shown(text, wanted), shown(start_name, name), l->is.id, shown(state, l->is.state),
		l->runtime, start_name);
	return -ESRCH;
}

static int explain_elsewhere(struct finding *f, const char *wanted, int err)
{
	char text[128];

	if (err == -ENODEV)
		explain(f, "-c '%s': %s\n", shown(text, wanted), cgroup_reason(err));
	else
		explain(f,
			"-c '%s': it runs, but its cgroup cannot be seen from here; "
			"run memmon-bpf on the host of its engine, not in a container\n",
			shown(text, wanted));
	return err == -ENODEV ? err : -ESRCH;
}

static int explain_several(struct finding *f, const char *wanted,
			   const struct listed_container *const *matches, size_t n)
{
	char text[128];

	explain(f, "-c '%s' fits %zu containers; give more of the id, or the name:\n",
		shown(text, wanted), n);
	container_list_write(f->why, f->why_len, matches, n);
	return -EEXIST;
}

/* What `l` is by the engine that listed it; of the list alone where it does not answer. */
static void inspect(struct finding *f, const struct listed_container *l, struct docker_container *d)
{
	struct engine *e = l->engine >= 0 ? &f->c->engines[l->engine] : NULL;

	if (e && may_ask(e) && !docker_inspect(e->socket, l->is.id, f->deadline_ns, d) &&
	    !strcmp(d->id, l->is.id))
		return;
	*d = l->is;
}

static bool is_followed(const struct containers *c, const char *id)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->followed[i].t.is.id, id))
			return true;
	return false;
}

static int find_one(struct finding *f, const char *wanted)
{
	struct followed *next = &f->c->followed[f->c->n];
	const struct listed_container *matches[CONTAINER_LIST_SHOWN];
	struct docker_container d;
	size_t n = container_list_match(&f->list, wanted, matches, CONTAINER_LIST_SHOWN);
	int err;

	*next = (struct followed){ .t.wanted = wanted, .t.is.runtime = "" };
	next->t.is.memory_limit_bytes = next->t.is.shm_bytes = UNKNOWN_U64;
	if (n > 1)
		return explain_several(f, wanted, matches, n);
	if (!n && !f->wait)
		return explain_none(f, wanted);
	if (n && is_followed(f->c, matches[0]->is.id))
		return 0;
	if (n && matches[0]->is.running) {
		inspect(f, matches[0], &d);
		err = start_found(f->c, next, &d, matches[0]->runtime);
		if (err && !f->wait)
			return explain_elsewhere(f, wanted, err);
	} else if (n && !f->wait) {
		return explain_stopped(f, wanted, matches[0]);
	}
	if (n && next->t.state == CONTAINER_AWAITED)
		describe(&next->t.is, &matches[0]->is, matches[0]->runtime);
	f->c->n++;
	return 0;
}

int containers_find(struct containers *c, const char *const *wanted, size_t n, bool wait, char *why,
		    size_t why_len)
{
	struct finding f = { .c = c, .wait = wait, .why = why, .why_len = why_len };
	int err;

	if (why_len)
		*why = '\0';
	c->wait = wait;
	c->followed = calloc(n ? n : 1, sizeof(*c->followed));
	if (!c->followed)
		return -ENOMEM;
	f.deadline_ns = monotonic_ns() + FIND_NS;
	err = list_engines(c, f.deadline_ns, &f.list);
	if (!err)
		err = list_running(c, &f.list);
	if (err == -ENODEV)
		explain(&f, "%s\n", cgroup_reason(err));
	for (size_t i = 0; !err && i < n; i++)
		err = find_one(&f, wanted[i]);
	container_list_finish(&f.list);
	return err;
}

size_t containers_count(const struct containers *c)
{
	return c->n;
}

const struct container_target *containers_get(const struct containers *c, size_t i)
{
	return &c->followed[i].t;
}

/* ---- following -------------------------------------------------------------------------------- */

/*
 * What to ask for: the name that the user gave, as a new container may have taken it; but not the
 * start of an id, which may fit another one later.
 */
static const char *question(const struct followed *f)
{
	const char *wanted = f->t.wanted + (*f->t.wanted == '/');
	const struct container *is = &f->t.is;

	return is->id[0] && strcmp(is->name, wanted) && !strncmp(is->id, wanted, strlen(wanted)) ?
		       is->id :
		       wanted;
}

/* Asks the engines what became of it. */
static void ask_engines(struct containers *c, struct followed *f, uint64_t deadline_ns)
{
	const char *wanted = question(f);
	bool known = false, unknown = false;

	for (int i = 0; i < ENGINES && f->t.state != CONTAINER_RUNNING; i++) {
		struct engine *e = &c->engines[i];
		struct docker_container d;
		int err;

		if (!may_ask(e))
			continue;
		err = docker_inspect(e->socket, wanted, share(c, i, deadline_ns), &d);
		note_answer(e, err);
		known = known || !err;
		unknown = unknown || err == -ESRCH;
		if (err)
			continue;
		keep_name(c, &d);
		if (d.running)
			start_found(c, f, &d, e->runtime);
	}
	if (known || !unknown)
		f->missing_ns = 0;
	else if (!f->missing_ns)
		f->missing_ns = monotonic_ns();
}

/* Without an engine: whoever runs with such an id. */
static void ask_hierarchy(struct containers *c, struct followed *f)
{
	const struct listed_container *match;
	struct container_list list = { 0 };
	const char *wanted = question(f);

	if (container_is_id(wanted) && !list_running(c, &list) &&
	    container_list_match(&list, wanted, &match, 1) == 1)
		start_found(c, f, &match->is, match->runtime);
	container_list_finish(&list);
}

static void look_for(struct containers *c, struct followed *f, uint64_t now_ns,
		     uint64_t deadline_ns)
{
	if (start_in_cgroup(f))
		return;
	if (f->asked_ns && now_ns - f->asked_ns < ASK_EVERY_NS)
		return;
	f->asked_ns = now_ns;
	ask_engines(c, f, deadline_ns);
	if (f->t.state != CONTAINER_RUNNING)
		ask_hierarchy(c, f);
	if (f->t.state == CONTAINER_STOPPED && f->missing_ns &&
	    monotonic_ns() - f->missing_ns >= REMOVED_AFTER_NS)
		f->t.state = CONTAINER_REMOVED;
}

static void poll_one(struct containers *c, struct followed *f, uint64_t now_ns,
		     uint64_t deadline_ns)
{
	f->t.changes = 0;
	if (f->t.state == CONTAINER_RUNNING) {
		if (is_alive(f))
			return;
		f->t.state = CONTAINER_STOPPED;
		f->t.changes |= CONTAINER_HAS_STOPPED;
		f->t.stopped_cgroup_id = f->t.is.cgroup.id;
		f->stopped_ticks = ticks_since_boot();
		f->asked_ns = now_ns; /* it has just stopped: the engine has no news yet */
	}
	look_for(c, f, now_ns, deadline_ns);
	if (f->t.state == CONTAINER_RUNNING)
		f->t.changes |= CONTAINER_HAS_STARTED;
}

size_t containers_poll(struct containers *c, uint64_t now_ns)
{
	uint64_t deadline_ns = monotonic_ns() + POLL_NS;
	size_t changed = 0;

	for (size_t i = 0; i < c->n; i++) {
		poll_one(c, &c->followed[i], now_ns, deadline_ns);
		changed += c->followed[i].t.changes != 0;
	}
	return changed;
}

bool containers_over(const struct containers *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->followed[i].t.state != CONTAINER_REMOVED)
			return false;
	return c->n && !c->wait;
}
