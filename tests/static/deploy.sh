#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What ships in deploy/: systemd's, Prometheus' and dvpnet's own word on it. Needs the built tool.
set -euo pipefail
cd "$(dirname "$0")/../.."

tests/vm/deps.sh deploy

tool=$PWD/tools/dvpnetctl/dvpnetctl
[ -x "$tool" ] || { echo "deploy.sh: $tool is not built: make tool" >&2; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# With the tool where it is: that of the unit is not installed here. It says what it finds in other
# units of the host, too.
sed "s#/usr/local/sbin/dvpnetctl#$tool#" deploy/dvpnet.service >"$scratch/dvpnet.service"
systemd-analyze verify --man=no "$scratch/dvpnet.service" >"$scratch/said" 2>&1 || {
	cat "$scratch/said"
	exit 1
}
if grep dvpnet "$scratch/said"; then
	exit 1
fi

promtool check rules deploy/prometheus/dvpnet.rules.yaml
promtool test rules deploy/prometheus/dvpnet.test.yaml
python3 -m json.tool deploy/grafana/dvpnet.json >/dev/null
python3 tests/static/deploy.py

# The examples mean what they say, and nothing in them is ignored.
for mode in classic vxlan; do
	"$tool" apply --dry-run --node n1 -f tests/cluster/nodes.yaml -f tests/cluster/rest.yaml \
		-f "deploy/examples/$mode.yaml" >"$scratch/state" 2>"$scratch/said"
	[ ! -s "$scratch/said" ] || { cat "$scratch/said"; exit 1; }
	python3 - "$scratch/state" "$mode" <<'Y'
import json, sys
state, mode = json.load(open(sys.argv[1])), sys.argv[2]
assert state["config"]["mode"] == mode, (state["config"], mode)
Y
done
