# SPDX-License-Identifier: GPL-2.0
"""Which Services and EndpointSlices count, and what of an EndpointSlice is read."""

import copy

import pytest

from lab import Connection, CounterWatch, Host, ctl_json
from lab import objects
from lab.crowd import REFUSED, SILENT, crowd, who
from lab.services import balanced, places, route_frontends, vip
from lab.state import state

CLIENT = "client-n1"
A, B = "web-n1-a", "web-n2-a"
NUMBER = 150
INVISIBLE = ["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"]


@pytest.fixture(scope="module", autouse=True)
def fixture_nodes(cluster):
    """The nodes know each other; the tests give Services to n1."""
    route_frontends(cluster)
    cluster.apply(cluster.objects())


def give(cluster, *items):
    """n1 has these objects, beside nodes and ServiceCIDR."""
    cluster.apply([*cluster.objects(), objects.service_cidr("10.222.0.0/16", "fd00:222::/112"),
                   *items], ["n1"])


def web(cluster, **spec):
    """A Service of two endpoints, and its slices."""
    items = balanced("web", NUMBER, [cluster[A], cluster[B]], **spec)
    return items[0], items[1:]


def programmed():
    """Names of the Services in n1's kernel."""
    return {name for name, _ in state("n1")["services"]}


def met(cluster, family, client=CLIENT, number=NUMBER):
    """Whom a client meets at each frontend."""
    return {place: who(client, *target, count=16)
            for place, target in places(cluster, number, family).items()}


def check_served(cluster):
    """All frontends of the Service lead to both endpoints."""
    for family in (4, 6):
        for place, servers in met(cluster, family).items():
            assert servers == {A, B}, (place, family)


def check_absent(cluster):
    """There is no Service: nobody listens on a NodePort, an address of the ServiceCIDR is silent."""
    assert not programmed()
    for family in (4, 6):
        found = places(cluster, NUMBER, family)
        assert who("outside", *found["cluster-ip"], count=2, patience=0.3) == {SILENT}
        assert who("outside", *found["node-port"], count=2) == {REFUSED}


def labelled(item, label, value):
    """The object with one label more."""
    item = copy.deepcopy(item)
    item["metadata"].setdefault("labels", {})[label] = value
    return item


@pytest.mark.parametrize("value", ["", "another-proxy"], ids=["empty", "value"])
@pytest.mark.parametrize("label", INVISIBLE, ids=["service-proxy-name", "headless"])
def test_label(cluster, label, value):
    """
    A label makes Service and slices invisible, and gives them back when it goes; the change arrives
    on either of them first. A Service whose slices alone are hidden has no endpoints.
    """
    service, slices = web(cluster)
    hidden, hidden_slices = labelled(service, label, value), \
        [labelled(s, label, value) for s in slices]
    give(cluster, service, *slices)
    check_served(cluster)
    for first, second in (((hidden, slices), (service, hidden_slices)),
                          ((service, hidden_slices), (hidden, slices))):
        for one, many in (first, (hidden, hidden_slices), second):
            give(cluster, one, *many)
            if one is hidden:
                check_absent(cluster)
            else:
                assert set().union(*met(cluster, 4).values()) == {REFUSED}
        give(cluster, service, *slices)
        check_served(cluster)


@pytest.mark.parametrize("kind", ["none", "empty", "external-name"])
def test_ignored(cluster, kind):
    """
    Headless and ExternalName Services are ignored whatever else they carry, and a Service that becomes
    one of them and is changed back goes and comes.
    """
    service, slices = web(cluster)
    give(cluster, service, *slices)
    check_served(cluster)
    junk = copy.deepcopy(service)
    if kind == "external-name":
        junk["spec"].update(type="ExternalName", externalName="www.example.org")
        del junk["spec"]["clusterIP"], junk["spec"]["clusterIPs"]
    else:
        junk["spec"].update(clusterIP="None" if kind == "none" else "",
                            clusterIPs=["None"] if kind == "none" else [])
    give(cluster, junk, *slices)
    check_absent(cluster)
    if kind == "external-name":
        # What an older API server leaves behind.
        junk["spec"].update(clusterIP=vip(NUMBER, 4), clusterIPs=[vip(NUMBER, 4), vip(NUMBER, 6)])
        give(cluster, junk, *slices)
        check_absent(cluster)
    give(cluster, service, *slices)
    check_served(cluster)


