#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [OPTION...] -- COMMAND [ARGUMENT...]: runs COMMAND as root in a guest, on the chosen kernel.
#
#   --kernel 6.1|7.3|uml   which kernel (default 6.1; see kernel.sh)
#   --smp N                processors, each a host thread (default 2; uml has one)
#   --mem SIZE             memory (default 2G)
#   --icount               one processor whose clock counts instructions, 1 ns each, for benchmarks
#   --timeout SECONDS      end the guest after this time (default 600)
#   --module FILE.ko       load this module, and what it depends on, first; its path is in $DVPNET_KO
#   --net user             an eth0 that reaches the host and beyond through QEMU (default none)
#   --append 'WORD...'     more of the kernel's command line
#   --log FILE             keep the kernel's log there (default: only on failure, in build/log)
#
# The guest sees this machine's files: read-only below a tmpfs that takes all writes, but for the
# repository, which is shared read-write. Its kernel panics on any warning.
# Exit status: COMMAND's own, or
#   122   the kernel complained (warning, lock report, leak...): the excerpt is shown
#   123   the guest died: the log's tail is shown
#   124   time-out
#   125   it could not start
# shellcheck disable=SC2054 # commas belong to QEMU's and UML's own options
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

kernel=6.1 smp=2 mem=2G icount='' timeout=600 module='' network=none append='' log=''
while [ $# -gt 0 ]; do
	case $1 in
	--kernel) kernel=$2; shift ;;
	--smp) smp=$2; shift ;;
	--mem) mem=$2; shift ;;
	--icount) icount=1 ;;
	--timeout) timeout=$2; shift ;;
	--module) module=$2; shift ;;
	--net) network=$2; shift ;;
	--append) append=$2; shift ;;
	--log) log=$(realpath "$2"); shift ;;
	--) shift; break ;;
	*) die "unknown option $1 (is '--' before the command missing?)" ;;
	esac
	shift
