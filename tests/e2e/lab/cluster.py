# SPDX-License-Identifier: GPL-2.0
"""The cluster of tests/cluster in network namespaces."""

import contextlib
import dataclasses
import pathlib

from . import ctl, objects
from .echo import EchoServers
from .netns import NETNS_DIR, ip, run, sysctl

ECHO_PORT = 7
GATEWAY = {4: "169.254.1.1", 6: "fe80::1"}

# Last part of the pods' addresses, as in tests/cluster/README.md.
PODS = {
    "n1": {"web-n1-a": 10, "client-n1": 20, "dns-n1": 30},
    "n2": {"web-n2-a": 10, "web-n2-b": 11, "client-n2": 20},
    "n3": {"web-n3-a": 10, "client-n3": 20, "dns-n3": 30},
}


@dataclasses.dataclass(frozen=True)
class Host:
    """Something with a namespace and addresses: a node, a pod, a client outside."""
    name: str
    ip4: str
    ip6: str
    node: str = None        # that a pod is on

    def ip(self, family):
        """Its address of family 4 or 6."""
        return self.ip6 if family == 6 else self.ip4


@dataclasses.dataclass(frozen=True)
class Node(Host):
    """A node, and its share of the pods' addresses."""
    pods4: str = None
    pods6: str = None
    zone: str = None

    def object(self, families=(4, 6), **fields):
        """Its Node object."""
        return objects.node(self.name, [self.ip(f) for f in families],
                            [self.pods4, self.pods6], self.zone, **fields)


def _node(number, segment, zone):
    return Node(f"n{number}", f"192.168.{segment}.1{number}", f"fd00:{segment}::1{number}",
                pods4=f"10.111.{number}.0/24", pods6=f"fd00:111:0:{number}::/64", zone=zone)


