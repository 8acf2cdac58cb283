#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh KERNEL [PYTEST-ARGUMENT...]: runs the end-to-end tests on kernel 6.1, 7.3 or uml.
#
# Builds module and tool, boots a guest, shows each test with its result and the time it took.
# Variables DVPNET... of the environment reach the tests: sizes, and DVPNETCTL, another tool; MODULE is
# another module. NETWORK=user: the guest reaches this machine.
# The last line but for failures is pytest's own, "N passed, N failed in ...". Exit status: that of
# tests/vm/run.sh, 0 when every test has passed and the kernel had nothing to say.
set -euo pipefail

e2e=$(realpath "$(dirname "$0")")
repo=${e2e%/tests/e2e}
[ $# -gt 0 ] || { echo "usage: run.sh 6.1|7.3|uml [PYTEST-ARGUMENT...]" >&2; exit 1; }
kernel=$1
shift

"$repo/tests/vm/deps.sh" build e2e vm
module=${MODULE:-$("$repo/tests/vm/build.sh" "$kernel" | grep 'dvpnet\.ko$')}
make -s -C "$repo/tools/dvpnetctl"
mkdir -p "$repo/build"
# Sizes of tests, another tool: the guest does not see our environment.
mapfile -t settings < <(env | grep '^DVPNET' || true)
cd "$e2e"
"$repo/tests/vm/run.sh" --kernel "$kernel" ${SMP:+--smp "$SMP"} ${NETWORK:+--net "$NETWORK"} --timeout "${TIMEOUT:-900}" --module "$module" -- \
	env PYTHONPYCACHEPREFIX="$repo/build/pycache" "${settings[@]}" python3 -m pytest -p no:cacheprovider -v -rN --tb=short --no-summary \
	--junitxml="$repo/build/e2e-$kernel.xml" "$@"
