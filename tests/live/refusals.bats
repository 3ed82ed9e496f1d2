#!/usr/bin/env bats
# shellcheck shell=bats disable=SC2154 # NAME_pid: start() in helpers.bash sets it
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Machines and privileges that do not allow the watch: a message that says which and what to do, the
# right status, and a command that never ran.

load helpers

setup() {
	begin
}
teardown() {
	finish_all
	[ -z "${dir:-}" ] || rm -rf "$dir"
}

# Runs a copy that everybody may execute: the build directory may be root's alone.
everybodys() {
	dir=$(mktemp -d "${TMPDIR:-/tmp}/memmon-test.XXXXXX")
	chmod 755 "$dir"
	cp "$MEMMON" "$dir/memmon-bpf"
	cd "$dir"
}

# refusal STATUS WORD… -- COMMAND…: a command line that must fail so and say all of this on stderr.
refusal() {
	local expected=$1 words=() word
	shift
	while [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	shift
	status=0
	timeout -k 5 "$LIMIT" "$@" </dev/null >"$OUT" 2>"$ERR" 3>&- 4>&- || status=$?
	show
	same status "$status" "$expected"
	[ ! -s "$OUT" ]
	for word in "${words[@]}"; do
		grep -q -- "$word" "$ERR"
	done
}

@test "not root: the missing capabilities are named" {
	everybodys
	local nobody=(setpriv --reuid=nobody --regid=nogroup --clear-groups "$dir/memmon-bpf")
	refusal 1 CAP_BPF CAP_PERFMON sudo -- "${nobody[@]}" -p $$
	refusal 125 CAP_BPF CAP_PERFMON sudo -- "${nobody[@]}" -- touch "$dir/ran"
	[ ! -e "$dir/ran" ]
}

@test "root without one capability: only that one is named" {
	refusal 1 'missing CAP_PERFMON;' -- \
		setpriv --bounding-set=-sys_admin,-perfmon --inh-caps=-sys_admin,-perfmon "$MEMMON" -p $$
	refusal 1 'missing CAP_BPF;' -- \
		setpriv --bounding-set=-sys_admin,-bpf --inh-caps=-sys_admin,-bpf "$MEMMON" -p $$
}

@test "CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE suffice for a user who is not root" {
	everybodys
	start_workload w idle 9
	hear w ready
	status=0
	timeout "$LIMIT" setpriv --reuid=nobody --regid=nogroup --clear-groups \
		--inh-caps=+bpf,+perfmon,+sys_ptrace,+dac_read_search \
		--ambient-caps=+bpf,+perfmon,+sys_ptrace,+dac_read_search \
		"$dir/memmon-bpf" -p "$w_pid" -d 0.2 -q --json - >"$JSON" 2>"$ERR" 3>&- 4>&- || status=$?
	cat "$ERR"
	same status "$status" 0
	as_proc "$w_pid" last
}

@test "no tracefs: everything works" {
	status=0
	# shellcheck disable=SC2016
	timeout "$LIMIT" unshare -m sh -c '
		umount -l /sys/kernel/tracing /sys/kernel/debug 2>/dev/null
		[ ! -e /sys/kernel/tracing/events ] || exit 99
		exec "$@"' sh "$MEMMON" -q --json "$JSON" -- "$WORKLOADS/spike" 20 1 </dev/null >"$OUT" 2>"$ERR" || status=$?
	show
	[ "$status" -ne 99 ] || skip 'tracefs cannot be taken away here'
	[ "$status" -eq 0 ]
	within anon "$(j '.processes[0].peak.anon_bytes')" $((20 * MIB)) $((21 * MIB))
}

@test "bpf(2) refused by seccomp" {
	refusal 1 seccomp -- "$WORKLOADS/nobpf" "$MEMMON" -p $$
	refusal 125 seccomp -- "$WORKLOADS/nobpf" "$MEMMON" -- touch ran
	[ ! -e ran ]
}

@test "no /proc" {
	status=0
	# shellcheck disable=SC2016
	timeout "$LIMIT" unshare -m sh -c 'mount -t tmpfs none /proc && exec "$0" -p 1' "$MEMMON" >"$OUT" 2>"$ERR" || status=$?
	show
	[ "$status" -eq 1 ]
	grep -q 'memmon-bpf: ' "$ERR"
	grep -q /proc "$ERR"
}

@test "an unknown cgroup, a directory that is none" {
	refusal 1 '/no/such/cgroup' -- "$MEMMON" -g /no/such/cgroup
	refusal 1 "$BATS_TEST_TMPDIR" -- "$MEMMON" -g "$BATS_TEST_TMPDIR"
}
