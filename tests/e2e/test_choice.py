# SPDX-License-Identifier: GPL-2.0
"""Which endpoint serves: evenly, alike on each node, and the same one while it can."""

import collections
import socket
import struct

import pytest

from lab import ECHO_PORT, Connection, CounterWatch, ask, ctl, ctl_json, question
from lab import objects
from lab.services import route_vips, service, vip

CLIENT = "client-n1"
KINDS = ["tcp", "udp"]
# Two more endpoints than there are other pods.
EXTRA = {"extra-n1": "web-n1-a", "extra-n2": "web-n2-a"}
EXTRA_PORT = 7007
FIRST_PORT, CONNECTIONS = 20000, 1000


@pytest.fixture(scope="module", autouse=True)
def extra_servers(cluster, many_files):
    """Servers on another port of two pods."""
    for name, pod in EXTRA.items():
        cluster.serve(cluster[pod], EXTRA_PORT, name=name)


def ten(cluster, without=()):
    """A cluster with a Service of ten endpoints, less those named."""
    pods = [p for name, p in cluster.pods.items() if name != CLIENT and name not in without]
    more = [cluster[pod] for name, pod in EXTRA.items() if name not in without]
    items = service("ten", 70, [(80, ECHO_PORT, "TCP"), (53, ECHO_PORT, "UDP")], pods)
    ports = [("tcp-80", EXTRA_PORT, "TCP"), ("udp-53", EXTRA_PORT, "UDP")]
    for family in (4, 6):
        if more:
            items.append(objects.endpoint_slice(
                "ten", [objects.endpoint(p.ip(family), p.node) for p in more], ports,
                suffix="-extra"))
    return [*cluster.objects(), *items]


def few(cluster, names):
    """A cluster with a Service that these pods serve."""
    return [*cluster.objects(),
            *service("few", 71, [(80, ECHO_PORT, "TCP"), (53, ECHO_PORT, "UDP")],
                     [cluster[name] for name in names])]


def connect_all(family):
    """A connection from each of 1000 client ports."""
    return {port: Connection(CLIENT, vip(70, family), 80, sport=port)
            for port in range(FIRST_PORT, FIRST_PORT + CONNECTIONS)}


def reset_all(connections):
    """Close them so that their ports can be used again at once."""
    for connection in connections.values():
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def test_thousand_connections(cluster, family):
    """
    1000 connections spread over ten endpoints, each within 30 % of the mean. When one endpoint goes,
    all connections go on, its own, too; new ones from the same client ports choose as before, but
    for those that it had.
    """
    cluster.apply(ten(cluster))
    connections = connect_all(family)
    try:
        before = {port: c.answer.server for port, c in connections.items()}
        shares = collections.Counter(before.values())
        assert len(shares) == 10
        for share in shares.values():
            assert abs(share - CONNECTIONS / 10) <= 30, shares

        cluster.apply(ten(cluster, ["web-n2-b"]))
        for connection in connections.values():
            assert connection.echo(b"on") == b"on"
    finally:
        reset_all(connections)

    ctl("n1", "flush", "flow")
    connections = connect_all(family)
    try:
        after = {port: c.answer.server for port, c in connections.items()}
    finally:
        reset_all(connections)
    assert "web-n2-b" not in after.values()
    moved = {port for port in before if before[port] != after[port]}
    assert moved == {port for port, server in before.items() if server == "web-n2-b"}


def choices(client, family, count):
    """Who answers the client's datagrams, by its port; nothing is remembered of earlier ones."""
    for node in ("n1", "n3"):
        ctl(node, "flush", "flow")
    return {port: ask(client, vip(70, family), 53, "udp", sport=port).server
            for port in range(FIRST_PORT, FIRST_PORT + count)}


def test_added_endpoint(cluster, family):
    """A new endpoint takes its share; no connection moves between the others."""
    cluster.apply(ten(cluster, ["web-n2-b"]))
    before = choices(CLIENT, family, 200)
    cluster.apply(ten(cluster))
    after = choices(CLIENT, family, 200)
    moved = {port for port in before if before[port] != after[port]}
    assert moved == {port for port in after if after[port] == "web-n2-b"}
    assert 5 <= len(moved) <= 40


def test_nodes_choose_alike(cluster, family):
    """Another node leads the same connection to the same endpoint, so it can take over."""
    cluster.apply(ten(cluster))
    route_vips(cluster, "n1")
    by_n1 = choices("outside", family, 300)
    route_vips(cluster, "n3")
    by_n3 = choices("outside", family, 300)
    assert by_n1 == by_n3
    assert len(set(by_n1.values())) == 10


def test_get_tells_truth(cluster, family):
    """`dvpnetctl get` names, on each node, the endpoint that then answers."""
    cluster.apply(ten(cluster))
    source, target = cluster[CLIENT].ip(family), vip(70, family)
    for port in range(25000, 25015):
        packet = question("udp", (source, port), (target, 53))
        told = {ctl_json(node, *packet)["backend"] for node in ("n1", "n3")}
        answer = ask(CLIENT, target, 53, "udp", sport=port)
        assert told == {cluster[EXTRA.get(answer.server, answer.server)].ip(family)}


