#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# pktgen.sh COUNT OPTION...: sends COUNT packets from this network namespace's eth0 with the
# kernel's packet generator, and prints how many microseconds that took, and how many more it let
# other tasks run. OPTIONs are pktgen's own (Documentation/networking/pktgen.rst).
set -euo pipefail

proc=/proc/net/pktgen
set_option() { # FILE VALUE
	echo "$2" >"$proc/$1" || { echo "pktgen.sh: pktgen refuses '$2'" >&2; exit 1; }
}

set_option kpktgend_0 rem_device_all
set_option kpktgend_0 'add_device eth0'
set_option eth0 "count $1"
set_option eth0 'delay 0'
for option in "${@:2}"; do
	set_option eth0 "$option"
done
set_option pgctrl start

result=$(<"$proc/eth0")
[[ $result =~ OK:\ [0-9]+\(c([0-9]+)\+d([0-9]+)\).*\ errors:\ 0 ]] ||
	{ echo "pktgen.sh: $result" >&2; exit 1; }
echo "${BASH_REMATCH[@]:1}"
