#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel's type information: where it is missing, and what --btf takes and refuses. With another
# kernel's every figure would be wrong, so that none of these may begin a watch.

load helpers

setup() {
	begin
}
teardown() {
	finish_all
}

# refused FILE WORD…: by a watch, with and without a command, by shm's tracer, and by doctor; each word
# is said.
refused() {
	local file=$1 word
	shift
	memmon --btf "$file" -p $$
	same 'status of -p' "$status" 1
	cp "$ERR" said
	memmon --btf "$file" -- touch ran
	same 'status of a command' "$status" 125
	[ ! -e ran ]
	diff said "$ERR"
	[ "$(wc -l <said)" -eq 1 ]
	for word in "--btf: .*$file" "$@"; do
		grep -qE -- "$word" said
	done
	memmon doctor --btf "$file" --json doctor.json
	same 'status of doctor' "$status" 1
	same "doctor's btf" "$(jq -r .kernel.btf.state doctor.json)" off
	memmon shm --btf "$file"
	same 'status of shm' "$status" 1
	[ ! -s "$OUT" ]
	diff <(sed 's/cannot watch: //' said) "$ERR"
}

# hidden COMMAND…: where /sys does not show the kernel's types.
hidden() {
	mkdir -p empty
	# shellcheck disable=SC2016 # for the shell that is started
	status=0
	timeout -k 5 "$LIMIT" unshare -m sh -c 'mount --bind "$0" /sys/kernel/btf && exec "$@"' "$PWD/empty" "$@" \
		</dev/null >"$OUT" 2>"$ERR" 3>&- 4>&- || status=$?
	show
}

@test 'no BTF in /sys, as in many a container: the kernel is asked for it' {
	local before
	before=$(cat /proc/self/mountinfo)
	hidden "$MEMMON" -q --json "$JSON" -- "$WORKLOADS/spike" 20 1
	same status "$status" 0
	within anon "$(j '.processes[0].peak.anon_bytes')" $((20 * MIB)) $((21 * MIB))
	same btf "$(j .kernel.features.btf.state)" on
	# of that nobody else sees anything: not the command, and not the rest of the machine
	hidden "$MEMMON" -q -- ls /sys/kernel/btf
	same 'what the command sees' "$(cat "$OUT")" ''
	same mounts "$(cat /proc/self/mountinfo)" "$before"
	hidden "$MEMMON" shm -d 0.3 --json shm.json
	same status "$status" 0
	same charges "$(jq -r .charges shm.json)" "$("$MEMMON" shm -d 0.3 --json - | jq -r .charges)"
}

@test 'no BTF, and the kernel may not be asked: what is missing and how to get it' {
	local less=(setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$MEMMON") word
	hidden "${less[@]}" -p $$
	same status "$status" 1
	for word in 'type information' /sys/kernel/btf/vmlinux CONFIG_DEBUG_INFO_BTF 'in a container'; do
		grep -q "$word" "$ERR"
	done
	hidden "${less[@]}" -- touch ran
	same status "$status" 125
	[ ! -e ran ]
}

@test 'the kernel its own, as a file and as vmlinux' {
	cp /sys/kernel/btf/vmlinux kernel.btf
	memmon -q --btf kernel.btf --json "$JSON" -- "$WORKLOADS/spike" 20 1
	same status "$status" 0
	within anon "$(j '.processes[0].peak.anon_bytes')" $((20 * MIB)) $((21 * MIB))
	same btf "$(j .kernel.features.btf.state)" on
	objcopy --add-section .BTF=kernel.btf "$(type -P true)" vmlinux
	memmon -q --btf vmlinux --json "$JSON" -- "$WORKLOADS/spike" 20 1
	same status "$status" 0
	within anon "$(j '.processes[0].peak.anon_bytes')" $((20 * MIB)) $((21 * MIB))
}

@test 'files that are not BTF' {
	refused no-such.btf 'No such file'
	echo garbage >garbage.btf
	refused garbage.btf 'it is not BTF'
	: >empty.btf
	refused empty.btf 'it is empty'
	mkdir directory.btf
	refused directory.btf 'it is a directory'
	mkfifo fifo.btf
	refused fifo.btf 'it is not a regular file'
	refused /dev/zero 'it is not a regular file'
	refused "$(type -P true)" 'without type information'
	truncate -s 20G huge.btf
	refused huge.btf 'it is not BTF'
	printf '\237\353\001\000' | dd of=huge.btf conv=notrunc 2>/dev/null
	refused huge.btf 'it is too large'
	printf '\177ELF\002\001\001' >elf.btf
	refused elf.btf 'without type information'
}

@test 'a name that would turn the terminal around' {
	local name=$'\033[2J.btf'
	memmon --btf "$name" -p $$
	same status "$status" 1
	[ -z "$(grep $'\033' "$ERR" || :)" ]
}

@test 'the types of another kernel, or nearly its own' {
	local file
	# valid BTF of something else
	refused "$(dirname "$MEMMON")/memmon.bpf.o" 'not the type information of the running kernel' 'leave --btf out'
	# cut off, longer, and one bit off
	head -c 1000000 /sys/kernel/btf/vmlinux >cut.btf
	{ cat /sys/kernel/btf/vmlinux; echo; } >longer.btf
	cp /sys/kernel/btf/vmlinux bit.btf
	printf '\377' | dd of=bit.btf bs=1 seek=2000000 conv=notrunc 2>/dev/null
	printf '\237\353\001\000' >start.btf
	for file in cut longer bit start; do
		refused "$file.btf" 'not the type information of the running kernel' "$(uname -r)"
	done
}

@test 'where /sys does not show it the kernel is asked through bpf(2)' {
	cp /sys/kernel/btf/vmlinux kernel.btf
	cp kernel.btf bit.btf
	printf '\377' | dd of=bit.btf bs=1 seek=2000000 conv=notrunc 2>/dev/null
	hidden "$MEMMON" --btf bit.btf -p $$
	same status "$status" 1
	grep -q 'not the type information of the running kernel' "$ERR"
	hidden "$MEMMON" doctor --btf kernel.btf --json -
	same status "$status" 0
	same btf "$(jq -r .kernel.btf.state "$OUT")" on
	hidden "$MEMMON" -q --btf kernel.btf --json "$JSON" -- "$WORKLOADS/spike" 20 1
	same status "$status" 0
	within anon "$(j '.processes[0].peak.anon_bytes')" $((20 * MIB)) $((21 * MIB))
	# without the capability for that the verifier is, which knows types by their numbers
	hidden setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$MEMMON" doctor --btf kernel.btf --json -
	same btf "$(jq -r .kernel.btf.state "$OUT")" degraded
	jq -r .kernel.btf.why "$OUT" | grep -q 'layout was not'
	# but libbpf still finds none
	same status "$status" 1
	jq -r .works.p.why "$OUT" | grep -q 'load the BPF programs'
	hidden setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$MEMMON" \
		--btf "$(dirname "$MEMMON")/memmon.bpf.o" -p $$
	same status "$status" 1
	grep -q 'not the type information of the running kernel' "$ERR"
}
