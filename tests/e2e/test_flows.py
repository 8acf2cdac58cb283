# SPDX-License-Identifier: GPL-2.0
"""The life of a connection through a Service, while Services and endpoints change."""

import itertools
import socket

import pytest

from lab import (Capture, Connection, CounterWatch, UdpExchange, ctl, ctl_json, netns, question,
                 run, wait_until)
from lab import packet as pkt
from lab.burst import burst, server
from lab.crowd import REFUSED, SILENT, who
from lab.services import balanced, places, route_frontends, vip

CLIENT = "client-n1"
KINDS = ["tcp", "udp"]
A, B, C = "web-n1-a", "web-n2-a", "web-n3-a"
FRONTENDS = ["cluster-ip", "node-port", "load-balancer", "external-ip"]
NUMBER = 170
TCP_REPAIR = 19         # linux/tcp.h


@pytest.fixture(scope="module", autouse=True)
def fixture_nodes(cluster):
    """The nodes know each other."""
    route_frontends(cluster)
    cluster.apply(cluster.objects())


def give(cluster, names, conditions=None, settings=None, **spec):
    """n1 has a Service of these endpoints, all in the same condition, and settings."""
    hosts = [(cluster[name], conditions or {}) for name in names]
    cluster.apply([*cluster.objects(**settings or {}), *balanced("flow", NUMBER, hosts, **spec)],
                  ["n1"])


def answered(exchange, count=3):
    """Who answers requests that are sent from now on; all those servers, None for nobody."""
    first = exchange.sent + 1       # the one that is under way is of before
    exchange.wait_for(count + 1)
    wait_until(lambda: exchange.sent - first >= count)
    wanted = range(first, first + count)

    def complete():
        return all(n in exchange.answered for n in wanted)
    try:
        wait_until(complete, 2)
    except AssertionError:
        pass
    return {exchange.answered.get(n) for n in wanted}


@pytest.mark.parametrize("place", ["node-port", "cluster-ip", "load-balancer"])
def test_udp_sender(cluster, family, place):
    """
    A UDP socket that sends all the time, from before there is an endpoint: it is served as soon as one
    is there and ready, follows it when it is replaced or becomes unready, and leaves it alone when
    there is none.
    """
    client = "outside" if place != "cluster-ip" else CLIENT
    give(cluster, [])
    with UdpExchange(client, *places(cluster, NUMBER, family)[place], rate=50) as exchange:
        exchange.wait_for(5)
        assert answered(exchange) == {None}
        give(cluster, [A], {"ready": False, "serving": False})
        assert answered(exchange) == {None}
        give(cluster, [A])
        assert answered(exchange) == {A}
        give(cluster, [B])
        assert answered(exchange) == {B}
        give(cluster, [A, B])
        assert answered(exchange) == {B}
        # Terminating, it serves on, those that it has.
        give(cluster, [B], {"ready": False, "serving": True, "terminating": True})
        assert answered(exchange) == {B}
        give(cluster, [B], {"ready": False, "serving": False, "terminating": True})
        with Capture(B, "eth0") as wire:
            assert answered(exchange) == {None}
            assert not wire.packets(lambda p: p.proto == pkt.UDP and p.dport == 7)
        give(cluster, [])
        assert answered(exchange) == {None}
        give(cluster, [C])
        assert answered(exchange) == {C}


@pytest.mark.parametrize("spec", [
    {"internalTrafficPolicy": "Local"}, {"externalTrafficPolicy": "Local"}],
    ids=["internal", "external"])
@pytest.mark.parametrize("kind", KINDS)
def test_policy_changes(cluster, family, kind, spec):
    """A policy that leaves new connections without endpoint does not touch those that exist."""
    client, place = (CLIENT, "cluster-ip") if "internalTrafficPolicy" in spec else \
        ("outside", "node-port")
    target = places(cluster, NUMBER, family)[place]
    give(cluster, [B, C])
    with Connection(client, *target, kind) as connection:
        give(cluster, [B, C], **spec)
        assert who(client, *target, kind, 2, patience=0.5) == {SILENT}
        got = connection.echo(b"still here")
        assert (got if kind == "tcp" else got.payload) == b"still here"
        if kind == "udp":
            assert got.server == connection.answer.server
        give(cluster, [B, C])
        assert who(client, *target, kind, 24) == {B, C}


