# SPDX-License-Identifier: GPL-2.0-or-later
#
# memmon-bpf: build, run, test, install. `make help` lists the targets.
#
# Three builds of the same sources live side by side under $(BUILD):
#   obj/   what is installed: libmemmon.a (src/*/, no libbpf) and memmon-bpf
#   asan/  libmemmon.a again with ASan and UBSan, for the unit tests
#   fuzz/  libmemmon.a again with clang's libFuzzer, for the fuzzers
# Sources are found by wildcard; a new file needs no edit here.
#
# make WITHOUT="curl" leaves out what needs a library that not everybody wants; the program says so
# when it is asked for that:
#   curl      names of containers, asked from the sockets of Docker and Podman
#   sqlite    recordings: -o, and what reads them
#   cairo     pictures: SVG and PNG
#   dygraphs  interactive charts in the HTML report
#
# make ARCH=arm64 builds for another architecture than this machine's, into build/arm64 (or BUILD), with
# Debian's cross compiler and libraries that tools/sysroot gets into $(SYSROOT).

VERSION := 0.1.0

MACHINE := $(patsubst aarch64,arm64,$(shell uname -m))
ARCH := $(MACHINE)
override ARCH := $(patsubst aarch64,arm64,$(ARCH))
CROSS := $(filter-out $(MACHINE),$(ARCH))
BUILD ?= build$(CROSS:%=/%)
PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
DATADIR ?= $(PREFIX)/share

ifeq ($(origin CC),default)
CC := gcc
endif
BPF_CLANG ?= clang
FUZZ_CC ?= clang
# Debian keeps bpftool in /usr/sbin, which a user's PATH lacks.
BPFTOOL ?= $(shell PATH="$$PATH:/usr/sbin:/sbin" command -v bpftool || echo bpftool)
SCDOC ?= scdoc

BPF_ARCH := $(or $(filter arm64,$(ARCH)),$(if $(filter x86_64,$(ARCH)),x86))
ifeq ($(BPF_ARCH),)
$(error ARCH=$(ARCH) is not supported: memmon-bpf runs on x86_64 and arm64)
endif

# Each word becomes -DWITHOUT_WORD, and tools/install-deps leaves its library out.
WITHOUT ?=
OPTIONAL := curl sqlite cairo dygraphs
ifneq ($(filter-out $(OPTIONAL),$(WITHOUT)),)
$(error WITHOUT="$(WITHOUT)": what can be left out is: $(OPTIONAL))
endif

CFLAGS ?= -O2 -g
MULTIARCH := $(ARCH:arm64=aarch64)-linux-gnu

# CC=gcc, which tests hand on, is the compiler of that name for the other architecture.
ifneq ($(CROSS),)
SYSROOT ?= $(BUILD)/sysroot
CROSS_FLAGS := $(if $(findstring clang,$(CC)),--target=$(MULTIARCH)) --sysroot=$(SYSROOT)
ifneq ($(filter gcc cc,$(CC)),)
override CC := $(MULTIARCH)-gcc
endif
AR := $(MULTIARCH)-ar
ifneq ($(filter run test test-vm check-kernels unit fuzz lint build-matrix cli live fresh bench,$(MAKECMDGOALS)),)
$(error ARCH=$(ARCH): what is built for it does not run here; `make test-vm KERNELS=6.1-$(ARCH)` tests it)
endif
endif

WARNINGS := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wvla \
	$(if $(filter 1,$(WERROR)),-Werror)
# $(2), unless WITHOUT names $(1).
unless = $(if $(filter $(1),$(WITHOUT)),,$(2))
# <cairo.h> includes its own files as if this were among the compiler's directories.
CAIRO_DIR := $(if $(CROSS),$(SYSROOT)/usr/include,$(or \
	$(shell pkg-config --variable=includedir cairo 2>/dev/null),/usr/include))/cairo
# Where dygraph.min.js is.
DYGRAPHS ?= /usr/share/javascript/dygraphs

# -iquote, not -I: src/features.h must never be found for glibc's <features.h>.
# _GNU_SOURCE is empty so that a file may also define it for itself.
MM_CPPFLAGS := -D_GNU_SOURCE= -DMEMMON_VERSION='"$(VERSION)"' -iquote src -iquote $(BUILD) \
	$(call unless,cairo,-idirafter $(CAIRO_DIR)) \
	$(foreach word,$(sort $(WITHOUT)),-DWITHOUT_$(shell echo $(word) | tr a-z A-Z))
