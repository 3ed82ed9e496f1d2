// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sections that hold programs become one row of instructions; symbols, ELF relocations and .BTF.ext
 * are translated to it. The file may be damaged: every index and offset is checked here, so that the
 * others need not.
 */
#include "object.h"

#include <errno.h>
#include <gelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

#define INSN sizeof(struct bpf_insn)
#define MAX_INSNS (1U << 22)

/* A section that holds instructions. */
struct code {
	size_t index; /* in the file */
	const char *name;
	uint32_t at, n;
};

struct reader {
	struct object *o;
	Elf *elf;
	size_t names; /* the section that has the sections' names */
	struct code *codes;
	size_t n_codes;
	Elf_Data *symbols;
	size_t n_symbols, symbol_names;
	uint32_t *externals; /* by symbol: the index of the external, or NOWHERE */
	Elf_Data *btf, *ext;
	char *why;
	size_t why_len;
};

static int __attribute__((format(printf, 2, 3))) damaged(struct reader *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->why, r->why_len, format, args);
	va_end(args);
	return -EINVAL;
}

static int no_memory(struct reader *r)
{
	snprintf(r->why, r->why_len, "out of memory");
	return -ENOMEM;
}

/* ---- sections ---------------------------------------------------------------------------------- */

static const struct code *code_of(const struct reader *r, size_t section)
{
	for (size_t i = 0; i < r->n_codes; i++)
		if (r->codes[i].index == section)
			return &r->codes[i];
	return NULL;
}

static const struct code *code_named(const struct reader *r, const char *name)
{
	for (size_t i = 0; i < r->n_codes; i++)
		if (!strcmp(r->codes[i].name, name))
			return &r->codes[i];
	return NULL;
}

static int add_code(struct reader *r, size_t index, const char *name, const Elf_Data *data)
{
	struct object *o = r->o;
	struct code *codes;
	struct bpf_insn *insns;
	uint32_t n = (uint32_t)(data->d_size / INSN);

	if (data->d_size % INSN || data->d_size / INSN > MAX_INSNS - o->n_insns)
		return damaged(r, "section '%s' is no row of instructions", name);
	codes = reallocarray(r->codes, r->n_codes + 1, sizeof(*codes));
	if (!codes)
		return no_memory(r);
	r->codes = codes;
	codes[r->n_codes++] = (struct code){ index, name, o->n_insns, n };
	insns = reallocarray(o->insns, o->n_insns + n, INSN);
	if (!insns)
		return no_memory(r);
	o->insns = insns;
	memcpy(insns + o->n_insns, data->d_buf, data->d_size);
	o->n_insns += n;
	return 0;
}

static int read_section(struct reader *r, Elf_Scn *scn)
{
	const char *name;
	Elf_Data *data;
	GElf_Shdr sh;

	if (!gelf_getshdr(scn, &sh))
		return damaged(r, "a section has no header");
	name = elf_strptr(r->elf, r->names, sh.sh_name);
	if (!name)
		return damaged(r, "a section has no name");
	if (sh.sh_type != SHT_PROGBITS && sh.sh_type != SHT_SYMTAB)
		return 0;
	data = elf_rawdata(scn, NULL);
	if (!data)
		return damaged(r, "section '%s' lies outside the file", name);
	if (sh.sh_type == SHT_SYMTAB) {
		data = elf_getdata(scn, NULL);
		if (!data || sh.sh_entsize != sizeof(Elf64_Sym))
			return damaged(r, "its symbols cannot be read");
		r->symbols = data;
		r->n_symbols = data->d_size / sizeof(Elf64_Sym);
		r->symbol_names = sh.sh_link;
		return 0;
	}
	if (!data->d_buf || !data->d_size)
		return 0;
	if (sh.sh_flags & SHF_EXECINSTR)
		return add_code(r, elf_ndxscn(scn), name, data);
	if (!strcmp(name, ".BTF"))
		r->btf = data;
	else if (!strcmp(name, ".BTF.ext"))
		r->ext = data;
	return 0;
}

