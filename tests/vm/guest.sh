#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2154 # the settings are made by run.sh
# PID 1 of a guest: sets up what a booted machine has, runs /run/vm/command on ttyS0, looks for
# leaks, and says the command's status in the kernel log as the very last thing.
export HOME=/root TERM=dumb LANG=C.UTF-8
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
. /run/vm/settings # module, network

finish() { # STATUS
	echo "dvp-vm: exit $1" >/dev/kmsg
	sync
	busybox poweroff -f
	sleep infinity
}

fail() {
	echo "guest: $*" >/dev/kmsg
	finish 125
}

exec </dev/null >/dev/ttyS0 2>&1
stty -F /dev/ttyS0 raw -echo
ip link set lo up
hostname guest
if [ "$network" = user ]; then
	modprobe virtio_net
	ip link set eth0 up
	ip address add 10.0.2.15/24 dev eth0
	ip route add default via 10.0.2.2
	rm -f /etc/resolv.conf
	echo 'nameserver 10.0.2.3' >/etc/resolv.conf
fi
if [ "$module" ]; then
	export DVPNET_KO=$module
	IFS=, read -ra needs <<<"$(modinfo -F depends "$module")"
	[ ${#needs[@]} -eq 0 ] || modprobe -a "${needs[@]}" || fail "no module among: ${needs[*]}"
	insmod "$module" || fail "insmod $module failed"
fi

/bin/bash /run/vm/command
status=$?

leaks=/sys/kernel/debug/kmemleak
if [ -w $leaks ]; then
	# kmemleak takes nothing younger than 5 s for a leak, and is sure only at the second look.
	sleep 5.5
	echo scan >$leaks
	echo scan >$leaks
	head -n 200 $leaks | while IFS= read -r line; do echo "$line" >/dev/kmsg; done
fi
finish $status
