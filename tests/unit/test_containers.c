// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a word to a container and what becomes of it: directories of our own stand for cgroups, a
 * thread for the engine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../bpf/events.h"
#include "containers.h"
#include "os/container_tree.h"
#include "util/clock.h"

#define ID_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID_B "0123456789abffff0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID_C "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define S 1000000000ULL

/* ---- an engine -------------------------------------------------------------------------------- */

struct engine {
	int listener;
	pthread_t thread;
	pthread_mutex_t lock;
	const char *list; /* body of /containers/json; NULL = hang */
	const char *one; /* body of /containers/X/json; NULL = 404 */
	int requests;
};

static void send_text(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static void answer(struct engine *e, int fd)
{
	char request[4096], head[128];
	ssize_t n = recv(fd, request, sizeof(request) - 1, 0);
	const char *body;
	bool list;

	if (n <= 0)
		return;
	request[n] = '\0';
	list = strstr(request, "GET /containers/json") == request;
	pthread_mutex_lock(&e->lock);
	e->requests++;
	body = list ? e->list : e->one;
	pthread_mutex_unlock(&e->lock);
	if (list && !body) {
		recv(fd, request, sizeof(request), 0); /* until the client gives up */
		return;
	}
	snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n",
		 body ? "200 OK" : "404 Not Found", body ? strlen(body) : 0);
	send_text(fd, head);
	if (body)
		send_text(fd, body);
}

static void *serve(void *arg)
{
	struct engine *e = arg;

	for (;;) {
		int fd = accept(e->listener, NULL, NULL);

		if (fd < 0)
			return NULL;
		answer(e, fd);
		close(fd);
	}
}

/* ---- the machine ------------------------------------------------------------------------------ */

static struct machine {
	char dir[64];
	char host[128]; /* DOCKER_HOST of its engine */
	char nobody[128]; /* DOCKER_HOST of no engine */
	struct cgroup_mounts mounts;
	struct engine engine;
	pid_t init[2]; /* processes that stand for those of containers */
} m;

/* Younger ones may be a runtime's own. */
static void grow_old(void)
{
	usleep(150000);
}

/* One that waits, by that name. */
static pid_t begin_process(const char *comm)
{
	int says[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(says), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, comm);
		close(says[0]);
		close(says[1]);
		pause();
		_exit(0);
	}
	close(says[1]);
	assert_int_equal(read(says[0], &byte, 1), 0); /* it has its name */
	close(says[0]);
	return pid;
}

static int set_up(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct cgroup_mount *mount = calloc(1, sizeof(*mount));

	(void)state;
	m = (struct machine){ .dir = "/tmp/memmon-unit.XXXXXX" };
	if (!mount || !mkdtemp(m.dir))
		return -1;
	mount->version = 1;
	mount->memory = true;
	snprintf(mount->point, sizeof(mount->point), "%s/memory", m.dir);
	snprintf(mount->root, sizeof(mount->root), "/");
	m.mounts = (struct cgroup_mounts){ .mounts = mount, .n = 1 };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/sock", m.dir);
	snprintf(m.host, sizeof(m.host), "unix://%s/sock", m.dir);
	snprintf(m.nobody, sizeof(m.nobody), "unix://%s/nobody", m.dir);
	m.engine.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	pthread_mutex_init(&m.engine.lock, NULL);
	for (int i = 0; i < 2; i++)
		m.init[i] = begin_process("init");
	grow_old();
	return mkdir(mount->point, 0755) ||
	       bind(m.engine.listener, (struct sockaddr *)&address, sizeof(address)) ||
	       listen(m.engine.listener, 8) ||
	       pthread_create(&m.engine.thread, NULL, serve, &m.engine);
}

