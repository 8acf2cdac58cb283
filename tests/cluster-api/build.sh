#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# build.sh [kube-proxy]: builds etcd, kube-apiserver, kube-controller-manager and
# kubectl, one static program, from their Go modules and prints the directory
# they are in; builds nothing when that is up to date. With the word, the same
# for kube-proxy alone. Installs what it and the scripts beside it need.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")"

# The first Go that fetches the release named in go.mod by itself.
readonly MIN_GO=1.21

case ${1-} in
'')
	source=. program=kubernetes
	names=(etcd kube-apiserver kube-controller-manager kubectl)
	;;
kube-proxy)
	source=./kube-proxy program=kube-proxy
	names=()
	;;
*)
	echo "Usage: build.sh [kube-proxy]" >&2
	exit 1
	;;
esac
key=$(cat go.mod go.sum "$source/main.go" build.sh | sha256sum | cut -c1-12)
out=${DVP_CACHE:-$HOME/.cache/dvpnet}/cluster-api/$key

go_is_usable() {
	local version

	version=$(go env GOVERSION 2>/dev/null) || return 1
	printf '%s\n' "$MIN_GO" "${version#go}" | sort -CV
}

# Debian 12 has Go 1.19; its backports, on the same mirror, have a newer one.
# A private set of lists leaves the machine's own apt sources as they are.
install_go() {
	local deb mirror options suite tmp

	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	apt-get -qq update
	# shellcheck disable=SC2016 # apt's variable, not the shell's
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
		'Origin: Debian' 'Component: main' "Codename: $suite" | head -n1)
	tmp=$(mktemp -d)
	chmod 755 "$tmp"
	mkdir -p "$tmp/lists/partial"
	deb="deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror"
	printf '%s\n' "$deb $suite main" "$deb $suite-backports main" >"$tmp/sources.list"
	options=(-qq -o "Dir::State::Lists=$tmp/lists" -o "Dir::Etc::SourceList=$tmp/sources.list"
		-o Dir::Etc::SourceParts=/dev/null)
	apt-get "${options[@]}" update
	DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" install -y \
		--no-install-recommends -t "$suite-backports" golang-go ca-certificates
	rm -rf "$tmp"
}

build() {
	local component=k8s.io/component-base/version client=k8s.io/client-go/pkg/version
	local flags=-s\ -w package version major minor

	version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
	IFS=. read -r major minor _ <<<"${version#v}"
	# Without these the components call themselves v0.0.0 and kubectl refuses.
	for package in $component $client; do
		flags+=" -X $package.gitVersion=$version"
		flags+=" -X $package.gitMajor=$major -X $package.gitMinor=$minor"
	done
	nice go build -ldflags "$flags" -o "$tmp/$program" "$source"
}

type openssl ip unshare >/dev/null 2>&1 || {
	apt-get -qq update
	DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
		openssl iproute2 util-linux
} >&2

if [ -e "$out/$program" ]; then
	echo "$out"
	exit
fi

{
	go_is_usable || install_go
	export CGO_ENABLED=0 GOTOOLCHAIN=auto GOFLAGS='-p=2 -trimpath -buildvcs=false'
	echo "Building Kubernetes' components, a few minutes the first time" >&2
	mkdir -p "${out%/*}"
	tmp=$(mktemp -d "${out%/*}/build.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	build
	for name in "${names[@]}"; do
		ln -s $program "$tmp/$name"
	done
	# Whole or not at all, also beside another build.
	mv -T "$tmp" "$out" || [ -e "$out/$program" ]
} >&2
echo "$out"