static int read_sections(struct reader *r)
{
	Elf_Scn *scn = NULL;
	GElf_Ehdr header;
	int err = 0;

	if (!gelf_getehdr(r->elf, &header) || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != EM_BPF ||
	    header.e_type != ET_REL)
		return damaged(r, "it is no little-endian BPF object file");
	if (elf_getshdrstrndx(r->elf, &r->names))
		return damaged(r, "its sections have no names");
	while (!err && (scn = elf_nextscn(r->elf, scn)))
		err = read_section(r, scn);
	if (err)
		return err;
	if (!r->n_codes || !r->symbols)
		return damaged(r, "it holds no programs");
	if (!r->btf || !r->ext)
		return damaged(r, "it has no %s: compile it with -g, and do not strip it",
			       r->btf ? ".BTF.ext" : ".BTF");
	r->o->btf = btf__new(r->btf->d_buf, (uint32_t)r->btf->d_size);
	if (!r->o->btf)
		return damaged(r, "libbpf refuses its BTF: %s", strerror(errno));
	r->o->references = calloc(r->o->n_insns, sizeof(*r->o->references));
	r->o->owners = malloc(r->o->n_insns * sizeof(*r->o->owners));
	if (!r->o->references || !r->o->owners)
		return no_memory(r);
	memset(r->o->owners, 0xff, r->o->n_insns * sizeof(*r->o->owners));
	return 0;
}

/* ---- functions and externals ------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static int add_function(struct reader *r, const GElf_Sym *symbol, const char *name)
{
	const struct code *code = code_of(r, symbol->st_shndx);
	struct object *o = r->o;
	struct function *functions;
	bool hidden = GELF_ST_VISIBILITY(symbol->st_other) != STV_DEFAULT;

	if (!code)
		return 0;
	if (symbol->st_value % INSN || symbol->st_size % INSN || !symbol->st_size ||
	    symbol->st_value / INSN >= code->n ||
	    symbol->st_size / INSN > code->n - symbol->st_value / INSN)
		return damaged(r, "function '%s' lies outside its section", name);
	functions = reallocarray(o->functions, o->n_functions + 1, sizeof(*functions));
	if (!functions)
		return no_memory(r);
	o->functions = functions;
	functions[o->n_functions++] = (struct function){
		.name = name,
		.section = code->name,
		.at = code->at + (uint32_t)(symbol->st_value / INSN),
		.n = (uint32_t)(symbol->st_size / INSN),
		.program = strcmp(code->name, ".text") != 0,
		.global = GELF_ST_BIND(symbol->st_info) != STB_LOCAL && !hidden,
	};
	return 0;
}

/* What the section of externals says of it: a function, a variable, a setting. */
static void classify(const struct btf *btf, struct external *e)
{
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *section = btf__type_by_id(btf, id), *type;
		const char *name = btf_text(btf, section->name_off);

		if (!btf_is_datasec(section) ||
		    (strcmp(name, ".ksyms") && strcmp(name, ".kconfig")))
			continue;
		for (uint32_t i = 0; i < btf_vlen(section); i++) {
			type = btf__type_by_id(btf, btf_var_secinfos(section)[i].type);
			if (!type || strcmp(btf_text(btf, type->name_off), e->name))
				continue;
			e->function = btf_is_func(type);
			e->setting = !strcmp(name, ".kconfig");
		}
	}
}

static int add_external(struct reader *r, size_t symbol, bool weak, const char *name)
{
	struct object *o = r->o;
	struct external *externals;

	if (!*name)
		return 0;
	externals = reallocarray(o->externals, o->n_externals + 1, sizeof(*externals));
	if (!externals)
		return no_memory(r);
	o->externals = externals;
	externals[o->n_externals] = (struct external){ .name = name, .weak = weak };
	classify(o->btf, &externals[o->n_externals]);
	r->externals[symbol] = o->n_externals++;
	return 0;
}

