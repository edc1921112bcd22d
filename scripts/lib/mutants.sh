# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # for who sources this; from base.sh
# Sourced after base.sh and module.sh: lists of small faults, one a line, fields split
# at " | ".

trim() {
	sed 's/^[[:space:]]*//; s/[[:space:]]*$//' <<<"$1"
}

# fields LINE: name, file, edit, program (or suite) and test (or case).
fields() {
	local rest=$1
	name=$(trim "${rest%% | *}") rest=${rest#* | }
	file=$(trim "${rest%% | *}") rest=${rest#* | }
	test=$(trim "${rest##* | }") rest=${rest% | *}
	program=$(trim "${rest##* | }") edit=$(trim "${rest% | *}")
}

# read_list FILE PATTERN EVERY: into $lines each EVERYth line whose name matches;
# every edit of them has to fit the sources.
read_list() {
	local line stale=no

	lines=()
	while read -r line; do
		lines+=("$line")
	done < <(grep -v '^#' "$1" | grep -E "^[^|]*$2" |
		awk -v every="$3" 'NR % every == 0' || :)
	[ ${#lines[@]} -gt 0 ] || die "no mutant of $1 matches $2"
	for line in "${lines[@]}"; do
		fields "$line"
		if sed -e "$edit" "$top/$file" | cmp -s - "$top/$file"; then
			say "the edit of $name changes nothing in $file"
			stale=yes
		fi
	done
	[ $stale = no ] || die "$1 does not fit the sources any more"
}

# build_mutant KDIR TREE KO: the module with the fault of fields(), as KO, in a
# staged TREE, in which only one object differs from the last one.
build_mutant() {
	sed -e "$edit" "$top/$file" >"$2/$file"
	kernel_make "$1" M="$2" modules
	cp "$2/dma_resv_export.ko" "$3"
	cp "$top/$file" "$2/$file"
}
