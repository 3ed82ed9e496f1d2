#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/vm/boot with a stand-in for the emulator, tests/vm/fetch with mirrors that must not be trusted,
# and how the suite vm tells what they say. What runs inside of a machine is tested by `make test-vm`.

setup() {
	top=$(realpath "$BATS_TEST_DIRNAME/../..")
	bin=$BATS_TEST_TMPDIR/bin
	mkdir "$bin"
}

needs() {
	local program
	for program; do
		command -v "$program" >/dev/null || skip "needs $program"
	done
}

# ---- boot ---------------------------------------------------------------------------------------

# boots SCRIPT…: boots a machine whose emulator does at its first call what the first script says, and so
# on; the scripts write to $klog and $says. $calls is how often it was called.
boots() {
	local n=0 script
	needs cpio busybox jq
	[ "$(uname -m)" = x86_64 ] || skip 'needs the emulator of another architecture'
	cat >"$bin/qemu-system-x86_64" <<-'END'
		#!/bin/bash
		for arg; do
			case $arg in
			file,id=klog,path=*) klog=${arg#*path=} ;;
			file,id=says,path=*) says=${arg#*path=} ;;
			esac
		done
		n=$(($(cat "$CALLS") + 1))
		echo $n >"$CALLS"
		. "$CALLS.$n"
	END
	chmod +x "$bin/qemu-system-x86_64"
	export CALLS=$BATS_TEST_TMPDIR/calls
	echo 0 >"$CALLS"
	for script; do
		n=$((n + 1))
		echo "$script" >"$CALLS.$n"
	done
	image=$BATS_TEST_TMPDIR/image.$BATS_TEST_NUMBER
	logs=$(realpath "${BUILD:-$top/build}")/vm/logs/image.$BATS_TEST_NUMBER
	: >"$image"
	PATH=$bin:$PATH run "$top/tests/vm/boot" "$image" true
	calls=$(cat "$CALLS")
	echo "$output"
}
teardown() {
	rm -f "${logs:-}".{klog,out,panic}
}

ALL_WELL='printf "%s\n" "1..1" "ok 1 - a" "exit status 0" >"$says"'
PANIC='echo "ok 1 - a" >"$says"; echo "[ 1.0] Kernel panic - not syncing: $n" >"$klog"'

@test "what the guest says and its exit status are passed on" {
	boots "$ALL_WELL"
	[ "$status" -eq 0 ]
	[ "$output" = $'1..1\nok 1 - a' ]
	boots 'echo "not ok 1 - a" >"$says"; echo "exit status 7" >>"$says"'
	[ "$status" -eq 7 ]
	[ "$output" = 'not ok 1 - a' ]
	[ "$calls" = 1 ]
}

@test "a guest that panics is tried once more, which is said, and its log is kept" {
	boots "$PANIC" "$ALL_WELL"
	[ "$status" -eq 0 ]
	[ "$calls" = 2 ]
	[[ $output == '# image.'*' panicked, see '*'.panic; once more:'* ]]
	[[ $output == *$'\n1..1\nok 1 - a' ]]
	grep -q 'Kernel panic.*: 1$' "$logs.panic"
}

@test "a guest that panics twice failed" {
	boots "$PANIC" "$PANIC" "$ALL_WELL"
	[ "$status" -eq 1 ]
	[ "$calls" = 2 ]
	[[ ${lines[-1]} == 'Bail out! '* ]]
	grep -q 'Kernel panic.*: 1$' "$logs.panic"
	grep -q 'Kernel panic.*: 2$' "$logs.klog"
}

@test "a guest that stops in the middle without a panic failed, and is not tried again" {
	boots 'echo "ok 1 - a" >"$says"' "$ALL_WELL"
	[ "$status" -eq 1 ]
	[ "$calls" = 1 ]
	[[ ${lines[0]} == 'ok 1 - a' && ${lines[-1]} == 'Bail out! '* ]]
}

# ---- fetch --------------------------------------------------------------------------------------

# fetch ARG…: with a cache of its own
fetch() {
	CACHE=$BATS_TEST_TMPDIR/cache run "$top/tests/vm/fetch" "$@"
	echo "$output"
}

# mirror SUITE: makes one that is signed by nobody; $mirror is where, in front of "-security".
mirror() {
	local packages dists
	needs apt-get dpkg-deb
	[ -s /usr/share/keyrings/debian-archive-keyring.gpg ] || skip 'needs the keys of Debian'
	mirror=file://$BATS_TEST_TMPDIR/mirror
	dists=$BATS_TEST_TMPDIR/mirror-security/dists/$1
	packages=main/binary-$(dpkg --print-architecture)/Packages
	mkdir -p "$dists/${packages%/*}" "$BATS_TEST_TMPDIR/package/boot" "$BATS_TEST_TMPDIR/package/DEBIAN"
	echo kernel >"$BATS_TEST_TMPDIR/package/boot/vmlinuz-6.1.0-99"
	printf '%s\n' "Package: linux-image-6.1.0-99-cloud-$(dpkg --print-architecture)" 'Version: 6.1.99-1' \
		"Architecture: $(dpkg --print-architecture)" 'Maintainer: nobody' 'Description: none' \
		>"$BATS_TEST_TMPDIR/package/DEBIAN/control"
	dpkg-deb -b "$BATS_TEST_TMPDIR/package" "$BATS_TEST_TMPDIR/mirror-security/image.deb" >/dev/null
	{
		cat "$BATS_TEST_TMPDIR/package/DEBIAN/control"
		echo 'Filename: image.deb'
		echo "Size: $(stat -c %s "$BATS_TEST_TMPDIR/mirror-security/image.deb")"
		echo "SHA256: $(sha256sum <"$BATS_TEST_TMPDIR/mirror-security/image.deb" | cut -d ' ' -f 1)"
	} >"$dists/$packages"
	{
		printf '%s\n' 'Origin: Debian' 'Label: Debian-Security' "Suite: $1" "Codename: $1" \
			"Date: $(LC_ALL=C date -uR)" "Architectures: $(dpkg --print-architecture)" 'Components: main' SHA256:
		echo " $(sha256sum <"$dists/$packages" | cut -d ' ' -f 1) $(stat -c %s "$dists/$packages") $packages"
	} >"$dists/Release"
}