@pytest.mark.parametrize("how", ["removed", "unready", "ended"])
def test_tcp_is_left(cluster, family, how):
    """TCP connections to an endpoint that is removed, or unready, go on; new ones go elsewhere."""
    for client, place in ((CLIENT, "cluster-ip"), ("outside", "node-port"), ("n1", "external-ip")):
        target = places(cluster, NUMBER, family)[place]
        give(cluster, [B])
        with Connection(client, *target) as connection:
            if how == "removed":
                give(cluster, [])
            else:
                give(cluster, [B], {"ready": False, "serving": False,
                                    "terminating": how == "ended"})
            assert connection.echo(b"on" * 1000) == b"on" * 1000
            assert who(client, *target, count=2) == {REFUSED}
            give(cluster, [C])
            assert connection.echo(b"on" * 1000) == b"on" * 1000
            assert who(client, *target, "tcp", 4) == {C}


def test_port_used_again(cluster, family):
    """
    A connection's end went unseen, and its endpoint died and was removed: what the client begins from
    the same port meets an endpoint that is there.
    """
    target = places(cluster, NUMBER, family)["cluster-ip"]
    give(cluster, [B])
    with Connection(CLIENT, *target, sport=26200) as connection:
        assert connection.answer.server == B
        # It goes without a word, as by a crash of the client's host.
        connection.sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    silence = "prio", "1", "blackhole"
    run("ip", f"-{family}", "rule", "add", *silence, ns=B)
    try:
        give(cluster, [C])
        with Connection(CLIENT, *target, sport=26200) as connection:
            assert connection.answer.server == C
            assert connection.echo(b"on") == b"on"
    finally:
        run("ip", f"-{family}", "rule", "del", *silence, ns=B)


def test_reset_removed(cluster, family):
    """
    With reset-removed the connection whose endpoint is gone is reset with the client's next packet,
    another one is not.
    """
    target = places(cluster, NUMBER, family)["cluster-ip"]
    settings = {"reset_removed": True}
    give(cluster, [B], settings=settings)
    with Connection(CLIENT, *target) as gone:
        give(cluster, [C], settings=settings)
        with Connection(CLIENT, *target) as stays:
            with pytest.raises(ConnectionResetError):
                gone.echo(b"anybody?")
            give(cluster, [A, C], settings=settings)
            assert stays.echo(b"on") == b"on"


@pytest.mark.parametrize("place", FRONTENDS)
def test_get_knows_it(cluster, family, place):
    """`get` says of a connection which frontend it has met, and of replies to whom they go, as whose."""
    give(cluster, [B])
    client, target = "outside" if place != "cluster-ip" else CLIENT, places(
        cluster, NUMBER, family)[place]
    with Connection(client, *target) as connection:
        own = connection.sock.getsockname()[:2]
        said = ctl_json("n1", *question("tcp", own, target))
        assert (said["verdict"], said["frontend_type"]) == ("flow", place)
        assert said["policy_name"] == \
            f"{'internal' if place == 'cluster-ip' else 'external'}TrafficPolicy"
        assert (said["backend"], said["source"]) == (cluster[B].ip(family), connection.answer.source)
        # As it comes from the endpoint, and as it is where the firewall sees it.
        for end in (connection.answer.source, connection.answer.sport), own:
            said = ctl_json("n1", *question("tcp", (cluster[B].ip(family), 7), end))
            assert said["verdict"] == "flow"
            assert (said["source"], said["source_port"]) == target
            assert (said["target"], said["target_port"]) == own
            assert "backend" not in said and not said["masquerade"]
            words = ctl("n1", *question("tcp", (cluster[B].ip(family), 7), end)).stdout
            assert "a reply: source" in words and "to the client" in words


@pytest.mark.parametrize("how", ["released", "reset"])
def test_get_knows_its_end(cluster, family, how):
    """`get` says that the next packet of a flow whose endpoint was removed goes elsewhere, or is reset."""
    target = places(cluster, NUMBER, family)["cluster-ip"]
    settings = {"reset_removed": how == "reset"}
    kind = "udp" if how == "released" else "tcp"
    give(cluster, [B], settings=settings)
    with Connection(CLIENT, *target, kind) as connection:
        packet = question(kind, connection.sock.getsockname()[:2], target)
        assert ctl_json("n1", *packet)["verdict"] == "flow"
        give(cluster, [C], settings=settings)
        said = ctl_json("n1", *packet)
        if how == "reset":
            assert said["verdict"] == "reset" and "reset-removed" in said["reason"]
            with pytest.raises(ConnectionResetError):
                connection.echo(b"anybody?")
        else:
            assert (said["verdict"], said["backend"]) == ("forward", cluster[C].ip(family))
            assert connection.echo(b"anybody?").server == C


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backend", [A, B], ids=["near", "far"])
def test_one_client_port(cluster, family, kind, backend):
    """
    One client port through all frontends of a Service, and then directly to its endpoint: each works,
    and the endpoint can tell them apart.
    """
    give(cluster, [backend])
    ctl("n1", "flush", "flow")
    targets = [*places(cluster, NUMBER, family).values(), (cluster[backend].ip(family), 7)]
    connections = []
    try:
        for target in targets:
            connections.append(Connection(CLIENT, *target, kind, sport=26100))
        for number, connection in enumerate(connections):
            text = f"number {number}".encode()
            got = connection.echo(text)
            assert (got if kind == "tcp" else got.payload) == text
            assert connection.answer.server == backend
        seen = {(c.answer.source, c.answer.sport) for c in connections}
        assert len(seen) == len(targets), seen
    finally:
        for connection in connections:
            connection.close()
    ctl("n1", "flush", "flow")


