# SPDX-License-Identifier: GPL-2.0
"""
Pods on one Linux bridge reach each other through Services, without br_netfilter. Each word is a
network namespace; cni0 is the node's bridge, and the pods' gateway:

    client ---+
             cni0  node
    server ---+
"""

import errno
import pathlib

import pytest

from lab import CounterWatch, TcpStream, apply, ask, ctl_json, ip, objects, sysctl
from lab.cluster import Host, Node
from lab.echo import Connection, EchoServers
from lab.netns import NETNS_DIR

NODE = Node("node", "192.168.9.1", "fd00:9::1", pods4="10.9.1.0/24", pods6="fd00:109:0:1::/64")
CLIENT = Host("client", "10.9.1.2", "fd00:109:0:1::2", "node")
SERVER = Host("server", "10.9.1.3", "fd00:109:0:1::3", "node")
GATEWAY = {4: "10.9.1.1", 6: "fd00:109:0:1::1"}
VIP = {4: "10.99.0.1", 6: "fd00:99::1"}
PORT, CLOSED = 7, 8     # ports of the Service; nobody listens on the second one's target


def cluster_objects():
    """The node, and a Service that the server alone serves."""
    ports = [(f"{proto.lower()}-{port}", port, proto)
             for port in (PORT, CLOSED) for proto in ("TCP", "UDP")]
    return [NODE.object(), objects.module_config(), objects.kube_system(),
            objects.service("echo", VIP.values(), [objects.port(number, name=name, protocol=proto)
                                                   for name, number, proto in ports]),
            *(objects.endpoint_slice("echo", [objects.endpoint(SERVER.ip(f), "node")], ports)
              for f in (4, 6))]


@pytest.fixture(scope="module", name="bridge")
def fixture_bridge():
    """The topology, configured."""
    spaces = [NODE.name, CLIENT.name, SERVER.name]
    servers = EchoServers()
    try:
        ip(*(f"netns add {space}" for space in spaces))
        for space in spaces:
            sysctl(space, **{"ipv6.conf.all.accept_dad": 0, "ipv6.conf.default.accept_dad": 0,
                             "ipv6.conf.default.router_solicitations": 0})
        sysctl("node", **{"ipv4.ip_forward": 1, "ipv6.conf.all.forwarding": 1,
                          "ipv4.conf.all.rp_filter": 1})
        ip("link add cni0 type bridge", "link add eth0 type dummy",
           *(f"link add {pod.name} type veth peer name eth0 netns {pod.name}"
             for pod in (CLIENT, SERVER)),
           *(f"link set {pod.name} master cni0 up" for pod in (CLIENT, SERVER)),
           *(f"link set {dev} up" for dev in ("lo", "cni0", "eth0")),
           f"address add {NODE.ip4}/24 dev eth0", f"address add {NODE.ip6}/64 dev eth0 nodad",
           f"address add {GATEWAY[4]}/24 dev cni0", f"address add {GATEWAY[6]}/64 dev cni0 nodad",
           ns="node")
        for pod in (CLIENT, SERVER):
            ip("link set lo up", "link set eth0 up", f"address add {pod.ip4}/24 dev eth0",
               f"address add {pod.ip6}/64 dev eth0 nodad",
               f"route add default via {GATEWAY[4]}", f"route add default via {GATEWAY[6]}",
               ns=pod.name)
            for family in (4, 6):
                servers.add(pod.name, pod.name, pod.ip(family), PORT)
        apply("node", cluster_objects())
        yield
    finally:
        servers.close()
        ip(*(f"netns del {space}" for space in spaces if pathlib.Path(NETNS_DIR, space).exists()))


pytestmark = pytest.mark.usefixtures("bridge")


@pytest.fixture(params=["tcp", "udp"], name="kind")
def fixture_kind(request):
    """Transport protocol."""
    return request.param


def test_client_is_seen(family, kind):
    """The neighbour answers, and sees the client's own address."""
    for _ in range(5):
        answer = ask("client", VIP[family], PORT, kind)
        assert (answer.server, answer.source) == ("server", CLIENT.ip(family))


def test_direct(family, kind):
    """The same server without the Service, at the same time."""
    with Connection("client", VIP[family], PORT, kind) as service, \
            Connection("client", SERVER.ip(family), PORT, kind) as direct:
        for connection in (service, direct) * 3:
            connection.echo(b"x" * 1000)


def test_hairpin(family, kind):
    """The server reaches itself; there the node stands between."""
    answer = ask("server", VIP[family], PORT, kind)
    assert answer.server == "server"
    assert answer.source != SERVER.ip(family)


def test_stream(family):
    """A megabyte each way, whatever offloads do with it."""
    with TcpStream("client", VIP[family], PORT, limit=1 << 20) as stream:
        stream.finish()


def test_established(family):
    """The flow knows that its connection stands: replies past the host count."""
    watch = CounterWatch("node")
    with Connection("client", VIP[family], PORT) as connection:
        connection.echo(b"hello")
        flows = [f for f in ctl_json("node", "flow", "show")
                 if f["client_port"] == connection.sock.getsockname()[1]]
        assert [f["state"] for f in flows] == ["established"]
    assert watch.risen()["flow_created"] == 1


def test_refused(family, kind):
    """The neighbour's ICMP errors and resets are the Service's: the client is told at once."""
    with pytest.raises(OSError) as refused:
        ask("client", VIP[family], CLOSED, kind)
    assert refused.value.errno == errno.ECONNREFUSED


def test_no_br_netfilter():
    """Nothing of this was br_netfilter's work."""
    assert not pathlib.Path("/proc/sys/net/bridge").exists()
