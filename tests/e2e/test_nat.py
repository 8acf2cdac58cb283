# SPDX-License-Identifier: GPL-2.0
"""What translation has to get right: ports, fragments, ICMP errors, the flow table's bound and times."""

import contextlib
import socket
import struct
import threading

import pytest

from lab import (ECHO_PORT, Capture, Connection, CounterWatch, Host, TcpStream, ask, ctl, ctl_json,
                 ip, netns, run, sysctl, wait_until)
from lab import packet as pkt
from lab.echo import open_socket
from lab.services import (balanced, check_checksums, echo_datagram, embedded, node_source, places,
                          route_frontends, service, vip)

KINDS = ["tcp", "udp"]
FRONTENDS = ["cluster-ip", "node-port", "load-balancer", "external-ip"]
CLIENT = "client-n1"
NODE_PORTS = range(30000, 32768)
CLOSED_PORT = 99        # nothing listens there
HALF_PORT = 98          # whoever wants it
BLACK_HOLE = {4: "192.168.1.77", 6: "fd00:1::77"}
HOP_MTU = 1280


@pytest.fixture(scope="module", autouse=True)
def services(cluster, many_files):
    """Services of one or two endpoints."""
    pods, nodes = cluster.pods, cluster.nodes
    route_frontends(cluster)
    hole = Host("hole", BLACK_HOLE[4], BLACK_HOLE[6])
    router = Host("r2", "192.168.2.1", "fd00:2::1")
    cluster.serve(router, ECHO_PORT)
    # It shall not say itself how narrow its link is.
    ip("route change default via 10.255.0.1 advmss 1460",
       "route change default via fd00:ff::1 advmss 1440", ns="r2")
    items = [
        *service("near", 80, [(80, ECHO_PORT, "TCP", 30080), (80, ECHO_PORT, "UDP", 30080)],
                 [pods["web-n1-a"]]),
        *balanced("far", 81, [pods["web-n3-a"]]),
        *service("both", 82, [(80, ECHO_PORT, "TCP", 30082), (80, ECHO_PORT, "UDP", 30082)],
                 [pods["web-n1-a"], pods["web-n3-a"]]),
        *balanced("beyond", 83, [router]),
        *service("far-node", 87, [(80, ECHO_PORT, "TCP")], [nodes["n3"]]),
        *balanced("closed", 84, [pods["web-n3-a"]], ports=[(80, CLOSED_PORT, "UDP", 30084)]),
        *service("closed-near", 85, [(80, CLOSED_PORT, "UDP", 30085)], [pods["web-n1-a"]]),
        *service("waits", 88, [(80, HALF_PORT, "TCP")], [pods["web-n1-a"]]),
        *service("hole", 86, [(80, 80, "TCP"), (80, 80, "UDP")], [hole]),
    ]
    cluster.apply([*cluster.objects(), *items])


def flows(node="n1", *words):
    """The node's flows."""
    return ctl_json(node, "flow", "show", *words)


@contextlib.contextmanager
def config(node, **settings):
    """Settings of a node for the length of the block."""
    before = ctl_json(node, "config", "show")
    for name, value in settings.items():
        ctl(node, "config", "set", name.replace("_", "-"), value)
    try:
        yield
    finally:
        for name in settings:
            ctl(node, "config", "set", name.replace("_", "-"), before[name])


