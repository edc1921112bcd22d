# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2034 # from base.sh; for who sources this
# Sourced after base.sh: run programs in a VM and leave TAP in build/check.

# shellcheck source=scripts/lib/tap.sh
. "$top/scripts/lib/tap.sh"
results=$build/check
programs=$build/selftests

next() {
	step=$((step + 1))
	printf '[%d of %d, %d s] %s\n' "$step" "$steps" "$SECONDS" "$*" >&2
}

# in_vm NAME OPTION... -- COMMAND...: run it, and make the VM's own verdict,
# which covers the kernel log, a test.
in_vm() {
	local code=0 dir=$results/$1
	shift
	mkdir -p "$dir"
	"$top/scripts/vm" run --kernel "$kernel" --write "$dir" "$@" \
		2>"$dir/vm.log" || code=$?
	[ "$code" != 130 ] && [ "$code" != 143 ] || exit "$code"
	grep -v '^\[' "$dir/vm.log" | sed 's/^/    /' >&2
	vm_tap "$code" "$dir/vm.log" >"$dir/vm.tap"
}

# suite NAME OPTION...: all test programs
suite() {
	local name=$1
	shift
	in_vm "$name" "$@" -- selftests/run-guest "$modules" "$results/$name" \
		"${tests[@]}" "$programs"/{example,frame,frame-c++}
	[ ${#patching[@]} -gt 0 ] || return 0
	in_vm "$name-patching" --one-thread "$@" -- selftests/run-guest \
		"$modules" "$results/$name-patching" "${patching[@]}"
}

# stress NAME SECONDS OPTION...: everything at once
stress() {
	local name=$1-stress seconds=$2
	shift 2
	in_vm "$name" "$@" --timeout $((3 * seconds + 300)) -- \
		selftests/run-guest "$modules" "$results/$name" \
		"$programs/stress --seconds $seconds"
}

# poisoned NAME OPTION...: the same where memory that is freed is filled, and memory that
# is new is not cleared: what is read there by mistake is neither a fence nor NULL
poisoned() {
	local name=$1-poisoned
	shift
	in_vm "$name" "$@" --append 'init_on_alloc=0 slub_debug=P' -- \
		selftests/run-guest "$modules" "$results/$name" \
		"$programs/sync_test" "$programs/stress --seconds 10"
}

# hostile NAME short|full OPTION...: a client that does its worst; accounting has
# the kernel patch itself
hostile() {
	local name=$1-hostile size=$2
	shift 2
	in_vm "$name" --one-thread "$@" -- \
		selftests/run-guest "$modules" "$results/$name" \
		"selftests/hostile-guest $programs $size"
}

# make_programs SOURCE: one at a time makes them
make_programs() {
	mkdir -p "$build"
	(
		flock 9
		log_run "$build/selftests.log" 'building test programs' \
			make -C "$top/selftests/dma-buf" OUT="$programs" \
			-j "$(nproc)" KSELFTEST="$1/tools/testing/selftests"
	) 9>"$build/selftests.lock"
}

# build_programs SOURCE: the test programs, in $tests and $patching
build_programs() {
	local program

	make_programs "$1"
	tests=()
	for program in export shape import merge bad_input lifetime hostile \
		client many many_input many_race sync waiters; do
		tests+=("$programs/${program}_test")
	done
	# These switch tracing and accounting, for which the kernel patches itself.
	patching=("$programs/bounds_test")
}

add_programs_of_32_bits() {
	tests+=("${tests[@]/%/-32}")
	patching+=("${patching[@]/%/-32}")
}