static void end_init(int i)
{
	if (m.init[i] <= 0)
		return;
	kill(m.init[i], SIGKILL);
	waitpid(m.init[i], NULL, 0);
	m.init[i] = 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	end_init(0);
	end_init(1);
	shutdown(m.engine.listener, SHUT_RDWR);
	pthread_join(m.engine.thread, NULL);
	close(m.engine.listener);
	pthread_mutex_destroy(&m.engine.lock);
	cgroup_mounts_finish(&m.mounts);
	snprintf(command, sizeof(command), "rm -rf '%s'", m.dir);
	return system(command);
}

static void cgroup_path(char path[512], const char *name)
{
	snprintf(path, 512, "%s/memory/%s", m.dir, name);
}

/* A cgroup with one process, or with none (0). */
static void make_cgroup(const char *name, pid_t pid)
{
	char command[1100], path[512];

	cgroup_path(path, name);
	snprintf(command, sizeof(command), "mkdir -p '%s' && : >'%s/cgroup.procs'", path, path);
	assert_int_equal(system(command), 0);
	if (pid) {
		snprintf(command, sizeof(command), "echo %d >'%s/cgroup.procs'", (int)pid, path);
		assert_int_equal(system(command), 0);
	}
}

/* Its inode number is kept from the next one by a file that takes it. */
static void remove_cgroup(const char *name)
{
	char command[1200], path[512];

	cgroup_path(path, name);
	snprintf(command, sizeof(command), "mv '%s' \"$(mktemp -d '%s/gone.XXXXXX')\"", path,
		 m.dir);
	assert_int_equal(system(command), 0);
}

#ifndef WITHOUT_CURL
static void engine_says(const char *list, const char *one)
{
	pthread_mutex_lock(&m.engine.lock);
	m.engine.list = list;
	m.engine.one = one;
	pthread_mutex_unlock(&m.engine.lock);
}

static int requests(void)
{
	int n;

	pthread_mutex_lock(&m.engine.lock);
	n = m.engine.requests;
	pthread_mutex_unlock(&m.engine.lock);
	return n;
}
#endif

static char why[4096];

/* Finds one; the caller destroys *c. */
static int find(struct containers **c, const char *host, const char *wanted, bool wait)
{
	static const char *words[1];

	words[0] = wanted;
	assert_int_equal(containers_create(&m.mounts, host, c), 0);
	return containers_find(*c, words, 1, wait, why, sizeof(why));
}

static void refused(const char *host, const char *wanted, int err, const char *words)
{
	struct containers *c;

	assert_int_equal(find(&c, host, wanted, false), err);
	if (!strstr(why, words))
		fail_msg("wanted '%s' in: %s", words, why);
	containers_destroy(c);
}

/* ---- without an engine ------------------------------------------------------------------------ */

static void test_by_cgroup(void **state)
{
	const struct container_target *t;
	struct containers *c;

	(void)state;
	make_cgroup("docker/" ID_A "/below", 0);
	make_cgroup("docker/" ID_A, m.init[0]);
	make_cgroup("machine.slice/libpod-" ID_C ".scope", m.init[1]);
	make_cgroup("system.slice/x.service", 0);
	assert_int_equal(find(&c, m.nobody, "0123", false), 0);
	assert_int_equal(containers_count(c), 1);
	t = containers_get(c, 0);
	assert_int_equal(t->state, CONTAINER_RUNNING);
	assert_string_equal(t->is.id, ID_A);
	assert_string_equal(t->is.name, "");
	assert_string_equal(t->is.runtime, "docker");
	assert_string_equal(t->is.cgroup.name, "/docker/" ID_A);
	assert_int_equal(t->is.cgroup.level, 2);
	assert_int_equal(t->is.init_pid, m.init[0]);
	assert_true(t->is.shm_bytes == UNKNOWN_U64);
	assert_true(t->is.memory_limit_bytes == UNKNOWN_U64);
	containers_destroy(c);
	assert_int_equal(find(&c, m.nobody, ID_C, false), 0);
	assert_string_equal(containers_get(c, 0)->is.runtime, "podman");
	containers_destroy(c);
	containers_destroy(NULL);
}

