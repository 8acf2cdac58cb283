# SPDX-License-Identifier: GPL-2.0
"""
Services under load. The sizes are those of the issue; environment variables make them smaller.
"""

import collections
import contextlib
import os
import pathlib
import re
import socket
import struct
import threading
import time

import pytest

from lab import (ECHO_PORT, Connection, CounterWatch, TcpStream, UdpExchange, ctl, ctl_json, ip,
                 run, wait_until)
from lab import genl, objects
from lab.burst import burst, server, start
from lab.crowd import SILENT, crowd, who
from lab.flapper import Flapper
from lab.genl import ATTR, CMD, Genl, attributes
from lab.services import balanced, places, route_frontends, service, vip

pytestmark = [pytest.mark.load, pytest.mark.usefixtures("many_files")]

PAIRS = int(os.environ.get("DVPNET_PAIRS", "100000"))
FLAP_SECONDS = int(os.environ.get("DVPNET_FLAP_SECONDS", "60"))
FLAP_RATE = int(os.environ.get("DVPNET_FLAP_RATE", "1000"))
SYNS = int(os.environ.get("DVPNET_SYNS", "1000000"))
SYN_RATE = int(os.environ.get("DVPNET_SYN_RATE", "4000"))
ENDPOINTS = int(os.environ.get("DVPNET_ENDPOINTS", "5000"))

CLIENT = "client-n1"
FAST_PORT, WHOAMI_PORT = 5300, 7070
GROUPS = [["web-n1-a", "web-n2-a", "web-n3-a"], ["dns-n1", "web-n2-b", "dns-n3"]]


# ---- DNS ----

class TestPairs:
    """Two datagrams of one socket at the same instant on two processors, as resolvers send them."""

    @pytest.fixture(scope="class", autouse=True)
    def services(self, cluster):
        """A Service of a fast server near, and of one far."""
        route_frontends(cluster)
        ports = [(80, FAST_PORT, "UDP", 30190)]
        cluster.apply([*cluster.objects(), *balanced("dns", 190, [
            cluster["dns-n1"], cluster["web-n2-a"]], ports=ports)])
        with server("dns-n1", "echo", FAST_PORT), server("web-n2-a", "echo", FAST_PORT):
            yield

    @pytest.mark.parametrize("client, place, share", [
        (CLIENT, "cluster-ip", 1), ("outside", "node-port", 20)], ids=["cluster-ip", "node-port"])
    def test_pairs(self, cluster, family, client, place, share):
        """Both are answered, whatever of the many pairs it is; one flow serves them."""
        address, port = places(cluster, 190, family)[place]
        count = PAIRS // (share if family == 4 else 20)
        done = 0
        while done < count:
            # Each pair begins a new flow.
            ctl("n1", "flush", "flow")
            watch = CounterWatch("n1")
            step = min(count - done, 50000)
            figures = burst(client, "pairs", address, port, 10000, step)
            assert (figures["pairs"], figures["lost"], figures["errors"]) == (step, 0, 0)
            risen = watch.risen()
            assert risen["flow_created"] == step
            assert not [name for name in risen if name.startswith(("service_", "nat_"))], risen
            done += step


# ---- many endpoints ----

MANY_CIDRS = ["10.120.0.0/16", "fd00:120::/48"]
MANY = {4: "10.120.{}.{}", 6: "fd00:120::{:x}:{:x}"}


