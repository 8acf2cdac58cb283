#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Starts a component of the cluster in DIR as up.sh has started it; it need not
# be ready when this returns.
set -euo pipefail

[ $# -eq 2 ] || {
	echo "Usage: start.sh DIR NAME" >&2
	exit 1
}
cd "$1"
mapfile -d '' -t command <"$2.command"
setsid "${command[@]}" </dev/null >>"$2.log" 2>&1 &
echo $! >"$2.pid"