static void test_refused(void **state)
{
	(void)state;
	refused(m.nobody, "web", -ENOENT, "/nobody: ");
	refused(m.nobody, "web", -ENOENT, "none runs");
	refused("tcp://10.0.0.1:2375", "web", -ENOENT, "tcp://10.0.0.1:2375");
	make_cgroup("docker/" ID_A, m.init[0]);
	make_cgroup("docker/" ID_B, m.init[1]);
	refused(m.nobody, "web\n\033[2J", -ENOENT, "-c 'web\\n\\x1b[2J'");
	refused(m.nobody, "web", -ENOENT, "these run:\n  01234567");
	refused(m.nobody, "0123", -EEXIST, "fits 2 containers");
	refused(m.nobody, "0123", -EEXIST, "  0123456789abc\n");
}

static void test_two_of_one(void **state)
{
	const char *const words[] = { "0123456789abc", ID_A, "0123456789abf" };
	struct containers *c;

	(void)state;
	make_cgroup("docker/" ID_A, m.init[0]);
	make_cgroup("docker/" ID_B, m.init[1]);
	assert_int_equal(containers_create(&m.mounts, m.nobody, &c), 0);
	assert_int_equal(containers_find(c, words, 3, false, why, sizeof(why)), 0);
	assert_int_equal(containers_count(c), 2);
	containers_destroy(c);
}

static void test_no_hierarchy(void **state)
{
	const char *const words[] = { "0123" };
	struct cgroup_mounts none = { 0 };
	struct containers *c;

	(void)state;
	assert_int_equal(containers_create(&none, m.nobody, &c), 0);
	assert_int_equal(containers_find(c, words, 1, false, why, sizeof(why)), -ENODEV);
	assert_non_null(strstr(why, "cgroup"));
	containers_destroy(c);
}

static void test_restart(void **state)
{
	const struct container_target *t;
	struct containers *c;
	uint64_t now = S, old;

	(void)state;
	make_cgroup("docker/" ID_A, m.init[0]);
	assert_int_equal(find(&c, m.nobody, ID_A, false), 0);
	t = containers_get(c, 0);
	old = t->is.cgroup.id;
	assert_int_equal(containers_poll(c, now), 0);
	assert_int_equal(t->changes, 0);

	/* between two looks: both */
	remove_cgroup("docker/" ID_A);
	make_cgroup("docker/" ID_A, m.init[1]);
	assert_int_equal(containers_poll(c, now += S / 10), 1);
	assert_int_equal(t->changes, CONTAINER_HAS_STOPPED | CONTAINER_HAS_STARTED);
	assert_int_equal(t->state, CONTAINER_RUNNING);
	assert_true(t->stopped_cgroup_id == old && t->is.cgroup.id != old);
	assert_int_equal(t->is.init_pid, m.init[1]);

	remove_cgroup("docker/" ID_A);
	assert_int_equal(containers_poll(c, now += S / 10), 1);
	assert_int_equal(t->changes, CONTAINER_HAS_STOPPED);
	assert_int_equal(t->state, CONTAINER_STOPPED);
	assert_int_equal(containers_poll(c, now += S / 10), 0);
	/* a cgroup that is made, but has no process yet */
	make_cgroup("docker/" ID_A, 0);
	assert_int_equal(containers_poll(c, now += S / 10), 0);
	make_cgroup("docker/" ID_A, m.init[0]);
	assert_int_equal(containers_poll(c, now += S / 10), 1);
	assert_int_equal(t->changes, CONTAINER_HAS_STARTED);
	assert_int_equal(t->is.init_pid, m.init[0]);
	assert_false(containers_over(c));
	containers_destroy(c);
}

