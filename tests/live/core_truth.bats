#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# core-check against the truth: what libbpf itself does to each instruction when it loads the same object
# with the same types (build/tests/libbpf_says). Nothing is attached.

load helpers

setup() {
	begin
	BUILD=$(cd "$ROOT" && realpath -m "${BUILD:-build}")
	CHECK=$BUILD/core-check
}

teardown() {
	finish_all
}

bpf() {
	"${BPF_CLANG:-clang}" -target bpf -mcpu=v3 -g -O2 -std=gnu11 \
		-idirafter "/usr/include/$(uname -m)-linux-gnu" "$@"
}

# same_as_libbpf OBJECT KERNEL: `told` is how many lines that are.
same_as_libbpf() {
	local btf=$BATS_TEST_TMPDIR/btf
	"$CHECK" --extract "$2" >"$btf"
	"$CHECK" --relocations "$1" -- "$btf" | sort >ours
	"$WORKLOADS/libbpf_says" "$1" "$btf" 2>"$ERR" | sort >theirs
	cat "$ERR"
	diff ours theirs
	told=$(wc -l <ours)
	echo "$1, $2: $told lines"
}

@test "our objects on this machine's kernel: every relocation is what libbpf makes of it" {
	for object in memmon shm; do
		same_as_libbpf "$BUILD/$object.bpf.o" /sys/kernel/btf/vmlinux
		[ "$told" -ge 100 ]
	done
}

@test "our objects on the kernels of the virtual machines, with the types out of their images" {
	n=0
	for image in "${CACHE:-$BUILD/vm}"/*/vmlinuz; do
		[[ -s $image && $image != *-arm64/* ]] || continue
		n=$((n + 1))
		for object in memmon shm; do
			same_as_libbpf "$BUILD/$object.bpf.o" "$image"
			[ "$told" -ge 100 ]
		done
	done
	[ $n -gt 0 ] || skip 'no images are in the cache (make test-vm, make check-kernels)'
}

@test "relocations of every kind, on two kernels that do not exist" {
	bpf -c "$ROOT/tests/core/kinds.bpf.c" -o kinds.bpf.o
	for other in '' -DOTHER; do
		bpf $other -c "$ROOT/tests/core/kernel.c" -o kernel
		same_as_libbpf kinds.bpf.o kernel
		[ "$told" -ge 70 ]
		# of each sort some, also of those that do not resolve
		for change in imm imm64 off invalid; do
			grep -q " $change" ours
		done
	done
	grep -q ' mem_sz ' ours
}

# Compilers before clang 15 cannot say "matches": the kind is changed in the object that asks "exists".
@test "whether types match is decided as libbpf decides it" {
	bpf -c "$ROOT/tests/core/kinds.bpf.c" -o exists.bpf.o
	python3 - <<'END'
import struct

data = bytearray(open('exists.bpf.o', 'rb').read())
(shoff,) = struct.unpack_from('<Q', data, 40)
shentsize, shnum, shstrndx = struct.unpack_from('<HHH', data, 58)
sections = [struct.unpack_from('<IIQQQQ', data, shoff + i * shentsize) for i in range(shnum)]
names = sections[shstrndx][4]
changed = 0
for name, _, _, _, offset, size in sections:
    if data[names + name:data.index(0, names + name)] != b'.BTF.ext':
        continue
    hdr_len, = struct.unpack_from('<I', data, offset + 4)
    core_off, core_len = struct.unpack_from('<II', data, offset + 24)
    at = offset + hdr_len + core_off
    end = at + core_len
    (record,) = struct.unpack_from('<I', data, at)
    at += 4
    while at < end:
        n = struct.unpack_from('<II', data, at)[1]
        at += 8
        for _ in range(n):
            if struct.unpack_from('<I', data, at + 12)[0] == 8:
                struct.pack_into('<I', data, at + 12, 12)
                changed += 1
            at += record
open('matches.bpf.o', 'wb').write(data)
assert changed >= 10, changed
END
	for other in '' -DOTHER; do
		bpf $other -c "$ROOT/tests/core/kernel.c" -o kernel
		same_as_libbpf matches.bpf.o kernel
	done
	# some match and some do not, else this would show nothing
	cp ours matches
	"$CHECK" --relocations exists.bpf.o -- kernel | sort >exists
	run ! cmp -s matches exists
}

@test "what libbpf refuses, core-check calls refused" {
	cat >twins.bpf.c <<'END'
struct twin {
	int apart;
} __attribute__((preserve_access_index));
__attribute__((section("raw_tp"))) int twins(struct twin *t)
{
	return t->apart;
}
char LICENSE[] __attribute__((section("license"))) = "GPL";
END
	bpf -c twins.bpf.c -o twins.bpf.o
	bpf -c "$ROOT/tests/core/kernel.c" -o kernel
	"$CHECK" --extract kernel >btf
	run "$WORKLOADS/libbpf_says" twins.bpf.o btf
	[ "$status" -eq 1 ]
	[[ $output == *ambiguity* ]]
	run "$CHECK" --relocations twins.bpf.o -- btf
	[[ $output == 'twins '*' refused: types of the same name disagree: 4 or 16' ]]
}

# With the types of a kernel that does not exist, and the verifier of the one that runs. A program reads
# nothing but numbers through helpers, so that it is as good here as there.
@test "what the verifier comes to: where core-check says yes it comes to nothing invalid" {
	bpf -DLOADABLE -c "$ROOT/tests/core/guards.bpf.c" -o guards.bpf.o
	bpf -c "$ROOT/tests/core/kernel.c" -o kernel
	"$CHECK" --extract kernel >btf
	"$CHECK" guards.bpf.o -- kernel >table || :
	asked=0 blamed=0
	while read -r program answer; do
		verdict=$("$WORKLOADS/libbpf_says" guards.bpf.o btf "$program")
		echo "$program: core-check $answer, the verifier $verdict"
		case $program in
		# knows what the setting is; is asked for a helper that this kernel has; what is 0 is no error
		trusts_a_setting | needs_helper | sizes) continue ;;
		# is looked at before 6.8 only
		calls_global) continue ;;
		esac
		if [ "$answer" = yes ]; then
			asked=$((asked + 1))
			[ "$verdict" != invalid ]
			# the load of a number through a pointer that is none is another matter
			[ "$verdict" = taken ] || [ "$program" = loads_half ]
		elif [ "$answer" = NO ]; then
			blamed=$((blamed + 1))
			[ "$verdict" = invalid ]
		fi
	done < <(awk '$1 == "guards" && $3 ~ /^raw_tp$/ { print $2, $4 }' table)
	echo "$asked asked before they used, $blamed did not"
	[ $asked -ge 8 ]
	[ $blamed -ge 5 ]
}
