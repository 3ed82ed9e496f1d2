/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --fail-if: a recursive-descent parser into a tree of at most 127 nodes, and its evaluation.
 *
 *   any        = all { "||" all }
 *   all        = one { "&&" one }
 *   one        = "(" any ")" | FIELD OP VALUE | FIELD OP SIGN VALUE
 *
 * The text is what somebody typed: every error quotes the part that is wrong and says what would
 * be right.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr.h"
#include "expr_words.h"

#define TEXT_MAX 4096
#define COMPARISONS_MAX 64
#define NODES_MAX (2 * COMPARISONS_MAX - 1)
#define DEPTH_MAX 16

enum op { OP_GT, OP_GE, OP_LT, OP_LE, OP_EQ, OP_NE };
enum node_kind { NODE_COMPARE, NODE_AND, NODE_OR };

struct node {
	enum node_kind kind;
	int left, right; /* of AND and OR: indices of nodes */
	const struct field *field; /* of COMPARE, and the rest */
	enum op op;
	bool is_change; /* `change`, else `value` */
	struct field_value value;
	struct field_change change;
	size_t at, len; /* its text */
};

struct expr {
	struct node nodes[NODES_MAX];
	int n, root;
	int comparisons;
	char text[];
};

struct parser {
	struct expr *e;
	const char *at;
	bool changes; /* are accepted */
	int depth;
	char *why;
	size_t why_len;
};

__attribute__((format(printf, 2, 3))) static int fail(struct parser *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (p->why_len)
		vsnprintf(p->why, p->why_len, format, args);
	va_end(args);
	return -EINVAL;
}

static void skip_blanks(struct parser *p)
{
	while (is_blank(*p->at))
		p->at++;
}

static int parse_field(struct parser *p, struct node *node)
{
	char name[NAME_MAX_LEN + 1];
	const char *meant = NULL;
	struct quoted q;
	size_t len = 0;

	if (!*p->at)
		return fail(p, "a condition is missing at the end, such as \"peak.rss>2GiB\"");
	while (is_name(p->at[len]))
		len++;
	if (!len || is_digit(*p->at) || *p->at == '.')
		return fail(p, "expected the name of a field, not '%s' (such as \"peak.rss>2GiB\")",
			    quote_word(&q, p->at));
	if (len <= NAME_MAX_LEN) {
		memcpy(name, p->at, len);
		name[len] = '\0';
		node->field = field_find(name);
		meant = nearest_field(name);
	}
	if (!node->field && meant)
		return fail(p, "unknown field '%s', did you mean '%s'?", quote(&q, p->at, len),
			    meant);
	if (!node->field)
		return fail(p, "unknown field '%s' (such as peak.rss, rss, system.available)",
			    quote(&q, p->at, len));
	p->at += len;
	return 0;
}

static int parse_op(struct parser *p, struct node *node)
{
	static const struct {
		const char *sign;
		enum op op;
	} ops[] = {
		{ ">=", OP_GE }, { "<=", OP_LE }, { "==", OP_EQ },
		{ "!=", OP_NE }, { ">", OP_GT },  { "<", OP_LT },
	};
	struct quoted q;

	skip_blanks(p);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (strncmp(p->at, ops[i].sign, strlen(ops[i].sign)))
			continue;
		node->op = ops[i].op;
		p->at += strlen(ops[i].sign);
		return 0;
	}
	if (!*p->at)
		return fail(
			p,
			"'%s' is not compared with anything: add > >= < <= == or != and a number",
			node->field->name);
	return fail(p, "expected > >= < <= == or != after '%s', not '%s'", node->field->name,
		    quote_word(&q, p->at));
}

/* The word of a value, without blanks around it: "2 GiB" is one. */
static size_t value_len(const char *at)
{
	size_t len = 0;

	while (at[len] && !strchr("&|()<>=!", at[len]))
		len++;
	while (len && is_blank(at[len - 1]))
		len--;
	return len;
}

