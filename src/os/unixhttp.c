// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why libcurl is not linked, but opened in a child that asks and ends: its TLS, Kerberos and LDAP
 * libraries would cost every start 4 ms and us 6 MiB of RSS for good, as OpenSSL cannot be unloaded;
 * and few watches ask a container engine anything.
 *
 * Nothing of the environment counts here: no proxy, no .netrc, no redirect.
 */
#include "unixhttp.h"

#include <errno.h>

#ifdef WITHOUT_CURL

int unixhttp_get(const char *socket, const char *target, int timeout_ms, char **body, size_t *len)
{
	(void)socket;
	(void)target;
	(void)timeout_ms;
	*body = NULL;
	*len = 0;
	return -ENOSYS;
}

#else

#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../util/clock.h"

/* What is used of libcurl, with its own prototypes. */
struct curl_calls {
	__typeof__(&curl_global_init) global_init;
	__typeof__(&curl_easy_init) init;
	/* the macros that <curl/curl.h> has by these names check the types of their last argument */
	CURLcode (*setopt)(CURL *curl, CURLoption option, ...);
	CURLcode (*getinfo)(CURL *curl, CURLINFO info, ...);
	__typeof__(&curl_easy_perform) perform;
	__typeof__(&curl_easy_cleanup) cleanup;
};

static struct curl_calls calls;

static bool find_call(void *library, const char *name, void *call)
{
	void *symbol = dlsym(library, name);

	/* ISO C knows no conversion from a pointer to an object to one to a function */
	memcpy(call, &symbol, sizeof(symbol));
	return symbol;
}

static bool open_library(void)
{
	static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4" };
	void *library = NULL;

	for (size_t i = 0; !library && i < sizeof(names) / sizeof(names[0]); i++)
		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	return library && find_call(library, "curl_global_init", &calls.global_init) &&
	       find_call(library, "curl_easy_init", &calls.init) &&
	       find_call(library, "curl_easy_setopt", &calls.setopt) &&
	       find_call(library, "curl_easy_getinfo", &calls.getinfo) &&
	       find_call(library, "curl_easy_perform", &calls.perform) &&
	       find_call(library, "curl_easy_cleanup", &calls.cleanup) &&
	       calls.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

struct answer {
	char *bytes;
	size_t len, cap;
	size_t headers; /* bytes of them */
	int err;
};

static size_t refuse(struct answer *a, int err)
{
	a->err = err;
	return 0;
}

static size_t take_header(char *bytes, size_t size, size_t n, void *ctx)
{
	struct answer *a = ctx;

	(void)bytes;
	a->headers += size * n;
	return a->headers > UNIXHTTP_MAX ? refuse(a, -EFBIG) : size * n;
}

static size_t take_body(char *bytes, size_t size, size_t n, void *ctx)
{
	struct answer *a = ctx;
	size_t more = size * n;

	if (more > UNIXHTTP_MAX - a->len)
		return refuse(a, -EFBIG);
	if (more > a->cap - a->len) {
		size_t cap = (a->len + more) * 2;
		char *larger = realloc(a->bytes, cap);

		if (!larger)
			return refuse(a, -ENOMEM);
		a->bytes = larger;
		a->cap = cap;
	}
	memcpy(a->bytes + a->len, bytes, more);
	a->len += more;
	return more;
}

static int reason(CURL *curl, CURLcode code, const struct answer *a)
{
	long os_error = 0;

	if (a->err)
		return a->err;
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_COULDNT_CONNECT:
		calls.getinfo(curl, CURLINFO_OS_ERRNO, &os_error);
		/* a queue that is full is a server that hangs */
		if (os_error == EAGAIN)
			return -ETIMEDOUT;
		return os_error > 0 ? -(int)os_error : -ECONNREFUSED;
	default:
		return -EPROTO;
	}
}

