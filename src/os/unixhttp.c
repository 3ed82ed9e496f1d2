// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why libcurl is opened when it is first needed and not linked: its TLS, Kerberos and LDAP libraries
 * cost every start 4 ms and 6 MiB of RSS, and few watches ask a container engine anything. It is
 * never closed again, as OpenSSL cannot be unloaded.
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
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

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
static bool have_calls;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool find_call(void *library, const char *name, void *call)
{
	void *symbol = dlsym(library, name);

	/* ISO C knows no conversion from a pointer to an object to one to a function */
	memcpy(call, &symbol, sizeof(symbol));
	return symbol;
}

static void open_library(void)
{
	static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4" };
	void *library = NULL;

	for (size_t i = 0; !library && i < sizeof(names) / sizeof(names[0]); i++)
		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	have_calls = library && find_call(library, "curl_global_init", &calls.global_init) &&
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

int unixhttp_get(const char *socket, const char *target, int timeout_ms, char **body, size_t *len)
{
	struct answer a = { 0 };
	char url[1024];
	CURL *curl;
	int status;

	*body = NULL;
	*len = 0;
	if (strlen(socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return -ENAMETOOLONG;
	if ((size_t)snprintf(url, sizeof(url), "http://localhost%s", target) >= sizeof(url))
		return -EINVAL;
	if (timeout_ms <= 0) /* 0 would be no limit */
		return -ETIMEDOUT;
	pthread_once(&once, open_library);
	if (!have_calls)
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
	calls.setopt(curl, CURLOPT_HEADERDATA, (void *)&a);
	calls.setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	calls.setopt(curl, CURLOPT_WRITEDATA, (void *)&a);
	status = perform(curl, &a);
	calls.cleanup(curl);
	if (status != 200) {
		free(a.bytes);
		return status;
	}
	*body = a.bytes;
	*len = a.len;
	return status;
}

#endif
