#!/usr/bin/env bats
# shellcheck shell=bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# core-check without root: what it complains about and what not, with kernels that do not exist
# (tests/core/kernel.c) and with this machine's; images of all sorts; files that are none. That its
# numbers are libbpf's is tested in tests/live/core_truth.bats.

bats_require_minimum_version 1.5.0

setup_file() {
	ROOT=$(realpath "$BATS_TEST_DIRNAME/../..")
	BUILD=$(cd "$ROOT" && realpath -m "${BUILD:-build}")
	CHECK=$BUILD/core-check
	HOST=/sys/kernel/btf/vmlinux
	MADE=$BATS_FILE_TMPDIR
	PATH=$PATH:/usr/sbin:/sbin
	export ROOT BUILD CHECK HOST MADE PATH
	cd "$ROOT/tests/core"
	for name in guards kinds; do
		bpf -c "$name.bpf.c" -o "$MADE/$name.bpf.o"
	done
	bpf -c kernel.c -o "$MADE/one"
	bpf -DOTHER -c kernel.c -o "$MADE/other"
}

# bpf OPTION…: compiles.
bpf() {
	"${BPF_CLANG:-clang}" -target bpf -mcpu=v3 -g -O2 -std=gnu11 \
		-idirafter "/usr/include/$(uname -m)-linux-gnu" "$@"
}

setup() {
	OUT=$BATS_TEST_TMPDIR/out
	ERR=$BATS_TEST_TMPDIR/err
	cd "$BATS_TEST_TMPDIR"
}

# check ARG…: $status, $OUT, $ERR.
check() {
	status=0
	timeout -k 5 60 "$CHECK" "$@" </dev/null >"$OUT" 2>"$ERR" || status=$?
	echo "core-check $*: status $status"
	head -c 20000 "$OUT" "$ERR"
}

# refused WORD ARG…: with 2 and one line that has WORD.
refused() {
	local word=$1
	shift
	check "$@"
	[ "$status" -eq 2 ]
	[ "$(wc -l <"$ERR")" -eq 1 ]
	grep -qF -- "$word" "$ERR"
}

# line PROGRAM: where guards.bpf.c does what PROGRAM is to be blamed for.
line() {
	grep -nF "/* $1 */" "$ROOT/tests/core/guards.bpf.c" | cut -d: -f1
}

# ---- what is a problem --------------------------------------------------------------------------

@test "who asks before using what is not there is left alone, who does not is named with the line" {
	check "$MADE/guards.bpf.o" -- one="$MADE/one"
	[ "$status" -eq 1 ]
	for program in asks_field asks_flavour asks_type asks_value asks_before_call asks_before_callback \
		asks_function has_no_hook reads_half loads_half; do
		echo "$program"
		run ! grep -E "^    $program\b" "$OUT"
	done
	for program in reads asks_the_wrong_way trusts_a_setting calls is_called_back calls_global reads_value sizes; do
		echo "$program"
		[ -n "$(line "$program")" ]
		grep -qE "^    ${program}[ :,].*guards\.bpf\.c:$(line "$program"): " "$OUT"
	done
	grep -qE '^    reads: .*: struct subject\.gone \(byte offset\): no gone in struct subject$' "$OUT"
	grep -qE '^    calls, in unguarded\(\): ' "$OUT"
	grep -qE '^    sizes: .*: struct absent \(type size\): no struct absent$' "$OUT"
	grep -qE '^    reads_value: .*: enum colour: MAUVE \(enum value\): no MAUVE in enum colour$' "$OUT"
	grep -qE "^    needs_function: .*:$(line needs_function): the kernel has no kernel_always\\(\\)\$" "$OUT"
	grep -qE "^    needs_helper: .*:$(line needs_helper): the kernel has no bpf_ringbuf_query\\(\\)\$" "$OUT"
	[ "$(grep -c '^    ' "$OUT")" -eq 10 ]
	[ "$(tail -n 1 "$OUT")" = '10 problems' ]
}

@test "a number of another size: a load without sign adapts, other reads are named" {
	check "$MADE/guards.bpf.o" -- "$MADE/other"
	[ "$status" -eq 1 ]
	grep -qE "^    reads_half: .*:$(line reads_half): struct subject\\.with_sign has 8 bytes, 4 are read\$" "$OUT"
	grep -qE "^    loads_half: .*:$(line loads_half): .*another size" "$OUT"
}

