# SPDX-License-Identifier: GPL-2.0
"""Input that is wrong: dvpnetctl says what, and where, and changes nothing."""

import copy
import json
import os
import re

import pytest

from lab import ctl, run
from lab import objects as o
from lab.ctl import DVPNETCTL
from lab.monitor import Monitor
from lab.pair import Pair
from lab.state import generation, state

pytestmark = pytest.mark.tool


@pytest.fixture(name="pair", scope="module")
def fixture_pair():
    """Two nodes, configured."""
    with Pair() as pair:
        pair.apply()
        yield pair


@pytest.fixture(name="monitor", scope="module")
def fixture_monitor(pair):
    """What happens on the left node."""
    assert pair
    with Monitor("left") as monitor:
        yield monitor


@pytest.fixture(name="unchanged")
def fixture_unchanged(pair, monitor):
    """Afterwards the left node is as it was, and nothing has happened meanwhile."""
    before = state("left"), generation("left")
    routes = run("ip", "-o", "route", "show", "table", "all", ns="left").stdout
    yield pair
    assert (state("left"), generation("left")) == before
    assert run("ip", "-o", "route", "show", "table", "all", ns="left").stdout == routes
    assert not monitor.events()


def refused(done, *wanted):
    """The tool has failed with a message that has these in it, and nothing else."""
    assert done.returncode == 1, done
    assert not done.stdout
    assert len(done.stderr.splitlines()) <= 21
    for pattern in wanted:
        assert re.search(pattern, done.stderr), f"no {pattern!r} in: {done.stderr}"


def apply_file(file, node="left", **options):
    """Apply a file to the left node; returns the CompletedProcess."""
    return ctl("left", "apply", "--node", node, "-f", file, check=False, **options)


def lay_out(items):
    """YAML with an object's begin and each of its fields on a line of its own."""
    return "".join(f"---\n{json.dumps(item, indent=1)}\n" for item in items)


def line_of(text, pattern, count=1):
    """Number of the line in which the pattern stands for the count-th time."""
    lines = [n for n, line in enumerate(text.splitlines(), 1) if re.search(pattern, line)]
    return lines[count - 1]


@pytest.mark.parametrize("text, line, message", [
    ("kind: [\n", 2, r"\S"),
    ("kind: Node\n  apiVersion: v1\n", 2, r"\S"),
    ("apiVersion: v1\nkind: Node\nmetadata: {name: a\n", 4, r"\S"),
    ("a: b\n\tc: d\n", 2, r"\S"),
    ("a: *nothing\n", 1, "alias|anchor"),
    ("- just\n- a list\n", 1, r"\S"),
    ("only words\n", 1, r"\S"),
    ("{\"kind\": \"Node\", }}", 1, r"\S"),
    ("\"unfinished", 1, r"\S"),
])
def test_malformed(unchanged, tmp_path, text, line, message):
    """What is no YAML, or no object: file, line, what."""
    file = tmp_path / "bad.yaml"
    file.write_text(text, encoding="utf-8")
    done = apply_file(file)
    refused(done, rf"bad\.yaml:{line}(:\d+)?: {message}")
    assert unchanged


def test_malformed_behind_good(unchanged, tmp_path):
    """An error in the last document of the last file, and nothing of all before it is done."""
    items = unchanged.objects(mode="classic", more=[o.node("n7", ["192.168.9.7"], ["10.9.7.0/24"])])
    (tmp_path / "good.yaml").write_text(lay_out(items), encoding="utf-8")
    bad = lay_out(items[:1]) + "---\nkind: }\n"
    (tmp_path / "last.yaml").write_text(bad, encoding="utf-8")
    refused(apply_file(tmp_path), rf"last\.yaml:{line_of(bad, 'kind: }')}")


def change(items, kind, edit, index=0):
    """A copy of the items, one of which is edited."""
    items = copy.deepcopy(items)
    edit([item for item in items if item["kind"] == kind][index])
    return items


def balance(service, *ingress, **spec):
    """Make a Service one of type LoadBalancer."""
    service["spec"].update(type="LoadBalancer", **spec)
    service["status"] = {"loadBalancer": {"ingress": list(ingress)}}


