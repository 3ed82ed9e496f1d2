// SPDX-License-Identifier: GPL-2.0-or-later
/* Sections are named as libbpf expects it (program types in libbpf's documentation). */
#include "hooks.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bpf.h>

#include "image.h"

/* ---- targets ----------------------------------------------------------------------------------- */

enum target { TARGET_TRACEPOINT, TARGET_FUNCTION, TARGET_PROBE, TARGET_CALL, TARGET_EVENT };

static const struct {
	const char *type;
	enum target target;
	const char *prefix; /* of the function */
} types[] = {
	{ "tp_btf", TARGET_TRACEPOINT, NULL },
	{ "raw_tp", TARGET_TRACEPOINT, NULL },
	{ "raw_tracepoint", TARGET_TRACEPOINT, NULL },
	{ "fentry", TARGET_FUNCTION, "" },
	{ "fexit", TARGET_FUNCTION, "" },
	{ "fmod_ret", TARGET_FUNCTION, "" },
	{ "fentry.s", TARGET_FUNCTION, "" },
	{ "fexit.s", TARGET_FUNCTION, "" },
	{ "fmod_ret.s", TARGET_FUNCTION, "" },
	{ "lsm", TARGET_FUNCTION, "bpf_lsm_" },
	{ "lsm.s", TARGET_FUNCTION, "bpf_lsm_" },
	{ "iter", TARGET_FUNCTION, "bpf_iter_" },
	{ "iter.s", TARGET_FUNCTION, "bpf_iter_" },
	{ "kprobe", TARGET_PROBE, "" },
	{ "kretprobe", TARGET_PROBE, "" },
	{ "ksyscall", TARGET_CALL, "" },
	{ "kretsyscall", TARGET_CALL, "" },
	{ "tp", TARGET_EVENT, NULL },
	{ "tracepoint", TARGET_EVENT, NULL },
};

static bool has_call(const struct kernel *kernel, const char *name)
{
	static const char *const prefixes[] = { "__x64_sys_", "__arm64_sys_" };
	char function[256];

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		snprintf(function, sizeof(function), "%s%s", prefixes[i], name);
		if (kernel_has_function(kernel, function))
			return true;
	}
	return false;
}

static enum hook_state state_of(enum target target, const char *prefix, const char *name,
				const struct kernel *kernel)
{
	char function[256];
	const char *event;

	switch (target) {
	case TARGET_TRACEPOINT:
		return kernel_has_tracepoint(kernel, name) ? HOOK_THERE : HOOK_MISSING;
	case TARGET_FUNCTION:
		snprintf(function, sizeof(function), "%s%s", prefix, name);
		return kernel_has_function(kernel, function) ? HOOK_THERE : HOOK_MISSING;
	case TARGET_PROBE:
		snprintf(function, sizeof(function), "%.*s", (int)strcspn(name, "+"), name);
		return kernel_has_function(kernel, function) ? HOOK_THERE : HOOK_UNKNOWN;
	case TARGET_CALL:
		return has_call(kernel, name) ? HOOK_THERE : HOOK_UNKNOWN;
	default:
		/* category/event; those of single system calls are made otherwise */
		event = strrchr(name, '/');
		return kernel_has_tracepoint(kernel, event ? event + 1 : name) ? HOOK_THERE :
										 HOOK_UNKNOWN;
	}
}

enum hook_state hook_state(const char *section, const struct kernel *kernel)
{
	const char *type = *section == '?' ? section + 1 : section, *name = strchr(type, '/');

	if (!name || !name[1])
		return HOOK_NONE;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i].type) == (size_t)(name - type) &&
		    !strncmp(types[i].type, type, (size_t)(name - type)))
			return state_of(types[i].target, types[i].prefix, name + 1, kernel);
	return HOOK_UNKNOWN;
}

/* ---- rules ------------------------------------------------------------------------------------- */

struct rule {
	char *line; /* that all the words are parts of */
	const char *object, *program, *conditions;
	char *name; /* "OBJECT PROGRAM" */
	bool used;
};

struct rules {
	struct rule *rules;
	size_t n;
};

#define HELPER_NAME(x) [BPF_FUNC_##x] = #x
static const char *const helpers[] = { __BPF_FUNC_MAPPER(HELPER_NAME) };

const char *helper_name(int number)
{
	if (number < 0 || (size_t)number >= sizeof(helpers) / sizeof(helpers[0]))
		return NULL;
	return helpers[number];
}

/* -1 = no helper of that name. */
static int helper_number(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++)
		if (helpers[i] && strlen(helpers[i]) == len && !strncmp(helpers[i], name, len))
			return (int)i;
	return -1;
}

enum { KIND_STRUCT, KIND_TYPEDEF, KIND_FUNC, KIND_TRACE, KIND_ITER, KIND_HELPER, KIND_HOOK, KINDS };

/* Takes a condition apart. Returns its kind, -1 = it is none; `name` has room for it. */
static int parse_condition(const char *text, size_t len, bool *negated, char *name, size_t name_len)
{
	static const char *const kinds[KINDS] = { "struct:", "typedef:", "func:", "trace:",
						  "iter:",   "helper:",  "hook:" };

	*negated = len && *text == '!';
	text += *negated;
	len -= *negated;
	for (int kind = 0; kind < KINDS; kind++) {
		size_t prefix = strlen(kinds[kind]);

		if (len <= prefix || strncmp(text, kinds[kind], prefix) || len - prefix >= name_len)
			continue;
		snprintf(name, name_len, "%.*s", (int)(len - prefix), text + prefix);
		return kind == KIND_HELPER && helper_number(name, strlen(name)) < 0 ? -1 : kind;
	}
	return -1;
}

