# SPDX-License-Identifier: GPL-2.0
"""Whom a backend sees: the client itself, or this node; the whole table, on every frontend."""

import pytest

from lab import Connection
from lab.crowd import crowd
from lab.services import balanced, node_source, places, route_frontends

CLIENT = "client-n1"
FRONTENDS = ["cluster-ip", "node-port", "load-balancer", "external-ip"]
KINDS = ["tcp", "udp"]
A, B, H = "web-n1-a", "web-n2-a", "n3"      # on this node, on another, another node itself
CLUSTER, LOCAL, HOST = 230, 231, 232


@pytest.fixture(scope="module", autouse=True)
def fixture_services(cluster):
    """A Service of each external policy."""
    route_frontends(cluster)
    hosts = [cluster[name] for name in (A, B, H)]
    cluster.apply([*cluster.objects(), *balanced("cluster", CLUSTER, hosts),
                   *balanced("local", LOCAL, hosts, externalTrafficPolicy="Local"),
                   *balanced("host", HOST, [cluster["n1"], cluster[B]],
                             externalTrafficPolicy="Local")])


# Who is asked for, and at which frontends: the servers that answer, and who is hidden from them.
TABLE = [
    # Service, client, frontends, servers, masquerade
    (CLUSTER, CLIENT, ["cluster-ip"], {A, B, H}, False),
    (CLUSTER, "n1", ["cluster-ip"], {A, B, H}, True),
    (CLUSTER, "outside", ["cluster-ip"], {A, B, H}, True),
    (CLUSTER, CLIENT, FRONTENDS[1:], {A, B, H}, True),
    (CLUSTER, "n1", FRONTENDS[1:], {A, B, H}, True),
    (CLUSTER, "outside", FRONTENDS[1:], {A, B, H}, True),
    (CLUSTER, "client-n2", ["node-port"], {A, B, H}, True),
    (CLUSTER, "n2", ["node-port"], {A, B, H}, True),
    (LOCAL, CLIENT, ["cluster-ip"], {A, B, H}, False),
    (LOCAL, "outside", FRONTENDS[1:], {A}, False),
    (LOCAL, CLIENT, FRONTENDS[1:], {A, B, H}, False),
    # Masqueraded, but as the InternalIP that it has: eTP Local shows clients.
    (LOCAL, "n1", FRONTENDS[1:], {A, B, H}, False),
    # Pods and processes of another node are external at this one's NodePort.
    (LOCAL, "client-n2", ["node-port"], {A}, False),
    (LOCAL, "n2", ["node-port"], {A}, False),
    (HOST, "outside", FRONTENDS[1:], {"n1"}, False),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number, client, frontends, servers, masquerade", TABLE, ids=[
    f"{('cluster', 'local', 'host')[row[0] - CLUSTER]}-{row[1]}-{row[2][0]}" for row in TABLE])
def test_source(cluster, family, kind, number, client, frontends, servers, masquerade):
    """All who should answer, and see the client, or node n1 as it is seen on the way there."""
    # pylint: disable=too-many-arguments,too-many-positional-arguments
    for place in frontends:
        outcomes = crowd(client, *places(cluster, number, family)[place], kind,
                         24 if len(servers) > 1 else 6)
        assert {o.server for o in outcomes} == servers, place
        for outcome in outcomes:
            expected = node_source(cluster, "n1", cluster[outcome.server], family) if masquerade \
                else cluster[client].ip(family)
            assert outcome.source == expected, f"{place}: {outcome}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [CLUSTER, LOCAL], ids=["cluster", "local"])
def test_hairpin(cluster, family, kind, number):
    """A pod which is its own Service's endpoint meets itself as the node, and talks on."""
    for place, (address, port) in places(cluster, number, family).items():
        for _ in range(40):
            with Connection(A, address, port, kind) as connection:
                if connection.answer.server == A:
                    assert connection.answer.source == cluster["n1"].ip(family), place
                    data = connection.echo(b"it is me")
                    assert (data if kind == "tcp" else data.payload) == b"it is me"
                    break
        else:
            pytest.fail(f"never met itself at {place}")


def test_ports_differ(cluster, family):
    """The port that a hidden client gets is none that could be foretold: no order, no repetition."""
    outcomes = crowd("outside", *places(cluster, CLUSTER, family)["node-port"], "tcp", 40)
    ports = [o.sport for o in outcomes]
    # Connections to different endpoints may share a port.
    assert len({(o.server, o.sport) for o in outcomes}) == len(outcomes)
    steps = {b - a for a, b in zip(ports, ports[1:])}
    assert len(steps) > len(ports) // 2, ports
    assert max(ports) - min(ports) > 5000, ports