WRONG = [
    # kind, number of the object, what is done to it, what is said, what stands in the line named
    ("Node", 1, lambda x: x["spec"].update(podCIDRs=5), "podCIDRs", '"podCIDRs"'),
    ("Node", 1, lambda x: x["spec"].update(podCIDRs=["10.9.2.0/33"]), "10.9.2.0/33",
     "10.9.2.0/33"),
    ("Node", 1, lambda x: x["spec"].update(podCIDRs=["10.9.2.1/24"]), "10.9.2.1/24",
     "10.9.2.1/24"),
    ("Node", 1, lambda x: x["status"].update(addresses="192.168.9.2"), "addresses",
     '"addresses"'),
    ("Node", 1, lambda x: x["status"]["addresses"][0].update(address="192.168.9.256"),
     "192.168.9.256", "192.168.9.256"),
    ("Node", 1, lambda x: x["metadata"].update(name=["right"]), "name", '"name"'),
    ("Node", 1, lambda x: x["metadata"].update(annotations={"dvpnet.io/mode": "tunnel"}),
     "tunnel", '"dvpnet.io/mode"'),
    ("Node", 1, lambda x: x["spec"].update(podCIDRs=["10.9.1.128/25"]),
     "10.9.1.128/25.*left|left.*10.9.1.128/25|overlap", None),
    ("Node", 1, lambda x: x["spec"].update(podCIDRs=["10.9.1.0/24"]), "10.9.1.0/24.*left", None),
    ("Node", 1, lambda x: x["status"]["addresses"][0].update(address="192.168.9.1"),
     "192.168.9.1.*left|left.*192.168.9.1", None),
    ("Service", 0, lambda x: x["spec"].update(ports="80"), "ports", '"ports"'),
    ("Service", 0, lambda x: x["spec"]["ports"][0].update(port="http"), "port", '"port"'),
    ("Service", 0, lambda x: x["spec"]["ports"][0].update(port=70000), "70000", "70000"),
    ("Service", 0, lambda x: x["spec"]["ports"][0].update(nodePort=0.5), "nodePort", "nodePort"),
    ("Service", 0, lambda x: x["spec"]["ports"][0].update(protocol=6), "protocol", "protocol"),
    ("Service", 0, lambda x: x["spec"].update(
        clusterIP="fd00:99::1", clusterIPs=["fd00:99::1"],
        ports=[o.port(7, name="twice"), o.port(8, name="twice")]),
     r"spec.ports\[1\].name: must be another", '"twice"'),
    ("Service", 0, lambda x: x["spec"].update(clusterIP="10.99.0", clusterIPs=["10.99.0"]),
     "10.99.0", "10.99.0"),
    ("Service", 0, lambda x: x["spec"].update(externalIPs=["203.0.113.300"]), "203.0.113.300",
     "203.0.113.300"),
    ("Service", 0, lambda x: x["spec"].update(externalIPs="203.0.113.3"), "must be a list",
     '"externalIPs"'),
    ("Service", 0, lambda x: x["spec"].update(externalIPs=[f"203.0.113.{i}" for i in range(256)]),
     r"spec.externalIPs\[254\]: .* at most 254 IPv4", "203.0.113.254"),
    ("Service", 0, lambda x: balance(x, {"ip": "lb.example.org"}), "lb.example.org",
     "lb.example.org"),
    ("Service", 0, lambda x: balance(x, {"ip": "198.18.0.1", "ipMode": "Any"}), "VIP or Proxy",
     '"ipMode"'),
    ("Service", 0, lambda x: balance(x, loadBalancerSourceRanges=["10.0.0.0/8 or so"]),
     "10.0.0.0/8 or so", "10.0.0.0/8 or so"),
    ("Service", 0, lambda x: balance(x, loadBalancerSourceRanges=[
        f"10.{n // 256}.{n % 256}.0/24" for n in range(257)]),
     "257 of IPv4, and 0 addresses of the load balancer, are more than 256",
     '"loadBalancerSourceRanges"'),
    ("Service", 0, lambda x: balance(x, allocateLoadBalancerNodePorts="no"), "true or false",
     '"allocateLoadBalancerNodePorts"'),
    ("Service", 0, lambda x: x["spec"].update(sessionAffinity="Client"), "None or ClientIP",
     '"sessionAffinity"'),
    ("Service", 0, lambda x: x["spec"].update(
        sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 86401}}),
     "1 to 86400", "86401"),
    ("Service", 0, lambda x: x["metadata"].update(
        annotations={"service.cilium.io/lb-algorithm": "wlc"}), "maglev, random or least-conn",
     "lb-algorithm"),
    ("EndpointSlice", 0, lambda x: x["metadata"].update(annotations={"dvpnet.io/weight": "101"}),
     "0 to 100", "dvpnet.io/weight"),
    ("EndpointSlice", 0, lambda x: x["endpoints"][1].update(addresses=["fd00::5"]), "fd00::5",
     "fd00::5"),
    ("EndpointSlice", 1, lambda x: x["endpoints"][0].update(addresses=["10.9.1.10"]), "10.9.1.10",
     "10.9.1.10"),
    ("EndpointSlice", 0, lambda x: x.update(addressType="IPv5"), "IPv5", "IPv5"),
    ("EndpointSlice", 0, lambda x: x.update(endpoints={}), "endpoints", '"endpoints"'),
    ("EndpointSlice", 0, lambda x: x["endpoints"][0].update(conditions={"ready": "maybe"}),
     "ready", '"ready"'),
    ("EndpointSlice", 0, lambda x: x["ports"][0].update(port=-1), "-1", "-1"),
    ("ModuleConfig", 0, lambda x: x["spec"]["settings"].update(tunnelMode="Geneve"), "Geneve",
     "Geneve"),
    ("ModuleConfig", 0, lambda x: x["spec"].update(settings=[]), "settings", '"settings"'),
    ("ModuleConfig", 0, lambda x: x["spec"]["settings"].update(masqueradeMode="nft"),
     "BPF or Netfilter", '"nft"'),
    ("ModuleConfig", 0, lambda x: x["spec"]["settings"].update(bpfLBMode="Dsr"),
     "SNAT, DSR or Hybrid", '"Dsr"'),
    ("ModuleConfig", 0, lambda x: x["spec"]["settings"].update(encryption={"mode": "IPsec"}),
     "Disabled or WireGuard", "IPsec"),
    ("ModuleConfig", 0, lambda x: x["spec"]["settings"].update(sctpEnabled="yes"),
     "true or false", "sctpEnabled"),
    ("ModuleConfig", 0, lambda x: x["spec"]["settings"].update(svcSourceRangeCheck=1),
     "true or false", "svcSourceRangeCheck"),
]


