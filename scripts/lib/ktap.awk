# SPDX-License-Identifier: GPL-2.0-only
# KTAP of KUnit suites in, TAP out: one line for each case, named SUITE/CASE, and
# what it has said about itself before.
function result(line, bad,   name, directive) {
	name = line
	sub(/^(not )?ok [0-9]+ (- )?/, "", name)
	if (match(name, / *# *SKIP/)) {
		directive = " # SKIP" substr(name, RSTART + RLENGTH)
		name = substr(name, 1, RSTART - 1)
	}
	if (name in skipped)
		directive = " # SKIP" skipped[name]
	printf "%sok %d %s/%s%s\n", bad ? "not " : "", ++n, suite, name, directive
}
BEGIN { print "TAP version 13" }
/^    # Subtest: / { suite = $3; open = 1; next }
# An older KUnit knows no such mark: compat/kunit.h.
match($0, /^ *# [a-z0-9_]+: SKIP/) { skipped[substr($2, 1, length($2) - 1)] = substr($0, RSTART + RLENGTH); next }
/^    not ok [0-9]/ { result(substr($0, 5), 1); next }
/^    ok [0-9]/ { result(substr($0, 5), 0); next }
/^(not )?ok [0-9]+ / { open = 0; next }
/^ *(KTAP version|1\.\.|# Subtest|# module|# [a-z0-9_]*: pass)/ { next }
{ print "# " $0 }
END {
	# A suite that did not end: the kernel died in it.
	if (open)
		printf "not ok %d %s ended before its last case\n", ++n, suite
	print "1.." n
}
