# SPDX-License-Identifier: GPL-2.0
"""ClusterIPs and NodePorts as people use them: who answers, whom the server sees, what is refused."""

import time

import pytest

from lab import Capture, Connection, CounterWatch, ask, ip
from lab.services import (apply_with_files, check_checksums, embedded, meet, node_source, route_vips,
                          service, vip)

WEB = ["web-n1-a", "web-n2-a", "web-n2-b", "web-n3-a"]
DNS = ["dns-n1", "dns-n3"]
KINDS = ["tcp", "udp"]
CLIENTS = ["client-n1", "n1", "outside"]

# Service, last part of its ClusterIP, port, kind, endpoints; from tests/cluster.
CLUSTER_IPS = {
    "web": (10, 80, "tcp", WEB),
    "dns": (53, 53, "udp", DNS),
    "dns-tcp": (53, 53, "tcp", DNS),
    "hostweb": (12, 80, "tcp", ["hostweb-n2"]),
    "db": (14, 5432, "tcp", ["db"]),
}
NODE_PORTS = {"web": (30080, "tcp", WEB), "dns": (30053, "udp", DNS)}


def more_services(cluster):
    """Services which tests/cluster has not."""
    pods, nodes = cluster.pods, cluster.nodes
    web = [pods[name] for name in WEB]
    return [
        *service("host", 60, [(80, 7, "TCP"), (80, 7, "UDP")], nodes.values()),
        *service("one", 61, [(80, 7, "TCP", 30061), (80, 7, "UDP", 30061)], [pods["web-n1-a"]]),
        *service("far", 62, [(80, 7, "TCP", 30062), (80, 7, "UDP", 30062)], [pods["web-n2-a"]]),
        *service("none", 63, [(80, 7, "TCP", 30063), (80, 7, "UDP", 30063)], []),
        *service("internal", 64, [(80, 7, "TCP", 30064), (80, 7, "UDP", 30064)], web,
                 internalTrafficPolicy="Local"),
        *service("external", 65, [(80, 7, "TCP", 30065), (80, 7, "UDP", 30065)], web,
                 externalTrafficPolicy="Local"),
        *service("internal-far", 66, [(80, 7, "TCP"), (80, 7, "UDP")], [pods["web-n2-a"]],
                 internalTrafficPolicy="Local"),
        *service("external-far", 67, [(80, 7, "TCP", 30067), (80, 7, "UDP", 30067)],
                 [pods["web-n2-a"], pods["web-n3-a"]], externalTrafficPolicy="Local"),
        *service("one-again", 68, [(80, 7, "TCP"), (80, 7, "UDP"), (81, 7, "TCP"), (81, 7, "UDP")],
                 [pods["web-n1-a"]]),
        *service("external-none", 69, [(80, 7, "TCP", 30069), (80, 7, "UDP", 30069)], [],
                 externalTrafficPolicy="Local"),
    ]


@pytest.fixture(scope="module", autouse=True)
def services(cluster):
    """All nodes have the real objects and more_services(), outside has a route to ClusterIPs."""
    route_vips(cluster)
    apply_with_files(cluster, more_services(cluster))


def host_of(cluster, server):
    """The pod or node which a server is on."""
    return {"hostweb-n2": cluster["n2"], "db": cluster["neighbour"]}.get(server) or cluster[server]


def check_sources(cluster, family, client, answers, masquerade):
    """
    Each server saw the client itself, or, with masquerade, node n1. Outside of the cluster nobody
    sees a pod.
    """
    for server, answer in answers.items():
        backend = host_of(cluster, server)
        if masquerade or server == "db":
            assert answer.source == node_source(cluster, "n1", backend, family), answer
        else:
            assert answer.source == cluster[client].ip(family), answer


def check_refused(client, address, port, kind):
    """A connection is refused at once: no time-out, no retry."""
    # A SYN is repeated after 1 s. In one kernel with the client the answer comes while connect() still
    # holds the socket; Linux drops ICMPv6 errors then, but not the one about the second SYN.
    repeats = kind == "tcp" and ":" in address and client != "n1"
    limit = 1.9 if repeats else 0.9
    # A busy machine may stop for that long, but not each time.
    for _ in range(3):
        begin = time.monotonic()
        with pytest.raises(ConnectionRefusedError):
            ask(client, address, port, kind, timeout=20)
        took = time.monotonic() - begin
        if took < limit:
            return
    raise AssertionError(f"refused, but only after {took:.2f} s")


def check_dropped(client, address, port, kind):
    """Nothing at all comes back; a socket of the node itself is told so."""
    with pytest.raises(PermissionError if (client, kind) == ("n1", "udp") else TimeoutError):
        ask(client, address, port, kind, timeout=0.7)


# ---- who answers, and whom it sees ----

@pytest.mark.parametrize("name", CLUSTER_IPS)
@pytest.mark.parametrize("client", CLIENTS)
def test_cluster_ip(cluster, family, client, name):
    """
    A ClusterIP answers pods, processes of a node and the world outside; all endpoints do. They see a
    pod as itself, everybody else as a node.
    """
    number, port, kind, names = CLUSTER_IPS[name]
    if name == "db" and family == 6:
        pytest.skip("the Service has IPv4 only")
    answers = meet(client, vip(number, family), port, kind, names)
    check_sources(cluster, family, client, answers, masquerade=client != "client-n1")