static bool holds(int kind, const char *name, const struct kernel *kernel)
{
	char section[300];

	switch (kind) {
	case KIND_STRUCT:
		return kernel_find(kernel, name, BTF_KIND_STRUCT) > 0;
	case KIND_TYPEDEF:
		return kernel_find(kernel, name, BTF_KIND_TYPEDEF) > 0;
	case KIND_FUNC:
		return kernel_has_function(kernel, name);
	case KIND_TRACE:
		return kernel_has_tracepoint(kernel, name);
	case KIND_ITER:
		snprintf(section, sizeof(section), "iter/%s", name);
		return hook_state(section, kernel) == HOOK_THERE;
	case KIND_HELPER:
		return kernel_has_helper(kernel, helper_number(name, strlen(name))) != 0;
	default:
		return hook_state(name, kernel) != HOOK_MISSING;
	}
}

static const char *const blanks = " \t";

/* All conditions, which were parsed before. */
static bool all_hold(const char *conditions, const struct kernel *kernel)
{
	char name[256];
	bool negated;

	for (const char *at = conditions + strspn(conditions, blanks); *at;
	     at += strspn(at, blanks)) {
		size_t len = strcspn(at, blanks);
		int kind = parse_condition(at, len, &negated, name, sizeof(name));

		if (holds(kind, name, kernel) == negated)
			return false;
		at += len;
	}
	return true;
}

static bool are_conditions(const char *conditions)
{
	const char *at = conditions + strspn(conditions, blanks);
	char name[256];
	bool negated;

	if (!*at)
		return false;
	for (; *at; at += strspn(at, blanks)) {
		size_t len = strcspn(at, blanks);

		if (parse_condition(at, len, &negated, name, sizeof(name)) < 0)
			return false;
		at += len;
	}
	return true;
}

static int add_rule(struct rules *rules, char *line, const char *object, const char *program,
		    const char *conditions)
{
	struct rule *more = reallocarray(rules->rules, rules->n + 1, sizeof(*more));
	char *name = NULL;

	if (!more)
		return -ENOMEM;
	rules->rules = more;
	if (asprintf(&name, "%s %s", object, program) < 0)
		return -ENOMEM;
	more[rules->n++] = (struct rule){ line, object, program, conditions, name, false };
	return 0;
}

/* The line becomes the first rule's; 1 = it became nobody's. */
static int read_rule(struct rules *rules, char *line, const char **problem)
{
	char *colon, *save = NULL, *object, *program, *owner = line;
	int err = 0;

	line[strcspn(line, "#\n")] = '\0';
	if (!line[strspn(line, blanks)])
		return 1;
	colon = strstr(line, " :");
	if (!colon || !are_conditions(colon + 2)) {
		*problem = "is not OBJECT PROGRAM… : CONDITION…";
		return 1;
	}
	*colon = '\0';
	object = strtok_r(line, blanks, &save);
	program = object ? strtok_r(NULL, blanks, &save) : NULL;
	if (!program) {
		*problem = "names no program";
		return 1;
	}
	for (; program && !err; program = strtok_r(NULL, blanks, &save)) {
		err = add_rule(rules, owner, object, program, colon + 2);
		owner = NULL;
	}
	return err;
}

int rules_read(const char *path, struct rules **out, char *why, size_t why_len)
{
	struct rules *rules = calloc(1, sizeof(*rules));
	const char *problem = NULL;
	unsigned int number = 0;
	char *text = NULL, *more;
	size_t bytes;
	void *data;
	int err = rules ? file_read(path, &data, &bytes, why, why_len) : -ENOMEM;

	if (err) {
		free(rules);
		return err;
	}
	more = realloc(data, bytes + 1);
	if (!more) {
		free(data);
		free(rules);
		return -ENOMEM;
	}
	text = more;
	text[bytes] = '\0';
	for (char *at = text, *end; !err && !problem && *at; at = end) {
		char *line;

		end = at + strcspn(at, "\n");
		number++;
		line = strndup(at, (size_t)(end - at));
		end += *end == '\n';
		err = line ? read_rule(rules, line, &problem) : -ENOMEM;
		if (err == 1) {
			free(line);
			err = 0;
		}
	}
	free(text);
	if (problem) {
		snprintf(why, why_len, "line %u of '%s' %s", number, path, problem);
		err = -EINVAL;
	} else if (err) {
		snprintf(why, why_len, "cannot read '%s': %s", path, strerror(-err));
	}
	if (err) {
		rules_destroy(rules);
		return err;
	}
	*out = rules;
	return 0;
}

void rules_destroy(struct rules *rules)
{
	if (!rules)
		return;
	for (size_t i = 0; i < rules->n; i++) {
		free(rules->rules[i].line);
		free(rules->rules[i].name);
	}
	free(rules->rules);
	free(rules);
}

bool rules_loaded(struct rules *rules, const char *object, const char *program,
		  const struct kernel *kernel)
{
	bool loaded = true;

	for (size_t i = 0; rules && i < rules->n; i++) {
		struct rule *rule = &rules->rules[i];

		if (strcmp(rule->object, object) || strcmp(rule->program, program))
			continue;
		rule->used = true;
		loaded = loaded && all_hold(rule->conditions, kernel);
	}
	return loaded;
}

const char *rules_unused(const struct rules *rules, const char *object)
{
	for (size_t i = 0; rules && i < rules->n; i++)
		if (!rules->rules[i].used && !strcmp(rules->rules[i].object, object))
			return rules->rules[i].name;
	return NULL;
}