@test "programs, their hooks and the externs are in tables, a column per kernel" {
	check "$MADE/guards.bpf.o" -- one="$MADE/one" "$MADE/other"
	[ "$status" -eq 1 ]
	grep -qE '^PROGRAM +HOOK +one +other$' "$OUT"
	grep -qE '^guards asks_field +raw_tp +yes +yes$' "$OUT"
	grep -qE '^guards reads +raw_tp +NO +NO$' "$OUT"
	grep -qE '^guards reads_half +raw_tp +yes +NO$' "$OUT"
	grep -qE '^guards is_called_back +raw_tp +NO +NO$' "$OUT"
	grep -qE '^guards has_no_hook +tp_btf/never_happens +no hook +no hook$' "$OUT"
	grep -qE '^EXTERN +one +other$' "$OUT"
	grep -qE '^kernel_never +weak +no +no$' "$OUT"
	grep -qE '^kernel_always +needed +no +no$' "$OUT"
}

@test "unresolved relocations that are not reached are listed on request" {
	check "$MADE/guards.bpf.o" -- "$MADE/one"
	run ! grep -q 'not reached' "$OUT"
	check --verbose "$MADE/guards.bpf.o" -- "$MADE/one"
	grep -qE '^    not reached: asks_type: .*: struct absent\.x \(byte offset\): no struct absent$' "$OUT"
	grep -qE '^    not reached: asks_value: ' "$OUT"
}

@test "rules: what they switch off is not asked for, what they do not must be there" {
	for program in reads asks_the_wrong_way trusts_a_setting calls is_called_back calls_global reads_value sizes; do
		echo "guards $program : struct:absent"
	done >rules
	echo 'guards needs_helper needs_function : !trace:happens # a comment' >>rules
	check --rules rules "$MADE/guards.bpf.o" -- "$MADE/one"
	[ "$status" -eq 1 ]
	[ "$(grep -c '^    ' "$OUT")" -eq 1 ]
	grep -qE '^    has_no_hook: .*the kernel has no tp_btf/never_happens, and no rule says' "$OUT"
	grep -qE '^guards reads +raw_tp +off$' "$OUT"
	echo 'guards has_no_hook : trace:never_happens' >>rules
	check --rules rules "$MADE/guards.bpf.o" -- "$MADE/one"
	[ "$status" -eq 0 ]
	grep -qx 'no problems' "$OUT"
	# every kind of condition; all of a line must hold
	echo 'guards asks_field : struct:subject func:shared_function helper:loop hook:tp_btf/happens !iter:task' >>rules
	check --rules rules "$MADE/guards.bpf.o" -- "$MADE/one" "$MADE/other"
	grep -qE '^guards asks_field +raw_tp +yes +off$' "$OUT"
}

@test "rules that make no sense are refused" {
	for bad in 'guards reads' 'guards : struct:x' 'guards reads : structure:x' 'guards reads :' \
		'guards reads : struct:' 'guards reads : helper:no_such_helper'; do
		printf '# first\n%s\n' "$bad" >rules
		refused "line 2 of 'rules'" --rules rules "$MADE/guards.bpf.o" -- "$MADE/one"
	done
	echo 'guards went_away : struct:x' >rules
	refused "a rule for 'guards went_away'" --rules rules "$MADE/guards.bpf.o" -- "$MADE/one"
	refused "cannot read 'none'" --rules none "$MADE/guards.bpf.o" -- "$MADE/one"
}

@test "types of one name that disagree are refused, as libbpf would" {
	cat >twins.bpf.c <<'END'
struct twin {
	int apart;
} __attribute__((preserve_access_index));
int seen;
__attribute__((section("raw_tp"))) int twins(struct twin *t)
{
	return t->apart;
}
END
	bpf -c twins.bpf.c -o twins.bpf.o
	check twins.bpf.o -- "$MADE/one"
	[ "$status" -eq 1 ]
	grep -qE '^    twins: .*/twins\.bpf\.c:7: libbpf would refuse the object: struct twin\.apart .*disagree: 4 or 16' "$OUT"
}

@test "a header's fields: here, gone, of another kind or size, dead" {
	cat >header.bpf.c <<'END'
struct subject {
	int first;
	int going;
	unsigned long flags;
	int with_sign;
	int never;
};
enum colour { GREEN = 7 };
struct subject *a;
enum colour b;
__attribute__((section("raw_tp"))) int nothing(void) { return 0; }
END
	bpf -c header.bpf.c -o header.bpf.o
	check --header header.bpf.o "$MADE/kinds.bpf.o" -- one="$MADE/one" "$MADE/other"
	grep -qE '^struct subject\.going +yes +no$' "$OUT"
	grep -qE '^struct subject\.flags +yes +kind$' "$OUT"
	grep -qE '^struct subject\.with_sign +yes +8 B$' "$OUT"
	grep -qE '^struct subject\.never +no +no$' "$OUT"
	grep -qE '^enum colour: GREEN +yes +=6$' "$OUT"
	run ! grep -q '^struct subject\.first' "$OUT"
	grep -q '^header: 6 fields and values, 1 the same on all these kernels, 1 on none$' "$OUT"
	before=$(sed -nE 's/^([0-9]+) problems?$/\1/p' "$OUT")
	check --dead --header header.bpf.o "$MADE/kinds.bpf.o" -- one="$MADE/one" "$MADE/other"
	[ "$status" -eq 1 ]
	[ "$(grep -c DEAD "$OUT")" -eq 1 ]
	grep -qE '^struct subject\.never +DEAD +no +no$' "$OUT"
	[ "$(sed -nE 's/^([0-9]+) problems?$/\1/p' "$OUT")" -eq $((${before:-0} + 1)) ]
}

