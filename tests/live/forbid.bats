#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every hook is taken away once: what remains starts, is right, and says what it lacks.

load helpers

setup() {
	begin
	TMPFS=$BATS_TEST_TMPDIR/tmpfs
	mkdir "$TMPFS"
}
teardown() {
	finish_all
	while mountpoint -q "$TMPFS"; do
		umount -l "$TMPFS"
	done
}

each() {
	"$ROOT/tests/forbid/each" "$1" "$MEMMON" "$WORKLOADS" "$TMPFS" "${@:2}"
}

@test 'a watch without each of its hooks' {
	each watch
}

@test 'the ledger of shared memory without each of its hooks' {
	each shm
}

@test 'whole kinds of hooks' {
	local hook
	for hook in fexit fentry kprobe 'fexit,fentry,kprobe,kretprobe' every_event 'every_event,syscall'; do
		MEMMON_FORBID=$hook memmon -q --json "$JSON" -- "$WORKLOADS/spike" 20 1
		same "status without $hook" "$status" 0
		within anon "$(j '.processes[0].peak.anon_bytes')" $((20 * MIB)) $((21 * MIB))
	done
	MEMMON_FORBID='fexit,kprobe,kretprobe' memmon --json "$JSON" -q -- true
	same volumes "$(j .target.mmap.calls)" null
	same feature "$(j .kernel.features.volumes.state)" off
	# neither are they collected at a price, where that hook is forbidden too
	MEMMON_FORBID='fexit,kprobe,kretprobe,tp_btf/sys_exit' memmon --vma --json "$JSON" -q -- true
	same volumes "$(j .target.mmap.calls)" null
	same feature "$(j .kernel.features.volumes.state)" off
	j .kernel.features.volumes.why | grep -q 'forbidden by MEMMON_FORBID'
	MEMMON_FORBID='fexit,kprobe,kretprobe' memmon --vma --json "$JSON" -q -- true
	within mmap "$(j .target.mmap.calls)" 5 1000
	same feature "$(j .kernel.features.volumes.state)" degraded
	MEMMON_FORBID=tp_btf memmon -q -- touch ran
	same 'status without tp_btf' "$status" 125
	grep -q 'forbidden by MEMMON_FORBID' "$ERR"
	[ ! -e ran ]
}

@test 'a word that fits no hook changes nothing' {
	local without
	memmon doctor --json -
	without=$(jq '[.features, .hooks]' "$OUT")
	MEMMON_FORBID='rss nothing fexit/' memmon doctor --json -
	[ "$(jq '[.features, .hooks]' "$OUT")" = "$without" ]
}