static int perform(CURL *curl, struct answer *a)
{
	CURLcode code = calls.perform(curl);
	long status = 0;

	if (code != CURLE_OK)
		return reason(curl, code, a);
	calls.getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return status >= 100 && status <= 999 ? (int)status : -EPROTO;
}

/* What the child does. Returns the status, or why there is none; the body is in `a`. */
static int ask(const char *socket, const char *url, int timeout_ms, struct answer *a)
{
	CURL *curl;

	if (!open_library())
		return -ELIBACC;
	curl = calls.init();
	if (!curl)
		return -ENOMEM;
	calls.setopt(curl, CURLOPT_URL, url);
	calls.setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
	calls.setopt(curl, CURLOPT_PROXY, "");
	calls.setopt(curl, CURLOPT_NOSIGNAL, 1L);
	calls.setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	calls.setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	calls.setopt(curl, CURLOPT_HEADERDATA, (void *)a);
	calls.setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	calls.setopt(curl, CURLOPT_WRITEDATA, (void *)a);
	return perform(curl, a);
}

static bool write_all(int fd, const void *bytes, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, (const char *)bytes + done, len - done);

		if (n < 0 && errno != EINTR)
			return false;
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static void __attribute__((noreturn))
be_child(int out, pid_t parent, const char *socket, const char *url, int timeout_ms)
{
	struct answer a = { 0 };
	int status;

	/* it must not outlive us, nor end loudly */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
	status = ask(socket, url, timeout_ms, &a);
	if (write_all(out, &status, sizeof(status)) && status == 200)
		write_all(out, a.bytes, a.len);
	_exit(0);
}

/* Waits until the child has something to read, or has ended. */
static int await(int fd, uint64_t deadline_ns)
{
	for (;;) {
		uint64_t now = monotonic_ns();
		struct pollfd poller = { .fd = fd, .events = POLLIN };
		int n;

		if (now >= deadline_ns)
			return -ETIMEDOUT;
		n = poll(&poller, 1, (int)((deadline_ns - now) / 1000000) + 1);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

/* All that the child writes. */
static int read_answer(int fd, uint64_t deadline_ns, struct answer *a)
{
	char bytes[65536];
	ssize_t n;
	int err;

	do {
		err = await(fd, deadline_ns);
		if (err)
			return err;
		n = read(fd, bytes, sizeof(bytes));
		if (n > 0 && take_body(bytes, 1, (size_t)n, a) != (size_t)n)
			return a->err;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

/* The child's first word is the status. */
static int take_answer(struct answer *a, char **body, size_t *len)
{
	int status;

	if (a->len < sizeof(status))
		return -EPROTO; /* it died */
	memcpy(&status, a->bytes, sizeof(status));
	if (status != 200)
		return status;
	*len = a->len - sizeof(status);
	memmove(a->bytes, a->bytes + sizeof(status), *len);
	*body = a->bytes;
	a->bytes = NULL;
	return status;
}

int unixhttp_get(const char *socket, const char *target, int timeout_ms, char **body, size_t *len)
{
	uint64_t deadline_ns = monotonic_ns() + (uint64_t)timeout_ms * 1000000;
	struct answer a = { 0 };
	pid_t self = getpid(), child;
	char url[1024];
	int ends[2], err;

	*body = NULL;
	*len = 0;
	if (strlen(socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return -ENAMETOOLONG;
	if ((size_t)snprintf(url, sizeof(url), "http://localhost%s", target) >= sizeof(url))
		return -EINVAL;
	if (timeout_ms <= 0) /* 0 would be no limit */
		return -ETIMEDOUT;
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	child = fork();
	if (child == 0)
		be_child(ends[1], self, socket, url, timeout_ms);
	err = child < 0 ? -errno : 0;
	close(ends[1]);
	if (!err)
		err = read_answer(ends[0], deadline_ns, &a);
	close(ends[0]);
	if (child > 0) {
		kill(child, SIGKILL);
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (!err)
		err = take_answer(&a, body, len);
	free(a.bytes);
	return err;
}

#endif