done
[ -z "$module" ] || [ -r "$module" ] || die "cannot read the module $module"
[ "$kernel" != uml ] || [ "$icount$network" = none ] || die "uml has neither --icount nor --net"
[ $# -gt 0 ] || die "usage: run.sh [OPTION...] -- COMMAND [ARGUMENT...]"

folder=$("$vm_dir/kernel.sh" "$kernel")
release=$(<"$folder/release")
run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT
[ "$log" ] || log=$run/log

# Quoted for the guest's shells, which source it.
settings() { # NAME=VALUE...
	local setting
	for setting; do
		printf '%s=%q\n' "${setting%%=*}" "${setting#*=}"
	done
}

# The initramfs: busybox, the modules to reach the host's files, and all that this run is about.
tree=$run/tree
mkdir -p "$tree"/{bin,modules,run}
cp /bin/busybox "$tree/bin/"
cp "$vm_dir/init" "$tree/init"
cp "$vm_dir/guest.sh" "$tree/run/"
if [ "$kernel" = uml ]; then
	share=hostfs
else
	share=9p
	number=10
	modprobe -d "$folder" -S "$release" --show-depends -a virtio_pci 9pnet_virtio 9p overlay |
		awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
		while read -r file; do
			cp "$file" "$tree/modules/$((number++))-${file##*/}"
		done
fi
if [ "$module" ]; then
	cp "$module" "$tree/run/"
	module=/run/vm/${module##*/}
fi
settings "share=$share" "module=$module" "network=$network" "repo=$repo" \
	"modules=$folder/lib/modules" >"$tree/run/settings"
case $PWD/ in
"$repo"/*) cwd=$PWD ;;
*) cwd=$repo ;;
esac
printf 'cd %q && exec %s\n' "$cwd" "${*@Q}" >"$tree/run/command"
(cd "$tree" && find . | busybox cpio -o -H newc 2>/dev/null) >"$run/initramfs"

cmdline="panic=-1 panic_on_warn=1 oops=panic sysctl.kernel.hung_task_panic=1 printk.devkmsg=on"
if [ "$kernel" = uml ]; then
	guest=("$folder/linux" "mem=$mem" "initrd=$run/initramfs" uml_dir="$run"
		con=null con0=null,fd:1 ssl0=null,fd:3)
	# Its memory is a file, in /dev/shm if that is not as small as containers have it.
	[ "$(df --output=avail -m /dev/shm | tail -n 1)" -gt 4096 ] || export TMPDIR=$run
	read -ra words <<<"$cmdline $append"
	guest+=("${words[@]}")
else
	cmdline+=" console=ttyS1 softlockup_panic=1 sysctl.kernel.panic_on_rcu_stall=1"
	# A guest on a busy host may well stand still: while it checks its timer, or for 20 s.
	cmdline+=" no_timer_check"
	cmdline+=" sysctl.kernel.watchdog_thresh=30 rcupdate.rcu_cpu_stall_timeout=60"
	if [ "$icount" ]; then
		speed=(-accel tcg -smp 1 -icount shift=0,sleep=off)
		cmdline+=" mitigations=off"
	else
		speed=(-accel tcg,thread=multi -smp "$smp")
		# All processors read the host's clock; other clocks are emulated devices, and slow.
		cmdline+=" tsc=reliable"
	fi
	case $network in
	none) nic=(-nic none) ;;
	user) nic=(-nic user,model=virtio-net-pci) ;;
	*) die "--net takes none or user, not $network" ;;
	esac
	share_options=security_model=none,multidevs=remap
	qemu=$("$vm_dir/qemu.sh")
	guest=("$qemu" "${speed[@]}" -m "$mem" -nodefaults -display none -no-reboot
		-chardev stdio,id=output,signal=on -serial chardev:output -serial "file:$log"
		"${nic[@]}" -kernel "$folder/vmlinux" -initrd "$run/initramfs"
		-append "$cmdline $append"
		-fsdev "local,id=root,path=/,readonly=on,$share_options"
		-device virtio-9p-pci,fsdev=root,mount_tag=root
		-fsdev "local,id=repo,path=$repo,$share_options"
		-device virtio-9p-pci,fsdev=repo,mount_tag=repo)
fi

# The guest ends when its time is over, and when we do. QEMU makes its standard output non-blocking,
# which must not reach that of our caller: cat.
guest=(setpriv --pdeathsig TERM timeout --foreground -k 5 "$timeout" "${guest[@]}")
: >"$log"
status=0
exec 4>&2 2>"$run/errors"
if [ "$kernel" = uml ]; then
	"${guest[@]}" 3>&1 >"$log" 2>&1 </dev/null | cat || status=$?
else
	"${guest[@]}" </dev/null | cat || status=$?
fi
exec 2>&4 4>&-

keep_log() {
	if [ "$log" = "$run/log" ]; then
		log=$repo/build/log/$kernel-$(date +%H%M%S)-$$
		mkdir -p "${log%/*}"
		cp "$run/log" "$log"
	fi
	say "the kernel's log is in $log"
}

complaints='-\[ cut here \]-|WARNING: |BUG: |Oops|KASAN|UBSAN|possible recursive'
complaints+='|suspicious RCU|unreferenced object|suspected memory leaks|INFO: (task|rcu)'
complaints+='|unregister_netdevice: waiting for|general protection fault'
tr -d '\r' <"$log" >"$run/clean"
if grep -qE -e "$complaints" "$run/clean"; then
	say "the kernel complained:"
	grep -m 1 -A 40 -E -e "$complaints" "$run/clean" >&2
	keep_log
	exit 122
fi
verdict=$(sed -n 's/.*dvp-vm: exit \([0-9]*\)$/\1/p' "$run/clean" | tail -n 1)
if [ -z "$verdict" ]; then
	keep_log
	case $status in
	124 | 137)
		tail -n 10 "$run/clean" >&2
		say "timed out after $timeout s"
		exit 124
		;;
	esac
	grep -m 1 -A 24 'Kernel panic' "$run/clean" >&2 || tail -n 25 "$run/clean" >&2
	cat "$run/errors" >&2
	say "the guest died"
	exit 123
fi
[ "$verdict" -ne 125 ] || { grep 'guest: ' "$run/clean" >&2 || true; keep_log; }
exit "$verdict"
