#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tools/sysroot where its packages cannot be had. That they can, and are what it takes, tests/matrix shows.

setup() {
	top=$(realpath "$BATS_TEST_DIRNAME/../..")
	command -v apt-get >/dev/null || skip 'needs apt-get'
	[ -s /usr/share/keyrings/debian-archive-keyring.gpg ] || skip 'needs the keys of Debian'
}

@test "a mirror that has nothing: 77, and why; no half of a root is left" {
	MIRROR=file:///no/such/mirror run "$top/tools/sysroot" arm64 "$BATS_TEST_TMPDIR/root"
	[ "$status" -eq 77 ]
	[[ ${lines[-1]} == 'the index of '*' cannot be had from file:///no/such/mirror' ]]
	[ "$(ls "$BATS_TEST_TMPDIR")" = root.apt ]
}

@test "what is there already is kept, and asks no mirror" {
	mkdir "$BATS_TEST_TMPDIR/root"
	echo "wanted: libc6-dev $(WITHOUT='' "$top/tools/install-deps" --libraries) busybox-static jq" \
		>"$BATS_TEST_TMPDIR/root/packages"
	MIRROR=file:///no/such/mirror run "$top/tools/sysroot" arm64 "$BATS_TEST_TMPDIR/root"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	# but another library is missing there
	sed -i 's/ uthash-dev//' "$BATS_TEST_TMPDIR/root/packages"
	MIRROR=file:///no/such/mirror run "$top/tools/sysroot" arm64 "$BATS_TEST_TMPDIR/root"
	[ "$status" -eq 77 ]
	[ -s "$BATS_TEST_TMPDIR/root/packages" ]
}
