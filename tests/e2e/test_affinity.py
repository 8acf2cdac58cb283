# SPDX-License-Identifier: GPL-2.0
"""sessionAffinity ClientIP: a client stays with its endpoint, for a time."""

import time

import pytest

from lab import ctl, ctl_json, ip, question, wait_until
from lab.crowd import crowd
from lab.services import balanced, places, route_frontends, vip

CLIENT = "client-n1"
FRONTENDS = ["cluster-ip", "node-port", "load-balancer", "external-ip"]
A, B, C, D = "web-n1-a", "web-n2-a", "web-n2-b", "web-n3-a"
KINDS = ["tcp", "udp"]
# The host outside is so many clients.
SOURCES = {4: [f"198.51.100.{n}" for n in range(150, 166)],
           6: [f"2001:db8:51::{n}" for n in range(150, 166)]}
STICKY, PLAIN, BRIEF, LOCAL = 160, 161, 162, 163
BRIEF_SECONDS = 5


def client_ip(seconds=None):
    """Fields of a Service's spec."""
    fields = {"sessionAffinity": "ClientIP"}
    if seconds is not None:
        fields["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": seconds}}
    return fields


def give(cluster, names, conditions=None, more=()):
    """n1 has the Services, with these endpoints; conditions by name, affinity of the sticky one."""
    hosts = [(cluster[name], (conditions or {}).get(name, {})) for name in names]
    cluster.apply([*cluster.objects(),
                   *balanced("sticky", STICKY, hosts, **{**client_ip(), **dict(more)}),
                   *balanced("plain", PLAIN, hosts),
                   *balanced("brief", BRIEF, hosts, **client_ip(BRIEF_SECONDS)),
                   *balanced("local", LOCAL, hosts, externalTrafficPolicy="Local",
                             **client_ip(100))], ["n1"])


@pytest.fixture(scope="module", autouse=True)
def fixture_nodes(cluster):
    """The nodes know each other; the host outside has many addresses."""
    route_frontends(cluster)
    cluster.apply(cluster.objects())
    ip(*(f"address add {a}/{24 if f == 4 else 64} dev eth0 {'nodad' if f == 6 else ''}"
         for f, addresses in SOURCES.items() for a in addresses), ns="outside")


@pytest.fixture(autouse=True)
def fixture_fresh(cluster):
    """Nobody has an endpoint yet: a deleted Service's are forgotten."""
    cluster.apply(cluster.objects(), ["n1"])


def met(client, target, kind="udp", count=15, source=None):
    """Servers of so many connections of one client."""
    return {o.server for o in crowd(client, *target, kind, count, source=source)}


def choices(cluster, family, number=STICKY, place="cluster-ip"):
    """Which one endpoint each of the many clients outside has."""
    target = places(cluster, number, family)[place]
    result = {}
    for source in SOURCES[family]:
        servers = met("outside", target, count=4, source=source)
        assert len(servers) == 1, f"{source} has {servers}"
        result[source] = servers.pop()
    return result


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("client", [CLIENT, "n1", "outside"])
def test_one_client(cluster, family, client, kind):
    """15 connections of a client reach one endpoint, without affinity they spread."""
    give(cluster, [A, B, C, D])
    for place in FRONTENDS:
        assert len(met(client, places(cluster, STICKY, family)[place], kind)) == 1
        assert len(met(client, places(cluster, PLAIN, family)[place], kind)) > 1


def test_any_frontend(cluster, family):
    """The endpoint belongs to client and Service port, whichever frontend it uses."""
    give(cluster, [A])
    met("outside", places(cluster, STICKY, family)["node-port"])
    give(cluster, [A, B, C, D])
    for place in FRONTENDS:
        assert met("outside", places(cluster, STICKY, family)[place]) == {A}, place


def test_ports_apart(cluster, family):
    """TCP and UDP are two Service ports, each has its own endpoint for a client."""
    give(cluster, [A])
    met("outside", places(cluster, STICKY, family)["cluster-ip"], "udp")
    give(cluster, [B, C, D])
    before = met("outside", places(cluster, STICKY, family)["cluster-ip"], "tcp")
    give(cluster, [A, B, C, D])
    assert met("outside", places(cluster, STICKY, family)["cluster-ip"], "tcp") == before


