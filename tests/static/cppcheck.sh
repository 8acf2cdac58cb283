#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The tool and the module, by cppcheck.
set -euo pipefail
cd "$(dirname "$0")/../.."

cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --suppress=missingIncludeSystem \
	--enable=warning,portability -I include/uapi tools/dvpnetctl
# Without the kernel's headers it sees less, but all that it sees is ours. It does not know that
# xa_for_each() assigns, nor what "a ?: b" means; arithmetic with void pointers is the kernel's way.
cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 \
	--enable=warning -D__KERNEL__ --suppress=unknownMacro --suppress=uninitvar \
	--suppress=selfAssignment -I include -I kmod --suppress='*:kmod/netlink_gen.c' -i kmod/tests kmod