@test "the kernels that there are, and one that there is not" {
	fetch --list
	[ "$status" -eq 0 ]
	[ "$(uname -m)" = x86_64 ] || skip 'the other architecture has other names'
	[ "$(paste -sd ' ' <<<"$output")" = '5.10 6.1 6.12 6.18 newest 6.1-arm64 6.12-arm64' ]
	fetch 2.6
	[ "$status" -eq 2 ]
	[[ $output == *"no kernel '2.6'; there are: 5.10 "* ]]
}

@test "a mirror whose index nobody signed is refused: 77, and why" {
	mirror bookworm-security
	MIRROR=$mirror fetch 6.1
	[ "$status" -eq 77 ]
	[[ ${lines[-1]} == "the index of bookworm-security cannot be had from $mirror-security" ]]
	[ ! -e "$BATS_TEST_TMPDIR/cache/6.1/vmlinuz" ]
	# the second word of MIRROR, as it is
	MIRROR="http://unused.invalid $mirror-security" fetch 6.1
	[ "$status" -eq 77 ]
	[[ ${lines[-1]} == *" cannot be had from $mirror-security" ]]
	[[ $output == *'is not signed'* ]]
}

@test "where nothing newer can be had, the kernel of the last time is used" {
	mirror bookworm-security
	mkdir -p "$BATS_TEST_TMPDIR/cache/6.1"
	echo old >"$BATS_TEST_TMPDIR/cache/6.1/vmlinuz"
	MIRROR=$mirror fetch 6.1
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "$BATS_TEST_TMPDIR/cache/6.1/vmlinuz" ]
	[[ ${lines[-2]} == *'the kernel of the last time is used' ]]
}

# ---- the suite ----------------------------------------------------------------------------------

# suite KERNELS: runs the suite vm in a tree of its own, whose boot is a stand-in.
suite() {
	local tree=$BATS_TEST_TMPDIR/tree
	mkdir -p "$tree/tests/vm"
	cp "$top/tests/run" "$top/tests/tap.awk" "$tree/tests/"
	printf 'all workloads:\n\t@:\n' >"$tree/Makefile"
	cat >"$tree/tests/vm/boot" <<-'END'
		#!/bin/bash
		case $1 in
		# which ends after the next one has
		slow) read -r _ <"$RELEASE"; printf '%s\n' 1..2 'ok 1 - one' 'ok 2 - two' ;;
		fine) printf '%s\n' 1..1 'ok 1 - one' ;;
		quick) printf '%s\n' 1..1 'ok 1 - one'; echo >"$RELEASE" ;;
		none) echo '1..0 # SKIP there is none' ;;
		wrong) printf '%s\n' 1..2 'ok 1 - one' 'not ok 2 - two' '# as it was'; exit 1 ;;
		gone) printf '%s\n' 1..2 'ok 1 - one' 'Bail out! it is gone'; exit 1 ;;
		esac
	END
	chmod +x "$tree/tests/vm/boot"
	export RELEASE=$BATS_TEST_TMPDIR/release
	[ -e "$RELEASE" ] || mkfifo "$RELEASE"
	BUILD=build KERNELS=$1 run "$tree/tests/run" vm
	output=$(sed -E 's/ +/ /g; s/ \([0-9]+ s\)$//' <<<"$output")
	echo "$output"
}

@test "one line per kernel and test, in their order, whoever ends first" {
	[ "$(nproc)" -ge 2 ] || skip 'one machine at a time with one CPU'
	suite 'slow quick'
	[ "$status" -eq 0 ]
	diff - <(echo "$output") <<-END
		ok vm/slow: one
		ok vm/slow: two
		ok vm/slow 2 passed
		ok vm/quick: one
		ok vm/quick 1 passed

		3 passed, 0 failed, 0 skipped
	END
}

@test "a kernel that cannot be had is a skip, under STRICT=1 a failure" {
	suite 'none fine'
	[ "$status" -eq 0 ]
	[[ $output == *$'skip vm/none: all: there is none\nok vm/none 0 passed, 1 skipped\nok vm/fine: one\n'* ]]
	[[ $output == *$'skipped: vm/none: all: there is none\n1 passed, 0 failed, 1 skipped' ]]
	STRICT=1 suite 'none fine'
	[ "$status" -eq 1 ]
	[[ $output == *'STRICT=1'* ]]
}

@test "a test that failed and a machine that stopped are failures" {
	suite 'wrong gone'
	[ "$status" -eq 1 ]
	[[ $output == *$'ok vm/wrong: one\nFAILED vm/wrong: two\n'* ]]
	[[ $output == *'# as it was'* ]]
	[[ $output == *'FAILED vm/gone: 1 of 2 planned tests did not run'* ]]
	[[ $output == *'failed: vm/gone: Bail out! it is gone'* ]]
	[[ $output == *'2 passed, 3 failed, 0 skipped' ]]
}
