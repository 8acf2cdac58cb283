# SPDX-License-Identifier: GPL-2.0
"""ICMP echo requests to addresses of Services: never forwarded on, dropped or answered."""

import pytest

from lab import Capture, CounterWatch, ip, run
from lab.services import balanced, external_ip, lb_ip, route_frontends, vip

CLIENTS = ["client-n1", "n1", "outside"]
NUMBER = 200
# On an interface of n1.
LOCAL = 212
VIPS = {"cluster-ip": vip, "load-balancer": lb_ip, "external-ip": external_ip}


def give(cluster, nodes=("n1",), **options):
    """Give nodes two Services, of which one has an address of n1's."""
    hosts = [cluster["web-n1-a"], cluster["web-n2-a"]]
    cluster.apply([*cluster.objects(**options), *balanced("all", NUMBER, hosts),
                   *balanced("local", LOCAL, hosts)], nodes)


@pytest.fixture(scope="module", autouse=True)
def fixture_services(cluster):
    """All nodes have the Services."""
    route_frontends(cluster)
    ip(*(f"address add {lb_ip(LOCAL, f)}/{32 if f == 4 else 128} dev lo" for f in (4, 6)),
       ns="n1")
    give(cluster, cluster.nodes)


def echoes(client, address, count=2):
    """How many of so many echo requests are answered."""
    said = run("ping", "-n", "-c", str(count), "-i", "0.05", "-W", "1", address, ns=client,
               check=False).stdout
    return int(said.split(" received")[0].split()[-1])


@pytest.mark.parametrize("place", VIPS)
def test_echo_dropped(family, place):
    """An echo request to a Service's address that no interface has goes nowhere, and no circles."""
    address = VIPS[place](NUMBER, family)
    for client in CLIENTS:
        watch = CounterWatch("n1")
        with Capture("r1", "lan") as wire:
            assert echoes(client, address, 1) == 0
            # The world's own request passes the router once.
            seen = wire.packets(lambda p: p.dst == address)
            assert len(seen) == (client == "outside")
        assert watch.risen()["service_echo_dropped"] == 1


@pytest.mark.parametrize("place", VIPS)
def test_echo_answered(cluster, family, place):
    """With vip-echo the node answers it, for everybody."""
    address = VIPS[place](NUMBER, family)
    give(cluster, vip_echo=True)
    for client in CLIENTS:
        assert echoes(client, address) == 2
    give(cluster)


def test_echo_local(family):
    """An address that the node has is answered by the node's own stack."""
    for client in CLIENTS:
        assert echoes(client, lb_ip(LOCAL, family)) == 2
