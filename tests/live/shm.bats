#!/usr/bin/env bats
# shellcheck shell=bats disable=SC2154,SC2030,SC2031 # NAME_pid: start() in helpers.bash sets it; each test is a subshell
# SPDX-License-Identifier: GPL-2.0-or-later
#
# memmon-bpf shm and the shared memory of a watch, on tmpfs and IPC namespaces of the test's own, without
# containers: what ipcs(1), statfs(2) and the processes themselves say is what it says.

load helpers

setup() {
	begin
	SEGMENTS=()
	PLACE=
}
teardown() {
	local id
	finish_all
	for id in "${SEGMENTS[@]}"; do
		ipcrm -m "$id" || :
	done
	while [ -n "${TMPFS:-}" ] && mountpoint -q "$TMPFS"; do
		umount -l "$TMPFS"
	done
}

# ---- a /dev/shm of the test's own, in a mount namespace ----

# place [OPTION]: a tmpfs there, of 4 MiB or as the mount option says. $DEVICE is its number as shown.
place() {
	# shellcheck disable=SC2016 # for the shell that is started
	start place unshare -m sh -ec 'mount -t tmpfs -o "$1" shm /dev/shm; echo ready; read line' \
		_ "${1:-size=4m}"
	hear place ready
	PLACE=$place_pid
	DEVICE=$(inside stat -c '%Hd:%Ld' /dev/shm)
}
# inside COMMAND…: in that namespace.
inside() {
	nsenter -t "$PLACE" -m -- env -C "$PWD" "$@" 3>&- 4>&-
}
# inside_start NAME COMMAND…
inside_start() {
	start "$1" nsenter -t "$PLACE" -m -- env -C "$PWD" "${@:2}"
}
# its FILTER: of the place's entry; exactly one must be there.
its() {
	jq -er --arg device "$DEVICE" "[.shm[] | select(.device == \$device and (.gone | not))] |
		if length == 1 then .[0] else error(\"\(length) entries\") end | $1" "$JSON"
}
used() {
	inside stat -f -c '%b %f %S' /dev/shm | awk '{ printf "%.0f", ($1 - $2) * $3 }'
}

# ledger ARG…: memmon-bpf shm --watch beside the test, from its first look on. Rows are in $CSV.
ledger() {
	CSV=$BATS_TEST_TMPDIR/csv
	env --default-signal=INT,QUIT,HUP "$MEMMON" shm --watch --csv "$CSV" "$@" </dev/null >"$OUT" \
		2>"$ERR" 3>&- 4>&- &
	ledger_pid=$!
	STARTED+=("$!")
	until_true has_rows
	if has_state "$ledger_pid" Z-; then
		cat "$ERR"
		return 1
	fi
}
has_rows() {
	{ [ -e "$CSV" ] && [ "$(wc -l <"$CSV")" -gt 1 ]; } || has_state "$ledger_pid" Z-
}
stop_ledger() {
	kill -"${1:-INT}" "$ledger_pid"
	ended "$ledger_pid"
	show
	[ "$status" -eq 0 ]
}
# row_has FIELD VALUE: some row of the place has it
row_has() {
	python3 - "$CSV" "$DEVICE" "$1" "$2" <<-'END'
		import csv, sys
		path, device, field, value = sys.argv[1:]
		sys.exit(not any(r["device"] == device and r[field] == value for r in csv.DictReader(open(path))))
	END
}
# the last value of a field in a row of the place
last_row() {
	python3 - "$CSV" "$DEVICE" "$1" <<-'END'
		import csv, sys
		path, device, field = sys.argv[1:]
		print([r[field] for r in csv.DictReader(open(path)) if r["device"] == device][-1])
	END
}

# ---- System V ----

# A process with segments in as many states as ipcs(1) knows; says their ids and waits.
segments_py() {
	cat <<-'END'
		import ctypes, os, sys
		c = ctypes.CDLL(None, use_errno=True)
		c.shmat.restype = ctypes.c_void_p
		def get(key, size, mode):
		    id = c.shmget(key, size, 0o1000 | mode)
		    if id < 0:
		        raise OSError(ctypes.get_errno(), "shmget")
		    return id
		def attach(id, pages):
		    at = c.shmat(id, None, 0)
		    ctypes.memset(at, 1, pages * 4096)
		    return at
		attached, removed, locked = get(0, 1 << 20, 0o600), get(0, 5000, 0o640), get(0, 8192, 0o666)
		attach(attached, 10), attach(attached, 10)
		child = os.fork()
		if child == 0:
		    c.shmdt(ctypes.c_void_p(attach(locked, 1)))
		    os._exit(0)
		os.waitpid(child, 0)
		attach(removed, 1)
		c.shmctl(removed, 0, None)
		c.shmctl(locked, 11, None)
		print("ready", attached, removed, locked, flush=True)
		sys.stdin.readline()
		c.shmctl(attached, 0, None), c.shmctl(locked, 0, None)
	END
}

# All lines of ipcs(1) as we would print them from the JSON, and as it does.
like_ipcs() {
	local owner shmid key mode bytes nattch state cpid lpid at dt ct
	j '.sysv[] | select(.own_namespace) | [.shmid, .key, .owner.uid, .mode, .bytes, .attached,
		(.status | join(",")), .creator.pid // 0, .last.pid // 0, .attach_s // 0, .detach_s // 0,
		.change_s // 0] | map(tostring) | join("|")' |
		while IFS='|' read -r shmid key owner mode bytes nattch state cpid lpid at dt ct; do
			owner=$(id -nu "$owner")
			echo "m $key $shmid $owner $mode $bytes $nattch ${state/,/ }"
			echo "p $shmid $owner $cpid $lpid"
			echo "t $shmid $owner $(like_time "$at") $(like_time "$dt") $(like_time "$ct")"
		done | sed 's/ *$//' | sort
}
like_time() {
	if [ "$1" = 0 ]; then
		echo 'Not set'
	else
		date -d "@$1" '+%b %e %H:%M:%S' | tr -s ' '
	fi
}
ipcs_lines() {
	local what
	for what in m p t; do
		LC_ALL=C ipcs -m "-$what" | grep -E '^(0x)?[0-9a-f]+ ' | tr -s ' ' | sed "s/^/$what /; s/ *$//"
	done | sort
}

@test 'System V segments are what ipcs -m, -mp and -mt say' {
	key=$(ipcmk -M 8000000 | grep -o '[0-9]*$')
	SEGMENTS+=("$key")
	start owner python3 -c "$(segments_py)"
	hear owner ready
	SEGMENTS+=("${HEARD[1]}" "${HEARD[3]}") # until it has removed them itself
	memmon shm --json "$JSON"
	[ "$status" -eq 0 ]
	LC_ALL=C like_ipcs >ours
	ipcs_lines >theirs
	diff theirs ours
	[ "$(wc -l <theirs)" -ge 12 ]
	segment=".sysv[] | select(.own_namespace and .shmid == $key)"
	same bytes "$(j "$segment | .bytes")" 8000000
	same creator "$(j "$segment | .creator.alive")" false # ipcmk has ended
	segment=".sysv[] | select(.own_namespace and .shmid == ${HEARD[1]})"
	same resident "$(j "$segment | .resident_bytes")" $((10 * PAGE))
	same creator "$(j "$segment | .creator.alive")" true
	same status "$(j ".sysv[] | select(.own_namespace and .shmid == ${HEARD[2]}) | .status[]")" dest
	same status "$(j ".sysv[] | select(.own_namespace and .shmid == ${HEARD[3]}) | .status[]")" locked
	# the table has them too
	for id in "$key" "${HEARD[@]:1}"; do
		grep -E "^ +$id +0x[0-9a-f]{8} " "$OUT"
	done
	go_on owner
	ended "$owner_pid"
	SEGMENTS=("$key")
}

@test 'a segment of another IPC namespace shows with the pids of the host' {
	# in a pid namespace of its own too, where it is pid 1
	start apart unshare -i -p --fork --kill-child python3 -c "$(segments_py)"
	hear apart ready
	pid=$(cat "/proc/$apart_pid/task/$apart_pid/children")
	pid=${pid// /}
	memmon shm --json "$JSON"
	[ "$status" -eq 0 ]
	number=$(readlink "/proc/$pid/ns/ipc")
	segment=".sysv[] | select(.ipc_namespace == ${number//[^0-9]/} and .shmid == ${HEARD[1]})"
	same 'own namespace' "$(j "$segment | .own_namespace")" false
	same creator "$(j "$segment | .creator.pid")" "$pid"
	same alive "$(j "$segment | .creator.alive")" true
	same last "$(j "$segment | .last.pid")" \
		"$(nsenter -t "$pid" -i ipcs -mp | awk -v id="${HEARD[1]}" '$1 == id { print $4 }')"
	same attached "$(j "$segment | .attached")" 2
	same bytes "$(j "$segment | .bytes")" "$MIB"
	same resident "$(j "$segment | .resident_bytes")" $((10 * PAGE))
	go_on apart
	ended "$apart_pid"
}

# What ipcs -l says in the namespace, in bytes.
ipcs_limits() {
	LC_ALL=C nsenter -t "$1" -i ipcs -m -l | awk -F ' = ' '
		/^max number of segments/ { n = $2 }
		/^max seg size/ { most = $2 * 1024 }
		/^max total shared memory/ { total = $2 * 1024 }
		/^min seg size/ { least = $2 }
		END { printf "%.0f %.0f %.0f %.0f\n", n, least, most, total }'
}

@test 'the limits of segments are what ipcs -l says, in each IPC namespace' {
	start apart unshare -i sh -ec 'cd /proc/sys/kernel; echo 33554432 >shmmax; echo 16384 >shmall
		echo 77 >shmmni; ipcmk -M 4096 >/dev/null; echo ready; read line'
	hear apart ready
	memmon shm --json "$JSON"
	[ "$status" -eq 0 ]
	number=$(readlink "/proc/$apart_pid/ns/ipc")
	limits=".sysv_limits[] | select(.ipc_namespace == ${number//[^0-9]/})"
	list='[.segments, .segment_min_bytes, .segment_max_bytes, .total_bytes] | map(tostring) | join(" ")'
	same 'apart' "$(j "$limits | $list")" '77 1 33554432 67108864'
	same 'ipcs -l' "$(ipcs_limits "$apart_pid")" '77 1 33554432 67108864'
	same 'its own' "$(j "$limits | .own_namespace")" false
	# ours, unless they are beyond what JSON can say
	same 'ours' "$(j "[.sysv_limits[] | select(.own_namespace)] | length")" 1
	read -r n least most total < <(ipcs_limits $$)
	[ "${#most}" -lt 19 ] || most=null
	[ "${#total}" -lt 19 ] || total=null
	same 'ours' "$(j ".sysv_limits[] | select(.own_namespace) | $list")" "$n $least $most $total"
	go_on apart
	ended "$apart_pid"
}

@test 'a SharedMemory of Python is its file in /dev/shm, with its creator and holders' {
	place
	inside_start python env PYTHONUNBUFFERED=1 python3 -c '
import sys
from multiprocessing.shared_memory import SharedMemory
sys.stdin.readline()
m = SharedMemory(create=True, size=1000000)
m.buf[:5000] = bytes(5000)
print("made", m.name, flush=True)
sys.stdin.readline()
m.close(); m.unlink()'
	ledger --json "$JSON"
	go_on python
	hear python made
	name=${HEARD[1]}
	stop_ledger
	file="(.files[] | select(.path == \"$name\"))"
	same files "$(its '.files | length')" 1
	same bytes "$(its "$file.bytes")" "$(($(inside stat -c %b "/dev/shm/$name") * 512))"
	same size "$(its "$file.size_bytes")" "$(inside stat -c %s "/dev/shm/$name")"
	same ino "$(its "$file.ino")" "$(inside stat -c %i "/dev/shm/$name")"
	same creator "$(its "$file.creator | [.pid, .alive] | join(\" \")")" "$python_pid true"
	same holders "$(its "$file.holders | join(\" \")")" "$python_pid"
	same state "$(its "$file.state")" linked
	same before "$(its "$file.before")" false
	same used "$(its .used_bytes)" "$(used)"
}

# ---- files and orphans ----

@test '500 orphans of dead processes are listed, summed and named as removable, and left alone' {
	place size=64m
	# shellcheck disable=SC2016 # for the shell that is started
	inside bash -c 'for i in {1..500}; do head -c $((i * 10)) /dev/zero >/dev/shm/orphan$i; done'
	memmon shm --files --json "$JSON"
	[ "$status" -eq 0 ]
	same orphans "$(its .orphans)" 500
	same 'their bytes' "$(its .orphan_bytes)" $(((409 + 2 * 91) * 4096))
	same used "$(its .used_bytes)" "$(used)"
	same listed "$(its '[.files[] | select(.state == "orphan") | .path] | unique | length')" 500
	same 'sum of files' "$(its '[.files[].bytes] | add')" "$(used)"
	[ "$(j .sums.orphans)" -ge 500 ]
	grep -E '^Orphans [0-9,]+ files with .* that nobody holds' "$OUT"
	grep -F 'could be removed' "$OUT"
	same 'still there' "$(inside ls /dev/shm | wc -l)" 500
	memmon shm --fail-if 'shm.orphans>=500'
	[ "$status" -eq 3 ]
}

@test 'an orphan made while watched has its dead creator; what is held or mapped is none' {
	place
	ledger --files --json "$JSON"
	inside_start creator sh -c 'head -c 5000 /dev/zero >/dev/shm/left & wait; echo left $!; read line'
	hear creator left
	creator=${HEARD[1]}
	inside_start open sh -c 'exec 7>/dev/shm/open; echo some >&7; rm -f none; echo ready; read line'
	hear open ready
	inside_start mapped python3 -c '
import mmap, os, sys
fd = os.open("/dev/shm/mapped", os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 8192)
m = mmap.mmap(fd, 8192)
os.close(fd)
m[:5000] = bytes(5000)
print("ready", flush=True)
sys.stdin.readline()'
	hear mapped ready
	inside_start unlinked sh -c 'exec 7>/dev/shm/unlinked; head -c 10000 /dev/zero >&7; rm /dev/shm/unlinked
		echo ready; read line'
	hear unlinked ready
	stop_ledger
	of() {
		its "[.files[] | select(.path == \"$1\")] | if length == 1 then .[0] else error end | $2"
	}
	same left "$(of left .state)" orphan
	same 'its creator' "$(of left '.creator | [.pid, .comm, .alive] | join(" ")')" "$creator head false"
	same 'its holders' "$(of left '.holders | length')" 0
	same open "$(of open .state)" linked
	same 'its holder' "$(of open '.holders | join(" ")')" "$open_pid"
	same mapped "$(of mapped .state)" linked
	same 'its holder' "$(of mapped '.holders | join(" ")')" "$mapped_pid"
	same unlinked "$(its '[.files[] | select(.state == "unlinked")] | length')" 1
	same 'its holder' "$(its '.files[] | select(.state == "unlinked") | .holders | join(" ")')" "$unlinked_pid"
	same 'its bytes' "$(its '.files[] | select(.state == "unlinked") | .bytes')" 12288
	same orphans "$(its '[.orphans, .orphan_bytes] | join(" ")')" '1 8192'
	same used "$(its .used_bytes)" "$(used)"
	grep -E "$creator head \(dead\) +nobody +left$" "$OUT"
}

@test 'files from before are counted and marked; used is attributed and unattributed to the byte' {
	place
	# a long symbolic link takes a page, and is no file
	# shellcheck disable=SC2016 # for the shell that is started
	inside sh -c 'head -c 1000000 /dev/zero >/dev/shm/before; head -c 5000 /dev/zero >/dev/shm/grows
		ln -s "$(printf %03000d 0)" /dev/shm/link'
	ledger --json "$JSON"
	inside sh -c 'head -c 300000 /dev/zero >/dev/shm/after; head -c 5000 /dev/zero >>/dev/shm/grows'
	stop_ledger
	same used "$(its .used_bytes)" "$(used)"
	same 'files and unattributed' "$(its '([.files[].bytes] | add) + .unattributed_bytes')" "$(used)"
	same unattributed "$(its .unattributed_bytes)" "$PAGE"
	same marked "$(its '[.files[] | select(.before) | .path] | sort | join(" ")')" 'before grows'
	same 'creator of what was before' "$(its '.files[] | select(.path == "before") | .creator')" null
	same 'creator of what was made' "$(its '.files[] | select(.path == "after") | .creator.comm')" head
	same charged "$(its '.charged_bytes - .uncharged_bytes')" $((303104 + 4096))
	same peak "$(its .peak_bytes)" "$(used)"
	# without a watch nobody knows who made what, and the sums are the same
	memmon shm --json "$JSON"
	same used "$(its .used_bytes)" "$(used)"
	same 'files and unattributed' "$(its '([.files[].bytes] | add) + .unattributed_bytes')" "$(used)"
	same 'not traced' "$(its '[.traced, .charged_bytes, .peak_bytes == .used_bytes] | map(tostring) | join(" ")')" \
		'false null true'
}

# ---- mounts ----

@test 'another size is seen live; umount is never in our way; a mount that vanishes is fine' {
	place
	ledger -i 0.1 --json "$JSON"
	until_true row_has limit_bytes $((4 * MIB))
	inside mount -o remount,size=9m /dev/shm
	until_true row_has limit_bytes $((9 * MIB))
	inside mount -o remount,size=2m /dev/shm
	until_true row_has limit_bytes $((2 * MIB))
	TMPFS=$BATS_TEST_TMPDIR/tmpfs
	mkdir "$TMPFS"
	# each time it is looked at while it is mounted
	for i in {1..20}; do
		mount -t tmpfs -o size=1m none "$TMPFS"
		head -c 100000 /dev/zero >"$TMPFS/file"
		mount -o remount,size="${i}m" "$TMPFS"
		umount "$TMPFS" # the test fails where that is EBUSY
	done
	mount -t tmpfs -o size=77m none "$TMPFS"
	DEVICE=$(stat -c '%Hd:%Ld' "$TMPFS")
	until_true row_has limit_bytes $((77 * MIB))
	umount "$TMPFS"
	stop_ledger
	same 'shown still' "$(j "[.shm[] | select(.limit_bytes == $((77 * MIB)))] | length")" 0
}

# ---- names ----

# A file's name, the table's, JSON's, CSV's and the lines' way of showing it.
@test 'hostile names are escaped in the table, JSON, CSV and the lines' {
	place
	cat >hostile.py <<-'END'
		import os, sys
		names = [b"new\nline", b"tab\there", b"\x1b[31mred\x1b[0m", b"x" * 255, b"\xff\xfe\x80", b"quote\"'\\",
		         b"\xe2\x80\xae" + b"rtl", b"\xc2\x9b2J", b"comma,semicolon;"]
		for n in names:
		    with open(b"/dev/shm/" + n, "wb") as f:
		        f.write(b"some")
		print("ready", flush=True)
		sys.stdin.readline()
		with open(b"/dev/shm/\x1b]0;title\x07\n2,2", "wb") as f:
		    try:
		        f.write(bytes(5 << 20)); f.flush()
		    except OSError:
		        os._exit(0)
		os._exit(1)
	END
	inside_start hostile python3 hostile.py
	hear hostile ready
	TMPFS=$BATS_TEST_TMPDIR/$'m\n\t\e[31m,"'$'\xff'
	mkdir "$TMPFS"
	mount -t tmpfs -o size=1m none "$TMPFS"
	ledger --files --json "$JSON"
	go_on hostile
	ended "$hostile_pid"
	[ "$status" -eq 0 ]
	stop_ledger
	python3 - "$JSON" "$CSV" "$OUT" "$DEVICE" <<-'END'
		import csv, json, sys, unicodedata
		texts = [open(p, "rb").read().decode("utf-8") for p in sys.argv[1:4]]
		for path, text in zip(sys.argv[1:], texts):
		    # JSON has names as they are, what is for people nothing that a terminal acts on
		    bad = {c for c in text if c < " " or c == "\x7f" or
		           (path != sys.argv[1] and unicodedata.category(c) in ("Cc", "Cf"))} - {"\n"}
		    assert not bad, (path, bad)
		shm = [m for m in json.loads(texts[0])["shm"] if m["device"] == sys.argv[4]][0]
		assert len(shm["files"]) == 10, len(shm["files"])
		assert len({f["path"] for f in shm["files"]}) == 10
		full = shm["full"]
		assert len(full) == 1 and "title" in full[0]["file"], full
		rows = list(csv.reader(texts[1].split("\n")[:-1]))
		assert len({len(r) for r in rows}) == 1, "a name broke a row"
		assert any(r[2].endswith('m\\n\\t\\x1b[31m,"\\xff') for r in rows), [r[2] for r in rows]
		assert any("hit the wall" in line and "title" in line for line in texts[2].split("\n"))
	END
	umount "$TMPFS"
}

@test 'each of several /dev/shm says whose it is, and which is hidden' {
	place size=3m
	inside mount -t tmpfs -o size=5m above /dev/shm
	above=$(inside stat -c '%Hd:%Ld' /dev/shm)
	memmon shm --json "$JSON"
	[ "$status" -eq 0 ]
	same hidden "$(its '[.mount, .hidden, .namespace_of.pid, .namespace_of.comm] | map(tostring) | join(" ")')" \
		"/dev/shm true $PLACE sh"
	same 'its files' "$(its .files_complete)" false
	grep -E "^/dev/shm \(hidden\) +ns of $PLACE sh +3\.0 MiB" "$OUT"
	DEVICE=$above
	same above "$(its '[.hidden, .namespace_of.pid, .limit_bytes] | map(tostring) | join(" ")')" \
		"false $PLACE $((5 * MIB))"
	grep -E "^/dev/shm +ns of $PLACE sh +5\.0 MiB" "$OUT"
	# our own needs no explanation
	DEVICE=$(stat -c '%Hd:%Ld' /dev/shm)
	[ "$(stat -f -c %T /dev/shm)" != tmpfs ] || same 'our own' "$(its '[.namespace_of, .hidden] | map(tostring) | join(" ")')" 'null false'
}

@test 'hostile names in the lines and the summary of a watch' {
	place
	# shellcheck disable=SC2016 # for the shell that is started
	memmon --lines --json "$JSON" -- nsenter -t "$PLACE" -m -- bash -c '
		head -c 5000000 /dev/zero >"/dev/shm/$1" || :' _ $'\e[31m\n1 2 3\t\xff'
	[ "$status" -eq 0 ]
	same failures "$(its '.full | length')" 1
	cat "$OUT" "$ERR" >all
	grep 'hit the wall' all
	[ "$(grep -c 'hit the wall' all)" -ge 1 ]
	run -1 env LC_ALL=C grep $'[\e\t\xff]' all
	run -1 grep '^1 2 3' all
	python3 -c 'import json, sys; json.loads(open(sys.argv[1], "rb").read().decode())' "$JSON"
}

# ---- the wall ----

CASES=(short blocks pwritev fallocate fallocate-large touch copy inodes)

# What the workload said, against the failures in $JSON: "PID HOW ERRNO SIGNAL WANTED DONE", in that order.
compare_walls() {
	awk '{ $1 = ""; print substr($0, 2) }' "$1" >expected
	its '.full[] | [.pid, .how, .errno // "-", .signal // "-", .wanted_bytes // "-", .done_bytes // "-"] |
		map(tostring) | join(" ")' >told
	diff expected told
	same failures "$(wc -l <told)" ${#CASES[@]}
	same 'each once' "$(its '[.full[].times] | unique | join(" ")')" 1
	same 'whose it is' "$(its .namespace_of.pid)" "$PLACE"
	same limit "$(its '[.full[] | select(.how != "open") | .limit_bytes] | unique | join(" ")')" $((4 * MIB))
	same remedies "$(its '[.full[] | select(.how != "open") | .remedy |
		test("nsenter -t [0-9]+ -m mount -o remount,size=")] | all')" true
	same 'remedy for inodes' "$(its '.full[-1].remedy | contains("nr_inodes=")')" true
	same names "$(its '[.full[] | select(.how != "open") | .file] | join(" ")')" \
		'short blocks vectors allocated allocated touched copied'
}

@test 'the wall, each way: shm --watch' {
	place size=4m,nr_inodes=64
	ledger --json "$JSON"
	inside "$WORKLOADS/shm_wall" /dev/shm "${CASES[@]}" >said
	stop_ledger
	compare_walls said
	same 'told at once' "$(grep -c '^! .* hit the wall of /dev/shm' "$OUT")" ${#CASES[@]}
}

@test 'the wall, each way: a command' {
	place size=4m,nr_inodes=64
	memmon --json "$JSON" -- nsenter -t "$PLACE" -m "$WORKLOADS/shm_wall" /dev/shm "${CASES[@]}"
	[ "$status" -eq 0 ]
	cp "$OUT" said
	compare_walls said
	same 'in the summary' "$(grep -c 'hit the wall of /dev/shm' "$ERR")" ${#CASES[@]}
}

@test 'the wall, each way: a shell that is watched already' {
	place size=4m,nr_inodes=64
	# shmem of its own: whoever has some is traced from the first look on
	# shellcheck disable=SC2016 # for the shell that is started
	inside_start shell bash -c 'head -c 1000000 /dev/zero >/dev/shm/some; echo ready; read line
		rm /dev/shm/some; echo removed; read line; "$@"' _ "$WORKLOADS/shm_wall" /dev/shm "${CASES[@]}"
	hear shell ready
	watch -p "$shell_pid" --json "$JSON"
	go_on shell
	hear shell removed
	until_true traces
	go_on shell
	cat <&"$shell_out" >said &
	STARTED+=("$!")
	ended "$shell_pid"
	ended "$watch_pid"
	show
	[ "$status" -eq 0 ]
	until_true has_lines said ${#CASES[@]}
	compare_walls said
}
# It has attached what sees writes: a program of this name, by whatever chain.
traces() {
	local links
	links=$(grep -ls '^link_type' "/proc/$watch_pid/fdinfo"/* | xargs sed -n 's/^prog_id:[[:space:]]*//p' | jq -s .)
	bpftool -j prog list | jq -e --argjson links "$links" \
		'any(.[]; (.id | IN($links[])) and (.name | test("^on_(sys_exit|recalc)")))' >/dev/null
}
has_lines() {
	[ "$(wc -l <"$1")" -ge "$2" ]
}

# ---- many ----

@test '200 mounts and 2,000 processes: the table is there at once, and staying costs little' {
	mkdir -p "$BATS_TEST_TMPDIR/many"/{0..199}
	start_workload crowd shm_crowd "$BATS_TEST_TMPDIR/many" 200 2000 20
	hear crowd ready
	begin_ns=$(date +%s%N)
	memmon shm --json "$JSON"
	took_ms=$((($(date +%s%N) - begin_ns) / 1000000))
	[ "$status" -eq 0 ]
	same mounts "$(j "[.shm[] | select(.mount | startswith(\"$BATS_TEST_TMPDIR/many/\"))] | length")" 200
	same 'with their files' "$(j "[.shm[] | select(.mount | startswith(\"$BATS_TEST_TMPDIR/many/\")) |
		.files[] | select(.path == \"file\")] | length")" 200
	within 'ms until the table was there' "$took_ms" 1 3000
	ledger
	until_true has_ticks 3
	before=$(cpu_ns "$ledger_pid") began_ns=$(date +%s%N)
	until_true has_ticks 13
	share=$((($(cpu_ns "$ledger_pid") - before) * 10000 / ($(date +%s%N) - began_ns)))
	within 'share of a core, in 1/10000' "$share" 0 500
	stop_ledger
	go_on crowd
	ended "$crowd_pid"
}
cpu_ns() {
	awk '{ print $1 }' "/proc/$1/schedstat"
}
has_ticks() {
	[ "$(tail -n +2 "$CSV" | cut -d, -f1 | uniq | wc -l)" -ge "$1" ]
}

# ---- endings ----

@test 'SIGINT, SIGTERM, SIGHUP and SIGQUIT end a watch well, with all it has' {
	place
	for signal in INT TERM HUP QUIT; do
		rm -f "$JSON" csv
		ledger --json "$JSON"
		stop_ledger "$signal"
		its .limit_bytes
		grep -q '^MOUNT' "$OUT"
		same 'on standard error' "$(cat "$ERR")" ''
		tail -c 1 "$CSV" | cmp - <(echo)
	done
}

@test 'a pipe that closes and a full disk: said once, status 1' {
	place
	inside_start pad sh -c 'head -c 5000000 /dev/zero >/dev/shm/pad; echo ready; read line'
	hear pad ready
	for args in '--json -' '--csv -' '' '--files'; do
		# shellcheck disable=SC2086 # words
		status=0 && inside sh -c '"$@" >/dev/full' _ "$MEMMON" shm $args 2>"$ERR" </dev/null || status=$?
		cat "$ERR"
		same "status of shm $args" "$status" 1
		same 'lines' "$(wc -l <"$ERR")" 1
		grep -F 'No space left on device' "$ERR"
	done
	for args in "--json /dev/shm/json" "--csv /dev/shm/csv"; do
		# shellcheck disable=SC2086 # words
		status=0 && inside "$MEMMON" shm $args >"$OUT" 2>"$ERR" </dev/null || status=$?
		cat "$ERR"
		same "status of shm $args" "$status" 1
		grep -F 'No space left on device' "$ERR"
		same 'lines' "$(wc -l <"$ERR")" 1
		grep '^MOUNT' "$OUT" # what can be written is
	done
	# nobody reads: ended quickly, without a message that nobody could act on, or with just one
	# shellcheck disable=SC2016 # for the shell that is started
	inside bash -c '"$0" shm --watch -i 0.1 --csv - 2>err | head -n 1; echo "${PIPESTATUS[0]}" >status' "$MEMMON" >"$OUT"
	cat err
	grep -q '^time_s,' "$OUT"
	same status "$(cat status)" 1
	[ "$(wc -l <err)" -le 1 ]
}

@test 'without root it says what it needs' {
	status=0
	setpriv --reuid 65534 --regid 65534 --clear-groups "$MEMMON" shm >"$OUT" 2>"$ERR" </dev/null || status=$?
	show
	# what anybody may see is shown, and what is missing is told
	grep -q '^not seen: .*' "$OUT"
	[ "$status" -eq 0 ]
}