def one_slice(cluster, hosts, family=4, service="web", port=7, **options):
    """A slice of UDP and TCP with these hosts."""
    ports = [("tcp-80", port, "TCP"), ("udp-80", port, "UDP")]
    return objects.endpoint_slice(
        service, [objects.endpoint(cluster[h].ip(family), cluster[h].node) for h in hosts], ports,
        **options)


def test_slices_belong_by_label(cluster):
    """Not by name, nor owner, nor from another namespace."""
    service, slices = web(cluster)
    lost = one_slice(cluster, ["web-n2-b"])
    lost["metadata"]["name"] = "web-owned"
    lost["metadata"]["labels"] = {}
    lost["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "Service", "name": "web",
                                            "uid": "1", "controller": True}]
    other = one_slice(cluster, ["web-n3-a"], service="web-other")
    other["metadata"]["name"] = "web"
    elsewhere = one_slice(cluster, ["dns-n3"], namespace="elsewhere")
    renamed = one_slice(cluster, ["dns-n1"], suffix="-more")
    renamed["metadata"]["name"] = "nothing-like-it"
    give(cluster, service, *slices, lost, other, elsewhere, renamed)
    assert who(CLIENT, vip(NUMBER, 4), 80, count=40) == {A, B, "dns-n1"}


def shares(family, count=600):
    """Of so many connections, the share of each server."""
    outcomes = [o.server for _ in range(count // 200)
                for o in crowd(CLIENT, vip(NUMBER, family), 80, count=200)]
    return {server: outcomes.count(server) / len(outcomes) for server in set(outcomes)}


def test_slices_are_merged(cluster, family):
    """An endpoint in two slices has one share, and moves between them without a gap."""
    service, _ = web(cluster)
    steps = [([A, B], []), ([A, B], [B]), ([A], [B]), ([A, B], [A, B]), ([], [A, B])]
    exchanges = None
    for first, second in steps:
        slices = [one_slice(cluster, hosts, family, suffix=suffix)
                  for hosts, suffix in ((first, "-1"), (second, "-2")) if hosts]
        give(cluster, service, *slices)
        if exchanges:
            # None of the flows has noticed.
            assert not {"flow_released", "flow_flushed"} & set(watch.risen())
            for exchange in exchanges:
                assert exchange.echo(b"?").server == exchange.answer.server
        else:
            watch = CounterWatch("n1")
            exchanges = [Connection(CLIENT, vip(NUMBER, family), 80, "udp") for _ in range(8)]
        found = shares(family)
        assert set(found) == {A, B}
        assert max(found.values()) < 0.59, found
    for exchange in exchanges:
        exchange.close()


@pytest.mark.parametrize("turn", [1, -1], ids=["local-first", "local-last"])
def test_local_copy_is_preferred(cluster, family, turn):
    """An address that two slices list on two nodes, as while a VM migrates, is on this node."""
    service, _ = web(cluster, externalTrafficPolicy="Local")
    slices = []
    for suffix, node in [("-1", "n1"), ("-2", "n2")][::turn]:
        item = one_slice(cluster, [A], family, suffix=suffix)
        item["endpoints"][0]["nodeName"] = node
        slices.append(item)
    give(cluster, service, *slices)
    found = places(cluster, NUMBER, family)
    assert who("outside", *found["node-port"]) == {A}
    shown = ctl_json("n1", "service", "show", "test/web:udp-80")
    assert sum(len(s["backends"]) for s in shown) == 1


def test_hand_made(cluster, family):
    """A Service without selector is served by its slices, whoever made them; also beyond the cluster."""
    neighbour = Host("neighbour", cluster["neighbour"].ip4, cluster["neighbour"].ip6)
    sockets = cluster.serve(neighbour, 7, families=[family])
    item = objects.endpoint_slice("web", [neighbour.ip(family)], [("udp-80", 7, "UDP"),
                                                                 ("tcp-80", 7, "TCP")])
    item["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"] = "somebody"
    give(cluster, web(cluster)[0], item)
    for client in (CLIENT, "n1", "outside"):
        for place in places(cluster, NUMBER, family).values():
            assert who(client, *place, count=4) == {"neighbour"}
    cluster.servers.remove(sockets)


# ---- what of a slice is read ----

def _edit(**changes):
    """A function that changes fields of a slice's first endpoint; None removes one."""
    def change(item):
        endpoint = item["endpoints"][0]
        for key, value in changes.items():
            if value is None:
                endpoint.pop(key, None)
            else:
                endpoint[key] = value
    return change


def _ports(*ports):
    """A function that changes the ports of a slice."""
    def change(item):
        item["ports"] = list(ports)
    return change


UDP, TCP = {"name": "udp-80", "port": 7, "protocol": "UDP"}, {"name": "tcp-80", "port": 7}
# Edits of the slice of endpoint A (B is always there, in another slice), and who serves UDP and TCP.
FIELDS = {
    "no-conditions": (_edit(conditions=None), {A, B}, {A, B}),
    "empty-conditions": (_edit(conditions={}), {A, B}, {A, B}),
    "null-conditions": (_edit(conditions={"ready": None, "serving": None, "terminating": None}),
                        {A, B}, {A, B}),
    "serving-alone": (_edit(conditions={"serving": True}), {A, B}, {A, B}),
    "unready": (_edit(conditions={"ready": False}), {B}, {B}),
    "fqdn": (lambda item: item.update(addressType="FQDN", endpoints=[
        {"addresses": ["pod.example.org"]}]), {B}, {B}),
    "no-ports": (_ports(), {B}, {B}),
    "nil-name": (_ports({"port": 7, "protocol": "UDP"}, {"port": 7}), {B}, {B}),
    "null-name": (_ports({"name": None, "port": 7, "protocol": "UDP"}), {B}, {B}),
    "nil-number": (_ports({"name": "udp-80", "protocol": "UDP"}, {"name": "tcp-80"}), {B}, {B}),
    "zero-number": (_ports({**UDP, "port": 0}, {**TCP, "port": 0}), {B}, {B}),
    "protocol-is-tcp": (_ports({**UDP, "protocol": None}, TCP), {B}, {A, B}),
    "other-name": (_ports({**UDP, "name": "http"}, {**TCP, "name": "tcp"}), {B}, {B}),
    "swapped-names": (_ports({**UDP, "name": "tcp-80"}, {**TCP, "name": "udp-80"}), {B}, {B}),
}
# The same where A is alone: nil serving is ready's value, nil terminating is false.
ALONE = {
    "draining": (_edit(conditions={"ready": False, "serving": True, "terminating": True}), {A}),
    "nil-serving": (_edit(conditions={"ready": False, "terminating": True}), {REFUSED}),
    "nil-terminating": (_edit(conditions={"ready": False, "serving": True}), {REFUSED}),
}
FIELD_NUMBERS = {name: 151 + number for number, name in enumerate([*FIELDS, *ALONE])}


class TestFields:
    """One Service for each way to write a slice."""

    @pytest.fixture(scope="class", autouse=True)
    def services(self, cluster):
        """All of them on n1."""
        items = []
        for name, number in FIELD_NUMBERS.items():
            items += balanced(name, number, [] if name in ALONE else [cluster[B]])
            for family in (4, 6):
                item = one_slice(cluster, [A], family, service=name, suffix="-a")
                (FIELDS.get(name) or ALONE[name])[0](item)
                items.append(item)
        several = one_slice(cluster, [A], service="several")
        several["endpoints"][0]["addresses"].append(cluster[B].ip4)
        items += [*balanced("several", 149, []), several]
        give(cluster, *items)

    @pytest.mark.parametrize("name", FIELDS)
    def test_field(self, family, name):
        """What is absent or null has its default, what cannot be used is ignored."""
        _, udp, tcp = FIELDS[name]
        for kind, expected in (("udp", udp), ("tcp", tcp)):
            assert who(CLIENT, vip(FIELD_NUMBERS[name], family), 80, kind) == expected

    @pytest.mark.parametrize("name", ALONE)
    def test_conditions(self, family, name):
        """Defaults of serving and terminating."""
        assert who(CLIENT, vip(FIELD_NUMBERS[name], family), 80, count=4) == ALONE[name][1]

    def test_first_address(self):
        """Of an endpoint's addresses the first one counts."""
        assert who(CLIENT, vip(149, 4), 80) == {A}