# ---- this machine's kernel ----------------------------------------------------------------------

host() {
	[ -r "$HOST" ] || skip "this kernel has no $HOST"
}

@test "our own objects are taken by this machine's kernel" {
	host
	check --rules "$ROOT/tools/core-check/loaded" --header "$BUILD/types.bpf.o" "$BUILD/memmon.bpf.o" \
		"$BUILD/shm.bpf.o" -- "$HOST"
	[ "$status" -eq 0 ]
	grep -qE '^memmon on vmlinux: [1-9][0-9]+ of [0-9]+ CO-RE relocations resolved' "$OUT"
	grep -qE '^shm on vmlinux: [1-9][0-9]+ of [0-9]+ CO-RE relocations resolved' "$OUT"
	grep -qE '^memmon on_fork +tp_btf/sched_process_fork +yes$' "$OUT"
	# the header's types are all there are: a type that the generator missed would not be checked
	[ "$(sed -nE 's/^header: ([0-9]+) .*/\1/p' "$OUT")" -gt 100 ]
}

# bpftool cuts out of the BTF what libbpf needs of it: more than that core-check must not look at.
@test "what libbpf needs of this kernel's types is all that core-check needs" {
	host
	command -v bpftool >/dev/null || skip 'bpftool is not installed'
	for object in memmon shm; do
		bpftool gen min_core_btf "$HOST" "$object.btf" "$BUILD/$object.bpf.o"
		check --relocations "$BUILD/$object.bpf.o" -- "$HOST"
		mv "$OUT" whole
		check --relocations "$BUILD/$object.bpf.o" -- "$object.btf"
		[ "$(wc -l <whole)" -gt 100 ]
		# types have other ids in there: numbers of 64 bits, of which we ask for nothing else
		diff <(grep -v ' imm64 ' whole) <(grep -v ' imm64 ' "$OUT")
	done
}

# ---- images -------------------------------------------------------------------------------------

# packed PROGRAM…: a loader with the kernel `one` packed in it, and more behind that.
packed() {
	head -c 30000 /dev/zero | tr '\0' '\220'
	"$@" <"$MADE/one"
	head -c 5000 /dev/zero
	printf 'the end of the loader'
}

@test "BTF is found in ELF files and in images packed with xz, gzip, zstd and lz4" {
	check --extract "$MADE/one"
	[ "$status" -eq 0 ]
	cp "$OUT" btf
	[ "$(head -c 2 btf | od -An -tx1 | tr -d ' ')" = 9feb ]
	n=0
	for packer in 'xz --check=crc32' 'gzip -n' 'zstd -q' 'lz4 -l'; do
		command -v "${packer%% *}" >/dev/null || continue
		n=$((n + 1))
		# shellcheck disable=SC2086 # words
		packed $packer >"image.$n"
		check --extract "image.$n"
		[ "$status" -eq 0 ]
		cmp "$OUT" btf
	done
	[ $n -ge 2 ]
}

@test "BTF is found in raw images, however it lies there, with the release" {
	host
	{
		head -c 12345 /dev/zero | tr '\0' M
		printf 'Linux version %%s\0 Linux version 6.1.0-35-cloud-arm64 (x)\0'
		cat "$HOST"
		head -c 999 /dev/zero | tr '\0' x
	} >Image
	check --extract Image
	cmp "$OUT" "$HOST"
	gzip -n <Image >Image.gz
	check "$MADE/kinds.bpf.o" -- packed=Image.gz
	grep -qE '^packed: 6\.1\.0-35-cloud-arm64, [0-9]+ types, Image\.gz$' "$OUT"
}