static int parse_value(struct parser *p, struct node *node, const char *start)
{
	const char *end = p->at, *right;
	char text[QUOTE_MAX + 1] = "";
	struct quoted q, before;
	size_t len;

	skip_blanks(p);
	len = value_len(p->at);
	quote(&before, start, (size_t)(end - start));
	if (!len && !*p->at)
		return fail(p, "a number is missing after '%s'", before.text);
	if (!len)
		return fail(p, "expected a number after '%s', not '%s'", before.text,
			    quote_word(&q, p->at));
	if (len <= QUOTE_MAX)
		memcpy(text, p->at, len); /* a longer one is none */
	node->is_change = p->changes && (text[0] == '+' || text[0] == '-');
	if (node->is_change)
		right = parse_field_change(text, node->field->unit, &node->change);
	else
		right = parse_field_value(text, node->field->unit, &node->value);
	if (right && strchr("+-", *p->at) && !p->changes)
		return fail(p, "'%s' is a change, which only diff knows: expected %s",
			    quote(&q, p->at, len), right);
	if (right)
		return fail(p, "'%s' is no %s for '%s': expected %s", quote(&q, p->at, len),
			    node->is_change ? "change" : "value", node->field->name, right);
	p->at += len;
	return 0;
}

static int parse_any(struct parser *p, int *out);

static int parse_group(struct parser *p, int *out)
{
	struct quoted q;
	int err;

	if (p->depth == DEPTH_MAX)
		return fail(p, "more than %d levels of parentheses at '%s'", DEPTH_MAX,
			    quote(&q, p->at, strlen(p->at)));
	p->depth++;
	p->at++;
	err = parse_any(p, out);
	if (err)
		return err;
	p->depth--;
	if (!*p->at)
		return fail(p, "a ')' is missing at the end");
	if (*p->at != ')')
		return fail(p, "expected && || or ')', not '%s'", quote_word(&q, p->at));
	p->at++;
	return 0;
}

static int parse_one(struct parser *p, int *out)
{
	struct expr *e = p->e;
	const char *start;
	struct quoted q;
	int err;

	skip_blanks(p);
	start = p->at;
	if (*start == '(')
		return parse_group(p, out);
	if (*p->at && e->comparisons == COMPARISONS_MAX)
		return fail(p, "more than %d comparisons at '%s'", COMPARISONS_MAX,
			    quote(&q, p->at, strlen(p->at)));
	e->comparisons++;
	*out = e->n++;
	err = parse_field(p, &e->nodes[*out]);
	if (!err)
		err = parse_op(p, &e->nodes[*out]);
	if (!err)
		err = parse_value(p, &e->nodes[*out], start);
	e->nodes[*out].at = (size_t)(start - e->text);
	e->nodes[*out].len = (size_t)(p->at - start);
	return err;
}

static int parse_joined(struct parser *p, const char *sign, enum node_kind kind,
			int (*part)(struct parser *p, int *out), int *out)
{
	int left = 0, right = 0, err;

	err = part(p, &left);
	for (;;) {
		if (err)
			return err;
		skip_blanks(p);
		if (strncmp(p->at, sign, 2))
			break;
		p->at += 2;
		err = part(p, &right);
		if (err)
			return err;
		p->e->nodes[p->e->n] = (struct node){ .kind = kind, .left = left, .right = right };
		left = p->e->n++;
	}
	*out = left;
	return 0;
}

static int parse_all(struct parser *p, int *out)
{
	return parse_joined(p, "&&", NODE_AND, parse_one, out);
}

static int parse_any(struct parser *p, int *out)
{
	return parse_joined(p, "||", NODE_OR, parse_all, out);
}

static int parse(struct parser *p)
{
	struct quoted q;
	int err;

	skip_blanks(p);
	if (!*p->at)
		return fail(p, "the condition is empty: expected one such as \"peak.rss>2GiB\"");
	err = parse_any(p, &p->e->root);
	if (err)
		return err;
	if (*p->at == ')')
		return fail(p, "there is no '(' for the ')' at '%s'",
			    quote(&q, p->at, strlen(p->at)));
	if (*p->at)
		return fail(p, "expected && or || between conditions, not '%s'",
			    quote_word(&q, p->at));
	return 0;
}

