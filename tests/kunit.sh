#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kunit.sh: the module's pure logic under KUnit, on the debug kernel; closes with
# "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."

module=$(tests/vm/build.sh uml "$PWD/build/kunit" "$PWD" DVPNET_KUNIT=1 | grep 'dvpnet_kunit\.ko$')
results=build/kunit/results
status=0
tests/vm/run.sh --kernel uml -- sh -c "insmod $module && cat /sys/kernel/debug/kunit/*/results && rmmod dvpnet_kunit" |
	tee "$results" || status=$?

# Cases stand indented below their suite; a suite is as good as its cases.
passed=$(grep -cE '^ +ok [0-9]+ ' "$results" || true)
failed=$(grep -cE '^ +not ok [0-9]+ ' "$results" || true)
[ "$passed" -gt 0 ] && [ $status -eq 0 ] || failed=$((failed + 1))
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