@test "what holds no BTF is refused, with the reason" {
	: >empty
	refused "'empty': the file is empty" --extract empty
	refused "No such file" --extract nothing-there
	refused 'not a regular file' --extract .
	mkfifo pipe
	refused 'not a regular file' --extract pipe
	head -c 300000 /dev/zero | tr '\0' '\237' >noise
	refused "'noise' holds no BTF: it is neither" --extract noise
	cp "$(type -P true)" elf
	refused "'elf' holds no BTF" --extract elf
	# a kernel without BTF
	head -c 3000000 /dev/zero | gzip >nobtf
	refused 'built without CONFIG_DEBUG_INFO_BTF' --extract nobtf
	# cut off within the packed data, and within the types
	packed xz >image
	head -c 30200 image >cut-off
	refused "'cut-off' holds no BTF" --extract cut-off
	check --extract "$MADE/one"
	head -c 400 "$OUT" >half
	refused "'half' holds no BTF" --extract half
}

@test "a kernel whose types are damaged is refused, the others are still checked" {
	check --extract "$MADE/one"
	cp "$OUT" btf
	# the kind of the first type
	printf '\377' | dd of=btf bs=1 seek=31 conv=notrunc status=none
	check "$MADE/kinds.bpf.o" -- btf "$MADE/one"
	[ "$status" -eq 2 ]
	grep -qF "'btf': libbpf refuses its BTF" "$ERR"
	grep -q '^kinds on one: ' "$OUT"
	grep -qE '^PROGRAM +HOOK +one$' "$OUT"
}

@test "an object that is none is refused, with the reason" {
	host
	refused "'$HOST': it is no little-endian BPF object file" "$HOST" -- "$MADE/one"
	cp "$(type -P true)" program
	refused "'program': it is no little-endian BPF object file" program -- "$MADE/one"
	: >empty
	refused "'empty': the file is empty" empty -- "$MADE/one"
	head -c 700 "$MADE/kinds.bpf.o" >cut.bpf.o
	refused "'cut.bpf.o': " cut.bpf.o -- "$MADE/one"
	printf '__attribute__((section("raw_tp"))) int f(void) { return 0; }\n' >plain.bpf.c
	"${BPF_CLANG:-clang}" -target bpf -O2 -c plain.bpf.c -o plain.bpf.o
	refused 'it has no .BTF: compile it with -g' plain.bpf.o -- "$MADE/one"
}

@test "bytes that were changed at random are refused or taken, and break nothing" {
	python3 - "$MADE/guards.bpf.o" "$MADE/one" <<'END'
import random, sys

for kind, path in zip(('object', 'kernel'), sys.argv[1:]):
    for seed in range(60):
        random.seed(seed)
        data = bytearray(open(path, 'rb').read())
        for _ in range(12):
            data[random.randrange(len(data))] = random.randrange(256)
        open(f'{kind}.{seed}', 'wb').write(data)
END
	for seed in {0..59}; do
		for words in "object.$seed -- $MADE/one" "$MADE/guards.bpf.o -- kernel.$seed"; do
			status=0
			# shellcheck disable=SC2086 # words
			timeout -k 5 20 "$CHECK" $words >"$OUT" 2>"$ERR" || status=$?
			echo "$words: status $status"
			[ "$status" -le 2 ]
			# names out of the file reach no terminal as they are
			run ! grep -qP '[\x00-\x08\x0b-\x1f\x7f]' "$OUT" "$ERR"
		done
	done
}

@test "bad usage is refused with 2, --help is on standard output" {
	for words in '' '--' "$MADE/kinds.bpf.o" "$MADE/kinds.bpf.o --" "-- $MADE/one" "--nonsense x -- y"; do
		# shellcheck disable=SC2086 # words
		check $words
		[ "$status" -eq 2 ]
		[ ! -s "$OUT" ]
		grep -q 'usage: core-check' "$ERR"
	done
	check --help
	[ "$status" -eq 0 ]
	grep -q '^usage: core-check' "$OUT"
}

# ---- tools/check-kernels ------------------------------------------------------------------------

@test "check-kernels: the images of the cache, nothing fetched; a kernel that is none fails" {
	host
	export CACHE=$BATS_TEST_TMPDIR/cache
	mkdir -p "$CACHE/5.10"
	cp "$HOST" "$CACHE/5.10/vmlinuz"
	KERNELS=5.10 "$ROOT/tools/check-kernels" >"$OUT" 2>"$ERR"
	cat "$OUT" "$ERR"
	grep -qE '^5\.10: [0-9]+ types, ' "$OUT"
	grep -qE '^PROGRAM +HOOK +5\.10$' "$OUT"
	head -c 100000 /dev/zero >"$CACHE/5.10/vmlinuz"
	status=0
	KERNELS=5.10 "$ROOT/tools/check-kernels" >"$OUT" 2>"$ERR" || status=$?
	[ "$status" -eq 1 ]
	grep -q 'holds no BTF' "$ERR"
	status=0
	KERNELS=2.6 "$ROOT/tools/check-kernels" >"$OUT" 2>"$ERR" || status=$?
	[ "$status" -eq 1 ]
	grep -q "no kernel '2.6'" "$ERR"
}
