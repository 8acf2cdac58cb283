# SPDX-License-Identifier: GPL-2.0
"""loadBalancerSourceRanges: who may come, by which frontend."""

import pytest

from lab import Connection, CounterWatch, ip
from lab.crowd import SILENT, who
from lab.services import balanced, external_ip, lb_ip, places, route_frontends

CLIENT = "client-n1"
A, B = "web-n1-a", "web-n2-a"
BOTH = {A, B}
OTHER = {4: "198.51.100.101", 6: "2001:db8:51::101"}    # of the host outside, too
KINDS = ["tcp", "udp"]
OUTSIDE_ONLY = [" 198.51.100.100/32", "2001:db8:51::100/128 "]
PODS = ["10.111.0.0/16", "fd00:111::/48"]
NODE = ["192.168.1.11/32", "fd00:1::11/128"]
# On an interface of n1.
LOCAL = 246


def services(cluster):
    """Services by number: their ranges."""
    hosts = [cluster[A], cluster[B]]
    ranges = {240: OUTSIDE_ONLY, 241: PODS, 242: NODE, 243: ["198.51.100.0/24"],
              244: ["2001:db8:51::/64"], 245: ["0.0.0.0/0", "::/0"], LOCAL: NODE,
              247: OUTSIDE_ONLY, 248: []}
    items = []
    for number, sources in ranges.items():
        items += balanced(f"s{number}", number, hosts, loadBalancerSourceRanges=sources)
    return items


@pytest.fixture(scope="module", autouse=True)
def fixture_services(cluster):
    """All nodes have the Services; the host outside has a second address."""
    route_frontends(cluster)
    for family, length in ((4, 24), (6, 64)):
        ip(f"address add {OTHER[family]}/{length} dev eth0 {'nodad' if family == 6 else ''}",
           ns="outside")
        ip(f"address add {lb_ip(LOCAL, family)}/{32 if family == 4 else 128} dev lo", ns="n1")
    cluster.apply([*cluster.objects(), *services(cluster)])


def met(client, address, kind="udp", port=80, source=None):
    """Whom a client meets."""
    return who(client, address, port, kind, 16, patience=0.5, source=source)


def from_outside(cluster, family):
    """The two addresses of the host outside."""
    return cluster["outside"].ip(family), OTHER[family]


@pytest.mark.parametrize("kind", KINDS)
def test_outside(cluster, family, kind):
    """Inside of the range one is served, outside of it there is silence, which is counted."""
    allowed, other = from_outside(cluster, family)
    assert met("outside", lb_ip(240, family), kind, source=allowed) == BOTH
    watch = CounterWatch("n1")
    assert met("outside", lb_ip(240, family), kind, source=other) == {SILENT}
    assert watch.risen("service_") == {"service_source_range": 16}


@pytest.mark.parametrize("kind", KINDS)
def test_load_balancer_alone(cluster, family, kind):
    """NodePort, ClusterIP and external address of the same Service are open to all."""
    for place, target in places(cluster, 240, family).items():
        if place == "load-balancer":
            continue
        for client, source in ((CLIENT, None), ("n1", None), ("outside", OTHER[family])):
            assert met(client, target[0], kind, target[1], source) == BOTH, place


def test_pods_and_node(family):
    """Ranges hold for pods and the node as well."""
    assert met(CLIENT, lb_ip(240, family)) == {SILENT}
    assert met("n1", lb_ip(240, family)) == {SILENT}
    assert met(CLIENT, lb_ip(241, family)) == BOTH
    assert met("n1", lb_ip(241, family)) == {SILENT}
    assert met("n1", lb_ip(242, family)) == BOTH
    assert met(CLIENT, lb_ip(242, family)) == {SILENT}


def test_local_address(family):
    """
    A node that has the load balancer's address itself comes from that address: where the node is
    allowed, this counts as allowed.
    """
    assert met("n1", lb_ip(LOCAL, family), source=lb_ip(LOCAL, family)) == BOTH
    assert met("outside", lb_ip(LOCAL, family)) == {SILENT}


@pytest.mark.parametrize("number, restricted", [(243, 4), (244, 6)], ids=["v4-only", "v6-only"])
def test_other_family(cluster, family, number, restricted):
    """Ranges of one family leave the other one open."""
    assert met("outside", lb_ip(number, family), source=cluster["outside"].ip(family)) == BOTH
    assert met(CLIENT, lb_ip(number, family)) == ({SILENT} if family == restricted else BOTH)


def test_everybody(family):
    """A range of all addresses is open, as is an empty list."""
    for number in (245, 248):
        for client in (CLIENT, "n1", "outside"):
            assert met(client, lb_ip(number, family)) == BOTH


def test_established_goes_on(cluster, family):
    """Ranges that are narrowed concern new connections only; narrowing and widening is live."""
    target = places(cluster, 248, family)["load-balancer"]
    items = services(cluster)
    service = next(i for i in items if i["metadata"]["name"] == "s248" and i["kind"] == "Service")
    with Connection("outside", *target) as tcp, Connection("outside", *target, "udp") as udp:
        service["spec"]["loadBalancerSourceRanges"] = PODS
        cluster.apply([*cluster.objects(), *items], ["n1"])
        assert tcp.echo(b"on") == b"on"
        assert udp.echo(b"on").server == udp.answer.server
        assert met("outside", target[0]) == {SILENT}
    service["spec"]["loadBalancerSourceRanges"] = []
    cluster.apply([*cluster.objects(), *items], ["n1"])
    assert met("outside", target[0]) == BOTH


def with_settings(cluster, **settings):
    """n1 has the Services and these settings of ModuleConfig cni-cilium."""
    items = cluster.objects()
    for item in items:
        if item["kind"] == "ModuleConfig":
            item["spec"]["settings"].update(settings)
    cluster.apply([*items, *services(cluster)], ["n1"])


def test_settings(cluster, family):
    """
    svcSourceRangeCheck false: nobody looks at ranges. True, and not loadBalancerSourceRangeAllTypes:
    as ever. True with all types: ranges hold for NodePort, ClusterIP and external address, too.
    """
    other = OTHER[family]
    found = places(cluster, 247, family)
    try:
        with_settings(cluster, svcSourceRangeCheck=False)
        for target in found.values():
            assert met("outside", *target[:1], port=target[1], source=other) == BOTH
        with_settings(cluster, svcSourceRangeCheck=True, loadBalancerSourceRangeAllTypes=False)
        for place, target in found.items():
            assert met("outside", target[0], port=target[1], source=other) == \
                ({SILENT} if place == "load-balancer" else BOTH), place
        with_settings(cluster, svcSourceRangeCheck=True, loadBalancerSourceRangeAllTypes=True)
        for place, target in found.items():
            assert met("outside", target[0], port=target[1], source=other) == {SILENT}, place
            assert met("outside", target[0], port=target[1],
                       source=cluster["outside"].ip(family)) == BOTH, place
    finally:
        cluster.apply([*cluster.objects(), *services(cluster)], ["n1"])


def test_external_ip_of_same_number(family):
    """An external address is never restricted, not even beside a restricted load balancer."""
    assert met(CLIENT, external_ip(240, family)) == BOTH
