#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Starts etcd, an API server and a controller manager with their state, logs
# and credentials in a new directory, and prints the path of the
# administrator's kubeconfig. down.sh stops them.
set -euo pipefail
here=$(dirname "$(realpath "$0")")

usage() {
	cat <<-EOF
	Usage: up.sh DIR [ADDRESS [PORT]]
	  DIR      where everything goes; must not exist or be empty
	  ADDRESS  of this machine, where the API server listens (127.0.0.1)
	  PORT     of the API server (a free one)
	EOF
}

# Ranges of the cluster in tests/cluster.
readonly POD_RANGES=10.111.0.0/16,fd00:111::/48
readonly SERVICE_RANGES=10.222.0.0/16,fd00:222::/112
# Where the cluster says its API server is. Nothing listens there, but the
# address in default/kubernetes must not be a loopback one.
readonly ADVERTISED=192.168.1.10
readonly TIMEOUT=120

die() {
	echo "up.sh: $*" >&2
	exit 1
}

free_port() {
	local port

	while port=$(shuf -i 20000-29999 -n 1); do
		(: <>"/dev/tcp/$address/$port") 2>/dev/null || break
	done
	echo "$port"
}

# certificate NAME SUBJECT EXTENSIONS: NAME.key and NAME.crt, signed by the CA
certificate() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
		-keyout "$1.key" -subj "$2" |
		openssl x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 \
			-extfile <(echo "$3") -out "$1.crt"
}

# kubeconfig NAME CREDENTIALS: NAME.conf, which has the certificates inside
kubeconfig() {
	cat >"$1.conf" <<-EOF
	apiVersion: v1
	kind: Config
	current-context: dvpnet
	contexts:
	- name: dvpnet
	  context: {cluster: dvpnet, user: $1}
	clusters:
	- name: dvpnet
	  cluster:
	    server: https://$url_address:$port
	    certificate-authority-data: $(base64 -w0 ca.crt)
	users:
	- name: $1
	  user: {$2}
	EOF
}

# token NAME USER GROUP: a user with a bearer token, and NAME.conf
token() {
	local token

	token=$(openssl rand -hex 16)
	echo "$token,$2,$2,$3" >>tokens.csv
	kubeconfig "$1" "token: $token"
}

make_credentials() {
	umask 077
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
		-keyout ca.key -out ca.crt -days 3650 -subj /CN=dvpnet-test-ca
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out service-account.key
	certificate api-server /CN=kube-apiserver \
		"subjectAltName=IP:$address,IP:$ADVERTISED,IP:10.222.0.1,DNS:kubernetes.default.svc"
	certificate admin /O=system:masters/CN=kubernetes-admin extendedKeyUsage=clientAuth
	kubeconfig admin "client-certificate-data: $(base64 -w0 admin.crt),
	    client-key-data: $(base64 -w0 admin.key)"
	token controller-manager system:kube-controller-manager system:masters
	token agent dvpnet-agent dvpnet
}

# start NAME ARGUMENT...: leaves NAME.pid, NAME.log, and for start.sh NAME.command
start() {
	printf '%s\0' "$programs/$1" "${@:2}" >"$1.command"
	"$here/start.sh" "$dir" "$1"
}

# await NAME COMMAND...: until COMMAND succeeds, which needs NAME to run
await() {
	until "${@:2}" >/dev/null 2>&1; do
		kill -0 "$(cat "$1.pid")" 2>/dev/null || give_up "$1 ended"
		((SECONDS < TIMEOUT)) || give_up "$1 was not ready after $TIMEOUT s"
		sleep 0.1
	done
}

give_up() {
	tail -n 20 "${1%% *}.log" >&2
	"$here/down.sh" "$dir"
	die "$1, see $dir/${1%% *}.log"
}

# What it advertises has to look like a port, but is for members of a cluster.
start_etcd() {
	start etcd --data-dir etcd --log-level warn --unsafe-no-fsync \
		--listen-client-urls "unix://$dir/etcd.sock" \
		--advertise-client-urls http://127.0.0.1:2379 \
		--listen-peer-urls "unix://$dir/peer.sock"
	await etcd test -S etcd.sock
}

start_api_server() {
	start kube-apiserver --bind-address "$address" --secure-port "$port" \
		--advertise-address "$ADVERTISED" --etcd-servers "unix://$dir/etcd.sock" \
		--tls-cert-file api-server.crt --tls-private-key-file api-server.key \
		--client-ca-file ca.crt --token-auth-file tokens.csv --authorization-mode RBAC \
		--service-account-issuer https://kubernetes.default.svc.cluster.local \
		--service-account-key-file service-account.key \
		--service-account-signing-key-file service-account.key \
		--service-cluster-ip-range "$SERVICE_RANGES" --profiling=false
	await kube-apiserver "$programs/kubectl" --kubeconfig admin.conf get --raw /readyz
}

# No kubelet renews a lease here: nodes stay as ready as their status says.
start_controller_manager() {
	start kube-controller-manager --kubeconfig controller-manager.conf --secure-port 0 \
		--leader-elect=false --root-ca-file ca.crt \
		--service-account-private-key-file service-account.key \
		--allocate-node-cidrs --cluster-cidr "$POD_RANGES" \
		--node-cidr-mask-size-ipv4 24 --node-cidr-mask-size-ipv6 64 \
		--service-cluster-ip-range "$SERVICE_RANGES" --node-monitor-grace-period 24h
	await kube-controller-manager "$programs/kubectl" --kubeconfig admin.conf \
		get serviceaccount default
}

case ${1-} in
'' | -*)
	usage
	[ "${1-}" = --help ]
	exit
	;;
esac

dir=$(realpath -m "$1")
[ -z "$(ls -A "$dir" 2>/dev/null)" ] || die "$dir is not empty"
address=${2-127.0.0.1}
url_address=$address
[[ $address != *:* ]] || url_address=[$address]
port=${3-$(free_port)}

programs=$("$here/build.sh")

mkdir -p "$dir"
cd "$dir"
make_credentials 2>openssl.log || die "cannot make certificates, see $dir/openssl.log"
start_etcd
start_api_server
start_controller_manager
echo "$dir/admin.conf"
