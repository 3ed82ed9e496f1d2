#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What `doctor` says of this machine against what a watch then does, with privileges, without, and in
# places that lack something.

load helpers

setup() {
	begin
	FOUND=$BATS_TEST_TMPDIR/found.json
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

# examined COMMAND…: runs COMMAND doctor --json; its findings are in $FOUND, its status in $status.
examined() {
	status=0
	timeout -k 5 "$LIMIT" "$@" doctor --json - </dev/null >"$FOUND" 2>"$ERR" 3>&- 4>&- || status=$?
	echo "$*: status $status"
	jq -c '[.works, (.features | map_values(.state))]' "$FOUND"
	cat "$ERR"
}
found() {
	jq -r "$1" "$FOUND"
}

# in_namespace SCRIPT [COMMAND…]: runs doctor, under COMMAND, after SCRIPT in a mount namespace of its own.
in_namespace() {
	local script=$1
	shift
	# shellcheck disable=SC2016 # for the shell that is started
	examined unshare -m sh -c "$script"' && exec "$@"' sh "$@" "$MEMMON"
}

@test 'what it says of each feature is what the summary of a watch says' {
	memmon -q --json "$JSON" -- true
	same status "$status" 0
	examined "$MEMMON"
	same status "$status" 0
	same features "$(found .features)" "$(j .kernel.features)"
	same release "$(found .kernel.release)" "$(uname -r)"
	same machine "$(found .kernel.machine)" "$(uname -m)"
	same 'size of BTF' "$(found .kernel.btf.bytes)" "$(stat -c %s /sys/kernel/btf/vmlinux)"
}

@test 'all hooks of both BPF objects are listed, each with what it gives and the feature that it serves' {
	local object sections
	examined "$MEMMON"
	for object in memmon shm; do
		sections=$(readelf -SW "$(dirname "$MEMMON")/$object.bpf.o" |
			grep -oE ' (raw_tp|syscall|(tp_btf|fentry|fexit|kprobe|kretprobe|iter)/[a-zA-Z0-9_]+) ' | tr -d ' ' | sort -u)
		[ "$(wc -l <<<"$sections")" -ge 10 ]
		same "$object" "$(found ".hooks[] | select(.object == \"${object/memmon/watch}\") | .hook" | sort)" \
			"$sections"
	done
	same 'without a purpose' "$(found '[.hooks[] | select(.gives == null or .feature == null) | .hook] | join(" ")')" ''
	same 'feature of none' "$(found '[.hooks[].feature] - (.features | keys) | join(" ")')" ''
	same 'not on, and no reason' "$(found '[.hooks[] | select((.state == "on") != (.why == null)) | .hook] | join(" ")')" ''
}

@test 'the text says the same as the JSON' {
	local name state
	memmon doctor --json "$FOUND"
	same status "$status" 0
	while read -r name state; do
		grep -qE "^$state +$name\$" "$OUT"
	done < <(found '.features | to_entries[] | "\(.key) \(.value.state)"')
	for name in p shm c; do
		state=$(found ".works.$name.state")
		case $state in
		on) state='works($|: )' ;;
		degraded) state='works, with less: ' ;;
		off) state='does not work: ' ;;
		esac
		grep -qE "^-?$name +$state" "$OUT"
	done
	[ ! -s "$ERR" ]
	# into a pipe without colours
	[ -z "$(grep $'\033' "$OUT" || :)" ]
}

# nothing_new IDS: beside those there is nothing of ours
nothing_new() {
	! comm -13 <(sort <<<"$1") <(bpf_ids | sort) | grep -qE 'memmon|on_'
}
@test 'nothing stays attached' {
	local before
	before=$(bpf_ids)
	memmon doctor
	# the kernel takes programs away a little later than their last descriptor
	until_true nothing_new "$before"
}

@test 'a file that cannot be written' {
	memmon doctor --json /no/such/directory/file
	same status "$status" 1
	grep -q -- "--json: cannot write '/no/such/directory/file'" "$ERR"
	[ ! -s "$OUT" ]
	status=0
	timeout "$LIMIT" "$MEMMON" doctor >/dev/full 2>"$ERR" || status=$?
	same status "$status" 1
	grep -q 'standard output' "$ERR"
	memmon doctor --json /dev/full
	same status "$status" 1
	grep -q '/dev/full' "$ERR"
}

@test 'a user without privileges' {
	everybodys
	examined setpriv --reuid=nobody --regid=nogroup --clear-groups "$dir/memmon-bpf"
	same status "$status" 1
	same privilege "$(found .features.privilege.state)" off
	found .features.privilege.why | grep -q 'missing CAP_BPF, CAP_PERFMON'
	same bpf "$(found .features.bpf.why)" 'not probed without the privilege'
	same -p "$(found .works.p.state)" off
	same -c "$(found .works.c.state)" off
	same capabilities "$(found '[.capabilities[] | select(.has)] | length')" 0
	# mounts, files and segments are for everybody to see
	same shm "$(found .works.shm.state)" degraded
	timeout "$LIMIT" setpriv --reuid=nobody --regid=nogroup --clear-groups "$dir/memmon-bpf" shm >"$OUT"
}

