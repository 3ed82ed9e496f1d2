// SPDX-License-Identifier: GPL-2.0-or-later
#include "docker.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../bpf/events.h"
#include "../util/clock.h"
#include "unixhttp.h"

#define DEFAULT_SOCKET "/var/run/docker.sock"

/* ---- parsing ---------------------------------------------------------------------------------- */

/*
 * "[[],[],…" becomes a hundred bytes of memory for two of text, so what opens and separates is
 * counted first. A container has about a hundred of them.
 */
#define VALUES_MAX 2000000

static bool is_bearable(const char *text, size_t len)
{
	size_t values = 0;

	for (size_t i = 0; i < len && values <= VALUES_MAX; i++)
		values += text[i] == ',' || text[i] == '[' || text[i] == '{';
	return values <= VALUES_MAX;
}

static json_t *load(const char *text, size_t len)
{
	if (!len || !is_bearable(text, len))
		return NULL;
	return json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
}

/* A text that does not fit is none: half a name would be another's. */
static void copy(char *dst, size_t cap, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (len >= cap)
		len = 0;
	if (len)
		memcpy(dst, text, len);
	dst[len] = '\0';
}

static void copy_string(char *dst, size_t cap, const json_t *value)
{
	copy(dst, cap, json_string_value(value));
}

static bool take_id(struct docker_container *c, const json_t *value)
{
	const char *id = json_string_value(value);
	size_t len = id ? strlen(id) : 0;

	if (len != CONTAINER_ID_DIGITS || strspn(id, "0123456789abcdef") != len)
		return false;
	memcpy(c->id, id, len + 1);
	return true;
}

static const char *without_slash(const char *name)
{
	return name && *name == '/' ? name + 1 : name;
}

static void take_state(struct docker_container *c, const json_t *status)
{
	copy_string(c->state, sizeof(c->state), status);
	c->running = !strcmp(c->state, "running") || !strcmp(c->state, "paused");
}

/* A container that others link to has names such as "/other/alias" beside its own. */
static void take_names(struct docker_container *c, const json_t *names)
{
	const json_t *value;
	size_t i;

	json_array_foreach((json_t *)names, i, value) {
		const char *name = without_slash(json_string_value(value));

		if (!name || strchr(name, '/'))
			continue;
		copy(c->name, sizeof(c->name), name);
		return;
	}
}

static bool take_listed(struct docker_container *c, const json_t *entry)
{
	*c = (struct docker_container){ .shm_bytes = UNKNOWN_U64 };
	if (!json_is_object(entry) || !take_id(c, json_object_get(entry, "Id")))
		return false;
	take_names(c, json_object_get(entry, "Names"));
	copy_string(c->image, sizeof(c->image), json_object_get(entry, "Image"));
	take_state(c, json_object_get(entry, "State"));
	return c->state[0];
}

int docker_parse_list(const char *text, size_t len, struct docker_list *out)
{
	json_t *root = load(text, len);
	const json_t *entry;
	int err = 0;
	size_t i, n;

	*out = (struct docker_list){ 0 };
	n = json_array_size(root);
	if (!json_is_array(root) || n > DOCKER_LIST_MAX)
		err = -EPROTO;
	if (!err && n) {
		out->items = calloc(n, sizeof(*out->items));
		err = out->items ? 0 : -ENOMEM;
	}
	if (!err) {
		json_array_foreach(root, i, entry) {
			if (!take_listed(&out->items[i], entry)) {
				err = -EPROTO;
				break;
			}
			out->n++;
		}
	}
	json_decref(root);
	if (err)
		docker_list_finish(out);
	return err;
}

/* A number of bytes; UNKNOWN_U64 where there is none, or one that cannot be. */
static uint64_t bytes_of(const json_t *value)
{
	return json_is_integer(value) && json_integer_value(value) >= 0 ?
		       (uint64_t)json_integer_value(value) :
		       UNKNOWN_U64;
}

static bool take_pid(struct docker_container *c, const json_t *value)
{
	json_int_t pid = json_integer_value(value);

	if (!json_is_integer(value) || pid < 0 || pid > INT_MAX)
		return false;
	c->pid = c->running ? (pid_t)pid : 0;
	return true;
}