@contextlib.contextmanager
def several(*many):
    """Connections, each made by a call, closed together."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(make()) for make in many]


# ---- source ports ----

@pytest.mark.parametrize("kind", KINDS)
def test_source_ports(cluster, family, kind):
    """
    Clients of one backend whom it sees as one node all have ports of their own, outside of the range
    of NodePorts and of that of the node's sockets.
    """
    with netns("n1"), open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first, last = map(int, file.read().split())
    address = cluster["n1"].ip(family)
    with several(*(lambda: Connection("outside", address, 30081, kind) for _ in range(200))) as all_:
        ports = [connection.answer.sport for connection in all_]
        assert len(set(ports)) == len(ports)
        for port in ports:
            assert port >= 1024 and port not in NODE_PORTS and not first <= port <= last, port
        # Random, not counted up.
        assert len({b - a for a, b in zip(ports, ports[1:])}) > 100
        for connection in all_[::20]:
            connection.echo(b"and each is answered")


@pytest.mark.parametrize("kind", KINDS)
def test_same_port_of_many_clients(cluster, family, kind):
    """Clients outside which use the same port get each their own answers."""
    address = cluster["n1"].ip(family)
    clients = ["outside", "neighbour", "client-n1", "n2"]
    with several(*(lambda c=client: Connection(c, address, 30080, kind, sport=20000)
                   for client in clients)) as connections:
        assert len({c.answer.sport for c in connections}) == len(connections)
        for connection in connections:
            text = str(connection.sock.getsockname()).encode()
            data = connection.echo(text)
            assert (data if kind == "tcp" else data.payload) == text


@contextlib.contextmanager
def occupied(node, family, kind, free=None):
    """
    NodePorts and the node's sockets leave translation the last 1135 ports of the node, and sockets of
    that kind have these, but for every free-th of them.
    """
    first = 64401
    sysctl(node.name, **{"ipv4.ip_local_port_range": f"64001 {first - 1}"})
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(config(node.name, nodeport_min=1024, nodeport_max=64000))
            with netns(node.name):
                for port in range(first, 65536):
                    if free and port % free == 0:
                        continue
                    sock = stack.enter_context(socket.socket(
                        socket.AF_INET6 if family == 6 else socket.AF_INET,
                        socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM))
                    sock.bind((node.ip(family), port))
                    if kind == "tcp":
                        sock.listen()
            yield {port for port in range(first, 65536) if free and port % free == 0}
    finally:
        sysctl(node.name, **{"ipv4.ip_local_port_range": "32768 60999"})


@pytest.mark.parametrize("kind", KINDS)
def test_local_sockets_keep_ports(cluster, family, kind):
    """A port that a socket of the node has is not used for translation, however few are left."""
    node = cluster["n1"]
    with occupied(node, family, kind, free=4) as left, \
            several(*[lambda: Connection("outside", node.ip(family), 30080, kind)] * 20) as all_:
        ports = {c.answer.sport for c in all_}
    assert len(ports) == 20 and ports <= left, ports


def test_end_of_what_could_not_begin(cluster, family):
    """
    Connections for which there is no port, while their endpoint says on another processor that they
    end: neither stays in the table, nor does anything else happen to it.
    """
    node, client, backend = cluster["n1"], cluster["outside"], cluster["web-n1-a"]
    ports, rounds = range(20000, 20008), 400
    begins = [pkt.ip(client.ip(family), node.ip(family), pkt.TCP, pkt.tcp(
        client.ip(family), node.ip(family), port, 30080, "S")) for port in ports]
    ends = [pkt.ip(backend.ip(family), client.ip(family), pkt.TCP, pkt.tcp(
        backend.ip(family), client.ip(family), ECHO_PORT, port, "FA")) for port in ports]
    ctl("n1", "flush", "flow")
    with occupied(node, family, "tcp"):
        watch = CounterWatch("n1")
        senders = [threading.Thread(target=pkt.send_ip, args=(name, *packets * rounds))
                   for name, packets in (("outside", begins), (backend.name, ends))]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert watch.risen()["flow_no_port"] >= rounds
        assert not flows()


@pytest.mark.parametrize("kind", KINDS)
def test_host_keeps_port(cluster, family, kind):
    """A process of the node keeps its source port."""
    answer = ask("n1", vip(81, family), 80, kind, sport=21000)
    assert answer.sport == 21000
    assert answer.source == node_source(cluster, "n1", cluster["web-n3-a"], family)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [80, 81, 82], ids=["near", "far", "both"])
def test_host_port_in_use(cluster, family, number, kind):
    """
    A process of the node that takes a port by itself, which translation gave to a client of the same
    endpoint: each gets its own answers.
    """
    frontend = cluster["n1"].ip(family), 30000 + number
    with several(*(lambda: Connection("outside", *frontend, kind) for _ in range(8))) as others:
        for other in others:
            port = other.answer.sport
            with Connection("n1", vip(number, family), 80, kind, sport=port) as connection:
                for each in (connection, other):
                    data = each.echo(b"mine")
                    assert (data if kind == "tcp" else data.payload) == b"mine"


# ---- fragments ----

@pytest.mark.parametrize("size", [4000, 60000])
@pytest.mark.parametrize("client", [CLIENT, "n1", "outside"])
@pytest.mark.parametrize("number", [80, 81], ids=["near", "far"])
def test_long_datagrams(cluster, family, client, number, size):
    """UDP datagrams of several fragments travel through a Service and back."""
    data = bytes(i * 11 & 0xFF for i in range(size))
    echo_datagram(client, vip(number, family), 80, data)


@pytest.mark.parametrize("size", [4000, 60000])
@pytest.mark.parametrize("client", [CLIENT, "outside"])
def test_reversed_fragments(cluster, family, client, size):
    """Fragments that arrive last one first reach one endpoint as the datagram that was sent."""
    source, target = cluster[client].ip(family), vip(82, family)
    data = bytes(i * 13 & 0xFF for i in range(size))
    kind = socket.AF_INET6 if family == 6 else socket.AF_INET
    with netns(client), socket.socket(kind, socket.SOCK_DGRAM) as answers, \
            socket.socket(kind, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        answers.settimeout(3)
        answers.bind((source, 0))
        answers.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        port = answers.getsockname()[1]
        for attempt in range(3):
            datagram = pkt.udp(source, target, port, 80, data)
            for part in reversed(list(pkt.fragments(source, target, datagram, 7000 + attempt))):
                raw.sendto(part, (target, 0))
            try:
                answer, sender = answers.recvfrom(1 << 16)
                break
            except TimeoutError:
                assert attempt < 2, "never came back"
    assert sender[:2] == (target, 80)
    assert answer.split(b"\n", 1)[1] == data


# ---- ICMP ----

@pytest.mark.parametrize("number", [84, 85], ids=["far", "near"])
@pytest.mark.parametrize("client", [CLIENT, "n1", "outside"])
def test_backend_refuses(cluster, family, client, number):
    """When the endpoint's port is closed, its ICMP refusal reaches the client's socket."""
    watch = CounterWatch("n1")
    with pytest.raises(ConnectionRefusedError):
        ask(client, vip(number, family), 80, "udp")
    assert watch.risen()["nat_icmp_error"] == 1


@pytest.mark.parametrize("place", FRONTENDS)
@pytest.mark.parametrize("client", [CLIENT, "outside"])
def test_refusal_is_translated(cluster, family, client, place):
    """An endpoint's ICMP refusal comes from the Service, about the packet that the client sent."""
    address, port = places(cluster, 84, family)[place]
    with Capture(client, "eth0") as wire:
        with pytest.raises(ConnectionRefusedError):
            ask(client, address, port, "udp", sport=22000)
        error = wire.wait(lambda p: p.icmp == ((3, 3) if family == 4 else (1, 4)))
    assert (error.src, error.dst) == (address, cluster[client].ip(family))
    about = embedded(error)
    assert (about.src, about.sport, about.dst, about.dport) == \
        (cluster[client].ip(family), 22000, address, port)
    check_checksums(error)


