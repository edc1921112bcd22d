# SPDX-License-Identifier: GPL-2.0-only
# What people type. Each target is one script; 'make help' lists them.

ifneq ($(KERNELRELEASE),)
# Kbuild came here, though it prefers the file Kbuild.
include $(src)/Kbuild
else

all: help

help:
	@sed -n 's/^#: //p' $(MAKEFILE_LIST)

#: make demo          see implicit and explicit clients wait for each other
demo:
	scripts/setup demo
	scripts/demo

#: make demo-p2p      see two devices pass a buffer in a third one's memory
demo-p2p:
	scripts/demo-p2p

#: make check         all tests, from a cold machine
check:
	scripts/check

#: make check-quick   the same without what is slow
check-quick:
	scripts/check quick

#: make check-all     and on all kernels, with real clients and devices, and mutants
check-all: export HOSTILE = full
check-all: check
	scripts/check-all

#: make check-matrix  all tests with the module on each stock kernel: 5.10 to 7.3
check-matrix:
	scripts/check-matrix

#: make soak          races, random steps and reloading for HOURS=1
soak: HOURS ?= 1
soak:
	scripts/soak $(HOURS)

#: make kunit         unit tests and random steps inside a kernel
kunit:
	scripts/kunit

#: make check-p2p     buffers in device memory, with real P2P DMA
check-p2p:
	scripts/check-p2p

#: make check-igt     IGT's tests and ours, against the kernel's own code
check-igt:
	scripts/check-igt

#: make check-drm     tests by way of libdrm, on vgem, vkms, virtio-gpu and udmabuf
check-drm:
	scripts/check-drm

#: make check-compositor  sway and cage, unmodified: pictures, calls, frames held
check-compositor:
	scripts/check-compositor

#: make check-litmus  readers without the lock, in the kernel's memory model
check-litmus:
	scripts/check-litmus

#: make check-controls  break the module; IGT, libdrm's tests and sway must notice
check-controls:
	scripts/check-igt control
	scripts/check-drm control
	scripts/check-compositor control

#: make igt-install   put our tests into a checkout of IGT, IGT=folder
igt-install:
	scripts/igt-install "$(IGT)"

#: make mutants       break the code in many small ways; the tests must notice
mutants:
	scripts/mutants
	scripts/mutants-kunit

#: make bench         measure import and export against the kernel's own code
bench:
	scripts/bench

#: make bench-publish renew Documentation/benchmarks.md from the last bench
bench-publish:
	scripts/bench publish

#: make kernel        a kernel with this project's code inside: KERNEL=uml-6.12
kernel: KERNEL ?= uml-6.12
kernel:
	scripts/setup kernel
	scripts/build-kernel $(KERNEL)

#: make module        dma_resv_export.ko for the running kernel, or KDIR=...
module: KDIR ?= /lib/modules/$(shell uname -r)/build
module:
	scripts/build-module $(KDIR)

#: make install       install the module for the running kernel, as root
install: module
	scripts/install

#: make uninstall     remove it again
uninstall:
	scripts/install --remove

#: make deb           Debian packages: the module for DKMS, headers for programs
deb:
	scripts/setup deb
	scripts/deb

#: make check-deb     install, upgrade, use, remove and purge them
check-deb:
	scripts/check-deb

#: make clean         remove what was built; the cache of kernels stays
clean:
	rm -rf build

.PHONY: all help demo check check-quick check-all check-matrix soak check-igt check-drm check-compositor check-litmus check-controls igt-install kunit mutants bench bench-publish kernel module install uninstall deb check-deb clean demo-p2p check-p2p
endif