static int read_symbols(struct reader *r)
{
	struct object *o = r->o;
	uint32_t end = 0;
	GElf_Sym symbol;
	const char *name;
	int err = 0;

	r->externals = malloc((r->n_symbols + 1) * sizeof(*r->externals));
	if (!r->externals)
		return no_memory(r);
	memset(r->externals, 0xff, (r->n_symbols + 1) * sizeof(*r->externals));
	for (size_t i = 1; i < r->n_symbols && !err; i++) {
		if (!gelf_getsym(r->symbols, (int)i, &symbol))
			return damaged(r, "its symbols cannot be read");
		name = elf_strptr(r->elf, r->symbol_names, symbol.st_name);
		if (!name)
			name = "";
		if (symbol.st_shndx == SHN_UNDEF)
			err = add_external(r, i, GELF_ST_BIND(symbol.st_info) == STB_WEAK, name);
		else if (GELF_ST_TYPE(symbol.st_info) == STT_FUNC)
			err = add_function(r, &symbol, name);
	}
	if (err)
		return err;
	if (!o->n_functions)
		return damaged(r, "it holds no functions");
	qsort(o->functions, o->n_functions, sizeof(*o->functions), by_place);
	for (uint32_t f = 0; f < o->n_functions; f++) {
		if (o->functions[f].at < end)
			return damaged(r, "functions '%s' and '%s' overlap",
				       o->functions[f - 1].name, o->functions[f].name);
		end = o->functions[f].at + o->functions[f].n;
		for (uint32_t at = o->functions[f].at; at < end; at++)
			o->owners[at] = f;
	}
	return 0;
}

/* ---- references -------------------------------------------------------------------------------- */

/* The function that begins there; the sum may be anything. */
static uint32_t function_at(const struct object *o, int64_t at)
{
	uint32_t f;

	if (at < 0 || at >= o->n_insns)
		return NOWHERE;
	f = o->owners[at];
	return f != NOWHERE && o->functions[f].at == at ? f : NOWHERE;
}

static bool is_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL);
}

static int add_reference(struct reader *r, const struct code *code, const GElf_Rel *rel)
{
	struct object *o = r->o;
	uint64_t symbol = GELF_R_SYM(rel->r_info);
	const struct bpf_insn *insn;
	const struct code *target;
	struct reference *ref;
	GElf_Sym sym;
	uint32_t f;

	if (rel->r_offset % INSN || rel->r_offset / INSN >= code->n || symbol >= r->n_symbols ||
	    !gelf_getsym(r->symbols, (int)symbol, &sym))
		return damaged(r, "a relocation of section '%s' points outside", code->name);
	insn = &o->insns[code->at + rel->r_offset / INSN];
	ref = &o->references[insn - o->insns];
	target = code_of(r, sym.st_shndx);
	if (r->externals[symbol] != NOWHERE) {
		*ref = (struct reference){ REF_EXTERNAL, r->externals[symbol] };
		return 0;
	}
	if (!target) {
		*ref = (struct reference){ REF_DATA, 0 };
		return 0;
	}
	/* a call has its distance to the symbol in instructions less one, an address in bytes */
	f = function_at(
		o, target->at + (int64_t)(sym.st_value / INSN) +
			   (is_call(insn) ? (int64_t)insn->imm + 1 : insn->imm / (int64_t)INSN));
	if (f == NOWHERE)
		return damaged(r, "an instruction of section '%s' refers to no function",
			       code->name);
	*ref = (struct reference){ REF_FUNCTION, f };
	return 0;
}

static int read_references(struct reader *r)
{
	struct object *o = r->o;
	const struct code *code;
	Elf_Scn *scn = NULL;
	Elf_Data *data;
	GElf_Shdr sh;
	GElf_Rel rel;
	int err;

	while ((scn = elf_nextscn(r->elf, scn))) {
		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_REL)
			continue;
		code = code_of(r, sh.sh_info);
		data = code ? elf_getdata(scn, NULL) : NULL;
		if (!code)
			continue;
		if (!data || sh.sh_entsize != sizeof(Elf64_Rel))
			return damaged(r, "the relocations of section '%s' cannot be read",
				       code->name);
		for (size_t i = 0; i < data->d_size / sizeof(Elf64_Rel); i++) {
			if (!gelf_getrel(data, (int)i, &rel))
				return damaged(r, "the relocations of section '%s' cannot be read",
					       code->name);
			err = add_reference(r, code, &rel);
			if (err)
				return err;
		}
	}
	/* calls within a section need no relocation */
	for (uint32_t at = 0; at < o->n_insns; at++) {
		const struct bpf_insn *insn = &o->insns[at];
		uint32_t f;

		if (!is_call(insn) || insn->src_reg != BPF_PSEUDO_CALL || o->references[at].what)
			continue;
		f = function_at(o, (int64_t)at + insn->imm + 1);
		if (f == NOWHERE)
			return damaged(r, "instruction %u calls no function", at);
		o->references[at] = (struct reference){ REF_FUNCTION, f };
	}
	return 0;
}