@pytest.mark.parametrize("place", FRONTENDS)
@pytest.mark.parametrize("client", [CLIENT, "outside"])
def test_refusal_quotes_what_was_sent(cluster, family, client, place):
    """The datagram that an endpoint's refusal quotes is the client's to the byte, its checksum too."""
    address, port = places(cluster, 84, family)[place]
    source, payload = cluster[client].ip(family), b"who is there?"
    with Capture(client, "eth0") as wire:
        pkt.send_udp(client, source, address, 44001, port, payload)
        error = wire.wait(lambda p: p.icmp == ((3, 3) if family == 4 else (1, 4)))
    assert error.payload[20 if family == 4 else 40:] == \
        pkt.udp(source, address, 44001, port, payload)


@pytest.fixture
def narrow_hop(cluster):
    """The hop between the routers carries no more than 1280 bytes."""
    for router in ("r1", "r2"):
        run("ip", "link", "set", "wan", "mtu", str(HOP_MTU), ns=router)
    cluster.forget_path_mtu()
    yield
    for router in ("r1", "r2"):
        run("ip", "link", "set", "wan", "mtu", "1500", ns=router)
    cluster.forget_path_mtu()


@pytest.mark.parametrize("place", FRONTENDS)
@pytest.mark.parametrize("client", [CLIENT, "outside"])
def test_too_big_beyond_translation(cluster, family, narrow_hop, client, place):
    """
    A router behind the node says that a packet is too long for it: the client hears it, from the node
    that it talks to or from the Service, about the packet that it sent itself.
    """
    address, port = places(cluster, 83, family)[place]
    with Capture(client, "eth0") as wire, Connection(client, address, port) as connection:
        data = bytes(100_000)
        assert connection.echo(data) == data
        sport = connection.sock.getsockname()[1]
        error = wire.wait(lambda p: p.icmp == ((3, 4) if family == 4 else (2, 0)))
    # The underlay would not take packets of a stranger, the router, from the node.
    assert (error.src, error.dst) == (address, cluster[client].ip(family))
    assert error.mtu == HOP_MTU
    about = embedded(error)
    assert (about.src, about.sport, about.dst, about.dport) == \
        (cluster[client].ip(family), sport, address, port)
    check_checksums(error)


