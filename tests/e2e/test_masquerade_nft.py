# SPDX-License-Identifier: GPL-2.0
"""masqueradeMode Netfilter: pods go out as their node, by a table of nftables."""

import json

import pytest

from lab import ECHO_PORT, ask, ctl, ctl_json, ip, ping, run
from lab import objects as o
from lab.services import service, vip

CLIENT = "client-n1"
KINDS = ["tcp", "udp"]


def with_mode(items, masquerade):
    """The objects with this masqueradeMode in their ModuleConfig."""
    for item in items:
        if item["kind"] == "ModuleConfig":
            item["spec"]["settings"]["masqueradeMode"] = masquerade
    return items


def objects(cluster, masquerade="Netfilter", mode="vxlan", more=()):
    """Objects of the cluster with a Service."""
    return [*with_mode(cluster.objects(mode), masquerade), *more,
            *service("far", 62, [(80, ECHO_PORT, "TCP", 30062), (80, ECHO_PORT, "UDP", 30062)],
                     [cluster["web-n2-a"]])]


def changes(node, items):
    """How many changes of the table applying these objects takes."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(items)})
    done = ctl(node, "-j", "apply", "--node", node, "-f", "-", stdin=text)
    return json.loads(done.stdout)["masquerade_changes"]


def table(node):
    """The table of a node as nft lists it, or None."""
    listed = run("nft", "list", "table", "inet", "dvpnet", ns=node, check=False)
    return None if listed.returncode else listed.stdout


@pytest.fixture(scope="module", autouse=True)
def servers(cluster):
    """Servers outside of the cluster."""
    cluster.serve(cluster["neighbour"], ECHO_PORT)
    cluster.serve(cluster["outside"], ECHO_PORT)


@pytest.fixture(name="masqueraded", scope="module", params=["vxlan", "auto"])
def fixture_masqueraded(request, cluster):
    """All nodes in masqueradeMode Netfilter."""
    cluster.apply(objects(cluster, mode=request.param))
    return cluster


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("server", ["neighbour", "outside"])
def test_to_the_outside(masqueraded, family, server, kind):
    """What is outside sees the node."""
    answer = ask(CLIENT, masqueraded[server].ip(family), ECHO_PORT, kind)
    assert (answer.server, answer.source) == (server, masqueraded["n1"].ip(family))


def test_ping(masqueraded, family):
    """So does it with what has no ports."""
    ping(CLIENT, masqueraded["outside"].ip(family))


@pytest.mark.parametrize("kind", KINDS)
def test_not_to_the_inside(masqueraded, family, kind):
    """Pods and nodes, near and far, see the pod."""
    for server in ("web-n1-a", "web-n2-a", "web-n3-a", "n1", "n2", "n3"):
        answer = ask(CLIENT, masqueraded[server].ip(family), ECHO_PORT, kind)
        assert (answer.server, answer.source) == (server, masqueraded[CLIENT].ip(family))


@pytest.mark.parametrize("kind", KINDS)
def test_begun_outside(masqueraded, family, kind):
    """Who connects to a pod's own address gets its answer from there."""
    node, pod = masqueraded["n1"], masqueraded["web-n1-a"]
    route = f"{pod.ip(family)} via {node.ip(family)}"
    ip(f"route add {route}", ns="r1")
    try:
        # A connected socket takes answers from nowhere else.
        answer = ask("outside", pod.ip(family), ECHO_PORT, kind)
    finally:
        ip(f"route del {route}", ns="r1")
    assert (answer.server, answer.source) == ("web-n1-a", masqueraded["outside"].ip(family))


@pytest.mark.parametrize("kind", KINDS)
def test_beside_services(masqueraded, family, kind):
    """Services work as ever, for pods and for the world outside."""
    answer = ask(CLIENT, vip(62, family), 80, kind)
    assert (answer.server, answer.source) == ("web-n2-a", masqueraded[CLIENT].ip(family))
    assert ask("outside", masqueraded["n1"].ip(family), 30062, kind).server == "web-n2-a"


@pytest.mark.parametrize("kind", KINDS)
def test_keeps_off_node_ports(masqueraded, family, kind):
    """A NodePort's number is changed, or the answer would go to a Service; other ports stay."""
    # That which stays first: what another one became, at random, might be its number.
    for port in (40001, 30062, 31999):
        answer = ask(CLIENT, masqueraded["outside"].ip(family), ECHO_PORT, kind, sport=port)
        assert answer.source == masqueraded["n1"].ip(family)
        assert (answer.sport == port) == (port == 40001)


def test_only_when_something_changes(cluster):
    """The same again changes nothing; another node, and what others have broken, are changes."""
    cluster.apply(objects(cluster), ["n1"])
    before = table("n1")
    assert changes("n1", objects(cluster)) == 0
    more = [o.node("n4", ["192.168.1.14"], ["10.111.4.0/24"])]
    assert changes("n1", objects(cluster, more=more)) == 1
    assert changes("n1", objects(cluster, more=more)) == 0
    assert "192.168.1.14" in table("n1") and "192.168.1.14" not in before
    assert changes("n1", objects(cluster)) == 1
    run("nft", "add element inet dvpnet inside4 { 192.0.2.1 }", ns="n1")
    assert changes("n1", objects(cluster)) == 1
    assert table("n1") == before


def test_switch(cluster, family):
    """The table comes and goes with the mode, and a connection of a pod survives other changes."""
    server = cluster["neighbour"]
    run("nft", "add", "table", "inet", "other", ns="n1")
    for mode in ("BPF", "Netfilter", "BPF", "Netfilter"):
        cluster.apply(objects(cluster, mode), ["n1"])
        assert (table("n1") is None) == (mode == "BPF")
        assert ask(CLIENT, server.ip(family), ECHO_PORT).source == cluster["n1"].ip(family)
    assert "inet other" in run("nft", "list", "tables", ns="n1").stdout
    run("nft", "delete", "table", "inet", "other", ns="n1")


def test_uninstall(cluster):
    """Nothing of it is left, and what others have is."""
    cluster.apply(objects(cluster))
    run("nft", "add", "table", "inet", "other", ns="n1")
    assert table("n1")
    said = ctl("n1", "uninstall").stdout
    assert said.startswith("removed: ") and "1 of masquerading rules" in said
    assert run("nft", "list", "tables", ns="n1").stdout == "table inet other\n"
    assert ctl("n1", "uninstall").stdout == "nothing to remove\n"
    assert not any(ctl_json("n1", "uninstall").values())
    run("nft", "delete", "table", "inet", "other", ns="n1")
