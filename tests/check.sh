#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check.sh [--fast | --all]: the tests of dvpnet; closes with a line "N passed, N failed".
#
# A failed stage does not stop the next. The log of each is kept in build/check. What is built is
# built one thing after the other; of what is tested, two stages run at a time, the longest first.
# --fast is for the developer's own loop: one kernel, and of the end-to-end tests those files which
# together touch the most in the least time. --all is each test on each kernel, two hours or more.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

fast='' all=''
case ${1-} in
--fast) fast=yes ;;
--all) all=yes ;;
esac
kernels=(uml 7.3 6.1)
[ -z "$fast" ] || kernels=(6.1)
# Which end-to-end tests run where. What the kernel has a say in runs on each, unless it takes long;
# what our own code alone decides, on one of the stock kernels and, where there is time for it, on the
# debug kernel.
say="bridge egress interop masquerade_nft modes netlink receive service switch"
declare -A e2e=(
	[uml]="$say faults frontends fuzz lists nat saved sctp"
	[7.3]="$say affinity apply beside choice echo firewall flows mtu nat node_system scale sctp source verdicts"
	[6.1]="$say agent_health badinput frontends handover lifetime lists objects platform ranges saved"
)
declare -A marks=([uml]="not load and not tool" [7.3]="not load and not tool" [6.1]="not load")
if [ -n "$fast" ]; then
	e2e[6.1]="bridge interop apply"
elif [ -n "$all" ]; then
	names=(tests/e2e/test_*.py)
	names=("${names[@]##*/test_}")
	for kernel in "${kernels[@]}"; do
		e2e[$kernel]=${names[*]%.py}
		marks[$kernel]="not api"
	done
fi
logs=build/check
rm -rf "$logs"
mkdir -p "$logs"
started=$SECONDS

# Sums up what the test runners of a log say at their end.
count() {
	awk '
	# pytest: ==== 12 passed, 1 failed in 3.21s ====, with -q without the lines
	/^(=+ )?[0-9]+ (passed|failed|error).* in [0-9.]+s/ {
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
	echo "$good $bad" >"$log.count"
	{
		printf '%-28s %4d passed, %d failed  (%d s)\n' "$name" "$good" "$bad" $((SECONDS - begin))
		[ "$bad" -eq 0 ] || {
			echo "--- $log"
			tail -n 60 "$log"
			echo "---"
		}
	} >"$log.said"
	flock "$logs" cat "$log.said"
}

# beside NAME COMMAND...: a stage in the background, as soon as there is only one other.
beside() {
	while [ "$(jobs -pr | wc -l)" -ge 2 ]; do
		wait -n
	done
	stage "$@" &
}

packages=(build unit static vm e2e)
[ -n "$fast" ] || packages+=(uml)
stage "packages" tests/vm/deps.sh "${packages[@]}"
stage "build tool" make -s tool
for kernel in "${kernels[@]}"; do
	stage "build module $kernel" tests/vm/build.sh "$kernel"
done

export TIMEOUT=3000
[ -z "$all" ] || TIMEOUT=20000
# It builds in the same place as the end-to-end tests of the debug kernel.
[ -n "$fast" ] || stage "kunit" tests/kunit.sh
for kernel in "${kernels[@]}"; do
	read -ra files -d '' <<<"${e2e[$kernel]}" || true
	files=("${files[@]/#/test_}")
	beside "e2e $kernel" tests/e2e/run.sh "$kernel" -m "${marks[$kernel]}" "${files[@]/%/.py}"
done
# Agents and a real API server; without Go, which is fetched if need be, there is none.
if [ -z "$fast" ]; then
	if tests/cluster-api/build.sh >"$logs/cluster-api.out" 2>&1; then
		agents=(agent agent_server agent_vm)
		[ -z "$all" ] || agents+=(agent_peer)
		agents=("${agents[@]/#/test_}")
		beside "e2e agents" tests/e2e/api.sh 6.1 -m "api and not load" "${agents[@]/%/.py}"
	else
		echo "NOT RUN: agents beside a real API server, whose programs could not be built:"
		tail -n 5 "$logs/cluster-api.out"
	fi
fi
beside "agent" python3 -m pytest -q -p no:cacheprovider tests/agent
beside "unit" make -s -C tests/unit check
beside "static netlink" docs/netlink/generate.sh --check
beside "static mutants" tests/mutants.py --check
for name in checkpatch sparse cppcheck shellcheck deploy; do
	beside "static $name" "tests/static/$name.sh"
done
wait

# Once more at the end, where it is looked for: what failed.
grep -E '^(FAILED|ERROR)|^test_.*(FAILED|ERROR)|not ok|\[  FAILED|: error|warning:|^E  ' "$logs"/*.log |
	cut -c 1-200 | head -n 60
read -r passed failed < <(awk '{ good += $1; bad += $2 } END { print good, bad }' "$logs"/*.count)
echo "took $(((SECONDS - started) / 60)) min"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