static bool take_inspected(struct docker_container *c, const json_t *root)
{
	const json_t *state = json_object_get(root, "State"),
		     *host = json_object_get(root, "HostConfig");

	if (!take_id(c, json_object_get(root, "Id")) || !json_is_object(state) ||
	    !json_is_object(host))
		return false;
	copy(c->name, sizeof(c->name),
	     without_slash(json_string_value(json_object_get(root, "Name"))));
	copy_string(c->image, sizeof(c->image),
		    json_object_get(json_object_get(root, "Config"), "Image"));
	take_state(c, json_object_get(state, "Status"));
	copy_string(c->ipc_mode, sizeof(c->ipc_mode), json_object_get(host, "IpcMode"));
	c->shm_bytes = bytes_of(json_object_get(host, "ShmSize"));
	return c->state[0] && take_pid(c, json_object_get(state, "Pid"));
}

int docker_parse_container(const char *text, size_t len, struct docker_container *out)
{
	json_t *root = load(text, len);
	int err;

	*out = (struct docker_container){ .shm_bytes = UNKNOWN_U64 };
	err = take_inspected(out, root) ? 0 : -EPROTO;
	json_decref(root);
	if (err)
		*out = (struct docker_container){ .shm_bytes = UNKNOWN_U64 };
	return err;
}

void docker_list_finish(struct docker_list *l)
{
	if (!l)
		return;
	free(l->items);
	*l = (struct docker_list){ 0 };
}

/* ---- asking ----------------------------------------------------------------------------------- */

static int get(const char *socket, const char *target, uint64_t deadline_ns, char **body,
	       size_t *len)
{
	uint64_t now = monotonic_ns(), left = deadline_ns > now ? (deadline_ns - now) / 1000000 : 0;

	return unixhttp_get(socket, target, left < INT_MAX ? (int)left : INT_MAX, body, len);
}

int docker_list(const char *socket, uint64_t deadline_ns, struct docker_list *out)
{
	char *body;
	size_t len;
	int status = get(socket, "/containers/json?all=1", deadline_ns, &body, &len), err;

	*out = (struct docker_list){ 0 };
	if (status != 200)
		return status < 0 ? status : -EPROTO;
	err = docker_parse_list(body, len, out);
	free(body);
	return err;
}

int docker_inspect(const char *socket, const char *name, uint64_t deadline_ns,
		   struct docker_container *out)
{
	char target[DOCKER_TEXT + 32], *body;
	size_t len = strlen(name);
	int status, err;

	*out = (struct docker_container){ .shm_bytes = UNKNOWN_U64 };
	/* what a name may consist of; anything else, as "..", would be another request */
	if (!len || len >= DOCKER_TEXT || *name == '.' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") !=
		    len)
		return -EINVAL;
	snprintf(target, sizeof(target), "/containers/%s/json", name);
	status = get(socket, target, deadline_ns, &body, &len);
	if (status == 404)
		return -ESRCH; /* -ENOENT is said of the socket */
	if (status != 200)
		return status < 0 ? status : -EPROTO;
	err = docker_parse_container(body, len, out);
	free(body);
	return err;
}

const char *docker_reason(int err)
{
	switch (err) {
	case -ENOSYS:
		return "this memmon-bpf was built without libcurl, which asking it takes";
	case -ELIBACC:
		return "libcurl, which asking it takes, is not installed (apt-get install libcurl4)";
	case -ETIMEDOUT:
		return "it does not answer";
	case -EFBIG:
		return "its answer is too long";
	case -EPROTO:
		return "its answer makes no sense";
	case -EOPNOTSUPP:
		return "not a unix:// socket of this machine";
	default:
		return strerror(-err);
	}
}

int docker_socket(const char *host, const char **path)
{
	static const char scheme[] = "unix://";

	*path = DEFAULT_SOCKET;
	if (!host || !*host)
		return 0;
	if (strncmp(host, scheme, sizeof(scheme) - 1) != 0 || host[sizeof(scheme) - 1] != '/')
		return -EOPNOTSUPP;
	*path = host + sizeof(scheme) - 1;
	return 0;
}
