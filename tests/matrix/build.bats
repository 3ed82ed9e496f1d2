#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Makefile's promises: both compilers without a warning, nothing rebuilt without need and
# everything rebuilt with need, and an installation that can be taken back without a trace.

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	root=$BATS_TEST_TMPDIR/root
	jobs=$(nproc)
}

matrix() {
	run make --no-print-directory BUILD="$BUILD/matrix-$1" CC="$1" WERROR=1 -j"$jobs" \
		all unit-programs workloads
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output != *warning:* ]]
	[ -x "$BUILD/matrix-$1/memmon-bpf" ]
}

@test "gcc builds everything, warnings being errors" {
	matrix gcc
}

@test "clang builds everything, warnings being errors" {
	matrix clang
}

@test "a second make does nothing" {
	make -j"$jobs" BUILD="$BUILD/matrix-gcc" CC=gcc WERROR=1 all
	run make BUILD="$BUILD/matrix-gcc" CC=gcc WERROR=1 all
	[ "$status" -eq 0 ]
	[[ $output != *"  CC "* && $output != *"  BPF "* && $output != *"  LINK "* ]]
}

@test "an edited header rebuilds the BPF program and what includes it" {
	run make -n BUILD="$BUILD/matrix-gcc" CC=gcc WERROR=1 -W bpf/events.h all
	[ "$status" -eq 0 ]
	[[ $output == *"-target bpf"*"-c bpf/memmon.bpf.c"* ]]
	[[ $output == *"-c src/model/model.c"* ]]
}

@test "the program is position-independent, its relocations read-only, and names no build path" {
	program=$BUILD/matrix-gcc/memmon-bpf
	readelf -hW "$program" | grep -q 'Type:.*DYN'
	readelf -lW "$program" | grep -q GNU_RELRO
	readelf -dW "$program" | grep -q 'FLAGS.*NOW'
	run strings -a "$program"
	[ "$status" -eq 0 ]
	[[ $output != *"$PWD/"* ]]
}

@test "the archive needs no libbpf" {
	run nm -A --undefined-only "$BUILD/matrix-gcc/libmemmon.a"
	[ "$status" -eq 0 ]
	[[ $output == *malloc* || $output == *calloc* ]]
	[[ ! $output =~ [[:space:]](bpf_|libbpf_|ring_buffer__) ]]
}

# What a virtual machine of the other architecture runs: its programs, in $BUILD/arm64.
@test "the other architecture: gcc builds everything, warnings being errors" {
	[ "$(uname -m)" != aarch64 ] || skip 'this machine is arm64'
	command -v aarch64-linux-gnu-gcc >/dev/null || skip 'gcc-aarch64-linux-gnu is not installed'
	if ! tools/sysroot arm64 "$BUILD/arm64/sysroot" 2>"$BATS_TEST_TMPDIR/why"; then
		why=$(tail -n 1 "$BATS_TEST_TMPDIR/why")
		skip "libraries for arm64: $why"
	fi
	run make --no-print-directory ARCH=arm64 BUILD="$BUILD/arm64" CC=gcc WERROR=1 -j"$jobs" all workloads
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output != *warning:* ]]
	for program in memmon-bpf tests/ledger_dump; do
		run readelf -hW "$BUILD/arm64/$program"
		[[ $output == *'DYN '*AArch64* ]]
	done
	run strings -a "$BUILD/arm64/memmon-bpf"
	[[ $output != *"$PWD/"* ]]
	# the kernel side too is that architecture's
	run readelf -SW "$BUILD/arm64/memmon.bpf.o"
	[[ $output == *fexit/__arm64_sys_munmap* && $output != *__x64_sys* ]]
}

@test "what cannot be built or run for another architecture is said" {
	run make ARCH=riscv
	[ "$status" -eq 2 ]
	[[ $output == *"ARCH=riscv is not supported: memmon-bpf runs on x86_64 and arm64"* ]]
	[ "$(uname -m)" != aarch64 ] || skip 'this machine is arm64'
	run make ARCH=aarch64 test
	[ "$status" -eq 2 ]
	[[ $output == *"ARCH=arm64: what is built for it does not run here"* ]]
	run tools/sysroot m68k "$BATS_TEST_TMPDIR/root"
	[ "$status" -eq 2 ]
	[[ $output == usage:* ]]
}

@test "install puts program, manual, completion and licence under DESTDIR, uninstall removes them" {
	make BUILD="$BUILD/matrix-gcc" CC=gcc WERROR=1 DESTDIR="$root" PREFIX=/usr install
	[ -x "$root/usr/sbin/memmon-bpf" ]
	[ -s "$root/usr/share/man/man8/memmon-bpf.8" ]
	[ -s "$root/usr/share/bash-completion/completions/memmon-bpf" ]
	[ -s "$root/usr/share/doc/memmon-bpf/README.md" ]
	cmp LICENSE "$root/usr/share/doc/memmon-bpf/LICENSE"
	make BUILD="$BUILD/matrix-gcc" CC=gcc WERROR=1 DESTDIR="$root" PREFIX=/usr uninstall
	run find "$root" -type f
	[ -z "$output" ]
	[ ! -e "$root/usr/share/doc/memmon-bpf" ]
}

@test "make help names every target a user needs" {
	run make help
	[ "$status" -eq 0 ]
	for target in all run test unit cli live fuzz lint format bench install uninstall clean help; do
		[[ $output == *"make $target "* ]]
	done
}

@test "install-deps finds nothing missing here, and refuses words it does not know" {
	tools/install-deps --check build test
	run tools/install-deps nonsense
	[ "$status" -eq 2 ]
	[[ $output == usage:* ]]
}
