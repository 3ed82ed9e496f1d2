#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The documents against the program: what it knows must be written down, and what is written down
# must exist.

load completion

setup() {
	TOP=$BATS_TEST_DIRNAME/../..
	PAGE=$BATS_TEST_TMPDIR/page
	FILES=({,shm_,doctor_,report_,diff_}options.c)
	sed 's/\\\(.\)/\1/g' "$TOP/docs/memmon-bpf.8.scd" >"$PAGE"
}

# section NAME: the lines of a section, or of a part of it, of the man page.
section() {
	awk -v name="$1" '/^##? / { on = index($0, name) > 0; next } on' "$PAGE"
}

# chapter NAME: the lines of a section with all its parts.
chapter() {
	awk -v name="$1" '/^# / { on = $0 == "# " name; next } on' "$PAGE"
}

# options [FILE]: long options, and those that have a letter as "LETTER long", out of the table that
# argp is given.
options() {
	sed -nE "s/^\t\{ \"([a-z-]+)\", ('(.)'|OPT_[A-Z_ +]+), .*/\3 \1/p" "$TOP/src/${1:-options.c}"
}

# documented NAME: "name unit" of each field in that part of the man page.
documented() {
	section "$1" | grep -E '^\*[a-z_.]+\*.* \((bytes|count|s|ns|ratio)\)$' |
		sed -E 's/^(.*) \((.*)\)$/\2 \1/; s/[*,]//g' |
		awk '{for (i = 2; i <= NF; i++) print $i, $1}' | sort
}

# listed PATTERN: the same as --fields prints it, under the heading that matches.
listed() {
	"$MEMMON" --fields | awk -v heading="$1" '/^[^ ]/ { on = $0 ~ heading; next } on {print $1, $2}' | sort
}

# same A B: both have lines, and the same.
same() {
	diff <(printf '%s\n' "$1") <(printf '%s\n' "$2")
	[ -n "$1" ]
}

@test "the man page is valid scdoc" {
	scdoc <"$TOP/docs/memmon-bpf.8.scd" >"$BATS_TEST_TMPDIR/memmon-bpf.8"
	grep -q '^\.SH EXIT STATUS' "$BATS_TEST_TMPDIR/memmon-bpf.8"
}

@test "every field of the watch is in the man page with its unit, and no other" {
	same "$(listed '^Of the whole watch')" "$(documented 'Of the whole watch')"
}

@test "every field of a process is in the man page with its unit, and no other" {
	same "$(listed '^Of each process')" "$(documented 'Of each process')"
}

@test "every option is in the man page, --help and the completion" {
	help=$("$MEMMON" --help)
	[ "$(options | wc -l)" -ge 20 ]
	while read -r letter name; do
		[ -n "$name" ] || { name=$letter letter=; }
		echo "--$name"
		grep -qE "^\*.*\*--$name\*|^\*--$name\*" "$PAGE"
		complete_words "--$name" | grep -qxe "--$name"
		# --usage is --help under the name that argp knows
		[ "$name" = usage ] || grep -qE -e "(^|[ ,[])--$name([ ,=]|\$)${letter:+|(^|[ ,[])-$letter([ ,]|\$)}" <<<"$help"
		[ -z "$letter" ] || grep -qF "*-$letter*, *--$name*" "$PAGE"
	done < <(options)
}

@test "every option of shm is in its chapter of the man page and in the completion" {
	[ "$(options shm_options.c | wc -l)" -ge 12 ]
	while read -r letter name; do
		[ -n "$name" ] || { name=$letter letter=; }
		echo "--$name"
		complete_words shm "--$name" | grep -qxe "--$name"
		case $name in
		# in the chapter by their letters; --usage is --help under the name that argp knows
		help | verbose) chapter 'SHARED MEMORY' | grep -qE "^\*-.*\*-$letter\*" ;;
		usage) ;;
		*) chapter 'SHARED MEMORY' | grep -qE "^\*.*\*--$name\*|^\*--$name\*" ;;
		esac
		[ -z "$letter" ] || complete_words shm "-$letter" | grep -qxe "-$letter"
	done < <(options shm_options.c)
}