@pytest.mark.parametrize("place", ["cluster-ip", "node-port"])
def test_pair_of_datagrams(cluster, family, place):
    """Two datagrams of one socket at the same instant, on two processors: both are answered."""
    with server(A, "echo", 5300), server(B, "echo", 5300):
        hosts = [cluster[A], cluster[B]]
        cluster.apply([*cluster.objects(), *balanced("flow", NUMBER, hosts, ports=[
            (80, 5300, "UDP", 30000 + NUMBER)])], ["n1"])
        ctl("n1", "flush", "flow")
        watch = CounterWatch("n1")
        client = CLIENT if place == "cluster-ip" else "outside"
        figures = burst(client, "pairs", *places(cluster, NUMBER, family)[place], 10000, 256)
        assert figures == {"pairs": 256, "lost": 0, "errors": 0}
        assert watch.risen()["flow_created"] == 256
    ctl("n1", "flush", "flow")


@pytest.mark.parametrize("place", ["cluster-ip", "node-port", "load-balancer"])
def test_fragments_in_any_order(cluster, family, place):
    """
    A datagram of 4000 bytes in three fragments, which arrive in each of the six orders: whole, at one
    endpoint.
    """
    give(cluster, [A, B])
    source = cluster["outside"].ip(family)
    target, port = places(cluster, NUMBER, family)[place]
    data = bytes(i * 17 & 0xFF for i in range(4000))
    kind = socket.AF_INET6 if family == 6 else socket.AF_INET
    with netns("outside"), socket.socket(kind, socket.SOCK_DGRAM) as answers, \
            socket.socket(kind, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        answers.settimeout(3)
        answers.bind((source, 0))
        datagram = pkt.udp(source, target, answers.getsockname()[1], port, data)
        servers = set()
        for ident, order in enumerate(itertools.permutations(range(3))):
            # UDP does not send again what is lost while path MTUs are learned.
            for attempt in range(3):
                parts = list(pkt.fragments(source, target, datagram, 9000 + ident * 8 + attempt,
                                           1400 // 8 * 8))
                assert len(parts) == 3
                for number in order:
                    raw.sendto(parts[number], (target, 0))
                try:
                    answer, sender = answers.recvfrom(1 << 16)
                    break
                except TimeoutError:
                    assert attempt < 2, f"never came back in order {order}"
            line, payload = answer.split(b"\n", 1)
            assert sender[:2] == (target, port) and payload == data
            servers.add(line.split()[0])
    assert len(servers) == 1


def test_resync_moves_nothing(cluster, family):
    """Applies without change, and anew after the kernel's counters say so, move no flow."""
    give(cluster, [A, B, C])
    connections = [Connection("outside", *places(cluster, NUMBER, family)[place], kind)
                   for place in FRONTENDS for kind in KINDS]
    try:
        watch = CounterWatch("n1")
        for names in ([A, B, C], [C, B, A]):
            give(cluster, names)
            for connection in connections:
                got = connection.echo(b"?")
                assert connection.kind == "tcp" or got.server == connection.answer.server
        assert not {"flow_created", "flow_released", "flow_flushed"} & set(watch.risen())
    finally:
        for connection in connections:
            connection.close()


def test_service_comes_back(cluster, family):
    """A Service that is deleted and made again serves UDP senders that never stopped."""
    give(cluster, [A])
    with UdpExchange(CLIENT, vip(NUMBER, family), 80, rate=50) as exchange:
        exchange.wait_for(5)
        assert answered(exchange) == {A}
        cluster.apply(cluster.objects(), ["n1"])
        assert answered(exchange) == {None}
        give(cluster, [B])
        assert answered(exchange) == {B}