/* The cgroup outlives the first process: what else is in it is not a new start. */
static void test_last_gasps(void **state)
{
	const struct container_target *t;
	struct containers *c;

	(void)state;
	make_cgroup("docker/" ID_A, m.init[0]);
	assert_int_equal(find(&c, m.nobody, ID_A, false), 0);
	t = containers_get(c, 0);
	end_init(0);
	make_cgroup("docker/" ID_A, m.init[1]);
	assert_int_equal(containers_poll(c, S), 1);
	assert_int_equal(t->changes, CONTAINER_HAS_STOPPED);
	assert_int_equal(containers_poll(c, 2 * S), 0);
	assert_int_equal(containers_poll(c, 4 * S), 0);
	assert_int_equal(t->state, CONTAINER_STOPPED);
	containers_destroy(c);
}

/* A runtime's own processes come into the cgroup first. */
static void test_made(void **state)
{
	static const char *const makers[] = { "runc:[0:PARENT]", "runc:[1:CHILD]" };
	const struct container_target *t;
	struct container_process found;
	struct containers *c;
	struct cgroup cgroup;
	uint64_t begun_ns;
	int n;

	(void)state;
	make_cgroup("docker/" ID_A, m.init[0]);
	assert_int_equal(find(&c, m.nobody, ID_A, false), 0);
	t = containers_get(c, 0);
	remove_cgroup("docker/" ID_A);
	assert_int_equal(containers_poll(c, S), 1);
	assert_int_equal(t->changes, CONTAINER_HAS_STOPPED);
	end_init(0);
	begun_ns = monotonic_ns();
	m.init[0] = begin_process("exe");
	make_cgroup("docker/" ID_A, m.init[0]);
	n = (int)containers_poll(c, 2 * S);
	/* on a busy machine it is old by now */
	if (monotonic_ns() - begun_ns < S / 10)
		assert_int_equal(n, 0);
	grow_old(); /* it was the container's after all */
	n += (int)containers_poll(c, 3 * S);
	assert_int_equal(n, 1);
	assert_int_equal(t->state, CONTAINER_RUNNING);
	assert_int_equal(t->is.init_pid, m.init[0]);
	cgroup = t->is.cgroup;
	for (int i = 0; i < 2; i++) {
		end_init(0);
		m.init[0] = begin_process(makers[i]);
		make_cgroup("docker/" ID_A, m.init[0]);
		grow_old();
		assert_int_equal(containers_poll(c, (4 + i) * S), i == 0);
		assert_int_equal(t->state, CONTAINER_STOPPED);
		container_init(&cgroup, 0, &found);
		assert_int_equal(found.pid, 0);
	}
	/* unless the engine says that it is */
	container_init(&cgroup, m.init[0], &found);
	assert_true(found.pid == m.init[0] && found.is_sure);
	make_cgroup("docker/" ID_A, m.init[1]);
	container_init(&cgroup, m.init[0], &found);
	assert_true(found.pid == m.init[1] && !found.is_sure);
	containers_destroy(c);
}

static void test_wait_by_id(void **state)
{
	const struct container_target *t;
	struct containers *c;

	(void)state;
	assert_int_equal(find(&c, m.nobody, "fedc", true), 0);
	t = containers_get(c, 0);
	assert_int_equal(t->state, CONTAINER_AWAITED);
	assert_int_equal(containers_poll(c, S), 0);
	make_cgroup("kubepods/besteffort/pod1/" ID_C, m.init[0]);
	/* the hierarchy is walked once a second */
	assert_int_equal(containers_poll(c, S + S / 10), 0);
	assert_int_equal(containers_poll(c, 2 * S + 1), 1);
	assert_int_equal(t->changes, CONTAINER_HAS_STARTED);
	assert_string_equal(t->is.id, ID_C);
	assert_false(containers_over(c));
	containers_destroy(c);
}