@pytest.mark.parametrize("place", FRONTENDS)
def test_too_big_for_the_client(cluster, family, place):
    """A router says that an answer is too long for the client's network: the endpoint obeys."""
    address, port = places(cluster, 81, family)[place]
    for space, device in (("r1", "outside"), ("outside", "eth0")):
        run("ip", "link", "set", device, "mtu", str(HOP_MTU), ns=space)
    try:
        with TcpStream("outside", address, port, limit=1 << 18) as stream:
            stream.finish()
        # The client's own MSS says 1280, too; a datagram's length is up to the server.
        echo_datagram("outside", address, port, bytes(4000))
    finally:
        for space, device in (("r1", "outside"), ("outside", "eth0")):
            run("ip", "link", "set", device, "mtu", "1500", ns=space)
        cluster.forget_path_mtu()


@pytest.mark.parametrize("number", [81, 83, 87], ids=["pod", "world", "node"])
@pytest.mark.parametrize("client", [CLIENT, "n1", "outside"])
def test_path_mtu(cluster, family, narrow_hop, client, number):
    """A TCP stream through a Service crosses a narrow hop, both ways."""
    with TcpStream(client, vip(number, family), 80, limit=1 << 20) as stream:
        stream.finish()


# ---- TCP ----

def test_stray_segment(cluster, family):
    """
    A segment out of the window from the endpoint arrives as the Service's, so the client does not
    reset the connection that it knows.
    """
    client, backend = cluster[CLIENT], cluster["web-n3-a"]
    with Connection(CLIENT, vip(81, family), 80) as connection, Capture(CLIENT, "eth0") as wire:
        port = connection.sock.getsockname()[1]
        source, target = backend.ip(family), client.ip(family)
        segment = pkt.tcp(source, target, ECHO_PORT, port, "A", seq=0xDEAD0000, ack=0xBEEF0000,
                          payload=b"out of window")
        with netns(backend.name), socket.socket(
                socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_RAW,
                socket.IPPROTO_RAW) as raw:
            raw.sendto(pkt.ip(source, target, pkt.TCP, segment), (target, 0))
        seen = wire.wait(lambda p: p.payload.startswith(b"out of window"))
        assert (seen.src, seen.sport) == (vip(81, family), 80)
        assert connection.echo(b"goes on") == b"goes on"
        assert not wire.packets(lambda p: p.src == source or "R" in p.flags)