@test "every key of the JSON of doctor is in the man page, and every feature" {
	keys=$(grep -oE 'json_put\([a-z]+, "[a-z_.]+"' "$TOP/src/sinks/doctor_json.c" |
		grep -oE '"[a-z_.]+"$' | tr -d '"' | tr . '\n' | sort -u)
	[ "$(wc -l <<<"$keys")" -ge 20 ]
	for key in $keys; do
		echo "$key"
		chapter DOCTOR | grep -qw -- "$key"
	done
	keys=$(sed -nE 's/^\t\[FEATURE_[A-Z_]+\] = "([a-z_]+)",$/\1/p' "$TOP/src/features.c")
	[ "$(wc -l <<<"$keys")" -ge 16 ]
	for key in $keys; do
		echo "$key"
		chapter DOCTOR | grep -qF "_${key}_"
	done
	grep -qF "$(sed -nE 's/^#define SCHEMA "(.*)"$/\1/p' "$TOP/src/sinks/doctor_json.c")" "$PAGE"
}

@test "every option of doctor, report and diff is in its chapter, its --help and the completion" {
	for part in 'doctor DOCTOR 6' 'report REPORTS 13' 'diff COMPARING 5'; do
		read -r name chapter least <<<"$part"
		help=$("$MEMMON" "$name" --help)
		[ "$(options "${name}_options.c" | wc -l)" -ge "$least" ]
		while read -r letter option; do
			[ -n "$option" ] || { option=$letter letter=; }
			echo "$name --$option"
			complete_words "$name" "--$option" | grep -qxe "--$option"
			case $option in
			usage) continue ;; # --help under the name that argp knows
			help | verbose) chapter "$chapter" | grep -qE "^\*-.*\*-$letter\*|^\*-$letter\*" ;;
			*) chapter "$chapter" | grep -qE "^\*.*\*--$option\*|^\*--$option\*" ;;
			esac
			grep -qE -e "(^|[ ,[])--$option([ ,=]|\$)" <<<"$help"
			[ -z "$letter" ] || complete_words "$name" "-$letter" | grep -qxe "-$letter"
		done < <(options "${name}_options.c")
		ours=$(options "${name}_options.c" | awk '{print "--" $NF}' | sort -u)
		for named in "$(grep -oE '(^| )--[a-z][a-z-]+' <<<"$help" | tr -d ' ' | sort -u)" \
			"$(complete_words "$name" -- | grep -E '^--.' | sort -u)"; do
			[ -n "$named" ]
			diff <(comm -13 <(printf '%s\n' "$ours") <(printf '%s\n' "$named")) <(printf '%s' '')
		done
	done
}

@test "every key of the JSON of diff is in the man page" {
	keys=$(grep -oE '(json_put\([a-z]+|_json\(.*), "[a-z_.]+"' "$TOP/src/report/compare_json.c" |
		grep -oE '"[a-z_.]+"$' | tr -d '"' | tr . '\n' | sort -u)
	[ "$(wc -l <<<"$keys")" -ge 25 ]
	for key in $keys; do
		echo "$key"
		chapter COMPARING | grep -qw -- "$key"
	done
	grep -qF "_$(sed -nE 's/^#define SCHEMA "(.*)"$/\1/p' "$TOP/src/report/compare_json.c")_" "$PAGE"
}

@test "every key of the JSON of shm is in the man page" {
	keys=$(grep -oE '(json_put\([a-z]+|_json\(.*), "[a-z_.]+"' "$TOP/src/sinks/shm_json.c" |
		grep -oE '"[a-z_.]+"$' | tr -d '"' | tr . '\n' | sort -u)
	[ "$(wc -l <<<"$keys")" -ge 60 ]
	for key in $keys; do
		echo "$key"
		chapter 'SHARED MEMORY' | grep -qw -- "$key"
	done
	grep -qF "_$(sed -nE 's/^#define SCHEMA "(.*)"$/\1/p' "$TOP/src/sinks/shm_json.c")_" "$PAGE"
}

