# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # from the files below and mutants.sh
# Sourced after base.sh, module.sh and tap.sh: faults that clients have to notice.

# shellcheck source=scripts/lib/mutants.sh
. "$top/scripts/lib/mutants.sh"

# noticed FAULT FOLDER: as TAP, whether the programs have left in FOLDER what they had to
noticed() {
	local line tests

	for line in "${lines[@]}"; do
		fields "$line"
		[ "$name" = "$1" ] || continue
		mapfile -t tests <<<"${test//, /$'\n'}"
		has_failed "$1" "$2/${program#*/}.tap" "${tests[@]}"
	done
}

# fault_fields FAULT: fields() of its first line, and in $noticing those that have to
# notice it
fault_fields() {
	local i

	noticing=()
	for ((i = ${#lines[@]}; i-- > 0; )); do
		[ "${lines[i]%% *}" = "$1" ] || continue
		fields "${lines[i]}"
		noticing=("${program#*/}" "${noticing[@]}")
	done
}

# controls CLIENT KDIR FOLDER COMMAND...: for each fault that this client has to
# notice, FOLDER/FAULT with the module, and then COMMAND FOLDER/FAULT PROGRAM..., which
# leaves PROGRAM.tap and vm.tap there. Ends with what was noticed.
controls() {
	local client=$1 kdir=$2 folder=$3 fault noticing
	shift 3

	read_list "$top/tests/controls" ".*[|] $client/" 1
	log_run "$folder/tree.log" 'preparing to break the module' \
		stage_module "$kdir" "$folder/tree"
	echo 'TAP version 13' >"$folder/controls.tap"
	for fault in $(printf '%s\n' "${lines[@]}" | sed 's/ .*//' | uniq); do
		fault_fields "$fault"
		log_run "$folder/$fault/build.log" "building $fault" build_mutant \
			"$kdir" "$folder/tree" "$folder/$fault/dma_resv_export.ko"
		"$@" "$folder/$fault" "${noticing[@]}"
		noticed "$fault" "$folder/$fault" >>"$folder/controls.tap"
	done
	tap_end >>"$folder/controls.tap"
	"$top/scripts/tap-summary" "$folder/controls.tap" "$folder"/*/vm.tap
}