static int parse_text(const char *text, bool changes, struct expr **out, char *why, size_t why_len)
{
	struct parser p = { .changes = changes, .why = why, .why_len = why_len };
	size_t len = strnlen(text, TEXT_MAX + 1);
	int err;

	*out = NULL;
	if (len > TEXT_MAX)
		return fail(&p, "the condition is longer than %d bytes", TEXT_MAX);
	p.e = calloc(1, sizeof(*p.e) + len + 1);
	if (!p.e)
		return -ENOMEM;
	memcpy(p.e->text, text, len);
	p.at = p.e->text;
	err = parse(&p);
	if (err) {
		expr_destroy(p.e);
		return err;
	}
	*out = p.e;
	return 0;
}

int expr_parse(const char *text, struct expr **out, char *why, size_t why_len)
{
	return parse_text(text, false, out, why, why_len);
}

int expr_parse_diff(const char *text, struct expr **out, char *why, size_t why_len)
{
	return parse_text(text, true, out, why, why_len);
}

/* Where the values come from: a snapshot, or two watches. */
struct values {
	const struct snapshot *s;
	field_pair_fn *get;
	const void *ctx;
};

static struct field_pair values_of(const struct values *values, const struct field *f)
{
	if (values->get)
		return values->get(values->ctx, f);
	return (struct field_pair){ .after = f->get(values->s) };
}

static bool op_holds(enum op op, int order)
{
	switch (op) {
	case OP_GT:
		return order > 0;
	case OP_GE:
		return order >= 0;
	case OP_LT:
		return order < 0;
	case OP_LE:
		return order <= 0;
	case OP_EQ:
		return order == 0;
	case OP_NE:
		return order != 0;
	}
	return false;
}

static enum expr_verdict compare(const struct node *node, struct field_pair v)
{
	int order;

	if (!v.after.known || (node->is_change && !v.before.known))
		return EXPR_UNKNOWN;
	if (node->is_change)
		order = field_change_order(&node->change, node->field->unit, &v.before, &v.after);
	else if (unit_is_whole(node->field->unit))
		order = (v.after.whole > node->value.whole) - (v.after.whole < node->value.whole);
	else
		order = (v.after.real > node->value.real) - (v.after.real < node->value.real);
	return op_holds(node->op, order) ? EXPR_TRUE : EXPR_FALSE;
}

/* Recursion is bounded by the number of nodes. */
static bool node_holds(const struct expr *e, int i, const struct values *values)
{
	const struct node *node = &e->nodes[i];

	switch (node->kind) {
	case NODE_AND:
		return node_holds(e, node->left, values) && node_holds(e, node->right, values);
	case NODE_OR:
		return node_holds(e, node->left, values) || node_holds(e, node->right, values);
	case NODE_COMPARE:
		break;
	}
	return compare(node, values_of(values, node->field)) == EXPR_TRUE;
}

bool expr_holds(const struct expr *e, const struct snapshot *s)
{
	return node_holds(e, e->root, &(struct values){ .s = s });
}

bool expr_diff_holds(const struct expr *e, field_pair_fn *get, const void *ctx)
{
	return node_holds(e, e->root, &(struct values){ .get = get, .ctx = ctx });
}

size_t expr_parts(const struct expr *e)
{
	return (size_t)e->comparisons;
}

/* Comparisons are made in the order of the text. */
static const struct node *nth_part(const struct expr *e, size_t i)
{
	int at = 0;

	while (e->nodes[at].kind != NODE_COMPARE || i--)
		at++;
	return &e->nodes[at];
}

struct expr_part expr_part(const struct expr *e, size_t i)
{
	const struct node *node = nth_part(e, i);

	return (struct expr_part){ .field = node->field,
				   .text = e->text + node->at,
				   .len = node->len,
				   .is_change = node->is_change };
}

enum expr_verdict expr_part_holds(const struct expr *e, size_t i, struct field_pair pair)
{
	return compare(nth_part(e, i), pair);
}

const char *expr_text(const struct expr *e)
{
	return e->text;
}

void expr_destroy(struct expr *e)
{
	free(e);
}
