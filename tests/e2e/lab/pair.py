# SPDX-License-Identifier: GPL-2.0
"""Two nodes with a pod each: quick to make, and for tests which break them."""

import pathlib

from . import objects
from .cluster import GATEWAY, Host, Node
from .ctl import apply
from .echo import EchoServers
from .netns import NETNS_DIR, ip, sysctl

SERVICE4, SERVICE6 = "10.99.0.1", "fd00:99::1"
NODE_PORT = 31000


class Pair:
    """
    Each word is a network namespace:

        left-pod --- left ------- right --- right-pod
                       192.168.9.0/24
                       fd00:9::/64

    The nodes' ends of the veth pairs are eth0 and pod. Nothing of the test has a socket in a node.
    The pods serve port 7; service test/echo is both of them, at SERVICE4 and SERVICE6 on port 7 and
    at NODE_PORT.
    """

    def __init__(self):
        self.nodes = {
            name: Node(name, f"192.168.9.{n}", f"fd00:9::{n}", pods4=f"10.9.{n}.0/24",
                       pods6=f"fd00:109:0:{n}::/64") for n, name in ((1, "left"), (2, "right"))}
        self.pods = {
            f"{name}-pod": Host(f"{name}-pod", f"10.9.{n}.10", f"fd00:109:0:{n}::10", name)
            for n, name in ((1, "left"), (2, "right"))}
        self.servers = None

    def __enter__(self):
        self.build()
        return self

    def __exit__(self, *error):
        self.destroy()

    def build(self):
        """Make the pods, and the nodes as of build_nodes()."""
        left = [s for s in (*self.nodes, *self.pods) if pathlib.Path(NETNS_DIR, s).exists()]
        assert not left, f"left by another test: network namespaces {left}"
        ip(*(f"netns add {pod}" for pod in self.pods))
        self.build_nodes()
        self.servers = EchoServers()
        for pod in self.pods.values():
            for family in (4, 6):
                self.servers.add(pod.name, pod.name, pod.ip(family), 7)

    def build_nodes(self):
        """Make the nodes, and connect the pods to them."""
        ip(*(f"netns add {node}" for node in self.nodes))
        for name in (*self.nodes, *self.pods):
            sysctl(name, **{"ipv6.conf.all.accept_dad": 0, "ipv6.conf.default.accept_dad": 0,
                            "ipv6.conf.default.router_solicitations": 0})
        self.connect_nodes()
        for pod in self.pods.values():
            node = self.nodes[pod.node]
            sysctl(node.name, **{"ipv4.ip_forward": 1, "ipv6.conf.all.forwarding": 1})
            ip(f"link add pod netns {node.name} type veth peer name eth0 netns {pod.name}")
            ip("link set lo up", "link set pod up",
               f"address add {GATEWAY[4]}/32 dev pod scope link",
               f"address add {GATEWAY[6]}/64 dev pod nodad",
               f"route add {pod.ip4} dev pod src {node.ip4}",
               f"route add {pod.ip6} dev pod src {node.ip6}", ns=node.name)
            ip("link set lo up", "link set eth0 up", f"address add {pod.ip4}/32 dev eth0",
               f"address add {pod.ip6}/128 dev eth0 nodad",
               f"route add {GATEWAY[4]} dev eth0",
               f"route add default via {GATEWAY[4]}",
               f"route add default via {GATEWAY[6]} dev eth0", ns=pod.name)

    def connect_nodes(self):
        """Make the underlay."""
        ip("link add eth0 netns left type veth peer name eth0 netns right")
        for node in self.nodes.values():
            ip("link set eth0 up", f"address add {node.ip4}/24 dev eth0",
               f"address add {node.ip6}/64 dev eth0 nodad", ns=node.name)

    def destroy(self):
        """Remove it all."""
        if self.servers:
            self.servers.close()
        ip(*(f"netns del {space}" for space in (*self.nodes, *self.pods)
             if pathlib.Path(NETNS_DIR, space).exists()))

    def objects(self, mode="vxlan", more=()):
        """Objects of the cluster, and more of them."""
        slices = [objects.endpoint_slice("echo", [objects.endpoint(p.ip(f), p.node)
                                                  for p in self.pods.values()],
                                         [("", 7, proto) for proto in ("TCP",)])
                  for f in (4, 6)]
        for item in slices:
            item["ports"] = [{"name": proto.lower(), "port": 7, "protocol": proto}
                             for proto in ("TCP", "UDP")]
        ports = [objects.port(7, name=proto.lower(), protocol=proto, node_port=NODE_PORT)
                 for proto in ("TCP", "UDP")]
        return [*(node.object() for node in self.nodes.values()),
                objects.module_config(mode), objects.kube_system(),
                objects.service("echo", (SERVICE4, SERVICE6), ports), *slices, *more]

    def apply(self, items=None, **options):
        """Give objects (by default objects(**options)) to both nodes."""
        for name in self.nodes:
            apply(name, items or self.objects(**options))