def only_flow(*words):
    """The one flow there is."""
    found = flows("n1", *words)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("end", ["fin", "rst"])
def test_tcp_times(cluster, family, end):
    """A TCP flow lives long once the client has confirmed it, and briefly after RST or both FINs."""
    ctl("n1", "flush", "flow")
    with config("n1", timeout_tcp_established=5000, timeout_tcp_transitory=50):
        with Connection(CLIENT, vip(80, family), 80) as connection:
            flow = only_flow()
            assert flow["state"] == "established" and 4900 < flow["expires"] <= 5000
            if end == "rst":
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                           struct.pack("ii", 1, 0))
        flow = wait_until(lambda: [f for f in flows() if f["state"] == "closing"])[0]
        assert 0 < flow["expires"] <= 50


@pytest.mark.parametrize("first", ["client", "server"])
def test_half_closed(cluster, family, first):
    """Where one end has said all that it had to say, the other has an hour to answer."""
    ctl("n1", "flush", "flow")
    with netns("web-n1-a"):
        listener = socket.create_server((cluster["web-n1-a"].ip(family), HALF_PORT), family={
            4: socket.AF_INET, 6: socket.AF_INET6}[family])
    with config("n1", timeout_tcp_established=5000, timeout_tcp_transitory=50), listener, \
            open_socket(CLIENT, "tcp", vip(88, family), 80) as client:
        with listener.accept()[0] as server:
            quiet, talks = (client, server) if first == "client" else (server, client)
            quiet.shutdown(socket.SHUT_WR)
            assert talks.recv(1) == b""
            flow = only_flow()
            assert flow["state"] == "closing" and 3500 < flow["expires"] <= 3600
            talks.sendall(b"late")
            assert quiet.recv(4) == b"late"
            assert only_flow()["expires"] > 3500
            talks.shutdown(socket.SHUT_WR)
            assert quiet.recv(1) == b""
            wait_until(lambda: only_flow()["expires"] <= 50)


def test_udp_times(cluster, family):
    """A UDP flow lives briefly, also when it is answered; longer when its client goes on then."""
    ctl("n1", "flush", "flow")
    with config("n1", timeout_udp_new=40, timeout_udp_established=400):
        with Connection(CLIENT, vip(80, family), 80, "udp") as connection:
            flow = only_flow()
            assert flow["state"] == "new" and flow["expires"] <= 40
            connection.echo(b"goes on")
            flow = only_flow()
            assert flow["state"] == "established" and 300 < flow["expires"] <= 400
        ctl("n1", "flush", "flow")
        pkt.send_udp(CLIENT, cluster[CLIENT].ip(family), vip(86, family), 45000, 80, b"?")
        flow = wait_until(flows)[0]
        assert flow["state"] == "new" and flow["expires"] <= 40


def test_flows_expire(cluster, family):
    """Flows that nobody uses go by themselves."""
    ctl("n1", "flush", "flow")
    with config("n1", timeout_udp_new=1):
        for _ in range(5):
            ask(CLIENT, vip(80, family), 80, "udp")
        watch = CounterWatch("n1")
        wait_until(lambda: ctl_json("n1", "config", "show")["flows"] == 0)
        assert watch.risen()["flow_expired"] == 5


def test_port_used_again(cluster, family):
    """A client port is good for a new connection at once after the old one was reset."""
    for _ in range(5):
        with Connection(CLIENT, vip(82, family), 80, sport=24000) as connection:
            assert connection.echo(b"!") == b"!"
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack("ii", 1, 0))


# ---- the table's bound ----

MAX_FLOWS = 64


def flood(cluster, family, kind, count=500):
    """First packets of that many connections which nobody will answer."""
    source, target = cluster[CLIENT].ip(family), vip(86, family)
    with netns(CLIENT), socket.socket(
            socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_RAW,
            socket.IPPROTO_RAW) as raw:
        for port in range(10000, 10000 + count):
            data = pkt.udp(source, target, port, 80, b"?") if kind == "udp" else \
                pkt.tcp(source, target, port, 80, "S")
            with contextlib.suppress(BlockingIOError):
                raw.sendto(pkt.ip(source, target, pkt.UDP if kind == "udp" else pkt.TCP, data),
                           (target, 0))


