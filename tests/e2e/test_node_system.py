# SPDX-License-Identifier: GPL-2.0
"""What apply does to the rest of a node, what it warns of, and what uninstall leaves."""

import pathlib
import re
import socket

import pytest

from lab import apply, ask, ctl, ctl_json, netns, run, sysctl, wait_until
from lab.echo import EchoServers
from lab.pair import NODE_PORT, Pair

RESERVED = "ipv4.ip_local_reserved_ports"


@pytest.fixture(name="pair", scope="module")
def fixture_pair():
    """Two nodes."""
    with Pair() as pair:
        yield pair


@pytest.fixture(name="clean", autouse=True)
def fixture_clean(pair):
    """The left node as it was before."""
    yield pair
    ctl("left", "uninstall")
    sysctl("left", **{RESERVED: ""})


def setting(name, ns="left"):
    """A sysctl of a namespace."""
    with netns(ns):
        return pathlib.Path("/proc/sys/net", name.replace(".", "/")).read_text().strip()


def reserved(ns="left"):
    """The list of a namespace."""
    return setting(RESERVED, ns)


def warnings(pair, **options):
    """What apply warns of."""
    return [line for line in apply("left", pair.objects(**options)).stderr.splitlines()
            if line.startswith("warning: ")]


# ---- reserved ports ----

def test_reserves_node_ports(pair):
    """The range joins what the administrator has there, once, and goes alone."""
    sysctl("left", **{RESERVED: "8080,30500-30600"})
    assert "1 of reserved ports" in apply("left", pair.objects()).stdout
    assert reserved() == "8080,30000-32767"
    assert "reserved ports" not in apply("left", pair.objects()).stdout
    assert "1 of reserved ports" in ctl("left", "uninstall").stdout
    assert reserved() == "8080,30500-30600"
    assert reserved("right") == ""


def test_local_sockets_avoid_node_ports(pair):
    """A socket without a port of its own choice never gets one of a NodePort."""
    with netns("left"):
        path = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
        before = path.read_text()
        path.write_text("29990 30009")
    apply("left", pair.objects())
    ports = set()
    with netns("left"):
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(10)]
        try:
            for sock in sockets:
                sock.bind(("192.168.9.1", 0))
                ports.add(sock.getsockname()[1])
        finally:
            for sock in sockets:
                sock.close()
            path.write_text(before)
    assert ports == set(range(29990, 30000))


# ---- conntrack ----

def test_half_closed_connections_last(pair):
    """Those of others' NAT, as with kube-proxy: an hour; what the administrator made longer stays."""
    # Loads it.
    run("nft", "-f", "-", ns="left", stdin="table inet t { chain c { ct state invalid drop; }; }")
    name = "netfilter.nf_conntrack_tcp_timeout_close_wait"
    for before, during, after in ((45, 3600, 45), (7200, 7200, 7200)):
        sysctl("left", **{name: before})
        said = apply("left", pair.objects()).stdout
        assert ("1 of conntrack's time-outs" in said) == (before != during)
        assert int(setting(name)) == during
        assert "conntrack" not in apply("left", pair.objects()).stdout
        ctl("left", "uninstall")
        assert int(setting(name)) == after
    # Whoever changes it meanwhile is not overruled.
    sysctl("left", **{name: 45})
    apply("left", pair.objects())
    sysctl("left", **{name: 5000})
    ctl("left", "uninstall")
    assert int(setting(name)) == 5000


# ---- sockets ----

def test_no_warning_without_reason(pair):
    """A healthy node is told nothing, whoever listens elsewhere."""
    servers = EchoServers()
    try:
        servers.add("left", "left", "192.168.9.1", NODE_PORT + 1)
        servers.add("left", "left", "127.0.0.1", NODE_PORT)
        assert not warnings(pair)
    finally:
        servers.close()


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.9.1", "fd00:9::1"])
@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_hidden_socket(pair, kind, address):
    """A socket on a NodePort is named; it indeed gets nothing."""
    pair.apply()
    family = 6 if ":" in address else 4
    servers = EchoServers()
    try:
        servers.add("left", "hidden", address, NODE_PORT, (kind,))
        told = warnings(pair)
        assert len(told) == 1 and re.search(
            rf"Service test/echo:{kind}: NodePort {kind} port {NODE_PORT}: \S+ \(process \d+\) of "
            rf"this host listens on ", told[0]), told
        answer = ask("right", pair.nodes["left"].ip(family), NODE_PORT, kind)
        assert answer.server in pair.pods
    finally:
        servers.close()
    wait_until(lambda: not warnings(pair), what="the warning goes with the socket")


# ---- uninstall ----

def test_uninstall(pair):
    """Device, addresses, routes, rules are gone; once more is no error; apply brings all back."""
    pair.apply()
    said = ctl_json("left", "uninstall")
    assert said["routing_changes"] == 3 and said["reserved_port_changes"] == 1, said
    assert run("ip", "link", "show", "dvp0", ns="left", check=False).returncode
    for family in ("-4", "-6"):
        assert not run("ip", family, "rule", "show", "table", "113", ns="left").stdout
        assert not run("ip", family, "route", "show", "table", "all", "proto", "113",
                       ns="left").stdout
    assert ctl("left", "uninstall").stdout == "nothing to remove\n"
    pair.apply()
    assert ask("left-pod", pair.pods["right-pod"].ip4, 7).server == "right-pod"


def test_uninstall_of_nothing(pair):
    """Where dvpnet never was, there is nothing to remove."""
    assert pair
    assert ctl("left-pod", "uninstall").stdout == "nothing to remove\n"
    assert "unknown word" in ctl("left", "uninstall", "all", check=False).stderr
