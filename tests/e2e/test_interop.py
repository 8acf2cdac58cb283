# SPDX-License-Identifier: GPL-2.0
"""Our VXLAN is everybody's: node n2 here is a stock kernel vxlan device."""

import pytest

from lab import ECHO_PORT, CounterWatch, TcpStream, ask, ctl_json, ip, ping, run


@pytest.fixture(params=[(4, False), (4, True), (6, True)], scope="module",
                ids=["over-v4", "over-v4-csum", "over-v6"])
def underlay(request, cluster):
    """
    n2 has a vxlan device with static entries, and has never heard of dvpnet; the family of the
    underlay is what is returned.
    """
    family, csum = request.param
    n1, n2 = cluster["n1"], cluster["n2"]
    cluster.apply(cluster.objects(nodes=("n1", "n2"), families=(family,), udp_csum=csum), ["n1"])
    macs = {n["name"]: n["mac"] for n in ctl_json("n1", "node", "show")}
    via = {4: "10.111.1.0", 6: "fd00:111:0:1::"}
    ip(f"link add vx0 address {macs['n2']} type vxlan id 1 local {n2.ip(family)} dstport 4298 "
       f"nolearning {'' if family == 6 else 'udpcsum' if csum else 'noudpcsum'}",
       "link set vx0 up",
       f"route add {n1.pods4} via {via[4]} dev vx0 onlink",
       f"route add {n1.pods6} via {via[6]} dev vx0 onlink",
       f"neigh add {via[4]} lladdr {macs['n1']} dev vx0",
       f"neigh add {via[6]} lladdr {macs['n1']} dev vx0", ns="n2")
    run("bridge", "fdb", "append", macs["n1"], "dev", "vx0", "dst", n1.ip(family), ns="n2")
    cluster.forget_path_mtu("client-n1", "client-n2", "web-n1-a", "web-n2-a")
    yield family
    ip("link del vx0", ns="n2")


@pytest.fixture(params=[("client-n1", "web-n2-a"), ("client-n2", "web-n1-a")],
                ids=["from-us", "to-us"])
def pair(request, cluster):
    """Name of a client, and a server, on either side."""
    client, server = request.param
    return client, cluster[server]


def test_ping(underlay, family, pair):
    """Ping goes between our node and a stock vxlan device, the longest that fit, too."""
    client, server = pair
    headers = {4: 20, 6: 40}
    watch = CounterWatch("n1")
    ping(client, server.ip(family))
    ping(client, server.ip(family), "-M", "do", "-s",
         str(1500 - headers[underlay] - 30 - headers[family] - 8))
    assert watch.risen() == {"tx_vxlan": 6, "rx_vxlan": 6}


@pytest.mark.usefixtures("underlay")
def test_tcp(cluster, family, pair):
    """TCP does, and the content is what was sent."""
    client, server = pair
    answer = ask(client, server.ip(family), ECHO_PORT)
    assert answer.source == cluster[client].ip(family)
    with TcpStream(client, server.ip(family), ECHO_PORT, limit=1 << 20) as stream:
        stream.finish()
