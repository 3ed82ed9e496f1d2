# SPDX-License-Identifier: GPL-2.0-or-later
#
# Counts the TAP of one test program, cmocka's and bats' dialects. One line per test comes out:
# PASSED|FAILED|SKIPPED, a tab, its name, a tab, why.
#
# status: the program's exit status (124 = timeout(1) ended it after `limit` seconds). What a crash
# would hide is made up for: tests that were planned and did not run, a missing plan, and a status
# that says failure where no test did are failures themselves. cmocka prints a plan per group and
# `not ok 2 # SKIP name`; bats prints `ok 2 name # skip why`.

function verdict(kind, name, why) {
	gsub(/\t/, " ", name)
	gsub(/\t/, " ", why)
	printf "%s\t%s\t%s\n", kind, name, why
	if (kind == "FAILED")
		failures++
}

function close_plan() {
	if (planned > seen)
		verdict("FAILED", planned - seen " of " planned " planned tests did not run")
	else if (seen > planned && plans > 0)
		verdict("FAILED", seen " tests ran where " planned " were planned")
	planned = seen = 0
}

/^1\.\.[0-9]+/ {
	# A plan after its tests is legal once; between two groups it opens the next.
	if (plans > 0 || planned > 0)
		close_plan()
	plans++
	planned = substr($1, 4) + 0
	if (planned == 0 && tolower($0) ~ /# *skip/) {
		sub(/^.*# *[Ss][Kk][Ii][Pp][^ ]* */, "")
		verdict("SKIPPED", "all", $0)
	}
	next
}

/^(not )?ok [0-9]+/ {
	line = $0
	bad = sub(/^not /, "", line)
	sub(/^ok [0-9]+ *-? */, "", line)
	seen++
	if (match(tolower(line), /# *skip[a-z]* */)) {
		name = substr(line, 1, RSTART - 1)
		why = substr(line, RSTART + RLENGTH)
		sub(/^\(/, "", why)
		sub(/\)$/, "", why)
		sub(/ +$/, "", name)
		if (name == "") {
			name = why
			why = ""
		}
		verdict("SKIPPED", name, why)
	} else if (bad) {
		verdict("FAILED", line)
	} else {
		verdict("PASSED", line)
	}
	next
}

/^Bail out!/ {
	verdict("FAILED", $0)
}

END {
	if (plans == 0)
		verdict("FAILED", "no test plan", "the program ended with status " status)
	else
		close_plan()
	if (status == 124 || status == 137)
		verdict("FAILED", "ended by signal or after " limit " s")
	else if (status != 0 && failures == 0)
		verdict("FAILED", "no test failed but the status is " status)
}