@test 'root without one capability' {
	local capability filter='[.capabilities | to_entries[] | select(.value.has) | .key]' all
	examined "$MEMMON"
	all=$(found "$filter")
	for capability in sys_ptrace dac_read_search sys_admin sys_resource; do
		examined setpriv --bounding-set=-$capability --inh-caps=-$capability "$MEMMON"
		same "status without $capability" "$status" 0
		same 'what is left' "$(found "$filter")" "$(jq --arg less "CAP_${capability^^}" '. - [$less]' <<<"$all")"
		same -p "$(found .features.privilege.state)" on
	done
	# the two that it cannot do without, unless there is the one that stands for them
	for capability in bpf perfmon; do
		examined setpriv --bounding-set=-$capability --inh-caps=-$capability "$MEMMON"
		same "status without $capability" "$status" 0
		found ".capabilities.CAP_${capability^^}.lost" | grep -q 'CAP_SYS_ADMIN stands for it'
		examined setpriv --bounding-set=-$capability,-sys_admin --inh-caps=-$capability,-sys_admin "$MEMMON"
		same "status without $capability and sys_admin" "$status" 1
		found .works.p.why | grep -q "missing CAP_${capability^^};"
	done
}

@test 'root of a user namespace' {
	examined unshare -Ur "$MEMMON"
	same status "$status" 1
	same CAP_BPF "$(found .capabilities.CAP_BPF.has)" true
	same namespace "$(found '.facts.user_namespace.ok')" false
	found .works.p.why | grep -q 'user namespace'
	memmon_in_userns() {
		timeout "$LIMIT" unshare -Ur "$MEMMON" -p $$ >"$OUT" 2>"$ERR"
	}
	status=0
	memmon_in_userns || status=$?
	same status "$status" 1
	grep -q 'user namespace' "$ERR"
}

@test 'bpf(2) refused by seccomp' {
	examined "$WORKLOADS/nobpf" "$MEMMON"
	same status "$status" 1
	same seccomp "$(found .facts.seccomp.value)" 'a filter'
	found .works.p.why | grep -q seccomp
	same shm "$(found .works.shm.state)" degraded
}

@test 'without tracefs and without /sys/fs/bpf, which are not needed' {
	in_namespace 'for at in /sys/kernel/tracing /sys/kernel/debug /sys/fs/bpf; do umount -l $at 2>/dev/null || :; done'
	same status "$status" 0
	same tracefs "$(found .facts.tracefs.value)" 'not mounted'
	same bpffs "$(found .facts.bpf.value)" 'not mounted'
	mkdir at
	if in_namespace "mount -t tracefs none '$PWD/at'" && [ "$status" -eq 0 ]; then
		same tracefs "$(found .facts.tracefs.value)" "$PWD/at"
	fi
	in_namespace "mount -t bpf none '$PWD/at'"
	same status "$status" 0
	same bpffs "$(found .facts.bpf.value)" "$PWD/at"
}

@test 'without cgroups containers cannot be watched, processes can' {
	in_namespace 'mount -t tmpfs none /sys/fs/cgroup'
	same status "$status" 1
	same -c "$(found .works.c.state)" off
	[ "$(found .works.p.state)" != off ]
	found .works.c.why | grep -q cgroup
}

@test 'without /proc' {
	in_namespace 'mount -t tmpfs none /proc'
	same status "$status" 1
	same shm "$(found .works.shm.state)" off
	found .works.shm.why | grep -q '/proc mounted'
}

@test 'without BTF' {
	mkdir empty
	# with CAP_SYS_ADMIN the kernel could be asked for it
	in_namespace "mount --bind '$PWD/empty' /sys/kernel/btf" \
		setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin
	same status "$status" 1
	same btf "$(found .kernel.btf.state)" off
	same bytes "$(found .kernel.btf.bytes)" null
	found .works.p.why | grep -q /sys/kernel/btf
	same shm "$(found .works.shm.state)" degraded
	found '.hooks[] | select(.hook == "tp_btf/rss_stat") | .why' | grep -q 'without BTF'
}

@test 'too few files' {
	examined sh -c 'ulimit -n 32; exec "$@"' sh "$MEMMON"
	same status "$status" 1
	same files "$(found .limits.nofile.ok)" false
	found .works.p.why | grep -q 'Too many open files'
}

@test 'an old kernel is told by its name, but judged by what it can do' {
	local old=(setarch "$(uname -m)" --uname-2.6 "$MEMMON") note='this is Linux 2[.]6[.].*, and 5[.]10 is the oldest'
	examined "${old[@]}"
	same status "$status" 0
	[[ $(found .kernel.release) == 2.6.* ]]
	status=0
	"${old[@]}" -q --json "$JSON" -- "$WORKLOADS/spike" 20 1 </dev/null >"$OUT" 2>"$ERR" || status=$?
	same status "$status" 0
	within anon "$(j '.processes[0].peak.anon_bytes')" $((20 * MIB)) $((21 * MIB))
	# as a kernel does that lacks what 5.10 has
	MEMMON_FORBID=tp_btf/rss_stat examined "${old[@]}"
	same status "$status" 1
	found .works.p.why | grep -q "$note"
	status=0
	MEMMON_FORBID=iter "${old[@]}" -p $$ >"$OUT" 2>"$ERR" || status=$?
	same status "$status" 1
	grep -q "iter/task .*$note" "$ERR"
	# missing capabilities are not the kernel's fault
	examined setpriv --bounding-set=-sys_admin,-bpf --inh-caps=-sys_admin,-bpf "${old[@]}"
	found .works.p.why | grep -q 'missing CAP_BPF'
	[ -z "$(found .works.p.why | grep oldest || :)" ]
}