class TestManyEndpoints:
    """A Service with 5000 endpoints."""

    @pytest.fixture(scope="class", autouse=True)
    def services(self, cluster):
        """All of them are addresses of one pod."""
        n2 = cluster["n2"].object()
        n2["spec"]["podCIDRs"] += MANY_CIDRS
        nodes = [o for o in cluster.objects() if o["metadata"]["name"] != "n2"]
        items = service("many", 191, [(80, WHOAMI_PORT, "TCP")], [])
        for family in (4, 6):
            addresses = self.addresses(family)
            for first in range(0, len(addresses), 1000):
                items.append(objects.endpoint_slice(
                    "many", [objects.endpoint(a, "n2") for a in addresses[first:first + 1000]],
                    [("tcp-80", WHOAMI_PORT, "TCP")], suffix=f"-{first}"))
        # By way of it: so many neighbours are more than a kernel remembers.
        pod = cluster["web-n2-b"]
        ip(*(f"route add {cidr} via {pod.ip(family)} dev web-n2-b"
             for family, cidr in zip((4, 6), MANY_CIDRS)), ns="n2")
        ip(*(f"route add local {cidr} dev lo" for cidr in MANY_CIDRS), ns="web-n2-b")
        begin = time.monotonic()
        cluster.apply([n2, *nodes, *items])
        print(f"{ENDPOINTS} endpoints of two families on three nodes: "
              f"{time.monotonic() - begin:.1f} s")
        with server("web-n2-b", "whoami", WHOAMI_PORT):
            yield
        ip(*(f"route del {cidr} dev web-n2-b" for cidr in MANY_CIDRS), ns="n2")
        cluster.apply(cluster.objects())

    @staticmethod
    def addresses(family):
        """Of the endpoints."""
        return [MANY[family].format(*divmod(n, 250)) if family == 4 else
                MANY[family].format(n // 250 + 1, n % 250 + 1) for n in range(ENDPOINTS)]

    def test_connections(self, family):
        """Of two connections an endpoint each is answered, and nearly all endpoints get some."""
        wanted = set(self.addresses(family))
        met = collections.Counter()
        for _ in range(2 * ENDPOINTS // 200):
            met.update(o.server for o in crowd(CLIENT, vip(191, family), 80, "tcp", 200,
                                               patience=5))
        assert set(met) <= wanted, set(met) - wanted
        # 1 - 1 / e^2 of them by chance.
        print(f"{len(met)} of {ENDPOINTS} met, at most {max(met.values())} times")
        assert len(met) > 0.845 * ENDPOINTS and max(met.values()) < 15

    def test_choice_is_even(self, family):
        """Twenty choices an endpoint: all are chosen, none much more often than by chance."""
        met = collections.Counter()
        backend, port = ATTR["ROUTE"]["BACKEND"], 0
        source = "10.111.1.20" if family == 4 else "fd00:111:0:1::20"
        with Genl("n1") as connection:
            for _ in range(20 * ENDPOINTS // 100):
                requests = []
                for _ in range(100):
                    port += 1
                    payload = attributes(
                        "ROUTE", proto=genl.u8(6), src=genl.address(source),
                        sport=genl.u16(1 + port % 65000), dst=genl.address(vip(191, family)),
                        dport=genl.u16(80))
                    if port % 65000 == 0:
                        source = "10.111.1.21" if family == 4 else "fd00:111:0:1::21"
                    requests.append(connection.pack(CMD["ROUTE_GET"], payload,
                                                    genl.NLM_F_REQUEST))
                connection.send(b"".join(requests))
                missing = len(requests)
                while missing:
                    data = connection.sock.recv(1 << 18)
                    while len(data) >= 20:
                        length, = struct.unpack_from("=I", data)
                        met[dict(genl.parse(data[20:length]))[backend]] += 1
                        missing -= 1
                        data = data[(length + 3) & ~3:]
        chi = sum((met[genl.address(a)] - 20) ** 2 / 20 for a in self.addresses(family))
        print(f"least {min(met.values())}, most {max(met.values())} of 20; "
              f"{chi / ENDPOINTS:.2f} of the variance of chance")
        assert len(met) == ENDPOINTS
        assert chi / ENDPOINTS < 1.3 and max(met.values()) < 60


# ---- endpoints come and go ----

def unreclaimable():
    """Kilobytes of slab that cannot be reclaimed."""
    text = pathlib.Path("/proc/meminfo").read_text(encoding="ascii")
    return int(re.search(r"SUnreclaim: *(\d+)", text)[1])


def settled():
    """The same, as soon as it is the same twice in a second: what RCU frees is freed."""
    last = [None]

    def same():
        before, last[0] = last[0], unreclaimable()
        time.sleep(0.5)
        return before is not None and abs(last[0] - before) < 64
    wait_until(same, 30)
    return last[0]


class Anybody(threading.Thread):
    """Connects all the time; whom it meets."""

    def __init__(self, address, kind):
        super().__init__(daemon=True)
        self.address, self.kind = address, kind
        self.met = collections.Counter()
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            self.met.update(o.server for o in crowd(CLIENT, self.address, 80, self.kind, 4,
                                                    patience=5 if self.kind == "tcp" else 1))


def test_flapping(cluster, family):
    """
    1000 changes a second under new connections: each is answered, and by an endpoint that there is at
    that time. Another Service does not notice, and no memory is lost.
    """
    hosts = [cluster[name] for name in GROUPS[0]]
    cluster.apply([*cluster.objects(), *balanced("flap", 192, hosts, [family]),
                   *balanced("calm", 193, hosts, [family])])
    ctl("n1", "config", "set", "timeout-udp-new", 5)
    ctl("n1", "config", "set", "timeout-udp-established", 5)
    ctl("n1", "config", "set", "timeout-tcp-transitory", 5)
    address, calm = vip(192, family), vip(193, family)
    flap = {"name": "test/flap", "port": ECHO_PORT,
            "frontends": [(address, 80), (None, 30192)]}
    groups = [[cluster[name].ip(family) for name in group] for group in GROUPS]
    everybody = set(sum(GROUPS, []))
    background = [Anybody(address, "tcp"), Anybody(address, "udp")]
    memory = []
    with Genl("n1") as connection:
        generation = connection.generation()
    with TcpStream(CLIENT, calm, 80, rate=1 << 18) as stream, \
            UdpExchange(CLIENT, calm, 80) as exchange, \
            Flapper("n1", flap, groups, family, FLAP_RATE) as flapper:
        for thread in background:
            thread.start()
        end = time.monotonic() + FLAP_SECONDS
        group = rounds = 0
        while time.monotonic() < end:
            group, rounds = 1 - group, rounds + 1
            flapper.switch(group)
            for _ in range(5):
                met = who(CLIENT, address, 80, "tcp", 8, patience=5)
                assert met <= set(GROUPS[group]), f"of {GROUPS[group]} alone"
                # The answer of an endpoint that goes meanwhile is lost with its flow.
                met = who(CLIENT, address, 80, "udp", 8, patience=0.3)
                assert met - {SILENT} <= set(GROUPS[group]), f"of {GROUPS[group]} alone"
            memory.append(unreclaimable())
        for thread in background:
            thread.stopping.set()
            thread.join()
    print(f"{flapper.changes} changes in {flapper.seconds:.1f} s, {rounds} rounds; "
          f"TCP {dict(background[0].met)}; UDP {dict(background[1].met)}; "
          f"slab {memory[0]} kB, {memory[len(memory) // 2]} kB, {memory[-1]} kB")
    assert flapper.errors == 0
    assert flapper.changes >= 0.9 * FLAP_RATE * FLAP_SECONDS
    with Genl("n1") as connection:
        assert connection.generation() - generation >= flapper.changes * 0.5
    assert set(background[0].met) <= everybody
    assert set(background[1].met) <= everybody | {SILENT}
    assert stream.failure is None and exchange.failure is None
    assert exchange.lost == [] and exchange.errors == []
    assert exchange.duplicates == 0
    # KASAN keeps what was freed for a while.
    debug = pathlib.Path("/sys/kernel/debug/kmemleak").exists()
    third = len(memory) // 3
    assert max(memory[-third:]) - max(memory[:third]) < (100_000 if debug else 8_000), memory
    cluster.apply(cluster.objects(), ["n1"])
    ctl("n1", "flush", "flow")
    for name, value in (("timeout-udp-new", 30), ("timeout-udp-established", 120),
                        ("timeout-tcp-transitory", 120)):
        ctl("n1", "config", "set", name, value)


# ---- a flood ----

FLOOD = {4: "10.66.0.0", 6: "fd00:66::"}


def goes_on(connection):
    """A connection is what it was; of a datagram or two, a busy machine may lose all copies."""
    for attempt in range(4):
        try:
            connection.echo(b"still here")
            return
        except TimeoutError:
            if connection.sock.type != socket.SOCK_DGRAM or attempt == 3:
                raise


@contextlib.contextmanager
def arriving(node, port):
    """Counts the first segments of connections to a port that a node gets; a busy machine drops some."""
    run("nft", "add table inet flood; add chain inet flood in { type filter hook prerouting priority "
        f"-350; }}; add rule inet flood in tcp dport {port} tcp flags & (syn | ack) == syn counter",
        ns=node)
    try:
        yield lambda: int(re.search(r"packets (\d+)", run("nft", "list table inet flood",
                                                          ns=node).stdout)[1])
    finally:
        run("nft", "delete table inet flood", ns=node)


def test_syn_flood(cluster, family):
    """
    A million first segments of different connections: the table keeps to its bound, connections that
    exist do not notice, new ones are made, and the counters tell what became of the rest. They come as
    fast as an emulated processor takes them: of more, it drops others' packets before dvpnet sees any.
    """
    route_frontends(cluster)
    # The answers go nowhere.
    ip(f"route replace blackhole {FLOOD[family]}/{16 if family == 4 else 64}", ns="r1")
    cluster.apply([*cluster.objects(),
                   *balanced("victim", 194, [cluster["web-n1-a"], cluster["web-n2-a"]])])
    ctl("n1", "flush", "flow")
    address, port = places(cluster, 194, family)["node-port"]
    bound = ctl_json("n1", "config", "show")["max_flows"]
    connections = [Connection(client, *places(cluster, 194, family)[place], kind,
                              timeout=30 if kind == "tcp" else 5)
                   for client, place in (("outside", "node-port"), (CLIENT, "cluster-ip"),
                                         ("n1", "node-port"))
                   for kind in ("tcp", "udp") for _ in range(10)]
    watch = CounterWatch("n1")
    begin = time.monotonic()
    most = asked = 0
    with arriving("n1", port) as count:
        process = start("outside", "syn", address, port, FLOOD[family], SYNS, SYN_RATE)
        while process.poll() is None:
            most = max(most, ctl_json("n1", "config", "show")["flows"])
            goes_on(connections[asked % len(connections)])
            # Masqueraded or not; the endpoints' ports for this node are taken within seconds.
            for client, place in ((CLIENT, "cluster-ip"), ("neighbour", "node-port")):
                assert who(client, *places(cluster, 194, family)[place], "tcp", 1, patience=10) <= \
                    {"web-n1-a", "web-n2-a"}
            asked += 1
        arrived = count()
    said = process.communicate()[0]
    assert process.returncode == 0 and said == f"sent {SYNS}\n"
    seconds = time.monotonic() - begin
    for connection in connections:
        goes_on(connection)
        connection.close()
    risen = watch.risen()
    print(f"{SYNS} in {seconds:.0f} s, {arrived} arrived; at most {most} of {bound} flows; {risen}")
    flows = ctl_json("n1", "config", "show")["flows"]
    assert max(most, flows) <= bound
    assert asked > 3
    # Each of them is told: it got a flow, or there was no room for one.
    told = risen["flow_created"] + risen.get("flow_table_full", 0) + \
        risen.get("flow_no_memory", 0) + risen.get("flow_no_port", 0)
    assert told >= 0.99 * arrived and arrived >= 0.7 * SYNS
    gone = sum(risen.get(f"flow_{way}", 0) for way in ("evicted", "expired", "reused", "released"))
    assert abs(risen["flow_created"] - gone - (flows - len(connections))) <= 2 * len(connections)
    assert gone >= arrived - bound
    ctl("n1", "flush", "flow")