@pytest.mark.parametrize("kind, index, edit, message, where", WRONG,
                         ids=[f"{n}-{w[0]}" for n, w in enumerate(WRONG)])
def test_wrong_value(unchanged, tmp_path, kind, index, edit, message, where):
    """A field of the wrong type or value, two objects at odds: object, field, line."""
    text = lay_out(change(unchanged.objects(), kind, edit, index))
    file = tmp_path / "objects.yaml"
    file.write_text(text, encoding="utf-8")
    done = apply_file(file)
    refused(done, rf"objects\.yaml:\d+: .*{kind}", message)
    if where:
        last = len([1 for line in text.splitlines() if where in line])
        lines = {line_of(text, re.escape(where), n + 1) for n in range(last)}
        named = {int(n) for n in re.findall(r"objects\.yaml:(\d+)", done.stderr)}
        # A list's or a mapping's place may be that of its first entry.
        assert any(abs(n - m) <= 1 for n in named for m in lines), done.stderr


def test_duplicate_node_port(unchanged, tmp_path):
    """Two Services which want the same NodePort: both are named, and the place."""
    twin = o.service("twin", ["10.99.0.9"], [o.port(7, node_port=31000)])
    text = lay_out(unchanged.objects(more=[twin]))
    (tmp_path / "twins.yaml").write_text(text, encoding="utf-8")
    done = apply_file(tmp_path / "twins.yaml")
    refused(done, r"twins\.yaml:\d+", "31000", "test/twin", "test/echo")


def test_unknown_node(unchanged, tmp_path):
    """--node names none of the cluster's."""
    (tmp_path / "objects.yaml").write_text(lay_out(unchanged.objects()), encoding="utf-8")
    refused(apply_file(tmp_path / "objects.yaml", node="middle"), "middle")


def test_another_node(unchanged, tmp_path):
    """--node names one whose addresses are not here."""
    (tmp_path / "objects.yaml").write_text(lay_out(unchanged.objects()), encoding="utf-8")
    refused(apply_file(tmp_path / "objects.yaml", node="right"), r"objects\.yaml:\d+", "192.168.9.2",
            "right")


