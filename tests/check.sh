#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check.sh [--fast]: every test of dvpnet; closes with a line "N passed, N failed".
#
# Stages run one after the other, a failed one does not stop the next. The log of each is kept in
# build/check. --fast leaves out what takes long: all kernels but one, and the debug kernel.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

fast=
[ "${1:-}" != --fast ] || fast=yes
kernels=(6.1)
[ -n "$fast" ] || kernels+=(7.3)
# What has passed as a whole on each kernel and fits into the time. The rest of tests/e2e runs by
# tests/e2e/run.sh, and joins when it has done so too.
declare -A e2e=(
	[6.1]="test_modes test_interop test_switch test_receive test_choice test_apply"
	[7.3]="test_interop test_switch test_choice"
	[uml]="test_faults test_switch test_interop"
)
logs=build/check
mkdir -p "$logs"
passed=0
failed=0
started=$SECONDS

# Sums up what the test runners of a log say at their end.
count() {
	awk '
	# pytest: ==== 12 passed, 1 failed in 3.21s ====
	/^=+ .*(passed|failed|error).* in [0-9.]+s/ {
		for (i = 1; i < NF; i++) {
			if ($(i + 1) ~ /^passed/) good += $i
			if ($(i + 1) ~ /^(failed|error)/) bad += $i
		}
	}
	# tests/unit/run.sh and tests/kunit.sh sum up themselves
	/^[0-9]+ passed, [0-9]+ failed$/ { good += $1; bad += $3 }
	END { print good + 0, bad + 0 }' "$1"
}

# stage NAME COMMAND...: a stage without counted tests is one test.
stage() {
	local name=$1 log=$logs/${1// /-}.log begin=$SECONDS good bad status=0
	shift
	"$@" >"$log" 2>&1 </dev/null || status=$?
	read -r good bad < <(count "$log")
	if [ $status -ne 0 ] && [ "$bad" -eq 0 ]; then
		bad=1
	elif [ $status -eq 0 ] && [ $((good + bad)) -eq 0 ]; then
		good=1
	fi
	passed=$((passed + good))
	failed=$((failed + bad))
	printf '%-28s %4d passed, %d failed  (%d s)\n' "$name" "$good" "$bad" $((SECONDS - begin))
	[ "$bad" -eq 0 ] || {
		echo "--- $log"
		grep -nE '^(FAILED|ERROR)|not ok|\[  FAILED|: error|warning:' "$log" | tail -n 40
		tail -n 60 "$log"
		echo "---"
	}
}

packages=(build unit static vm e2e)
[ -n "$fast" ] || packages+=(uml)
stage "packages" tests/vm/deps.sh "${packages[@]}"
stage "build tool" make -s tool
for kernel in "${kernels[@]}"; do
	stage "build module $kernel" tests/vm/build.sh "$kernel"
done
[ -n "$fast" ] || stage "build module uml" tests/vm/build.sh uml
stage "static netlink" docs/netlink/generate.sh --check
stage "static checkpatch" tests/static/checkpatch.sh
stage "static sparse" tests/static/sparse.sh
stage "static cppcheck" tests/static/cppcheck.sh
stage "static shellcheck" tests/static/shellcheck.sh
stage "unit" make -s -C tests/unit check
[ -n "$fast" ] || stage "kunit" tests/kunit.sh
if [ -n "$fast" ]; then
	stage "e2e 6.1" tests/e2e/run.sh 6.1 test_interop.py test_choice.py test_switch.py
else
	export TIMEOUT=1500
	for kernel in "${!e2e[@]}"; do
		read -ra files <<<"${e2e[$kernel]}"
		stage "e2e $kernel" tests/e2e/run.sh "$kernel" "${files[@]/%/.py}"
	done
fi

echo "took $(((SECONDS - started) / 60)) min"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
