#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Stops what up.sh started in DIR, or the named ones of it; what is in DIR stays.
set -euo pipefail

[ $# -ge 1 ] || {
	echo "Usage: down.sh DIR [NAME...]" >&2
	exit 1
}
dir=$1
shift
[ $# -gt 0 ] || set -- kube-controller-manager kube-apiserver etcd

# The name guards against another process that has got the number since.
runs() {
	local program

	IFS= read -r -d '' program 2>/dev/null <"/proc/$2/cmdline" || return 1
	[ "${program##*/}" = "$1" ]
}

# Killed, not asked: an API server would wait a minute for its watchers.
for name; do
	pid=$(cat "$dir/$name.pid" 2>/dev/null) || continue
	while runs "$name" "$pid"; do
		kill -KILL "$pid" 2>/dev/null || true
		sleep 0.05
	done
	rm -f "$dir/$name.pid"
done
