# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2034,SC2054 # variables of scripts/vm; commas
# Sourced by scripts/vm: User-Mode Linux, a kernel that is a program.

# shellcheck source=scripts/lib/uml.sh
. "$top/scripts/lib/uml.sh"

# The guest's memory is a file in $TMPDIR, where code has to be executable; on a
# disk it would be written back.
memory_folder() {
	if [ "$(stat -f -c %T /dev/shm)" = tmpfs ] &&
		[ "$(stat -f -c '%a * %S / 1048576' /dev/shm | bc)" -gt "$mem" ] &&
		! grep -q ' /dev/shm .*[ ,]noexec' /proc/mounts; then
		echo /dev/shm
	else
		echo "$run"
	fi
}

# machine_prepare PROGRAM INITRAMFS PARAMS: all but the guest's terminal or pipes.
machine_prepare() {
	local smp=() fixed=()

	# More than one CPU needs another way to run user space. Its own start frees
	# memory on a CPU that is not there yet, which lets kmemleak complain.
	! grep -q '^CONFIG_SMP=y' "${1%/*}/.config" ||
		smp=(seccomp=on "ncpus=$cpus" kmemleak=off)
	# Where the heap begins is part of its memory map: for some random places it
	# dies at once.
	! setarch -R true 2>/dev/null || fixed=(setarch -R)
	# shellcheck disable=SC2016 # for the inner shell
	machine=(sh -c 'exec "$@" 2>"$0"' "$run/console" "${fixed[@]}"
		env "TMPDIR=$(memory_folder)" "LD_PRELOAD=$(uml_preload)" "$1" "mem=${mem}M" "initrd=$2"
		"uml_dir=$run/uml/" stderr=1 con=null con0=null,fd:2 ssl=null
		loglevel=5 log_buf_len=4M panic=-1 watchdog_thresh=60
		# Its processors are threads here, and may have to wait.
		rcupdate.rcu_cpu_stall_timeout=120 "${smp[@]}"
		"vm_root=\"$root\"" "vm_run=\"$run\"" "vm_write=\"$write\"")
	# shellcheck disable=SC2206 # several parameters
	machine+=($3)
	# Asked to end, it cleans up in its signal handler, and complains of that.
	stop=KILL
	terminal=(ssl0=fd:0,fd:1)
	pipes=(ssl0=null,fd:3 ssl1=null,fd:4)
}