/* ---- .BTF.ext ---------------------------------------------------------------------------------- */

/* Its header, as far as CO-RE: the first six offsets and lengths are as old as the section. */
struct ext_header {
	uint16_t magic;
	uint8_t version;
	uint8_t flags;
	uint32_t hdr_len;
	uint32_t func_info_off, func_info_len;
	uint32_t line_info_off, line_info_len;
	uint32_t core_relo_off, core_relo_len;
};

/* A record of a section of code; the first word is the instruction's offset there. */
typedef int (*record_fn)(struct reader *r, uint32_t at, const uint32_t *words);

static int add_line(struct reader *r, uint32_t at, const uint32_t *words)
{
	struct object *o = r->o;

	/* {insn_off, file_name_off, line_off, line_col}, the column in the lower ten bits */
	o->lines[o->n_lines++] = (struct line){ at, words[1], words[3] >> 10 };
	return 0;
}

static int add_relocation(struct reader *r, uint32_t at, const uint32_t *words)
{
	struct object *o = r->o;

	/* struct bpf_core_relo {insn_off, type_id, access_str_off, kind} */
	o->relocations[o->n_relocations++] = (struct relocation){
		.at = at,
		.core = { .type = words[1],
			  .access = btf__name_by_offset(o->btf, words[2]),
			  .kind = (enum bpf_core_relo_kind)words[3] },
	};
	return 0;
}

#define RECORD_WORDS 4

/* One of the tables: for each section its name, the number of records, and the records. */
static int read_records(struct reader *r, const unsigned char *at, size_t bytes, record_fn fn)
{
	uint32_t head[2], size, words[RECORD_WORDS];
	const struct code *code;

	if (!bytes)
		return 0;
	if (bytes < sizeof(size))
		return damaged(r, "its .BTF.ext is cut off");
	memcpy(&size, at, sizeof(size));
	at += sizeof(size);
	bytes -= sizeof(size);
	if (size < sizeof(words) || size % 4)
		return damaged(r, "its .BTF.ext has records of %u bytes", size);
	while (bytes) {
		if (bytes < sizeof(head))
			return damaged(r, "its .BTF.ext is cut off");
		memcpy(head, at, sizeof(head));
		at += sizeof(head);
		bytes -= sizeof(head);
		if (head[1] > bytes / size)
			return damaged(r, "its .BTF.ext is cut off");
		code = code_named(r, btf_text(r->o->btf, head[0]));
		for (uint32_t i = 0; i < head[1]; i++, at += size, bytes -= size) {
			memcpy(words, at, sizeof(words));
			if (!code)
				continue; /* of a section that was removed */
			if (words[0] % INSN || words[0] / INSN >= code->n)
				return damaged(r, "its .BTF.ext points outside section '%s'",
					       code->name);
			fn(r, code->at + (uint32_t)(words[0] / INSN), words);
		}
	}
	return 0;
}

