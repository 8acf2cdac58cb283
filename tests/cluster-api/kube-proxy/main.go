// SPDX-License-Identifier: GPL-2.0

// Kubernetes' own kube-proxy, alone: it is built in a fraction of the time that
// the control plane takes.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
)

func main() {
	os.Exit(cli.Run(proxy.NewProxyCommand()))
}
