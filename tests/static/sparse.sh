#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module by sparse, against the headers of the host's suite: types of byte order, RCU, locks.
set -euo pipefail
cd "$(dirname "$0")/../.."

kernel=6.1
tests/vm/build.sh "$kernel" >/dev/null
kdir=$(realpath "$(tests/vm/kernel.sh "$kernel")/kdir")
log=$(make -C "$kdir" "M=$PWD/build/$kernel" C=2 CF=-D__CHECK_ENDIAN__ modules 2>&1)
# What sparse says of the kernel's own headers is the kernel's business.
if grep -E "build/$kernel/kmod/.*: (warning|error):" <<<"$log"; then
	exit 1
fi