MM_CFLAGS := -std=gnu11 -pthread $(WARNINGS) $(CROSS_FLAGS)
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
HARDEN_LD := $(CROSS_FLAGS) -pie -Wl,-z,relro,-z,now -Wl,--as-needed
# An absolute BUILD or checkout path must not end up in the program.
MM_CFLAGS += -ffile-prefix-map=$(CURDIR)=.

pkg_libs = $(or $(if $(CROSS),,$(shell pkg-config --libs $(1) 2>/dev/null)),$(2))
LIBBPF_LIBS := $(call pkg_libs,libbpf,-lbpf) -lelf -lz
ARCHIVE_LIBS := $(call pkg_libs,jansson,-ljansson) $(call pkg_libs,ncursesw,-lncursesw -ltinfo) \
	$(call pkg_libs,libcap-ng,-lcap-ng) $(call unless,sqlite,$(call pkg_libs,sqlite3,-lsqlite3)) \
	-lm -ldl

ASAN_FLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_FLAGS := $(ASAN_FLAGS) -fsanitize=fuzzer-no-link

# <linux/bpf.h> includes <asm/types.h>, which Debian keeps per architecture.
BPF_CFLAGS := -target bpf -mcpu=v3 -g -O2 -std=gnu11 -D__TARGET_ARCH_$(BPF_ARCH) -Ivmlinux \
	-idirafter $(CROSS:%=$(SYSROOT))/usr/include/$(MULTIARCH) \
	-Wall -Wextra -Wno-unused-parameter -Wno-missing-declarations \
	$(if $(filter 1,$(WERROR)),-Werror) -ffile-prefix-map=$(CURDIR)=.

