#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [--kernel 6.1|7.3] [--save]: what a packet costs with dvpnet, and with others, in
# instructions (README.md beside this explains). Prints a table; --save also keeps it in RESULTS.md.
set -euo pipefail

bench=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$bench/../.." && pwd)
vm=$repo/tests/vm
work=$repo/build/bench

kernel=6.1 save=''
while [ $# -gt 0 ]; do
	case $1 in
	--kernel) kernel=$2; shift ;;
	--save) save=1 ;;
	*) echo "usage: run.sh [--kernel 6.1|7.3] [--save]" >&2; exit 1 ;;
	esac
	shift
done

version() {
	local commit
	commit=$(git -C "$repo" log -1 --format=%h)
	git -C "$repo" diff --quiet HEAD -- Kbuild kmod include tools || commit+=' with changes'
	echo "$commit"
}

# The guest's lines become tables in Markdown. The last one is arithmetic on the first.
format() {
	awk -F '\t' '
	$1 == "row" {
		names[++rows] = $2
		kinds[rows] = $3
		totals[rows] = $4
		nets[rows] = net[$2] = $4 - $5
		if (!($3 in floors))
			floor_kinds[++kinds_seen] = $3
		floors[$3] = $5
	}
	$1 == "command" {
		commands[++commands_seen] = $2
		costs[commands_seen] = $3
	}
	END {
		plain = nets[1]
		configured = "plain forwarding, dvpnet configured"
		print "| path | total | net | of plain forwarding |"
		print "|---|--:|--:|--:|"
		for (i = 1; i <= kinds_seen; i++)
			printf "| floor, %s | %d | | |\n", kind_name(floor_kinds[i]), floors[floor_kinds[i]]
		for (i = 1; i <= rows; i++)
			printf "| %s | %d | **%d** | %.2f |\n", names[i], totals[i], nets[i], nets[i] / plain
		print ""
		print "| command | instructions |"
		print "|---|--:|"
		for (i = 1; i <= commands_seen; i++)
			printf "| %s | %d million |\n", commands[i], costs[i]
		print ""
		print "What the slow path is made of, as differences of rows:"
		print ""
		print "| part | net |"
		print "|---|--:|"
		part("the rule (ip rule), for every packet that is routed", \
			"plain forwarding, with a rule (ip rule)", "plain forwarding")
		part("hooks that find nothing to do", configured, \
			"plain forwarding, with a rule (ip rule)")
		part("a Service: known flow found twice, destination translated", \
			"dvpnet ClusterIP, established", configured)
		part("a Service: the same for its reply", \
			"dvpnet ClusterIP, established, reply", configured)
		part("a Service: backend chosen, flow created", \
			"dvpnet ClusterIP, new flow", "dvpnet ClusterIP, established")
		part("VXLAN: encapsulated, outer packet routed", \
			"dvpnet VXLAN, encapsulating node only", configured)
		part("VXLAN: the other node, to the pod", "dvpnet VXLAN, both nodes", \
			"dvpnet VXLAN, encapsulating node only")
		part("classic: handed to the other node", "dvpnet classic, sending node only", configured)
		part("classic: the other node, to the pod", "dvpnet classic, both nodes", \
			"dvpnet classic, sending node only")
	}
	function part(what, with, without) {
		printf "| %s | %d |\n", what, net[with] - net[without]
	}
	function kind_name(kind) {
		if (kind == "same")
			return "one flow"
		if (kind == "new")
			return "a new source port each"
		if (kind == "spread")
			return "10 000 destinations in turn"
		return "one flow from the server"
	}' "$1"
}

"$vm/deps.sh" build vm bench
module=$("$vm/build.sh" "$kernel")
make -s -C "$repo" tool
kube=$("$repo/tests/cluster-api/build.sh" kube-proxy)
mkdir -p "$work"
cp "$repo/tools/dvpnetctl/dvpnetctl" "$work/"
"$bench/cluster.sh" "$work/objects"

lines=$work/lines-$kernel
echo "run.sh: measuring on $kernel, some minutes" >&2
"$vm/run.sh" --kernel "$kernel" --icount --timeout 3600 --module "$module" -- \
	"$bench/guest.sh" "$work" "$kube" | tee "$lines" >&2
report=$work/$kernel.md
{
	echo "## $kernel"
	echo "Linux $(<"$("$vm/kernel.sh" "$kernel")/release"), $(date -u +%F), commit $(version)."
	echo
	format "$lines"
} >"$report"
cat "$report"

[ "$save" ] || exit 0
# The other kernel's tables stay as they are.
section() {
	awk -v kernel="$1" '/^## / { in_it = $2 == kernel } in_it' "$bench/RESULTS.md"
}
tables=$(for other in 6.1 7.3; do
	if [ "$other" = "$kernel" ]; then
		cat "$report"
		echo
	else
		section "$other"
	fi
done)
{
	cat <<-END
		# What a packet costs, in instructions
		Written by \`tests/bench/run.sh --save\`; [README.md](README.md) says how it is measured.

	END
	echo "$tables"
} >"$bench/RESULTS.md"
echo "run.sh: kept in $bench/RESULTS.md" >&2