@pytest.mark.parametrize("name", NODE_PORTS)
@pytest.mark.parametrize("client", CLIENTS)
def test_node_port(cluster, family, client, name):
    """A NodePort answers pods, the node's own processes and the world outside, as a node."""
    port, kind, names = NODE_PORTS[name]
    answers = meet(client, cluster["n1"].ip(family), port, kind, names)
    check_sources(cluster, family, client, answers, masquerade=True)


@pytest.mark.parametrize("kind", KINDS)
def test_node_port_behind_router(cluster, family, kind):
    """A NodePort of a node behind a router answers the world outside, and other nodes."""
    address = cluster["n3"].ip(family)
    for client in ("outside", "n1"):
        answer = ask(client, address, 30061, kind)
        assert answer.source == node_source(cluster, "n3", cluster["web-n1-a"], family)


@pytest.mark.parametrize("kind", KINDS)
def test_node_port_of_another_node(cluster, family, kind):
    """Pods reach NodePorts of other nodes."""
    for node in ("n2", "n3"):
        answer = ask("client-n1", cluster[node].ip(family), 30061, kind)
        assert answer.source == node_source(cluster, node, cluster["web-n1-a"], family)


@pytest.mark.parametrize("client", CLIENTS)
def test_data(cluster, family, client):
    """What is sent comes back unchanged, over a Service of each kind."""
    for address, port in ((vip(10, family), 80), (cluster["n1"].ip(family), 30080)):
        with Connection(client, address, port) as connection:
            data = bytes(range(256)) * 400
            assert connection.echo(data) == data
    for address, port in ((vip(53, family), 53), (cluster["n1"].ip(family), 30053)):
        with Connection(client, address, port, "udp") as exchange:
            assert exchange.echo(b"x" * 1200).payload == b"x" * 1200


@pytest.mark.parametrize("kind", KINDS)
def test_hairpin(cluster, family, kind):
    """A pod reaches itself through its own Service, by ClusterIP and by NodePort, seen as the node."""
    for address, port in ((vip(61, family), 80), (cluster["n1"].ip(family), 30061)):
        with Connection("web-n1-a", address, port, kind) as connection:
            assert connection.answer.server == "web-n1-a"
            assert connection.answer.source == cluster["n1"].ip(family)
            data = connection.echo(b"again")
            assert (data if kind == "tcp" else data.payload) == b"again"


@pytest.mark.parametrize("kind", KINDS)
def test_two_pods_of_a_node(cluster, family, kind):
    """Two pods of one node talk through a ClusterIP; the server sees the other pod."""
    answer = ask("client-n1", vip(61, family), 80, kind)
    assert (answer.server, answer.source) == ("web-n1-a", cluster["client-n1"].ip(family))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("client", CLIENTS)
def test_host_network(cluster, family, client, kind):
    """Endpoints in the network of a node serve: on the client's node, its neighbour, behind a router."""
    answers = meet(client, vip(60, family), 80, kind, ["n1", "n2", "n3"])
    for server, answer in answers.items():
        seen = client if client == "client-n1" else "n1"
        assert answer.source == cluster[seen].ip(family), server


@pytest.mark.parametrize("kind", KINDS)
def test_two_frontends(cluster, family, kind):
    """One client port towards two Services of one backend, three frontends: all work at once."""
    places = [(vip(61, family), 80), (vip(68, family), 80), (vip(68, family), 81),
              (cluster["n1"].ip(family), 30061)]
    connections = [Connection("client-n1", address, port, kind, sport=19000)
                   for address, port in places]
    try:
        for number, connection in enumerate(connections):
            assert connection.answer.server == "web-n1-a"
            text = f"number {number}".encode()
            data = connection.echo(text)
            assert (data if kind == "tcp" else data.payload) == text
        peers = {(c.answer.source, c.answer.sport) for c in connections}
        assert len(peers) == len(places), "the backend cannot tell them apart"
    finally:
        for connection in connections:
            connection.close()


# ---- what is refused ----

@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("client", CLIENTS)
def test_no_endpoints(cluster, family, client, kind):
    """A Service without endpoints refuses at once, on its ClusterIP and its NodePort."""
    for address, port in ((vip(63, family), 80), (cluster["n1"].ip(family), 30063),
                          (cluster["n1"].ip(family), 30069)):
        watch = CounterWatch("n1")
        check_refused(client, address, port, kind)
        assert watch.risen()["service_rejected"] >= 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("client", CLIENTS)
def test_unused_port(family, client, kind):
    """A port of a ClusterIP that no Service has is refused at once, so is another protocol's."""
    for number, port in ((61, 81), (10, 80 if kind == "udp" else 443)):
        watch = CounterWatch("n1")
        check_refused(client, vip(number, family), port, kind)
        assert watch.risen()["service_unused_port"] >= 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("client", ["client-n1", "outside"])