def test_udp_endpoint_removed(cluster, family):
    """When the endpoint of a UDP exchange goes, the next datagram of the same socket goes elsewhere."""
    names = ["web-n1-a", "web-n2-a", "web-n3-a"]
    cluster.apply(few(cluster, names))
    with Connection(CLIENT, vip(71, family), 53, "udp") as exchange:
        first = exchange.answer.server
        assert exchange.echo(b"1").server == first
        names.remove(first)
        watch = CounterWatch("n1")
        cluster.apply(few(cluster, names))
        second = exchange.echo(b"2").server
        assert second in names
        assert watch.risen()["flow_released"] == 1
        names.remove(second)
        cluster.apply(few(cluster, names))
        assert exchange.echo(b"3").server == names[0]


def test_udp_scaled_to_zero_and_back(cluster, family):
    """A UDP socket that sends all the time is refused while there is no endpoint, else served."""
    cluster.apply(few(cluster, ["web-n2-a"]))
    with Connection(CLIENT, vip(71, family), 53, "udp") as exchange:
        cluster.apply(few(cluster, []))
        for _ in range(3):
            with pytest.raises(ConnectionRefusedError):
                exchange.echo(b"is anybody there?")
        cluster.apply(few(cluster, ["web-n3-a"]))
        assert exchange.echo(b"now").server == "web-n3-a"


def test_udp_before_any_endpoint(cluster, family):
    """A UDP socket that began to send before the first endpoint was there is served from then on."""
    cluster.apply(few(cluster, []))
    with pytest.raises(ConnectionRefusedError):
        ask(CLIENT, vip(71, family), 53, "udp", sport=26000)
    cluster.apply(few(cluster, ["web-n2-a"]))
    assert ask(CLIENT, vip(71, family), 53, "udp", sport=26000).server == "web-n2-a"


def test_udp_flow_of_node_port_moves(cluster, family):
    """A sender outside with a fixed port follows the NodePort's endpoint as it is replaced."""
    def state(names):
        return [*cluster.objects(), *service("np", 72, [(53, ECHO_PORT, "UDP", 30072)],
                                             [cluster[n] for n in names])]
    cluster.apply(state(["web-n2-a"]), ["n1"])
    with Connection("outside", cluster["n1"].ip(family), 30072, "udp") as exchange:
        assert exchange.answer.server == "web-n2-a"
        cluster.apply(state(["web-n3-a"]), ["n1"])
        assert exchange.echo(b"moved").server == "web-n3-a"


@pytest.mark.parametrize("left", [["web-n3-a"], []], ids=["one-left", "none-left"])
def test_tcp_to_removed_endpoint(cluster, family, left):
    """A TCP connection to an endpoint that is removed goes on, to its orderly end."""
    cluster.apply(few(cluster, ["web-n2-a"]))
    with Connection(CLIENT, vip(71, family), 80) as connection:
        cluster.apply(few(cluster, left))
        assert connection.echo(b"still here" * 1000) == b"still here" * 1000
        if left:
            assert ask(CLIENT, vip(71, family), 80).server == left[0]
        else:
            with pytest.raises(ConnectionRefusedError):
                ask(CLIENT, vip(71, family), 80)
        connection.sock.shutdown(socket.SHUT_WR)
        assert connection.sock.recv(1) == b""


def test_unchanged_apply_moves_nothing(cluster, family):
    """Applying the same objects again, or all of them anew, keeps each flow."""
    cluster.apply(few(cluster, ["web-n2-a", "web-n3-a"]))
    exchanges = [Connection(CLIENT, vip(71, family), 53, "udp") for _ in range(8)]
    try:
        watch = CounterWatch("n1")
        cluster.apply(few(cluster, ["web-n2-a", "web-n3-a"]))
        for exchange in exchanges:
            assert exchange.echo(b"?").server == exchange.answer.server
        assert not {"flow_created", "flow_released", "flow_flushed"} & set(watch.risen())
    finally:
        for exchange in exchanges:
            exchange.close()


@pytest.mark.parametrize("kind", KINDS)
def test_service_deleted(cluster, family, kind):
    """A deleted Service's UDP flows end with it; its TCP connections go on."""
    cluster.apply(few(cluster, ["web-n2-a"]))
    with Connection(CLIENT, vip(71, family), 53 if kind == "udp" else 80, kind) as connection:
        cluster.apply(cluster.objects())
        if kind == "tcp":
            assert connection.echo(b"on") == b"on"
        else:
            connection.sock.settimeout(0.5)
            with pytest.raises(OSError):
                connection.echo(b"gone")
            port = connection.sock.getsockname()[1]
            # Without a ServiceCIDR its address is one of the world outside by now.
            assert port not in [f["client_port"] for f in ctl_json("n1", "flow", "show")
                                if "egress" not in f["flags"]]