ARCHIVE_SRCS := $(foreach dir,model util os sinks recording report,$(wildcard src/$(dir)/*.c))
# Without SQLite one file stands for the whole of src/recording/.
ARCHIVE_SRCS := $(filter-out $(or $(call unless,sqlite,src/recording/without.c),\
	$(filter-out %/without.c,$(wildcard src/recording/*.c))),$(ARCHIVE_SRCS))
MAIN_SRCS := $(wildcard src/*.c)
UNIT_SRCS := $(wildcard tests/unit/test_*.c)
FUZZ_SRCS := $(wildcard tests/fuzz/fuzz_*.c)
WORKLOAD_SRCS := $(wildcard tests/workloads/*.c)

ARCHIVE_OBJS := $(ARCHIVE_SRCS:%.c=$(BUILD)/obj/%.o)
MAIN_OBJS := $(MAIN_SRCS:%.c=$(BUILD)/obj/%.o)
UNIT_PROGRAMS := $(UNIT_SRCS:tests/unit/%.c=$(BUILD)/asan/%)
FUZZ_PROGRAMS := $(FUZZ_SRCS:tests/fuzz/%.c=$(BUILD)/fuzz/%)
WORKLOADS := $(WORKLOAD_SRCS:tests/workloads/%.c=$(BUILD)/tests/%)
SKELS := $(patsubst bpf/%.bpf.c,$(BUILD)/%.skel.h,$(wildcard bpf/*.bpf.c))

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n'
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.SECONDEXPANSION:
.PHONY: all run test test-vm check-kernels unit fuzz lint build-matrix cli live fresh bench bench-all \
	format help man install uninstall clean unit-programs fuzz-programs workloads FORCE

all: $(BUILD)/memmon-bpf ## build build/memmon-bpf (no root needed); V=1 shows the commands

# ---- the program --------------------------------------------------------------------------------

# The command lines of the last build: objects depend on it, so another CC or WERROR rebuilds.
FLAGS_NOW := $(CC) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) $(MM_CPPFLAGS) $(MM_CFLAGS) $(HARDEN) $(BPF_CLANG) \
	$(BPF_CFLAGS) $(FUZZ_CC) $(DYGRAPHS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS_NOW))' | cmp -s - $@ || { \
		printf '%s\n' '$(subst ','\'',$(FLAGS_NOW))' >$@; \
		tools/install-deps --check build $(CROSS:%=cross) || :; }

ifneq ($(CROSS),)
$(BUILD)/flags: | $(SYSROOT)/packages
$(SYSROOT)/packages: tools/sysroot tools/apt-own tools/install-deps
	$(say) SYSROOT $(SYSROOT)
	$(Q)tools/sysroot $(ARCH) $(SYSROOT)
endif

$(BUILD)/obj/%.bpf.o: %.bpf.c $(BUILD)/flags
	$(say) BPF $@
	@mkdir -p $(@D)
	$(Q)$(BPF_CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -MT $@ -c $< -o $@

# `gen object` links the BTF and drops DWARF; neither step looks at this machine's kernel.
$(SKELS:%.skel.h=%.bpf.o): $(BUILD)/%.bpf.o: $(BUILD)/obj/bpf/%.bpf.o
	$(say) GENOBJ $@
	$(Q)$(BPFTOOL) gen object $@ $<

$(SKELS): $(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(say) GENSKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf >$@

$(MAIN_OBJS): | $(SKELS)

# The files of the HTML report, as C; every build of html.c includes them.
$(BUILD)/page_files.h: tools/embed-page $(wildcard src/report/page*) $(BUILD)/flags
	$(say) EMBED $@
	$(Q)tools/embed-page $(call unless,dygraphs,'$(DYGRAPHS)') >$@
$(foreach build,obj asan fuzz,$(BUILD)/$(build)/src/report/html.o): | $(BUILD)/page_files.h

# The schema of recordings.
$(BUILD)/schema_sql.h: tools/embed-sql $(addprefix src/recording/,schema.sql events.sql)
	$(say) EMBED $@
	@mkdir -p $(@D)
	$(Q)tools/embed-sql $(filter %.sql,$^) >$@
WITH_SCHEMA := src/recording/recorder_file src/recording/recording src/recording/series
$(foreach build,obj asan fuzz,$(WITH_SCHEMA:%=$(BUILD)/$(build)/%.o)): | $(BUILD)/schema_sql.h
$(BUILD)/asan/tests/unit/test_thin.o: | $(BUILD)/schema_sql.h

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(MM_CPPFLAGS) $(CPPFLAGS) $(MM_CFLAGS) $(HARDEN) $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/libmemmon.a: $(ARCHIVE_OBJS)
	$(say) AR $@
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/memmon-bpf: $(MAIN_OBJS) $(BUILD)/libmemmon.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -pthread $^ $(LIBBPF_LIBS) $(ARCHIVE_LIBS) -o $@

# ---- what kernels would make of the BPF objects -------------------------------------------------

CORE_CHECK_SRCS := $(wildcard tools/core-check/*.c)
CORE_CHECK_OBJS := $(CORE_CHECK_SRCS:%.c=$(BUILD)/obj/%.o)

$(BUILD)/core-check: $(CORE_CHECK_OBJS) $(BUILD)/libmemmon.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -pthread $^ $(LIBBPF_LIBS) $(ARCHIVE_LIBS) -o $@

# An object that uses every type of vmlinux.h, so that all of them are in its BTF.
$(BUILD)/obj/types.c: vmlinux/vmlinux.h
	@mkdir -p $(@D)
	$(Q){ echo '#include "vmlinux.h"'; \
		sed -nE 's/^(struct|union|enum) ([a-z_0-9]+) \{$$/\1 \2 *a_\2;/p' $<; \
		echo 'int nothing(void);'; \
		echo '__attribute__((section("raw_tp"))) int nothing(void) { return 0; }'; } >$@

# The objects of both architectures can be checked on either: compiling for BPF takes no cross compiler.
OTHER_ARCH := $(if $(filter x86,$(BPF_ARCH)),arm64,x86)
OTHER_BPF_CFLAGS = $(subst __TARGET_ARCH_$(BPF_ARCH),__TARGET_ARCH_$(OTHER_ARCH),$(BPF_CFLAGS))
CHECKED := $(SKELS:%.skel.h=%.bpf.o) $(BUILD)/types.bpf.o \
	$(SKELS:$(BUILD)/%.skel.h=$(BUILD)/obj/$(OTHER_ARCH)/%.bpf.o) $(BUILD)/obj/$(OTHER_ARCH)/types.bpf.o

$(BUILD)/types.bpf.o: $(BUILD)/obj/types.c $(BUILD)/flags
	$(say) BPF $@
	$(Q)$(BPF_CLANG) $(BPF_CFLAGS) -c $< -o $@

$(BUILD)/obj/$(OTHER_ARCH)/types.bpf.o: $(BUILD)/obj/types.c $(BUILD)/flags
	$(say) BPF $@
	@mkdir -p $(@D)
	$(Q)$(BPF_CLANG) $(OTHER_BPF_CFLAGS) -c $< -o $@

$(BUILD)/obj/$(OTHER_ARCH)/%.bpf.o: bpf/%.bpf.c $(BUILD)/flags
	$(say) BPF $@
	@mkdir -p $(@D)
	$(Q)$(BPF_CLANG) $(OTHER_BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -MT $@ -c $< -o $@

# ---- what the tests run -------------------------------------------------------------------------

$(BUILD)/asan/%.o: %.c $(BUILD)/flags
	$(say) CC-ASAN $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(MM_CPPFLAGS) $(CPPFLAGS) $(MM_CFLAGS) $(ASAN_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/asan/libmemmon.a: $(ARCHIVE_SRCS:%.c=$(BUILD)/asan/%.o)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# A test or fuzzer of a file directly under src/ links that one file: test_options.c, src/options.c.
own_object = $(patsubst %.c,$(BUILD)/$(1)/%.o,$(wildcard src/$(2).c))

$(BUILD)/asan/test_%: $(BUILD)/asan/tests/unit/test_%.o $$(call own_object,asan,$$*) \
		$(BUILD)/asan/libmemmon.a
	$(say) LINK $@
	$(Q)$(CC) $(ASAN_FLAGS) $(LDFLAGS) -pthread $^ -lcmocka $(ARCHIVE_LIBS) -o $@

$(BUILD)/fuzz/%.o: %.c $(BUILD)/flags
	$(say) CC-FUZZ $@
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(MM_CPPFLAGS) $(CPPFLAGS) $(MM_CFLAGS) $(FUZZ_FLAGS) -Wno-missing-prototypes \
		-MMD -MP -c $< -o $@

$(BUILD)/fuzz/libmemmon.a: $(ARCHIVE_SRCS:%.c=$(BUILD)/fuzz/%.o)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/tests/fuzz/fuzz_%.o $$(call own_object,fuzz,$$*) \
		$(BUILD)/fuzz/libmemmon.a
	$(say) LINK $@
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer $(LDFLAGS) -pthread $^ $(ARCHIVE_LIBS) -o $@

$(BUILD)/tests/%: tests/workloads/%.c $(BUILD)/flags
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 -g -D_GNU_SOURCE= $(MM_CFLAGS) $(LDFLAGS) -MMD -MP -MF $@.d $< -o $@

# The resolver of -c by itself, for tests/live/containers.bats.
$(BUILD)/tests/resolve: $(BUILD)/obj/tests/live/resolve.o $(BUILD)/obj/src/containers.o \
		$(BUILD)/libmemmon.a
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -pthread $^ $(ARCHIVE_LIBS) -o $@

# What libbpf itself makes of a relocation, for tests/live/core_truth.bats.
$(BUILD)/tests/libbpf_says: $(BUILD)/obj/tests/core/libbpf_says.o
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) $^ $(LIBBPF_LIBS) -o $@

$(BUILD)/fuzz/fuzz_core_relo: $(patsubst %.c,$(BUILD)/fuzz/%.o,$(filter-out %/main.c %/report.c,$(CORE_CHECK_SRCS)))
$(BUILD)/fuzz/fuzz_core_relo: ARCHIVE_LIBS += $(LIBBPF_LIBS)

# A recording of a scripted watch, for the tests of reports.
$(BUILD)/tests/recording: $(BUILD)/obj/tests/html/recording.o $(BUILD)/libmemmon.a
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -pthread $^ $(ARCHIVE_LIBS) -o $@

unit-programs: $(UNIT_PROGRAMS)
fuzz-programs: $(FUZZ_PROGRAMS)
workloads: $(WORKLOADS) $(addprefix $(BUILD)/tests/,resolve ledger_dump libbpf_says recording) \
		$(BUILD)/core-check $(CHECKED)

# ---- run and test -------------------------------------------------------------------------------

# A build by root must not lock the owner of the checkout out of $(BUILD).
give_back = if [ "$$(id -u)" = 0 ] && [ -d '$(BUILD)' ]; then \
	chown -hR --reference=. '$(BUILD)'; fi
SUB := +@$(MAKE) --no-print-directory $(if $(filter 1,$(V)),,-s)
export BUILD CC VERSION KERNELS MIRROR WITHOUT

run: ## install what is missing, build, watch a demo, or what ARGS="…" says
	@tools/install-deps build
	$(SUB) $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc)) all $(BUILD)/tests/demo
	@$(give_back)
	@$(BUILD)/memmon-bpf $(or $(ARGS),--lines -i 0.5 -- $(BUILD)/tests/demo)

test: ## install what the tests need, build, run every suite; SUITES="unit cli", STRICT=1
	@tools/install-deps build test cross vm
	@err=0; tests/run $(SUITES) || err=$$?; $(give_back); exit $$err

unit: ## the unit tests, with ASan and UBSan
	@tests/run unit
fuzz: ## the fuzzers, for FUZZ_RUNS inputs each
	@tests/run fuzz
lint: ## clang-format, clang-tidy, cppcheck, shellcheck
	@tests/run lint
build-matrix: ## gcc and clang, every warning an error
	@tests/run build
cli: ## the command-line tests
	@tests/run cli
live: ## the tests against this kernel (root)
	@tests/run live
test-vm: ## other kernels, in emulated machines (network); KERNELS="6.1 6.12", MIRROR=URL
	@tools/install-deps build cross vm
	@err=0; tests/run core vm || err=$$?; $(give_back); exit $$err
check-kernels: $(BUILD)/core-check $(CHECKED) ## would other kernels take the BPF objects? without booting them
	@err=0; tools/check-kernels || err=$$?; $(give_back); exit $$err
fresh: ## the README's first command in a bare Debian (root, network)
	@tests/run fresh

# The quick bench is one program; bench-all runs the others, one file each.
BENCH_OBJS := $(patsubst %,$(BUILD)/obj/tests/bench/%.o,bench observer report worker)
BENCH_PROGRAMS := $(patsubst %,$(BUILD)/bench-%,gate loads hold sum)
BENCH_SKELS := $(BUILD)/empty.skel.h $(BUILD)/sum.skel.h
BENCH_DEPS := $(patsubst tests/bench/%.c,$(BUILD)/obj/tests/bench/%.d,$(wildcard tests/bench/*.c))

$(BENCH_OBJS) $(BENCH_PROGRAMS:$(BUILD)/bench-%=$(BUILD)/obj/tests/bench/%.o): | $(BENCH_SKELS)

$(BENCH_SKELS): $(BUILD)/%.skel.h: $(BUILD)/obj/tests/bench/%.bpf.o
	$(say) GENSKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf >$@

$(BUILD)/bench: $(BENCH_OBJS)
$(BUILD)/bench-gate: $(BUILD)/obj/tests/bench/worker.o
$(BENCH_PROGRAMS): $(BUILD)/bench-%: $(BUILD)/obj/tests/bench/%.o
$(BUILD)/bench $(BENCH_PROGRAMS):
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -pthread $^ $(LIBBPF_LIBS) $(ARCHIVE_LIBS) -o $@

# The shm tracer alone, for the tests that compare it with statfs after every step.
LEDGER_OBJS := $(BUILD)/obj/tests/shm/ledger_dump.o \
	$(patsubst %.c,$(BUILD)/obj/%.o,src/forbid.c src/probe.c $(wildcard src/kernel_btf*.c) \
	src/run_time.c $(wildcard src/shm_tracer*.c))
$(BUILD)/tests/ledger_dump: $(LEDGER_OBJS) $(BUILD)/libmemmon.a
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -pthread $^ $(LIBBPF_LIBS) $(ARCHIVE_LIBS) -o $@

bench: $(BUILD)/memmon-bpf $(BUILD)/bench ## measure what watching costs (root); ROUNDS=15, ARGS="--json FILE"
	@err=0; tests/bench/run $(ARGS) || err=$$?; $(give_back); exit $$err

bench-all: ## every workload, every peer: docs/BENCHMARKS.md (root, 40 minutes); ARGS="--rounds 3"
	@tools/install-deps build bench
	$(SUB) $(BUILD)/memmon-bpf $(BUILD)/bench $(BENCH_PROGRAMS)
	@err=0; tests/bench/all $(ARGS) || err=$$?; $(give_back); exit $$err

C_FILES = $(wildcard bpf/*.[ch] src/*.[ch] src/*/*.[ch] tests/*/*.[ch] tools/*/*.[ch])
format: ## rewrite the C files as .clang-format says
	clang-format -i $(C_FILES)

# clang-tidy, one target per file so that -j and -k apply; `make lint` runs it. Not on unit tests,
# as it does not know that cmocka's assertions end them, nor on workloads, which misbehave by trade.
TIDY_USER := $(addprefix tidy/,$(MAIN_SRCS) $(ARCHIVE_SRCS) $(FUZZ_SRCS) $(CORE_CHECK_SRCS))
TIDY_BPF := $(addprefix tidy/,$(wildcard bpf/*.bpf.c))
# The analyzer loses its way in uthash's default hash function; to it any other is as good.
TIDY_UTHASH := '-DHASH_FUNCTION(key,len,hash)=(hash) = *(const unsigned char *)(key) + (len)'
.PHONY: tidy $(TIDY_USER) $(TIDY_BPF)
tidy: $(TIDY_USER) $(TIDY_BPF)
$(addprefix tidy/,$(MAIN_SRCS)): $(SKELS)
tidy/src/report/html.c: $(BUILD)/page_files.h
$(WITH_SCHEMA:%=tidy/%.c): $(BUILD)/schema_sql.h
$(TIDY_USER): tidy/%:
	@clang-tidy --quiet $* -- $(MM_CPPFLAGS) $(MM_CFLAGS) $(TIDY_UTHASH)
$(TIDY_BPF): tidy/%:
	@clang-tidy --quiet $* -- $(BPF_CFLAGS)

# ---- install ------------------------------------------------------------------------------------

$(BUILD)/memmon-bpf.8: docs/memmon-bpf.8.scd
	$(say) SCDOC $@
	@mkdir -p $(@D)
	$(Q)$(SCDOC) <$< >$@

man: $(BUILD)/memmon-bpf.8 ## the manual page, build/memmon-bpf.8

DOCDIR = $(DATADIR)/doc/memmon-bpf
MANDIR = $(DATADIR)/man/man8
COMPDIR = $(DATADIR)/bash-completion/completions

install: $(BUILD)/memmon-bpf $(BUILD)/memmon-bpf.8 ## install under DESTDIR and PREFIX (/usr/local)
	$(say) INSTALL $(DESTDIR)$(PREFIX)
	$(Q)install -D -m 755 $(BUILD)/memmon-bpf $(DESTDIR)$(SBINDIR)/memmon-bpf
	$(Q)install -D -m 644 $(BUILD)/memmon-bpf.8 $(DESTDIR)$(MANDIR)/memmon-bpf.8
	$(Q)install -D -m 644 completion/memmon-bpf.bash $(DESTDIR)$(COMPDIR)/memmon-bpf
	$(Q)install -d $(DESTDIR)$(DOCDIR)
	$(Q)install -m 644 README.md LICENSE $(DESTDIR)$(DOCDIR)/

uninstall: ## remove what install put there
	$(say) REMOVE $(DESTDIR)$(PREFIX)
	$(Q)rm -f $(DESTDIR)$(SBINDIR)/memmon-bpf $(DESTDIR)$(MANDIR)/memmon-bpf.8 \
		$(DESTDIR)$(COMPDIR)/memmon-bpf $(DESTDIR)$(DOCDIR)/README.md $(DESTDIR)$(DOCDIR)/LICENSE
	$(Q)rmdir $(DESTDIR)$(DOCDIR) 2>/dev/null || :

clean: ## remove $(BUILD)
	$(Q)rm -rf --one-file-system $(BUILD)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' Makefile

-include $(ARCHIVE_OBJS:.o=.d) $(MAIN_OBJS:.o=.d) $(SKELS:$(BUILD)/%.skel.h=$(BUILD)/obj/bpf/%.bpf.d) \
	$(ARCHIVE_SRCS:%.c=$(BUILD)/asan/%.d) $(ARCHIVE_SRCS:%.c=$(BUILD)/fuzz/%.d) \
	$(MAIN_SRCS:%.c=$(BUILD)/asan/%.d) $(MAIN_SRCS:%.c=$(BUILD)/fuzz/%.d) \
	$(UNIT_SRCS:%.c=$(BUILD)/asan/%.d) $(FUZZ_SRCS:%.c=$(BUILD)/fuzz/%.d) $(WORKLOADS:=.d) \
	$(BUILD)/obj/tests/live/resolve.d $(BUILD)/obj/tests/html/recording.d $(BENCH_DEPS) \
	$(CORE_CHECK_OBJS:.o=.d) $(CORE_CHECK_SRCS:%.c=$(BUILD)/fuzz/%.d) $(BUILD)/obj/tests/core/libbpf_says.d \
	$(wildcard $(BUILD)/obj/$(OTHER_ARCH)/*.d)