def test_refusal(cluster, family, client, kind):
    """The refusal is ICMP port unreachable from the Service's address, about the client's packet."""
    for address, port in ((vip(63, family), 80), (cluster["n1"].ip(family), 30063),
                          (vip(61, family), 81)):
        with Capture(client, "eth0") as wire:
            check_refused(client, address, port, kind)
            error = wire.wait(lambda p: p.icmp == ((3, 3) if family == 4 else (1, 4)))
        assert (error.src, error.dst) == (address, cluster[client].ip(family))
        check_checksums(error)
        about = embedded(error)
        assert (about.src, about.dst, about.dport) == (cluster[client].ip(family), address, port)


@pytest.mark.parametrize("kind", KINDS)
def test_internal_policy_local(cluster, family, kind):
    """With internalTrafficPolicy Local only the node's own endpoint serves a ClusterIP."""
    for client in CLIENTS:
        for _ in range(12):
            assert ask(client, vip(64, family), 80, kind).server == "web-n1-a"
    meet("outside", cluster["n1"].ip(family), 30064, kind, WEB)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("client", CLIENTS)
def test_internal_policy_drop(family, client, kind):
    """With internalTrafficPolicy Local and endpoints elsewhere only, nothing is answered."""
    watch = CounterWatch("n1")
    check_dropped(client, vip(66, family), 80, kind)
    assert watch.risen().get("service_dropped", 0) >= 1


@pytest.mark.parametrize("kind", KINDS)
def test_external_policy_local(cluster, family, kind):
    """With externalTrafficPolicy Local the world sees the node's own endpoint, which sees the world."""
    for _ in range(12):
        answer = ask("outside", cluster["n1"].ip(family), 30065, kind)
        assert (answer.server, answer.source) == ("web-n1-a", cluster["outside"].ip(family))
    # What comes from this node is not external.
    answers = meet("client-n1", cluster["n1"].ip(family), 30065, kind, WEB)
    check_sources(cluster, family, "client-n1", answers, masquerade=False)
    answers = meet("n1", cluster["n1"].ip(family), 30065, kind, WEB)
    check_sources(cluster, family, "n1", answers, masquerade=False)


@pytest.mark.parametrize("kind", KINDS)
def test_external_policy_drop(cluster, family, kind):
    """With externalTrafficPolicy Local and endpoints elsewhere only, the world gets no answer."""
    address = cluster["n1"].ip(family)
    watch = CounterWatch("n1")
    check_dropped("outside", address, 30067, kind)
    assert watch.risen().get("service_dropped", 0) >= 1
    for client in ("client-n1", "n1"):
        assert ask(client, address, 30067, kind).server in ("web-n2-a", "web-n3-a")


# ---- addresses of NodePorts ----

SECONDARY = {4: "203.0.113.11", 6: "2001:db8:203::11"}
ANNOTATION = "node.deckhouse.io/nodeport-bind-internal-ip"


class TestNodePortAddresses:
    """On which addresses of a node a NodePort answers."""

    @pytest.fixture(scope="class", autouse=True)
    def secondary(self, cluster):
        """n1 has another address of each family."""
        ip(f"address add {SECONDARY[6]}/128 dev eth0 nodad", ns="n1")
        ip(f"route add {SECONDARY[6]} via {cluster['n1'].ip6}", ns="r1")
        yield
        ip(f"address del {SECONDARY[6]}/128 dev eth0", ns="n1")
        ip(f"route del {SECONDARY[6]}", ns="r1")

    @staticmethod
    def set(cluster, value):
        """Give n1 the annotation."""
        annotations = {} if value is None else {ANNOTATION: value}
        others = [n.object() for n in cluster.nodes.values() if n.name != "n1"]
        items = [o for o in cluster.objects() if o["kind"] != "Node"]
        cluster.apply([cluster["n1"].object(annotations=annotations), *others, *items,
                       *more_services(cluster)], ["n1"])

    @pytest.mark.parametrize("kind", KINDS)
    def test_internal_ip_only(self, cluster, family, kind):
        """Without the annotation "false", the InternalIP alone answers, for outside and inside."""
        for value in (None, "true", "False", ""):
            self.set(cluster, value)
            for client in CLIENTS:
                assert ask(client, cluster["n1"].ip(family), 30061, kind).server == "web-n1-a"
                check_refused(client, SECONDARY[family], 30061, kind)

    @pytest.mark.parametrize("kind", KINDS)
    def test_all(self, cluster, family, kind):
        """With "false" each address answers but loopback; the change is live both ways."""
        address = SECONDARY[family]
        self.set(cluster, None)
        for client in CLIENTS:
            check_refused(client, address, 30061, kind)
        self.set(cluster, "false")
        for client in CLIENTS:
            for place in (address, cluster["n1"].ip(family)):
                assert ask(client, place, 30061, kind).server == "web-n1-a"
        check_refused("n1", "::1" if family == 6 else "127.0.0.1", 30061, kind)
        with Connection("outside", address, 30061, kind) as connection:
            self.set(cluster, None)
            # What exists goes on.
            connection.echo(b"still here")
        check_refused("outside", address, 30061, kind)