class Cluster:
    """
    Each word is a network namespace; lan is a bridge, the other lines are veth pairs. Nodes, pods
    and clients have an eth0; a node's other end of a pod's veth has the pod's name.

        neighbour      outside                                 neighbour 192.168.1.100, fd00:1::100
            |             | 198.51.100.0/24, 2001:db8:51::/64  outside   .100, ::100
            |             |
           lan ---------- r1 -------------- r2                 r1 - r2: 10.255.0.0/30, fd00:ff::/64;
          /   \\            wan          wan  |                  its MTU can be lowered
         n1    n2                             n3
         |     |                              |
       pods   pods                          pods

    lan is 192.168.1.0/24 and fd00:1::/64, between r2 and n3 it is 192.168.2.0/24 and fd00:2::/64;
    the routers are .1 and ::1. n1 has its ExternalIP 203.0.113.11, too. Addresses of nodes and pods
    are those of tests/cluster/README.md. The underlay knows no route to pods.

    Nodes have strict rp_filter. Every pod and node answers on port 7 TCP and UDP (see echo.py),
    web pods on 8080, dns pods on 5353, node n2 as hostweb-n2 on 9090, neighbour as db on 5432.
    """

    def __init__(self):
        self.nodes = {n.name: n for n in (_node(1, 1, "zone-a"), _node(2, 1, "zone-a"),
                                          _node(3, 2, "zone-b"))}
        self.pods = {name: Host(name, f"10.111.{node[1]}.{last}", f"fd00:111:0:{node[1]}::{last}",
                                node)
                     for node, pods in PODS.items() for name, last in pods.items()}
        self.neighbour = Host("neighbour", "192.168.1.100", "fd00:1::100")
        self.outside = Host("outside", "198.51.100.100", "2001:db8:51::100")
        self.spaces = ["lan", "r1", "r2", self.neighbour.name, self.outside.name,
                       *self.nodes, *self.pods]
        self.servers = None

    def __getitem__(self, name):
        """Any node, pod or client by its name."""
        return self.nodes.get(name) or self.pods.get(name) or \
            {h.name: h for h in (self.neighbour, self.outside)}[name]

    def __enter__(self):
        self.build()
        return self

    def __exit__(self, *error):
        self.destroy()

    # ---- topology ----

    def build(self):
        """Make it all; nothing of dvpnet yet."""
        left = [s for s in self.spaces if pathlib.Path(NETNS_DIR, s).exists()]
        assert not left, f"left by another test: network namespaces {left}"
        ip(*(f"netns add {space}" for space in self.spaces))
        for space in self.spaces:
            sysctl(space, **{
                "ipv6.conf.all.accept_dad": 0, "ipv6.conf.default.accept_dad": 0,
                "ipv6.conf.default.router_solicitations": 0,
                "ipv4.icmp_ratelimit": 0, "ipv6.icmp.ratelimit": 0,
            })
        for space in (*self.nodes, "r1", "r2"):
            sysctl(space, **{"ipv4.ip_forward": 1, "ipv6.conf.all.forwarding": 1,
                             "ipv6.conf.default.forwarding": 1,
                             "ipv4.conf.all.rp_filter": int(space in self.nodes)})
        ip("link add lan netns lan type bridge",
           "link add n1 netns lan type veth peer name eth0 netns n1",
           "link add n2 netns lan type veth peer name eth0 netns n2",
           "link add neighbour netns lan type veth peer name eth0 netns neighbour",
           "link add r1 netns lan type veth peer name lan netns r1",
           "link add outside netns r1 type veth peer name eth0 netns outside",
           "link add wan netns r1 type veth peer name wan netns r2",
           "link add lan netns r2 type veth peer name eth0 netns n3",
           *(f"link add {pod.name} netns {pod.node} type veth peer name eth0 netns {pod.name}"
             for pod in self.pods.values()))

        ip(*(f"link set {port} master lan up" for port in ("n1", "n2", "neighbour", "r1")),
           "link set lan up", ns="lan")
        self._host("r1", "lan", "192.168.1.1/24", "fd00:1::1/64")
        self._host("r1", "outside", "198.51.100.1/24", "2001:db8:51::1/64")
        self._host("r1", "wan", "10.255.0.1/30", "fd00:ff::1/64")
        self._host("r2", "lan", "192.168.2.1/24", "fd00:2::1/64")
        self._host("r2", "wan", "10.255.0.2/30", "fd00:ff::2/64")
        ip("route add 192.168.2.0/24 via 10.255.0.2", "route add fd00:2::/64 via fd00:ff::2",
           "route add 203.0.113.11 via 192.168.1.11", ns="r1")
        ip("route add default via 10.255.0.1", "route add default via fd00:ff::1", ns="r2")
        for host in (self.neighbour, self.outside, *self.nodes.values()):
            router4 = host.ip4.rsplit(".", 1)[0] + ".1"
            router6 = host.ip6.rsplit(":", 1)[0] + ":1"
            self._host(host.name, "eth0", f"{host.ip4}/24", f"{host.ip6}/64",
                       f"route add default via {router4}", f"route add default via {router6}")
        ip("address add 203.0.113.11/32 dev eth0", ns="n1")
        for node in self.nodes.values():
            self._attach_pods(node)
        self.servers = EchoServers()
        self._serve()

    @staticmethod
    def _host(space, device, address4, address6, *more):
        ip("link set lo up", f"link set {device} up", f"address add {address4} dev {device}",
           f"address add {address6} dev {device} nodad", *more, ns=space)

    def _attach_pods(self, node):
        lines = []
        for pod in self.pods.values():
            if pod.node != node.name:
                continue
            lines += [f"link set {pod.name} up",
                      f"address add {GATEWAY[4]}/32 dev {pod.name} scope link",
                      f"address add {GATEWAY[6]}/64 dev {pod.name} nodad",
                      f"route add {pod.ip4} dev {pod.name} src {node.ip4}",
                      f"route add {pod.ip6} dev {pod.name} src {node.ip6}"]
            self._host(pod.name, "eth0", f"{pod.ip4}/32", f"{pod.ip6}/128",
                       f"route add {GATEWAY[4]} dev eth0",
                       f"route add default via {GATEWAY[4]}",
                       f"route add default via {GATEWAY[6]} dev eth0")
        ip(*lines, ns=node.name)

    def _serve(self):
        for host in (*self.nodes.values(), *self.pods.values()):
            self.serve(host, ECHO_PORT)
            if host.name.startswith("web-"):
                self.serve(host, 8080)
            if host.name.startswith("dns-"):
                self.serve(host, 5353)
        self.serve(self.nodes["n2"], 9090, name="hostweb-n2")
        self.serve(self.neighbour, 5432, name="db")

    def serve(self, host, port, kinds=("tcp", "udp"), families=(4, 6), name=None):
        """An echo server on a host; see EchoServers."""
        return [sock for family in families
                for sock in self.servers.add(host.name, name or host.name, host.ip(family), port,
                                             kinds)]

    def destroy(self):
        """Remove it all."""
        if self.servers:
            self.servers.close()
        ip(*(f"netns del {s}" for s in self.spaces if pathlib.Path(NETNS_DIR, s).exists()))

    def forget_path_mtu(self, *names):
        """These hosts, and all nodes, forget the path MTUs that they have learned."""
        for name in (*self.nodes, *names):
            sysctl(name, **{"ipv4.route.flush": 1})
            run("ip", "-6", "route", "flush", "cache", ns=name)

    @contextlib.contextmanager
    def routers_carry_pods(self):
        """For the length of the block the underlay's routers have routes to pods."""
        routes = {"r1": [], "r2": []}
        for node in self.nodes.values():
            for router, lines in routes.items():
                is_near = (node.name == "n3") == (router == "r2")
                other = "21"[int(router[1]) - 1]
                for pods, via in ((node.pods4, node.ip4 if is_near else f"10.255.0.{other}"),
                                  (node.pods6, node.ip6 if is_near else f"fd00:ff::{other}")):
                    lines.append(f"{pods} via {via}")
        for router, lines in routes.items():
            ip(*(f"route add {line}" for line in lines), ns=router)
        try:
            yield
        finally:
            for router, lines in routes.items():
                ip(*(f"route del {line}" for line in lines), ns=router)

    # ---- dvpnet ----

    def objects(self, mode="vxlan", nodes=None, families=(4, 6), node_modes=None, **annotations):
        """
        Objects of a cluster without Services: these nodes (default: all) with InternalIPs of these
        families, the mode, modes of single nodes, and dvpnet.io annotations of the ModuleConfig.
        """
        modes = {name: {"dvpnet.io/mode": m} for name, m in (node_modes or {}).items()}
        return [*(self.nodes[n].object(families, annotations=modes.get(n))
                  for n in nodes or self.nodes),
                objects.module_config(mode, **annotations), objects.kube_system()]

    def apply(self, items, nodes=None):
        """Give objects to nodes, all by default, one after the other."""
        for name in nodes or self.nodes:
            ctl.apply(name, items)

    def configure(self, mode="vxlan", nodes=None, **options):
        """Give objects() to the nodes that they are of; other nodes forget the cluster."""
        nodes = list(nodes or self.nodes)
        for name in set(self.nodes) - set(nodes):
            run("ip", "link", "del", "dvp0", ns=name, check=False)
        self.apply(self.objects(mode, nodes, **options), nodes)

    def apply_files(self, nodes=None):
        """Give the real cluster's objects, tests/cluster, to nodes."""
        for name in nodes or self.nodes:
            ctl.ctl(name, "apply", "--node", name, "-f",
                    *sorted(map(str, ctl.CLUSTER_FILES.glob("*.yaml"))))
