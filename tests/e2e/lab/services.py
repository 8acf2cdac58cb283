# SPDX-License-Identifier: GPL-2.0
"""Services of the lab's pods and nodes, and who has to see whom through them."""

import errno
import json
import struct

from . import objects
from .cluster import Host
from .ctl import CLUSTER_FILES, ctl, ctl_json
from .echo import Connection, ask
from .netns import ip
from .packet import ICMPV6, Packet, _pseudo, checksum, parse_ip

VIP = {4: "10.222.0.{}", 6: "fd00:222::{}"}


def vip(number, family):
    """The ClusterIP with this last part."""
    return VIP[family].format(number)


def service(name, number, ports, hosts, families=(4, 6), **spec):
    """
    Service test/NAME at vip(number) and its EndpointSlices. Ports are (port, target, protocol) or
    (port, target, protocol, nodePort); hosts the pods or nodes that serve, or (host, conditions).
    """
    named = [(f"{p[2].lower()}-{p[0]}", *p, None)[:5] for p in ports]
    result = [objects.service(name, [vip(number, f) for f in families],
                              [objects.port(number, target, port_name, protocol, node_port)
                               for port_name, number, target, protocol, node_port in named],
                              **spec)]
    for family in families:
        endpoints = []
        for host in hosts:
            host, conditions = host if isinstance(host, tuple) else (host, {})
            endpoints.append(objects.endpoint(host.ip(family), host.node or host.name, **conditions))
        if endpoints:
            result.append(objects.endpoint_slice(
                name, endpoints, [(port_name, target, protocol)
                                  for port_name, _, target, protocol, _ in named]))
    return result


# ---- all four frontends of a Service ----

LOAD_BALANCER = {4: "198.18.0.{}", 6: "fd00:18::{}"}
EXTERNAL = {4: "198.19.0.{}", 6: "fd00:19::{}"}
PORTS = [(80, 7, "TCP"), (80, 7, "UDP")]


def lb_ip(number, family):
    """The load balancer's address with this last part."""
    return LOAD_BALANCER[family].format(number)


def external_ip(number, family):
    """The external address with this last part."""
    return EXTERNAL[family].format(number)


def balanced(name, number, hosts, families=(4, 6), ports=None, ingress=None, **spec):
    """
    Service test/NAME of type LoadBalancer, TCP and UDP, with all frontends: see places(). ingress are
    other elements of status.loadBalancer.
    """
    ports = ports or [(*p, 30000 + number) for p in PORTS]
    spec = {"externalIPs": [external_ip(number, f) for f in families], **spec}
    result = service(name, number, ports, hosts, families, **{"type": "LoadBalancer", **spec})
    if ingress is None:
        ingress = [{"ip": lb_ip(number, f), "ipMode": "VIP"} for f in families]
    result[0]["status"] = {"loadBalancer": {"ingress": ingress}}
    return result


def places(cluster, number, family, node="n1"):
    """Where balanced() answers: address and port by frontend."""
    return {"cluster-ip": (vip(number, family), 80),
            "node-port": (cluster[node].ip(family), 30000 + number),
            "load-balancer": (lb_ip(number, family), 80),
            "external-ip": (external_ip(number, family), 80)}


def route_frontends(cluster, node="n1"):
    """The world outside reaches ClusterIPs and all addresses of balanced() over a node."""
    route_vips(cluster, node)
    for addresses in (LOAD_BALANCER, EXTERNAL):
        ip(f"route replace {addresses[4].format(0)}/24 via {cluster[node].ip4}",
           f"route replace {addresses[6].format(0)}/112 via {cluster[node].ip6}", ns="r1")


def apply_with_files(cluster, items):
    """Give the real cluster's objects to all nodes, and these more."""
    files = sorted(map(str, CLUSTER_FILES.glob("*.yaml")))
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(items)})
    for name in cluster.nodes:
        ctl(name, "apply", "--node", name, "-f", *files, "-", stdin=text)


def route_vips(cluster, node="n1"):
    """The world outside reaches ClusterIPs by a static route over a node."""
    ways = {"r1": cluster[node]}
    if node == "n3":
        ways = {"r1": Host("r2", "10.255.0.2", "fd00:ff::2"), "r2": cluster[node]}
    for router, host in ways.items():
        ip(f"route replace 10.222.0.0/16 via {host.ip4}",
           f"route replace fd00:222::/112 via {host.ip6}", ns=router)


def tunnel_address(node, family):
    """The address of a node inside the pod network."""
    return ctl_json(node, "node", "show", node)[0][f"tunnel{family}"]


def node_source(cluster, node, backend, family):
    """As whom a backend sees that node, whose pods or itself: through the tunnel, or else."""
    if backend.node and backend.node != node:
        return tunnel_address(node, family)
    return cluster[node].ip(family)


def meet(client, address, port, kind, names, attempts=100):
    """
    Connect until each of these servers has answered, and no other one. Returns the answers, one a
    server.
    """
    met = {}
    for _ in range(attempts):
        answer = ask(client, address, port, kind)
        assert answer.server in names, f"{answer.server} answered, which is none of {names}"
        assert met.setdefault(answer.server, answer).source == answer.source
        if len(met) == len(names):
            return met
    raise AssertionError(f"only {sorted(met)} of {sorted(names)} in {attempts} connections")


def echo_datagram(client, address, port, data):
    """
    Send a long UDP datagram to an echo server and get it back. The first ones may be needed to learn
    the path's MTU, each way and hop by hop: UDP does not send again.
    """
    for attempt in range(4):
        try:
            with Connection(client, address, port, "udp", timeout=2) as exchange:
                assert exchange.echo(data).payload == data
            return
        except OSError as error:
            assert isinstance(error, TimeoutError) or error.errno == errno.EMSGSIZE
            assert attempt < 3, f"{len(data)} bytes never came back"


def embedded(packet):
    """The packet that an ICMP error is about."""
    inner = Packet(packet.payload)
    parse_ip(inner, packet.payload)
    return inner


def check_checksums(packet):
    """Raises unless a captured ICMP packet's checksums are right, the embedded header's as well."""
    data = packet.raw[14:] if packet.eth_src else packet.raw
    if packet.family == 4:
        header = (data[0] & 15) * 4
        assert checksum(data[:header]) == 0, "checksum of the IPv4 header"
        total, = struct.unpack_from("!H", data, 2)
        message, pseudo = data[header:total], b""
        inner = message[8:8 + (message[8] & 15) * 4]
        assert checksum(inner) == 0, "checksum of the embedded IPv4 header"
    else:
        length, = struct.unpack_from("!H", data, 4)
        message = data[40:40 + length]
        pseudo = _pseudo(packet.src, packet.dst, ICMPV6, length)
    assert checksum(pseudo + message) == 0, "checksum of the ICMP message"
