#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tools/install-deps, with stand-ins for dpkg-query, apt-get and id: when apt is called, and how.

setup() {
	deps=$BATS_TEST_DIRNAME/../../tools/install-deps
	bin=$BATS_TEST_TMPDIR/bin
	calls=$BATS_TEST_TMPDIR/calls
	mkdir "$bin"
	: >"$calls"
	# shellcheck disable=SC2016 # for the stand-ins to expand
	stub id 'echo "${FAKE_UID:-0}"'
	# apt-get knows the packages unless its lists are missing, which `update` mends.
	# shellcheck disable=SC2016
	stub apt-get 'echo "$*" >>"$CALLS"
		case "$*" in
		update*) rm -f "$CALLS.nolists" ;;
		"install -s"*) [ ! -e "$CALLS.nolists" ] ;;
		esac'
	export CALLS=$calls PATH="$bin:$PATH"
	unset YES
}

stub() {
	printf '#!/bin/sh\n%s\n' "$2" >"$bin/$1"
	chmod +x "$bin/$1"
}

# installed STATUS PACKAGE…: what dpkg-query shall say of all the packages named in install-deps,
# except that the PACKAGEs are in STATUS.
installed() {
	local status=$1 name
	shift
	for name in $(sed -n "/^[A-Z]*='.*'\$/{p;d}; /^[A-Z]*='/,/'\$/p" "$deps" | tr -d "'" |
		sed 's/^[A-Z]*=//'); do
		case " $* " in
		*" $name "*) [ "$status" = gone ] || echo "$status $name, " ;;
		*) echo "installed $name, " ;;
		esac
	done >"$BATS_TEST_TMPDIR/status"
	stub dpkg-query "cat '$BATS_TEST_TMPDIR/status'"
}

@test "nothing is missing: apt is not called" {
	installed gone
	run "$deps" build test </dev/null
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ ! -s "$calls" ]
}

@test "one is missing: only that one is installed, without fetching lists that suffice" {
	installed gone jq
	run "$deps" build test </dev/null
	[ "$status" -eq 0 ]
	run cat "$calls"
	[[ ${lines[1]} == "install -y "*" jq" ]]
	[ "${#lines[@]}" -eq 2 ]
}

@test "removed but with its configuration left is missing" {
	installed config-files clang
	run "$deps" --check build
	[ "$status" -eq 1 ]
	[[ $output == *"missing packages: clang ("* ]]
	[ ! -s "$calls" ]
}

@test "provided by another package is not missing" {
	installed gone pkg-config
	echo 'installed pkgconf, pkg-config (= 1.8.1-1)' >>"$BATS_TEST_TMPDIR/status"
	run "$deps" build </dev/null
	[ "$status" -eq 0 ]
	[ ! -s "$calls" ]
}

@test "without package lists they are fetched first" {
	installed gone jq
	touch "$calls.nolists"
	run "$deps" test </dev/null
	[ "$status" -eq 0 ]
	run cat "$calls"
	[[ ${lines[1]} == update* && ${lines[2]} == "install -y "*" jq" ]]
}

@test "not root and something missing: a message that names it, and no apt" {
	installed gone clang jq
	FAKE_UID=1000 run "$deps" build test </dev/null
	[ "$status" -eq 1 ]
	[[ $output == *"only root"*"clang jq"* && $output == *sudo* ]]
	[ ! -s "$calls" ]
}

# on_terminal ANSWER
on_terminal() {
	run script -qec "$deps test" /dev/null <<<"$1"
}

@test "on a terminal it asks: no means no" {
	installed gone jq
	on_terminal n
	[ "$status" -eq 1 ]
	[[ $output == *"Install with apt: jq?"* ]]
	[ ! -s "$calls" ]
}

@test "on a terminal it asks: enter means yes" {
	installed gone jq
	on_terminal ''
	[ "$status" -eq 0 ]
	grep -q '^install -y .* jq$' "$calls"
}

@test "on a terminal YES=1 means it does not ask" {
	installed gone jq
	export YES=1
	on_terminal n
	[ "$status" -eq 0 ]
	[[ $output != *"Install with apt"* ]]
	grep -q '^install -y .* jq$' "$calls"
}

@test "what WITHOUT names is not installed" {
	installed gone libcurl4-openssl-dev jq
	WITHOUT=curl run "$deps" build test </dev/null
	[ "$status" -eq 0 ]
	[[ $(cat "$calls") != *libcurl* ]]
	run "$deps" --check build
	[ "$status" -eq 1 ]
	[[ $output == *"missing packages: libcurl4-openssl-dev ("* ]]
}

@test "each library that can be left out has its word" {
	installed gone libcurl4-openssl-dev libsqlite3-dev libcairo2-dev libjs-dygraphs jq
	WITHOUT='cairo sqlite dygraphs' run "$deps" --check build
	[ "$status" -eq 1 ]
	[[ $output == *"missing packages: libcurl4-openssl-dev ("* ]]
	WITHOUT='curl sqlite' run "$deps" --check build
	[[ $output == *"missing packages: libcairo2-dev libjs-dygraphs ("* ]]
}

@test "an engine from elsewhere is not driven out by Debian's" {
	installed gone docker.io
	stub dockerd ''
	run "$deps" test </dev/null
	[ "$status" -eq 0 ]
	[ ! -s "$calls" ]
}

@test "the other architecture's compiler is that of the other architecture" {
	installed gone
	stub uname 'echo x86_64'
	run "$deps" --check cross
	[ "$status" -eq 1 ]
	[[ $output == *"gcc-aarch64-linux-gnu"*"tools/install-deps cross"* ]]
	stub uname 'echo aarch64'
	run "$deps" --check cross
	[[ $output == *"gcc-x86-64-linux-gnu"* ]]
}

@test "the libraries are printed, without what WITHOUT names" {
	run "$deps" --libraries
	[ "$status" -eq 0 ]
	[[ " $output " == *" libbpf-dev "*" libcurl4-openssl-dev "* && $output != *gcc* ]]
	WITHOUT=curl run "$deps" --libraries
	[[ " $output " == *" libbpf-dev "* && $output != *curl* ]]
}