def test_clients_differ(cluster, family):
    """Clients are told apart by the address before any translation, and spread over the endpoints."""
    give(cluster, [A, B, C, D])
    found = choices(cluster, family, place="node-port")
    assert len(set(found.values())) >= 3, found


def test_kept(cluster, family):
    """
    Clients keep their endpoint when others join, over applies, which are restarts of the tool, and
    though their flows are gone; without affinity, many would move.
    """
    give(cluster, [A])
    assert set(choices(cluster, family).values()) == {A}
    give(cluster, [A, B, C, D])
    ctl("n1", "flush", "flow")
    for _ in range(2):
        assert set(choices(cluster, family).values()) == {A}
        give(cluster, [D, C, B, A])
    assert len(met("outside", places(cluster, PLAIN, family)["cluster-ip"])) > 1


def test_times_out(cluster, family):
    """
    A client that has not come for the time chooses anew, and each new connection begins the time
    again.
    """
    give(cluster, [A])
    target = places(cluster, BRIEF, family)["cluster-ip"]
    *others, first = SOURCES[family]
    for source in SOURCES[family]:
        assert met("outside", target, count=1, source=source) == {A}
    give(cluster, [A, B, C, D])
    # For longer than the time one client comes again and again.
    end = time.monotonic() + 1.5 * BRIEF_SECONDS
    chosen = {}
    while time.monotonic() < end:
        assert met("outside", target, count=1, source=first) == {A}
        time.sleep(BRIEF_SECONDS / 10)
    for source in others:
        chosen[source] = met("outside", target, count=1, source=source).pop()
    assert len(set(chosen.values())) >= 3, chosen


def test_not_for_ever(cluster, family):
    """A client that comes back when its time is over is not bound to its first endpoint any more."""
    give(cluster, [A, B, C, D])
    target = places(cluster, BRIEF, family)["cluster-ip"]
    source = SOURCES[family][0]
    packet = question("udp", (source, 50000), target)
    chosen = []
    # Three of four choices are others, so ten that are all the same are not chance.
    while len(set(chosen)) < 2:
        assert len(chosen) < 10, chosen
        chosen += met("outside", target, count=1, source=source)
        assert ctl_json("n1", *packet)["affinity"] > 0
        wait_until(lambda: not ctl_json("n1", *packet)["affinity"], 5 * BRIEF_SECONDS, "it is over")
    # And the new one is kept.
    assert len(met("outside", target, count=4, source=source)) == 1


@pytest.mark.parametrize("how", ["removed", "unready", "draining"])
def test_endpoint_goes(cluster, family, how):
    """A client whose endpoint is not in the list any more chooses anew, and stays with that one."""
    give(cluster, [A])
    assert set(choices(cluster, family).values()) == {A}
    if how == "removed":
        give(cluster, [B, C, D])
    else:
        give(cluster, [A, B, C, D], {A: {"ready": False, "serving": how == "draining",
                                         "terminating": how == "draining"}})
    found = choices(cluster, family)
    assert A not in found.values() and len(set(found.values())) > 1
    # It has a new one now, although the old one is back. Flows that it still serves do not count.
    give(cluster, [A, B, C, D])
    ctl("n1", "flush", "flow")
    assert choices(cluster, family) == found


def test_list_of_the_policy(cluster, family):
    """An endpoint of the cluster list does not serve where the policy is Local."""
    give(cluster, [B])
    assert met("outside", places(cluster, LOCAL, family)["cluster-ip"]) == {B}
    give(cluster, [A, B])
    assert met("outside", places(cluster, LOCAL, family)["node-port"]) == {A}


def test_switched_off(cluster, family):
    """sessionAffinity None is obeyed live; so is ClientIP, whose default is three hours."""
    give(cluster, [A, B, C, D], more={"sessionAffinity": "None"})
    assert len(met(CLIENT, (vip(STICKY, family), 80))) > 1
    give(cluster, [A, B, C, D])
    assert len(met(CLIENT, (vip(STICKY, family), 80))) == 1
    seconds = {s["name"]: s.get("affinity") for s in ctl_json("n1", "service", "show")}
    assert (seconds["test/sticky:udp-80"], seconds["test/brief:udp-80"]) == (10800, BRIEF_SECONDS)
    give(cluster, [A, B, C, D], more={"sessionAffinity": "None"})
    assert len(met(CLIENT, (vip(STICKY, family), 80))) > 1
