# SPDX-License-Identifier: GPL-2.0
# make            dvpnet.ko for the running kernel (KDIR= for another), and dvpnetctl
# make install    both, the man page and the systemd unit; DESTDIR= and PREFIX= as usual
# make demo       a three-node cluster in a guest, shown at work
# make check      all tests; make check-fast: one kernel, for the developer's own loop
# make bench      instructions per packet, beside the peers

# Headers of the running kernel, or else of the newest kernel that has them here.
KDIR ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build) \
		    $(shell ls -d /usr/src/linux-headers-*-amd64 2>/dev/null | sort -rV))
PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= $(if $(filter /usr,$(PREFIX)),/lib,/etc)/systemd/system
DEPMOD ?= depmod

all: module tool

module:
	@test -n "$(KDIR)" || { echo "no kernel headers: apt-get install linux-headers-amd64, or give KDIR=" >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

tool:
	$(MAKE) -C tools/dvpnetctl

install: install-tool install-module

install-tool: tool
	install -d $(DESTDIR)$(SBINDIR)
	install -m 755 tools/dvpnetctl/dvpnetctl tools/dvpnetctl/dvpnetctl-agent $(DESTDIR)$(SBINDIR)
	install -D -m 644 docs/dvpnetctl.8 $(DESTDIR)$(MANDIR)/man8/dvpnetctl.8
	install -D -m 644 deploy/dvpnet.service $(DESTDIR)$(UNITDIR)/dvpnet.service
	sed -i 's#/usr/local/sbin/#$(SBINDIR)/#' $(DESTDIR)$(UNITDIR)/dvpnet.service

# Headers come with neither a key to sign with nor a System.map; without the latter the kernel's own
# makefiles leave depmod out.
install-module: module
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH=$(DESTDIR) INSTALL_MOD_DIR=updates \
		CONFIG_MODULE_SIG_ALL= modules_install
	$(if $(DESTDIR),,$(DEPMOD) -a $$(modinfo -F vermagic dvpnet.ko | cut -d ' ' -f 1))

# Not by the kernel's own "clean": it takes every *.mod of the tree, go.mod as well.
clean:
	find kmod \( -name '*.o' -o -name '.*.cmd' -o -name '.*.d' \) -delete
	rm -f *.o *.ko *.mod *.mod.c .*.cmd .module-common.o Module.symvers modules.order
	$(MAKE) -C tools/dvpnetctl clean
	rm -rf build

demo:
	tests/demo/run.sh

check:
	tests/check.sh

check-fast:
	tests/check.sh --fast

bench:
	tests/bench/run.sh

.PHONY: all module tool install install-tool install-module clean demo check check-fast bench
