# SPDX-License-Identifier: GPL-2.0
"""Services over SCTP: who answers, the checksum, states and refusals."""

import socket
import struct

import pytest

from lab import ECHO_PORT, Capture, Connection, CounterWatch, ask, ctl, ctl_json, wait_until
from lab import packet as pkt
from lab.services import check_checksums, embedded, node_source, route_vips, service, vip

CLIENT = "client-n1"
SERVERS = ("web-n1-a", "web-n2-a", "web-n3-a")
INIT, INIT_ACK, ABORT = 1, 2, 6
RAW_PORT = 5000         # no socket has it


@pytest.fixture(scope="module", autouse=True)
def services(cluster):
    """Services of one endpoint each, whose port is another one; and one without any."""
    pods = cluster.pods
    for name in SERVERS:
        cluster.serve(pods[name], ECHO_PORT, ["sctp"])
    route_vips(cluster)
    cluster.apply([
        *cluster.objects(),
        *service("near", 80, [(80, ECHO_PORT, "SCTP", 30080)], [pods["web-n1-a"]]),
        *service("far", 81, [(80, ECHO_PORT, "SCTP", 30081)], [pods["web-n3-a"]]),
        *service("all", 82, [(80, ECHO_PORT, "SCTP"), (80, ECHO_PORT, "TCP")],
                 [pods[name] for name in SERVERS]),
        *service("raw-near", 83, [(80, RAW_PORT, "SCTP", 30083)], [pods["web-n1-a"]]),
        *service("raw-far", 84, [(80, RAW_PORT, "SCTP", 30084)], [pods["web-n3-a"]]),
        *service("none", 85, [(80, ECHO_PORT, "SCTP")], []),
    ])


def associate(cluster, client, address, port, **options):
    """An association from the client's one address of the family."""
    family = 6 if ":" in address else 4
    return Connection(client, address, port, "sctp", source=cluster[client].ip(family), **options)


def flows():
    """SCTP flows of node n1."""
    return [flow for flow in ctl_json("n1", "flow", "show") if flow["protocol"] == "sctp"]


# ---- associations ----

@pytest.mark.parametrize("number,server", [(80, "web-n1-a"), (81, "web-n3-a")],
                         ids=["near", "far"])
@pytest.mark.parametrize("client", [CLIENT, "n1", "outside", "web-n1-a", "web-n3-a"])
def test_association(cluster, family, client, number, server):
    """
    Messages, short ones and ones of many packets, travel both ways, and the endpoint sees whom it
    ought to; the endpoint itself may be the client.
    """
    with associate(cluster, client, vip(number, family), 80) as connection:
        assert connection.answer.server == server
        node = cluster[client].node
        if client in ("n1", "outside"):
            assert connection.answer.source == node_source(cluster, "n1", cluster[server], family)
        elif client == server:
            assert connection.answer.source == cluster[node].ip(family)
        else:
            assert connection.answer.source == cluster[client].ip(family)
        for size in (1, 100, 3000, 50_000):
            data = bytes(i * 7 & 0xFF for i in range(size))
            assert connection.echo(data) == data


@pytest.mark.parametrize("number,server", [(30080, "web-n1-a"), (30081, "web-n3-a")],
                         ids=["near", "far"])
@pytest.mark.parametrize("client", ["outside", "neighbour", CLIENT])
def test_node_port(cluster, family, client, number, server):
    """The same by NodePort, from an address that is not the client's."""
    with associate(cluster, client, cluster["n1"].ip(family), number) as connection:
        assert connection.answer.server == server
        assert connection.answer.source == node_source(cluster, "n1", cluster[server], family)
        assert connection.echo(bytes(20_000)) == bytes(20_000)


def test_all_endpoints(cluster, family):
    """Associations are shared out; TCP on the same port number is another matter."""
    met = set()
    for _ in range(60):
        with associate(cluster, CLIENT, vip(82, family), 80) as connection:
            met.add(connection.answer.server)
    assert met == set(SERVERS)
    assert ask(CLIENT, vip(82, family), 80).server in SERVERS


def test_times(cluster, family):
    """A flow is established once the client has confirmed it, and closes with the association."""
    ctl("n1", "flush", "flow")
    before = ctl_json("n1", "config", "show")
    ctl("n1", "config", "set", "timeout-tcp-established", 5000)
    ctl("n1", "config", "set", "timeout-tcp-transitory", 50)
    try:
        with associate(cluster, CLIENT, vip(80, family), 80) as connection:
            connection.echo(b"confirmed")
            flow, = flows()
            assert flow["state"] == "established" and 4900 < flow["expires"] <= 5000
        flow = wait_until(lambda: [f for f in flows() if f["state"] == "closing"])[0]
        assert 0 < flow["expires"] <= 50
    finally:
        for name in ("timeout_tcp_established", "timeout_tcp_transitory"):
            ctl("n1", "config", "set", name.replace("_", "-"), before[name])


# ---- the checksum ----

def init(sport, dport):
    """A packet that asks for an association."""
    return pkt.sctp(sport, dport, [(INIT, struct.pack("!IIHHI", 0xC0FFEE, 1 << 16, 10, 10, 1))])