static int by_line(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static int by_instruction(const void *a, const void *b)
{
	const struct relocation *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static int read_ext(struct reader *r)
{
	const unsigned char *data = r->ext->d_buf;
	size_t bytes = r->ext->d_size;
	struct object *o = r->o;
	struct ext_header h = { 0 };
	size_t lines_at, relocations_at;
	int err;

	/* older ones end before the relocations */
	if (bytes < offsetof(struct ext_header, core_relo_off))
		return damaged(r, "its .BTF.ext is cut off");
	memcpy(&h, data, bytes < sizeof(h) ? bytes : sizeof(h));
	if (h.magic != BTF_MAGIC || h.version != BTF_VERSION || h.hdr_len > bytes)
		return damaged(r, "its .BTF.ext is none");
	if (h.hdr_len < sizeof(h))
		h.core_relo_off = h.core_relo_len = 0;
	lines_at = (size_t)h.hdr_len + h.line_info_off;
	relocations_at = (size_t)h.hdr_len + h.core_relo_off;
	if (lines_at > bytes || h.line_info_len > bytes - lines_at || relocations_at > bytes ||
	    h.core_relo_len > bytes - relocations_at)
		return damaged(r, "its .BTF.ext is cut off");
	/* no more of them than have room */
	o->lines = calloc(h.line_info_len / sizeof(uint32_t[RECORD_WORDS]) + 1, sizeof(*o->lines));
	o->relocations = calloc(h.core_relo_len / sizeof(uint32_t[RECORD_WORDS]) + 1,
				sizeof(*o->relocations));
	if (!o->lines || !o->relocations)
		return no_memory(r);
	err = read_records(r, data + lines_at, h.line_info_len, add_line);
	if (!err)
		err = read_records(r, data + relocations_at, h.core_relo_len, add_relocation);
	if (err)
		return err;
	qsort(o->lines, o->n_lines, sizeof(*o->lines), by_line);
	qsort(o->relocations, o->n_relocations, sizeof(*o->relocations), by_instruction);
	return 0;
}

/* ---- the object -------------------------------------------------------------------------------- */

static void set_name(struct object *o, const char *path)
{
	const char *name = strrchr(path, '/');
	char *end;

	snprintf(o->name, sizeof(o->name), "%s", name ? name + 1 : path);
	end = strstr(o->name, ".bpf.o");
	if (end && !end[6])
		*end = '\0';
}

int object_parse(const char *name, void *data, size_t bytes, struct object **out, char *why,
		 size_t why_len)
{
	struct object *o = calloc(1, sizeof(*o));
	struct reader r = { .o = o, .why = why, .why_len = why_len };
	int err;

	if (!o) {
		free(data);
		return no_memory(&r);
	}
	set_name(o, name);
	o->data = data;
	o->bytes = bytes;
	if (elf_version(EV_CURRENT) == EV_NONE)
		err = damaged(&r, "libelf is too old");
	else if (!(o->elf = elf_memory(data, bytes)))
		err = damaged(&r, "libelf refuses it: %s", elf_errmsg(-1));
	else
		err = 0;
	r.elf = o->elf;
	if (!err)
		err = read_sections(&r);
	if (!err)
		err = read_symbols(&r);
	if (!err)
		err = read_references(&r);
	if (!err)
		err = read_ext(&r);
	free(r.codes);
	free(r.externals);
	if (err) {
		object_destroy(o);
		return err;
	}
	*out = o;
	return 0;
}

int object_read(const char *path, struct object **out, char *why, size_t why_len)
{
	char reason[256];
	size_t bytes;
	void *data;
	int err = file_read(path, &data, &bytes, why, why_len);

	if (err)
		return err;
	err = object_parse(path, data, bytes, out, reason, sizeof(reason));
	if (err)
		snprintf(why, why_len, "'%s': %s", path, reason);
	return err;
}

void object_destroy(struct object *object)
{
	if (!object)
		return;
	btf__free(object->btf);
	elf_end(object->elf);
	free(object->data);
	free(object->insns);
	free(object->references);
	free(object->owners);
	free(object->functions);
	free(object->externals);
	free(object->relocations);
	free(object->lines);
	free(object);
}

/*
 * Numbers that are loaded bear no line of their own: they seem to belong to what comes before. The line is
 * that of the next instruction which does something with them.
 */
static uint32_t use_of(const struct object *o, uint32_t at)
{
	uint32_t end = o->owners[at] == NOWHERE ?
			       at + 1 :
			       o->functions[o->owners[at]].at + o->functions[o->owners[at]].n;

	for (; at + 1 < end; at++) {
		const struct bpf_insn *insn = &o->insns[at];
		bool number = BPF_CLASS(insn->code) == BPF_ALU ||
			      BPF_CLASS(insn->code) == BPF_ALU64;

		if (!number && insn->code != (BPF_LD | BPF_IMM | BPF_DW) && insn->code)
			break;
	}
	return at;
}

const char *object_line(const struct object *object, uint32_t at, uint32_t *number)
{
	uint32_t low = 0, high = object->n_lines, use = use_of(object, at);
	const char *file;

	/* the last line that begins no later … */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (object->lines[middle].at <= use)
			low = middle + 1;
		else
			high = middle;
	}
	/* … and has a number */
	while (low && !object->lines[low - 1].number)
		low--;
	*number = 0;
	if (!low || object->owners[object->lines[low - 1].at] != object->owners[at])
		return "";
	*number = object->lines[low - 1].number;
	file = btf_text(object->btf, object->lines[low - 1].file);
	return strncmp(file, "./", 2) ? file : file + 2;
}
