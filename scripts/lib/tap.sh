# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # from base.sh
# Sourced after base.sh: what was checked, as TAP.

tap_number=0

# check NAME COMMAND...: one line of TAP
check() {
	local name=$1 start=$SECONDS code out
	shift
	tap_number=$((tap_number + 1))
	out=$(mktemp)
	printf '%s: %s ...' "$me" "$name" >&2
	run_strict "$@" >"$out" 2>&1
	if [ "$code" = 0 ]; then
		printf 'ok %d %s\n' "$tap_number" "$name"
	else
		sed 's/^/# /' "$out"
		printf 'not ok %d %s\n' "$tap_number" "$name"
		printf ' FAILED,' >&2
	fi
	rm -f "$out"
	printf ' %d s\n' $((SECONDS - start)) >&2
}

tap_end() {
	printf '1..%d\n' "$tap_number"
}

# vm_tap CODE [LOG]: the VM's own verdict, which covers the kernel log, as a test
vm_tap() {
	echo 'TAP version 13'
	if [ "$1" != 0 ]; then
		[ $# -lt 2 ] || sed 's/^/# /' "$2"
		printf 'not '
	fi
	echo 'ok 1 exit code 0 and a clean kernel log'
	echo '1..1'
}

# has_failed NAME FILE TEST...: fault NAME is in the code; each of these tests has
# to have failed
has_failed() {
	local name=$1 file=$2 test
	shift 2

	for test; do
		tap_number=$((tap_number + 1))
		if grep -qsE "^not ok [0-9]+ (.*\.)?$test\$" "$file"; then
			echo "ok $tap_number $name: $test fails"
		else
			echo "# see ${file#"$top/"}"
			echo "not ok $tap_number $name: $test does not fail"
		fi
	done
}