def test_unreadable(unchanged, tmp_path):
    """Files that are not there, not readable, or no files."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "dangling.yaml").symlink_to("nowhere")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    for name, message in (("missing.yaml", "No such file"), ("dangling.yaml", "No such file"),
                          ("loop.yaml", "symbolic links"), ("empty", "no .*yaml"),
                          ("missing/file.yaml", "No such file")):
        refused(apply_file(tmp_path / name), re.escape(f"{tmp_path}/{name}: ") + ".*" + message)
    refused(apply_file("/proc/self/mem"), "/proc/self/mem: ")
    refused(apply_file(tmp_path), r"dangling\.yaml", r"loop\.yaml")

    secret = tmp_path / "secret.yaml"
    secret.write_text(lay_out(unchanged.objects()), encoding="utf-8")
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == 0 and str(parent) != "/":
            os.chmod(parent, 0o755 if str(parent) != "/tmp" else 0o1777)
    os.chmod(secret, 0)
    refused(run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", DVPNETCTL, "apply",
                "--node", "left", "-f", str(secret), ns="left", check=False),
            re.escape(str(secret)) + ": Permission denied")


@pytest.mark.parametrize("text", ["", "\n\n", "# a comment\n", "---\n---\n", "   "])
def test_empty(unchanged, tmp_path, text):
    """An empty file is no empty cluster."""
    file = tmp_path / "empty.yaml"
    file.write_text(text, encoding="utf-8")
    refused(apply_file(file), r"empty\.yaml")
    refused(ctl("left", "apply", "--node", "left", "-f", "-", stdin=text, check=False), "input")
    assert unchanged


def test_no_objects(unchanged, tmp_path):
    """Nor are files without any object of ours: the node is not there."""
    file = tmp_path / "pods.yaml"
    file.write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n", encoding="utf-8")
    refused(apply_file(file), "left")
    assert unchanged


def test_huge(unchanged, tmp_path):
    """A file of 100 MB is refused for its size, as is endless input."""
    file = tmp_path / "huge.yaml"
    with open(file, "wb") as handle:
        handle.truncate(100 << 20)
    refused(apply_file(file), r"huge\.yaml: .*64 MiB")
    refused(run("sh", "-c", f"head -c 100000000 /dev/zero | {DVPNETCTL} apply --node left -f -",
                ns="left", check=False, timeout=300), "64 MiB")
    assert unchanged


@pytest.mark.parametrize("data", [
    bytes(4096), b"\x7fELF" + bytes(range(256)) * 16, b"\xff\xfe" + b"k\0i\0n\0d\0:\0",
    b"kind: Node\n\xc3\x28\n", b"\x1f\x8b\x08" + bytes(100), b"kind: \x01\n",
], ids=["zeros", "elf", "utf16", "utf8", "gzip", "control"])
def test_garbage(unchanged, tmp_path, data):
    """What is no text at all."""
    file = tmp_path / "garbage.yaml"
    file.write_bytes(data)
    refused(apply_file(file), r"garbage\.yaml")
    assert unchanged


def test_alias_bomb(unchanged, tmp_path):
    """Aliases that grow to billions of entries are refused before they do."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    file = tmp_path / "bomb.yaml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    refused(apply_file(file, timeout=60), r"bomb\.yaml:\d+")
    deep = "[" * 100000 + "]" * 100000
    file.write_text(f"kind: {deep}\n", encoding="utf-8")
    refused(apply_file(file, timeout=60), r"bomb\.yaml:\d+")
    file.write_text("a: &a\n  b: *a\n", encoding="utf-8")
    refused(apply_file(file, timeout=60), r"bomb\.yaml")
    assert unchanged


@pytest.mark.parametrize("words", [
    ["apply"], ["apply", "--node", "left"], ["apply", "-f", "-"], ["apply", "--nodes", "left"],
    ["apply", "--node", "left", "-f", "-", "--port", "0"],
    ["apply", "--node", "left", "-f", "-", "--port", "65536"],
    ["apply", "--node", "left", "-f", "-", "--vni", "16777216"],
    ["apply", "--node", "left", "-f", "-", "--mode", "gre"],
    ["apply", "--node", "left", "-f", "-", "--nodeport-range", "2-1"],
    ["service", "show", "no/such"], ["flush", "everything"], ["get", "tcp", "1.2.3.4"], ["bogus"],
    ["node", "show", "nobody"], ["get", "tcp", "1.2.3.4:1", "to", "fd00::1:1"],
])
def test_wrong_words(unchanged, words):
    """A wrong command line."""
    refused(ctl("left", *words, stdin="", check=False), r"\S{3}")
    assert unchanged


@pytest.mark.parametrize("key, value, expected", [
    ("mode", "foo", "must be vxlan, classic or auto"),
    ("max-flows", "many", "must be a number from 0 to 4294967295"),
])
def test_wrong_setting(unchanged, key, value, expected):
    """It says what the setting may be."""
    refused(ctl("left", "config", "set", key, value, check=False), f"{key}: .*{expected}")
    assert unchanged