@test "the man page, --help and the completion name no option that does not exist" {
	ours=$(options shm_options.c | awk '{print "--" $NF}' | sort -u)
	for named in "$("$MEMMON" shm --help | grep -oE '(^| )--[a-z][a-z-]+' | tr -d ' ' | sort -u)" \
		"$(complete_words shm -- | grep -E '^--.' | sort -u)"; do
		[ -n "$named" ]
		diff <(comm -13 <(printf '%s\n' "$ours") <(printf '%s\n' "$named")) <(printf '%s' '')
	done
	known=$( (for file in "${FILES[@]}"; do options "$file"; done) | awk '{print "--" $NF}' | sort -u)
	for named in "$(grep -oE '(^|[ *])--[a-z][a-z-]+' "$PAGE" | tr -d ' *' | sort -u)" \
		"$("$MEMMON" --help | grep -oE '(^| )--[a-z][a-z-]+' | tr -d ' ' | sort -u)" \
		"$(complete_words -- | grep -E '^--.' | sort -u)" \
		"$(complete_words - | grep -E '^--.' | sort -u)"; do
		diff <(comm -13 <(printf '%s\n' "$known") <(printf '%s\n' "$named")) <(printf '%s' '')
	done
}

@test "the arguments that the program takes are named in the man page as in --help" {
	"$MEMMON" --help | grep -oE -e '--[a-z-]+ [A-Z]+' | sort -u >"$BATS_TEST_TMPDIR/arguments"
	[ -s "$BATS_TEST_TMPDIR/arguments" ]
	while read -r option argument; do
		echo "$option $argument"
		grep -qE "\*$option\* _${argument}_" "$PAGE"
	done <"$BATS_TEST_TMPDIR/arguments"
}

@test "every exit status is in the man page" {
	for status in 0 N '128[+]N' 125 126 127 1 2 3 4; do
		echo "$status"
		section 'EXIT STATUS' | grep -qE "^\|[[ ] [*_]${status}[*_]\$"
	done
	for status in $(sed -nE 's/^#define EXIT_[A-Z_]+ ([0-9]+)$/\1/p' "$TOP/src/watch.c" "$TOP/src/shm.c" \
		"$TOP/src/report.c" "$TOP/src/diff.c" | sort -u); do
		section 'EXIT STATUS' | grep -qE "^\|[[ ] \*$status\*\$"
	done
}

@test "every key that sorts the live screen is in the man page" {
	keys=$(sed -nE "s/^\t\{ \"[A-Z]+\", HOLDS_.*, '([A-Z])', .*/\1/p" "$TOP/src/sinks/live_table.c")
	[ -n "$keys" ]
	for key in $keys; do
		echo "$key"
		section 'LIVE SCREEN' | grep -qF "*$key*"
	done
}

@test "ARCHITECTURE.md names every source file, and none that is gone" {
	cd "$TOP"
	for file in src/*.c src/*/*.c bpf/*; do
		echo "$file"
		grep -qF "\`${file##*/}\`" ARCHITECTURE.md
	done
	for name in $(grep -oE '`[a-z_]+(\.bpf)?\.[ch]`' ARCHITECTURE.md | tr -d '`'); do
		echo "$name"
		[ -n "$(find src bpf vmlinux tests -name "$name")" ]
	done
	[ "$(wc -l <ARCHITECTURE.md)" -le 140 ]
}

@test "what README.md says of make and of options exists" {
	cd "$TOP"
	[ -s README.md ]
	for target in $(grep -v 'remedy: make it' README.md | grep -oE '(^|[` ])make [a-z-]+' | awk '{print $NF}' | sort -u); do
		echo "make $target"
		grep -qE "^$target:" Makefile
	done
	for option in $(grep -oE 'memmon-bpf [^|]*' README.md | grep -oE ' --[a-z][a-z-]+' | sort -u); do
		echo "$option"
		(for file in "${FILES[@]}"; do options "$file"; done) |
			grep -qE "(^| )${option#--}\$"
	done
	[ -z "$(grep -nE '/(work|tmp)/' README.md ARCHITECTURE.md CHANGELOG.md docs/*)" ]
}

@test "CHANGELOG.md has the version that the program prints" {
	version=$("$MEMMON" --version)
	grep -qF "## [${version#memmon-bpf }]" "$TOP/CHANGELOG.md"
}
