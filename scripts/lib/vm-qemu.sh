# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2034 # variables of scripts/vm
# Sourced by scripts/vm: a machine of QEMU's.

# Does KVM boot IMAGE, and soon? Some machines have the device and no more, and some
# run a few instructions and stop at others. A kernel without a root panics, and so
# ends the machine.
kvm_works() {
	local known code=no

	[ -w /dev/kvm ] || return 1
	known=$cache/kvm-$(</proc/sys/kernel/random/boot_id)
	if [ ! -e "$known" ]; then
		mkdir -p "$cache"
		timeout 15 qemu-system-x86_64 -accel kvm -cpu host -m 512 \
			-nodefaults -no-reboot -display none -kernel "$1" \
			-append 'panic=-1' >/dev/null 2>&1 && code=yes
		rm -f "$cache"/kvm-*
		printf '%s' "$code" >"$known"
	fi
	grep -q yes "$known"
}

# machine_prepare IMAGE INITRAMFS PARAMS: all but the guest's terminal or pipes.
machine_prepare() {
	local accel=tcg,thread=$thread cpu=max

	if [ "$icount" = yes ]; then
		accel=tcg,thread=single cpus=1
	elif kvm_works "$1"; then
		accel=kvm cpu=host
	fi
	machine=() p2p_append=
	if [ -n "$profile" ]; then
		# shellcheck source=scripts/lib/vm-p2p.sh
		. "$top/scripts/lib/vm-p2p.sh"
		p2p_prepare
	fi
	# A machine that is slow to run is no machine without a timer.
	# shellcheck disable=SC2054 # QEMU wants these commas
	machine=(qemu-system-x86_64 -accel "$accel" -M q35 -cpu "$cpu"
		-smp "$cpus" -m "$mem" -nodefaults -no-user-config -display none
		-no-reboot -serial "file:$run/console"
		-kernel "$1" -initrd "$2"
		-append "console=ttyS0 loglevel=5 log_buf_len=4M panic=-1 tsc=reliable
			random.trust_cpu=on mitigations=off net.ifnames=0
			no_timer_check $3$p2p_append"
		-fsdev "local,id=root,path=$root,security_model=none,readonly=on,multidevs=remap"
		-device virtio-9p-pci,fsdev=root,mount_tag=root
		-fsdev "local,id=vm,path=$run,security_model=none"
		-device virtio-9p-pci,fsdev=vm,mount_tag=vm
		-device virtio-rng-pci -device virtio-serial-pci
		"${machine[@]}")
	[ "$icount" = no ] || machine+=(-icount "shift=0,sleep=off")
	case $gpu in
	gpu) machine+=(-device virtio-gpu-pci) ;;
	gpu-3d)
		# The last -display counts; this one has to have an X server.
		# shellcheck disable=SC2054
		machine=(xvfb-run -a "${machine[@]}" -device virtio-gpu-gl-pci
			-display sdl,gl=on)
		;;
	esac
	if [ -n "$write" ]; then
		# shellcheck disable=SC2054
		machine+=(-fsdev "local,id=write,path=$write,security_model=none"
			-device virtio-9p-pci,fsdev=write,mount_tag=write)
	fi
	stop=TERM
	terminal=(-chardev "stdio,id=tty,signal=off" -device "virtconsole,chardev=tty")
	pipes=(-chardev "file,id=out,path=$run/out"
		-device "virtserialport,chardev=out,name=out"
		-chardev "file,id=err,path=$run/err"
		-device "virtserialport,chardev=err,name=err")
}