static void test_runtimes(void **state)
{
	static const struct {
		const char *name, *runtime;
	} cases[] = {
		{ "/docker/" ID_A, "docker" },
		{ "/docker/" ID_A "/init.scope", "docker" },
		{ "/system.slice/docker-" ID_A ".scope", "docker" },
		{ "/machine.slice/libpod-" ID_A ".scope/container", "podman" },
		{ "/libpod_parent/libpod-" ID_A, "podman" },
		{ "/kubepods.slice/x.slice/cri-containerd-" ID_A ".scope", "containerd" },
		{ "/system.slice/containerd.service/kubepods-x.slice:cri-containerd:" ID_A,
		  "containerd" },
		{ "/kubepods.slice/x.slice/crio-" ID_A ".scope", "cri-o" },
		{ "/kubepods/burstable/pod1/" ID_A, "" },
		{ "/user.slice", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(container_runtime(cases[i].name), cases[i].runtime);
}

/* A container may make cgroups below its own that look like another's. */
static void test_impostor(void **state)
{
	struct containers *c;

	(void)state;
	make_cgroup("docker/" ID_C "/docker/" ID_A, m.init[0]);
	make_cgroup("docker/" ID_A, m.init[1]);
	assert_int_equal(find(&c, m.nobody, ID_A, false), 0);
	assert_string_equal(containers_get(c, 0)->is.cgroup.name, "/docker/" ID_A);
	assert_int_equal(containers_get(c, 0)->is.init_pid, m.init[1]);
	containers_destroy(c);
}

/* ---- with one --------------------------------------------------------------------------------- */

#ifndef WITHOUT_CURL

#define LISTED(id, name, state)                                                    \
	"{\"Id\":\"" id "\",\"Names\":[\"/" name "\"],\"Image\":\"bb\",\"State\":" \
	"\"" state "\"}"
#define INSPECTED(id, name, state)                                                             \
	"{\"Id\":\"" id "\",\"Name\":\"/" name "\",\"State\":{\"Status\":\"" state             \
	"\",\"Pid\":1},\"Config\":{\"Image\":\"bb\"},\"HostConfig\":{\"IpcMode\":\"private\"," \
	"\"ShmSize\":67108864}}"

static void test_by_name(void **state)
{
	const struct container_target *t;
	struct containers *c;
	int asked;

	(void)state;
	make_cgroup("docker/" ID_A, m.init[0]);
	engine_says("[" LISTED(ID_A, "web", "running") "]", INSPECTED(ID_A, "web", "running"));
	assert_int_equal(find(&c, m.host, "web", false), 0);
	t = containers_get(c, 0);
	assert_string_equal(t->is.id, ID_A);
	assert_string_equal(t->is.name, "web");
	assert_string_equal(t->is.image, "bb");
	assert_string_equal(t->is.ipc_mode, "private");
	assert_int_equal(t->is.shm_bytes, 67108864);
	assert_string_equal(containers_name(c, ID_A), "web");
	/* while it runs nobody is asked */
	asked = requests();
	for (uint64_t now = S; now < 4 * S; now += S / 10)
		assert_int_equal(containers_poll(c, now), 0);
	assert_string_equal(containers_name(c, ID_C), "");
	assert_string_equal(containers_name(c, "short"), "");
	assert_int_equal(requests(), asked);
	containers_destroy(c);
}

static void test_engine_refusals(void **state)
{
	(void)state;
	make_cgroup("docker/" ID_A, m.init[0]);
	engine_says("[" LISTED(ID_A, "web", "running") "," LISTED(ID_C, "off", "exited") "]", NULL);
	refused(m.host, "off", -ESRCH, "`docker start off`");
	refused(m.host, "off", -ESRCH, "--wait");
	refused(m.host, "none", -ENOENT, "  0123456789ab  web               bb\n");
	/* what an engine says runs, but not here */
	engine_says("[" LISTED(ID_B, "far", "running") "]", NULL);
	refused(m.host, "far", -ESRCH, "cannot be seen from here");
	/* nonsense: the cgroups remain */
	engine_says("[{\"Id\":\"..\"}]", NULL);
	refused(m.host, "web", -ENOENT, "makes no sense");
	refused(m.host, "web", -ENOENT, "  0123456789ab\n");
}

static void test_engine_hangs(void **state)
{
	uint64_t start = monotonic_ns();
	struct containers *c;

	(void)state;
	make_cgroup("docker/" ID_A, m.init[0]);
	engine_says(NULL, NULL);
	assert_int_equal(find(&c, m.host, "0123", false), 0);
	assert_string_equal(containers_get(c, 0)->is.id, ID_A);
	/* it is left alone now */
	assert_string_equal(containers_name(c, ID_C), "");
	remove_cgroup("docker/" ID_A);
	for (uint64_t now = S; now < 5 * S; now += S)
		containers_poll(c, now);
	assert_int_equal(requests(), 1);
	assert_true(monotonic_ns() - start < 30 * S);
	containers_destroy(c);
}

static void test_wait_by_name(void **state)
{
	const struct container_target *t;
	struct containers *c;
	int asked;

	(void)state;
	engine_says("[]", NULL);
	assert_int_equal(find(&c, m.host, "web", true), 0);
	t = containers_get(c, 0);
	assert_int_equal(t->state, CONTAINER_AWAITED);
	asked = requests();
	for (uint64_t now = S; now < 3 * S; now += S / 10)
		assert_int_equal(containers_poll(c, now), 0);
	assert_int_equal(requests(), asked + 2);
	make_cgroup("docker/" ID_A, m.init[0]);
	engine_says("[]", INSPECTED(ID_A, "web", "running"));
	assert_int_equal(containers_poll(c, 10 * S), 1);
	assert_int_equal(t->changes, CONTAINER_HAS_STARTED);
	assert_string_equal(t->is.id, ID_A);
	assert_string_equal(containers_name(c, ID_A), "web");

	/* another one takes the name, as after `docker compose up` */
	remove_cgroup("docker/" ID_A);
	make_cgroup("docker/" ID_C, m.init[1]);
	assert_int_equal(containers_poll(c, 11 * S), 1);
	assert_int_equal(t->changes, CONTAINER_HAS_STOPPED);
	engine_says("[]", INSPECTED(ID_C, "web", "running"));
	assert_int_equal(containers_poll(c, 13 * S), 1);
	assert_string_equal(t->is.id, ID_C);
	assert_int_equal(t->is.init_pid, m.init[1]);
	assert_false(containers_over(c));
	containers_destroy(c);
}

/* The engine says that it runs, but its cgroup is the one that just stopped. */
static void test_engine_is_late(void **state)
{
	const struct container_target *t;
	struct containers *c;

	(void)state;
	make_cgroup("docker/" ID_A, m.init[0]);
	engine_says("[" LISTED(ID_A, "web", "running") "]", INSPECTED(ID_A, "web", "running"));
	assert_int_equal(find(&c, m.host, "web", false), 0);
	t = containers_get(c, 0);
	end_init(0);
	make_cgroup("docker/" ID_A, 0);
	assert_int_equal(containers_poll(c, S), 1);
	assert_int_equal(containers_poll(c, 3 * S), 0);
	assert_int_equal(t->state, CONTAINER_STOPPED);
	containers_destroy(c);
}

#endif

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_by_cgroup),      TEST(test_refused),
		TEST(test_two_of_one),     TEST(test_restart),
		TEST(test_last_gasps),     TEST(test_made),
		TEST(test_wait_by_id),     TEST(test_impostor),
		TEST(test_no_hierarchy),   cmocka_unit_test(test_runtimes),
#ifndef WITHOUT_CURL
		TEST(test_by_name),        TEST(test_engine_refusals),
		TEST(test_engine_hangs),   TEST(test_wait_by_name),
		TEST(test_engine_is_late),
#endif
	};

	return cmocka_run_group_tests_name("containers", tests, NULL, NULL);
}