@pytest.mark.parametrize("kind", KINDS)
def test_flood(cluster, family, kind):
    """
    A flood that nobody answers fills no more than the bound; connections go on through it, and new
    ones are made.
    """
    ctl("n1", "flush", "flow")
    with config("n1", max_flows=MAX_FLOWS):
        with several(*(lambda k=k: Connection(CLIENT, vip(81, family), 80, k)
                       for k in KINDS * 5)) as connections:
            watch = CounterWatch("n1")
            for connection in connections:
                connection.echo(b"confirmed")
            for _ in range(3):
                flood(cluster, family, kind)
                assert ctl_json("n1", "config", "show")["flows"] <= MAX_FLOWS
                for connection in connections:
                    connection.echo(b"still here")
                ask(CLIENT, vip(82, family), 80)
            risen = watch.risen()
            assert risen["flow_evicted"] > 1000
            assert "flow_table_full" not in risen
            assert len(flows()) <= MAX_FLOWS
    ctl("n1", "flush", "flow")


@pytest.mark.parametrize("kind", KINDS)
def test_flood_that_is_answered(cluster, family, kind):
    """
    SYNs and datagrams of forged clients that an endpoint answers make no connections: they give way
    to one of a client that is there.
    """
    ctl("n1", "flush", "flow")
    target = cluster["n1"].ip(family)
    forged = [("198.51.100.%d" if family == 4 else "2001:db8:51::%d") % n for n in range(201, 217)]
    with config("n1", max_flows=len(forged)), Capture("n1", "eth0") as wire:
        watch = CounterWatch("n1")
        pkt.send_ip("outside", *(
            pkt.ip(source, target, pkt.TCP, pkt.tcp(source, target, 30000, 30081, "S"))
            if kind == "tcp" else
            pkt.ip(source, target, pkt.UDP, pkt.udp(source, target, 30000, 30081, b"?"))
            for source in forged))
        wait_until(lambda: {p.dst for p in wire.packets(lambda p: p.sport == 30081)} == set(forged))
        assert {f["state"] for f in flows()} == {"new"}
        with Connection(CLIENT, vip(81, family), 80) as connection:
            assert connection.echo(b"on") == b"on"
            assert watch.risen()["flow_evicted"] == 1
            assert [f["state"] for f in flows() if f["client"] == cluster[CLIENT].ip(family)] == \
                ["established"]
    ctl("n1", "flush", "flow")


def test_full_of_ended(cluster, family):
    """Connections that have ended give way to new ones when the table is full."""
    ctl("n1", "flush", "flow")
    with config("n1", max_flows=16):
        watch = CounterWatch("n1")
        with Connection(CLIENT, vip(81, family), 80) as connection:
            for _ in range(30):
                ask(CLIENT, vip(81, family), 80)
            assert connection.echo(b"still here") == b"still here"
        risen = watch.risen()
        assert risen["flow_evicted"] >= 15 and "flow_table_full" not in risen
    ctl("n1", "flush", "flow")


def test_full_of_answered(cluster, family):
    """A table full of connections in use gives none of them up; one more is not answered, and counted."""
    ctl("n1", "flush", "flow")
    with config("n1", max_flows=16):
        with several(*[lambda: Connection(CLIENT, vip(81, family), 80)] * 16) as connections:
            watch = CounterWatch("n1")
            with pytest.raises(TimeoutError):
                ask(CLIENT, vip(81, family), 80, timeout=0.7)
            assert watch.risen()["flow_table_full"] >= 1
            for connection in connections:
                assert connection.echo(b"on") == b"on"
    ctl("n1", "flush", "flow")
    assert ask(CLIENT, vip(81, family), 80).server == "web-n3-a"
