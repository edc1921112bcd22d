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

#: make check         all tests, from a cold machine
check:
	scripts/check

#: make check-quick   the same without what is slow
check-quick:
	scripts/check quick

#: make mutants       break the code in many small ways; the tests must notice
mutants:
	scripts/mutants

#: make bench         measure import and export against the kernel's own code
bench:
	scripts/bench

#: make bench-publish renew Documentation/benchmarks.md from the last bench
bench-publish:
	scripts/bench publish

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

#: make clean         remove what was built; the cache of kernels stays
clean:
	rm -rf build

.PHONY: all help demo check check-quick mutants bench bench-publish module install uninstall clean
endif
