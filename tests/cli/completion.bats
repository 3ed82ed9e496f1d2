#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The bash completion, asked the way bash asks it: words in COMP_WORDS, answers in COMPREPLY.

load completion

@test "the subcommands" {
	run complete_words ''
	[ "$output" = $'diff\ndoctor\nreport\nshm' ]
	run complete_words sh
	[ "$output" = shm ]
}

@test "doctor has options of its own, and no command" {
	run complete_words doctor --j
	[ "$output" = --json ]
	run complete_words doctor --wat
	[ -z "$output" ]
	run complete_words doctor -- tru
	[ -z "$output" ]
	cd "$BATS_TEST_TMPDIR"
	touch kernel.btf
	run complete_words doctor --btf ker
	[ "$output" = kernel.btf ]
}

@test "shm has options of its own, and no command" {
	run complete_words shm --f
	[ "$output" = $'--files\n--fail-if' ]
	run complete_words shm --watch --unit Mi
	[ "$output" = MiB ]
	# one of the watch, which shm would refuse
	run complete_words shm --scop
	[ -z "$output" ]
	run complete_words --fil
	[ -z "$output" ]
	run complete_words shm -- tru
	[ -z "$output" ]
	# a process or a container may have the name of the subcommand
	run complete_words -c shm --from
	[ "$output" = --from-zero ]
}

@test "report and diff have options of their own, take files, and run no command" {
	cd "$BATS_TEST_TMPDIR"
	touch run.memmon now.json
	run complete_words report --per
	[ "$output" = --perfetto ]
	run complete_words report run
	[ "$output" = run.memmon ]
	run complete_words report run.memmon --html now
	[ "$output" = now.json ]
	run complete_words report run.memmon --unit Gi
	[ "$output" = GiB ]
	run complete_words diff now.json n
	[ "$output" = now.json ]
	run complete_words diff --fai
	[ "$output" = --fail-if ]
	run complete_words diff --scop
	[ -z "$output" ]
	run complete_words report -- tru
	[ -z "$output" ]
}

@test "options" {
	run complete_words --no-ch
	[ "$output" = --no-children ]
	run complete_words -p 1 --from
	[ "$output" = --from-zero ]
}

@test "units, also after --unit=" {
	run complete_words --unit Mi
	[ "$output" = MiB ]
	run complete_words --unit = G
	[ "$output" = $'GiB\nGB' ]
}

@test "pids after -p, and after a comma" {
	run complete_words -p "$$"
	[[ $'\n'$output$'\n' == *$'\n'"$$"$'\n'* ]]
	run complete_words -p "1,$$"
	[[ $'\n'$output$'\n' == *$'\n'"1,$$"$'\n'* ]]
}

@test "containers after -c, and after a comma, of the engines that are there" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\n[ "$1" = ps ] && printf "web\nweb-2\ndb\n"\n' >"$BATS_TEST_TMPDIR/bin/docker"
	printf '#!/bin/sh\nexit 1\n' >"$BATS_TEST_TMPDIR/bin/podman"
	chmod +x "$BATS_TEST_TMPDIR"/bin/*
	PATH="$BATS_TEST_TMPDIR/bin:$PATH"
	run complete_words -c we
	[ "$output" = $'web\nweb-2' ]
	run complete_words --container = web,d
	[ "$output" = web,db ]
	run complete_words shm -c d
	[ "$output" = db ]
}

@test "files for outputs" {
	cd "$BATS_TEST_TMPDIR"
	touch a.json
	run complete_words --json a.
	[ "$output" = a.json ]
	run complete_words --csv = a.
	[ "$output" = a.json ]
}

@test "the command after --, and none of our options" {
	run complete_words -- tru
	[[ $'\n'$output$'\n' == *$'\n'true$'\n'* ]]
	run complete_words -- ls --no-ch
	[ -z "$output" ]
}
