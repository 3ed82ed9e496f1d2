#!/usr/bin/env bats
# shellcheck shell=bats disable=SC2154 # NAME_pid: start() in helpers.bash sets it
# SPDX-License-Identifier: GPL-2.0-or-later
#
# PostgreSQL whose /dev/shm is too small for a parallel query: the error that its user sees is one
# failure here, of the backend that PostgreSQL's own log names. The server is the test's own, in a
# directory of the test and in a mount namespace with a /dev/shm of 64 MiB.

load helpers

setup() {
	begin
	BIN=$(pg_bin) || skip 'PostgreSQL is not installed'
	id postgres >/dev/null 2>&1 || skip 'there is no user postgres'
	# not below the test's directory, which only root may enter; a short path, for the socket
	DIR=$(mktemp -d /tmp/memmon-pg.XXXXXX)
	chmod 700 "$DIR"
	chown postgres "$DIR"
	SERVER=
}
teardown() {
	# the server's children end with it
	[ -z "${SERVER:-}" ] || kill -QUIT "$SERVER" 2>/dev/null || :
	[ -z "${SERVER:-}" ] || until_true has_state "$SERVER" Z-
	finish_all
	[ -z "${DIR:-}" ] || rm -rf --one-file-system "$DIR"
}

# The directory of the newest server that is installed.
pg_bin() {
	local dir
	for dir in $(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin | sort -rV); do
		if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ]; then
			echo "$dir"
			return
		fi
	done
	return 1
}

# in_server COMMAND…: as the user postgres, in the server's mount namespace.
in_server() {
	nsenter -t "$place_pid" -m -- setpriv --reuid postgres --regid postgres --init-groups \
		env -C "$DIR" HOME="$DIR" "$@" 3>&- 4>&-
}

# A server in a namespace of its own; its pid is in SERVER. Without parallel workers it is the
# backend itself that makes the tables of a parallel query.
start_server() {
	# shellcheck disable=SC2016 # for the shell that is started
	start place unshare -m sh -ec 'mount -t tmpfs -o size=64m,mode=1777 shm /dev/shm
		echo ready; read line'
	hear place ready
	DEVICE=$(in_server stat -c '%Hd:%Ld' /dev/shm)
	in_server "$BIN/initdb" -D "$DIR/data" -A trust --no-sync --locale=C >"$DIR/initdb.log" 2>&1
	cat >>"$DIR/data/postgresql.conf" <<-END
		listen_addresses = ''
		unix_socket_directories = '$DIR'
		dynamic_shared_memory_type = posix
		shared_buffers = 16MB
		fsync = off
		log_line_prefix = '%p '
		max_parallel_workers = $1
	END
	in_server "$BIN/pg_ctl" -D "$DIR/data" -l "$DIR/log" -w start >/dev/null
	SERVER=$(head -n 1 "$DIR/data/postmaster.pid")
	sql "create table t as select i, repeat('x', 200) p from generate_series(1, 500000) i" 'analyze t'
}

# sql TEXT…: one after the other, in one backend.
sql() {
	printf '%s;\n' "$@" | in_server "$BIN/psql" -XAtq -h "$DIR" -d postgres -v ON_ERROR_STOP=1 2>&1
}

# A hash join whose table is larger than /dev/shm; $backend is who runs it.
provoke() {
	local said
	status=0
	said=$(sql 'select pg_backend_pid()' "set work_mem = '512MB'" \
		'set max_parallel_workers_per_gather = 2' 'set parallel_setup_cost = 0' \
		'set parallel_tuple_cost = 0' 'set min_parallel_table_scan_size = 0' \
		'set enable_mergejoin = off' 'set enable_nestloop = off' \
		'select max(a.p || b.p) from t a join t b using (i)') || status=$?
	echo "$said"
	[ "$status" -ne 0 ]
	[[ $said == *'could not resize shared memory segment'*'No space left on device'* ]]
	backend=$(head -n 1 <<<"$said")
	[[ $backend =~ ^[0-9]+$ ]]
}

# The pids that the log has for that error, less the repetition of a worker's by its leader.
log_pids() {
	awk '$2 == "ERROR:" && /could not resize shared memory segment/ { print $1 }' "$DIR/log" | sort -u
}

# The failures of the server's /dev/shm.
failures() {
	jq -er --arg device "$DEVICE" ".shm[] | select(.device == \$device) | .full | $1" "$JSON"
}
# is_told PID
is_told() {
	local its="map(select(.pid == $1))" segment
	same 'failures of that backend' "$(failures "$its | length")" 1
	same 'how, errno, limit' "$(failures "${its}[0] | [.how, .errno, .limit_bytes] | map(tostring) | join(\" \")")" \
		'fallocate 28 67108864'
	failures "${its}[0].comm" | grep '^postgres'
	segment=$(failures "${its}[0].file")
	[[ $segment =~ ^PostgreSQL\.[0-9]+$ ]]
	same 'what the log says it wanted' "$(failures "${its}[0].wanted_bytes")" \
		"$(sed -n "s/.*segment \"\/$segment\" to \([0-9]*\) bytes.*/\1/p" "$DIR/log" | head -n 1)"
	failures "${its}[0].remedy" | grep -E '^make it larger: nsenter -t [0-9]+ -m mount -o remount,size='
}

has_two_lines() {
	[ "$(grep -c '^ ' "$OUT")" -gt 1 ]
}

has_rows() {
	{ [ -e "$1" ] && [ "$(wc -l <"$1")" -gt 1 ]; } || has_state "$2" Z-
}

@test 'memmon-bpf shm --watch names the backend that could not resize its segment' {
	start_server 0
	start ledger "$MEMMON" shm --watch --csv "$DIR/csv" --json "$JSON"
	until_true has_rows "$DIR/csv" "$ledger_pid"
	provoke
	kill -INT "$ledger_pid"
	ended "$ledger_pid"
	[ "$status" -eq 0 ]
	same 'pid in the log' "$(log_pids)" "$backend"
	is_told "$backend"
	same 'failures in all' "$(failures length)" 1
}

@test 'a watch of the server: its backend, which started while it was watched' {
	start_server 0
	watch -p "$SERVER" --json "$JSON"
	until_true has_two_lines # shared memory is traced from just after the first on
	provoke
	stop_watch
	same 'pid in the log' "$(log_pids)" "$backend"
	is_told "$backend"
	grep -F "pid $backend" "$OUT" "$ERR"
}

@test 'with parallel workers each failure is of a process that the log names' {
	start_server 4
	start ledger "$MEMMON" shm --watch --csv "$DIR/csv" --json "$JSON"
	until_true has_rows "$DIR/csv" "$ledger_pid"
	provoke
	kill -INT "$ledger_pid"
	ended "$ledger_pid"
	[ "$status" -eq 0 ]
	cat "$DIR/log"
	told=$(failures '.[].pid' | sort -u)
	[ -n "$told" ]
	for pid in $told; do
		echo "told: $pid"
		log_pids | grep -x "$pid"
		is_told "$pid"
	done
}
