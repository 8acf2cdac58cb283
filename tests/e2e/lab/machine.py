# SPDX-License-Identifier: GPL-2.0
"""A virtual machine that moves from one node to another, and keeps its address."""

import pathlib

from .cluster import GATEWAY
from .netns import NETNS_DIR, ip, sysctl

RANGES = ("10.66.0.0/16", "fd00:66::/64")
PRIORITY = "network.deckhouse.io/pod-common-ip-priority"


class Machine:
    """
    A namespace of the lab that has a device towards each of two nodes, and uses one of them:

           n1         n2
            \\        /        the nodes' ends are called vm
         eth0 \\    / eth1     both have the address
                vm

    So do the nodes have a route to it each, as while both pods of a migration are there.
    """

    def __init__(self, cluster, nodes=("n1", "n2")):
        self.name, self.node = "vm", nodes[0]
        self.ip4, self.ip6 = "10.66.0.5", "fd00:66::5"
        self.cluster, self.nodes = cluster, nodes
        self.sockets = []

    def ip(self, family):
        """Its address of family 4 or 6."""
        return self.ip6 if family == 6 else self.ip4

    def __enter__(self):
        assert not pathlib.Path(NETNS_DIR, self.name).exists(), "left by another test: vm"
        ip(f"netns add {self.name}")
        sysctl(self.name, **{"ipv6.conf.all.accept_dad": 0, "ipv6.conf.default.accept_dad": 0,
                             "ipv4.conf.all.rp_filter": 0, "ipv4.conf.default.rp_filter": 0})
        ip("link set lo up", ns=self.name)
        for number, name in enumerate(self.nodes):
            node = self.cluster.nodes[name]
            ip(f"link add vm netns {name} type veth peer name eth{number} netns {self.name}")
            ip("link set vm up", f"address add {GATEWAY[4]}/32 dev vm scope link",
               f"address add {GATEWAY[6]}/64 dev vm nodad",
               f"route add {self.ip4} dev vm src {node.ip4}",
               f"route add {self.ip6} dev vm src {node.ip6}", ns=name)
            ip(f"link set eth{number} up", f"address add {self.ip4}/32 dev eth{number}",
               f"address add {self.ip6}/128 dev eth{number} nodad", ns=self.name)
        self.use(0)
        self.sockets = self.cluster.serve(self, 7)
        return self

    def __exit__(self, *_):
        self.cluster.servers.remove(self.sockets)
        ip(f"netns del {self.name}")

    def use(self, number):
        """From now on it sends by that device: it is at the other node."""
        ip(f"route replace {GATEWAY[4]} dev eth{number}",
           f"route replace default via {GATEWAY[4]} dev eth{number}",
           f"route replace default via {GATEWAY[6]} dev eth{number}", ns=self.name)

    def object(self, node, target=None):
        """Its VirtualMachine."""
        status = {"ipAddress": self.ip4, "nodeName": node,
                  "phase": "Migrating" if target else "Running"}
        if target:
            status["migrationState"] = {"source": {"node": node, "pod": "vm-a"},
                                        "target": {"node": target, "pod": "vm-b"}}
        return {"apiVersion": "virtualization.deckhouse.io/v1alpha2", "kind": "VirtualMachine",
                "metadata": {"name": self.name, "namespace": "test"}, "status": status}

    def pod(self, name, node, priority):
        """One of its Pods, with both addresses."""
        return {"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": f"vm-{name}", "namespace": "test",
                             "creationTimestamp": "2026-01-01T00:00:00Z",
                             "labels": {PRIORITY: str(priority)}},
                "spec": {"nodeName": node},
                "status": {"phase": "Running", "podIP": self.ip4,
                           "podIPs": [{"ip": self.ip4}, {"ip": self.ip6}]}}


def virtualization(*ranges):
    """ModuleConfig virtualization: where machines have their addresses from."""
    return {"apiVersion": "deckhouse.io/v1alpha1", "kind": "ModuleConfig",
            "metadata": {"name": "virtualization"},
            "spec": {"enabled": True, "version": 1,
                     "settings": {"virtualMachineCIDRs": list(ranges or RANGES)}}}