@pytest.mark.parametrize("damage", [0, 0x5A], ids=["right", "damaged"])
@pytest.mark.parametrize("number,server", [(83, "web-n1-a"), (84, "web-n3-a")],
                         ids=["near", "far"])
@pytest.mark.parametrize("client", [CLIENT, "outside", "web-n1-a"])
def test_checksum(cluster, family, client, number, server, damage):
    """
    Both ports and, but for pods, the source change; a checksum that was right is right, and one
    that was wrong is as wrong as before.
    """
    sport = 41000 + number + damage
    source, target = cluster[client].ip(family), vip(number, family)
    data = bytearray(init(sport, 80))
    data[-1] ^= damage
    wrong = pkt.sctp_error(data)
    assert bool(wrong) == bool(damage)
    with Capture(server, "eth0") as wire:
        pkt.send_ip(client, pkt.ip(source, target, pkt.SCTP, bytes(data)))
        seen = wire.wait(lambda p: p.proto == pkt.SCTP and p.dport == RAW_PORT and
                         p.payload[12] == INIT)
    assert pkt.sctp_error(seen.payload) == wrong
    if client not in ("outside", server):
        assert (seen.src, seen.sport) == (source, sport)
    else:
        assert seen.src != source or client == server
        assert seen.sport != sport


def test_answers_checksum(cluster, family):
    """What comes back from the tunnel with its checksum finished is right after both changes."""
    with Capture("outside", "eth0") as wire, \
            associate(cluster, "outside", vip(81, family), 80) as connection:
        connection.echo(bytes(500))
        answer = wire.wait(lambda p: p.proto == pkt.SCTP and p.sport == 80 and
                           p.payload[12] == INIT_ACK)
        assert answer.src == vip(81, family)
        assert not [p for p in wire.packets(lambda p: p.proto == pkt.SCTP and p.sport == 80)
                    if pkt.sctp_error(p.payload)]


# ---- refusals ----

@pytest.mark.parametrize("number,counter", [(85, "service_rejected"), (81, "service_unused_port")],
                         ids=["no-endpoint", "unused-port"])
def test_refusal(cluster, family, number, counter):
    """What nobody serves is refused by ICMP, about the client's own packet."""
    port = 80 if number == 85 else 81
    source, target = cluster[CLIENT].ip(family), vip(number, family)
    watch = CounterWatch("n1")
    with Capture(CLIENT, "eth0") as wire:
        pkt.send_ip(CLIENT, pkt.ip(source, target, pkt.SCTP, init(42000, port)))
        error = wire.wait(lambda p: p.icmp == ((3, 3) if family == 4 else (1, 4)))
    assert (error.src, error.dst) == (target, source)
    about = embedded(error)
    assert (about.proto, about.src, about.sport, about.dst, about.dport) == \
        (pkt.SCTP, source, 42000, target, port)
    check_checksums(error)
    assert watch.risen()[counter] == 1


def test_closed_endpoint(cluster, family):
    """An endpoint without a listener aborts, and the client's connect() says so at once."""
    with pytest.raises(ConnectionRefusedError):
        associate(cluster, CLIENT, vip(84, family), 80)


def test_stray_abort(cluster, family):
    """An ABORT of nothing known is dropped."""
    watch = CounterWatch("n1")
    pkt.send_ip(CLIENT, pkt.ip(cluster[CLIENT].ip(family), vip(80, family), pkt.SCTP,
                               pkt.sctp(43000, 80, [(ABORT, b"")], tag=1)))
    wait_until(lambda: watch.risen().get("nat_stray_reset") == 1)


def test_icmp_error(cluster, family):
    """An error that quotes eight bytes of a translated packet finds its way back."""
    source, target = cluster[CLIENT].ip(family), vip(81, family)
    with associate(cluster, CLIENT, target, 80) as connection, Capture(CLIENT, "eth0") as wire:
        port = connection.sock.getsockname()[1]
        backend = cluster["web-n3-a"].ip(family)
        quoted = pkt.ip(source, backend, pkt.SCTP, struct.pack("!HHI", port, ECHO_PORT, 0x1234))
        head = struct.pack("!BBHI", *((3, 0) if family == 4 else (1, 0)), 0, 0)
        message = head + quoted
        pseudo = b"" if family == 4 else socket.inet_pton(socket.AF_INET6, backend) + \
            socket.inet_pton(socket.AF_INET6, source) + struct.pack("!II", len(message), 58)
        check = pkt.checksum(pseudo + message)
        message = message[:2] + struct.pack("!H", check) + message[4:]
        pkt.send_ip("web-n3-a", pkt.ip(backend, source, pkt.ICMP if family == 4 else pkt.ICMPV6,
                                       message))
        error = wire.wait(lambda p: p.icmp == ((3, 0) if family == 4 else (1, 0)))
        assert (error.src, error.dst) == (target, source)
        check_checksums(error)
        assert struct.unpack_from("!HHI", error.payload, 20 if family == 4 else 40) == \
            (port, 80, 0x1234)
        assert connection.echo(b"goes on") == b"goes on"
