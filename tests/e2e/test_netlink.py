# SPDX-License-Identifier: GPL-2.0
"""The netlink family: wrong requests, wrong people, syncs, long answers."""

import contextlib
import ctypes
import errno
import os
import socket
import struct

import pytest

from lab import ip, netns
from lab.echo import open_socket
from lab.genl import (ATTR, CMD, DUMPS, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, READS, WRITES,
                      Genl, Refused, address, attribute, attributes, backend, frontend, node, parse,
                      ranges, service, text_of, u8, u16, u32)
from lab.state import state

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
GROUPS = {name: name.split("_")[0] for name in (*WRITES, *READS, *DUMPS)}


@pytest.fixture(scope="module", autouse=True)
def configured(cluster):
    """The real objects on all nodes, to be disturbed or not."""
    cluster.apply_files()


@pytest.fixture
def genl():
    """A socket in n1."""
    with Genl("n1") as sock:
        yield sock


@pytest.fixture
def empty():
    """A namespace with a device and nothing in it; its name."""
    ip("netns add empty")
    ip("link set lo up", "link add dvp0 up type dvpnet", ns="empty")
    yield "empty"
    ip("netns del empty")


def code_of(genl, command, payload=b""):
    """The error that a request is refused with, which has a text unless the kernel's core says it."""
    with pytest.raises(Refused) as refusal:
        genl.request(command, payload)
    assert refusal.value.message or refusal.value.code in (errno.EOPNOTSUPP, errno.EPERM)
    return refusal.value.code


# ---- wrong requests ----

def test_unknown_attributes(genl):
    """An attribute that nobody knows is refused, by each command that takes attributes."""
    for command in WRITES + ["NODE_GET", "SERVICE_GET", "ROUTE_GET"]:
        assert code_of(genl, command, attribute(99, u32(1))) == errno.EINVAL, command


def test_unknown_commands(genl):
    """Commands that are none."""
    for command in (0, CMD["CONFIG_NTF"], CMD["NODE_DEL_NTF"], max(CMD.values()) + 1, 255):
        assert code_of(genl, command) == errno.EOPNOTSUPP


def test_missing_attributes(genl):
    """Requests without what they are about."""
    for command in ("NODE_GET", "NODE_SET", "NODE_DEL", "PREFIX_SET", "PREFIX_DEL", "SERVICE_GET",
                    "SERVICE_SET", "SERVICE_DEL", "ROUTE_GET", "FLOW_NEW", "SYNC_COMMIT",
                    "SYNC_ABORT"):
        assert code_of(genl, command) == errno.EINVAL, command


def test_truncated(genl):
    """Each attribute of each write, too short."""
    for command in WRITES:
        for number in ATTR[GROUPS[command]].values():
            if command == "SERVICE_SET" and number == ATTR["SERVICE"]["MORE"] or \
               command == "NODE_SET" and number == ATTR["NODE"]["LOCAL"]:
                continue    # flags are empty
            assert code_of(genl, command, attribute(number)) in (errno.EINVAL, errno.ERANGE)
            # An attribute that claims to be longer than the message is.
            with pytest.raises(Refused):
                genl.request(command, struct.pack("=HH", 400, number) + bytes(4))


WRONG = {
    "mode": ("CONFIG_SET", attributes("CONFIG", mode=u32(3))),
    "vni": ("CONFIG_SET", attributes("CONFIG", vni=u32(1 << 24))),
    "port 0": ("CONFIG_SET", attributes("CONFIG", port=u16(0))),
    "flag": ("CONFIG_SET", attributes("CONFIG", udp_csum=u8(2))),
    "max_flows": ("CONFIG_SET", attributes("CONFIG", max_flows=u32(15))),
    "timeout": ("CONFIG_SET", attributes("CONFIG", timeout_udp_new=u32(0))),
    "range": ("CONFIG_SET", attributes("CONFIG", nodeport_min=u16(9), nodeport_max=u16(8))),
    "read only": ("CONFIG_SET", attributes("CONFIG", generation=u32(1))),
    "switch": ("CONFIG_SET", attributes("CONFIG", vip_echo=u8(2))),
    "ranges bits": ("CONFIG_SET", ranges(("10.1.0.1", 24, 0))),
    "ranges length": ("CONFIG_SET", ranges(("10.1.0.0", 33, 0))),
    "ranges address": ("CONFIG_SET", attributes("CONFIG", ranges=[attributes("RANGES", range=[
        attributes("RANGE", addr=bytes(5), len=u8(24), kind=u32(0))])])),
    "ranges kind": ("CONFIG_SET", ranges(("10.1.0.0", 24, 2))),
    "ranges without kind": ("CONFIG_SET", ranges(("10.1.0.0", 24, None))),
    "ranges twice": ("CONFIG_SET", ranges(("10.1.0.0", 24, 0), ("10.2.0.0", 24, 0),
                                          ("10.1.0.0", 24, 1))),
    "ranges too many": ("CONFIG_SET", ranges(*((f"10.1.{i // 256}.{i % 256}", 32, 0)
                                               for i in range(257)))),
    "ranges empty": ("CONFIG_SET", attributes("CONFIG", ranges=[attributes("RANGES", range=[])])),
    "secret": ("CONFIG_SET", attributes("CONFIG", secret=bytes(15))),
    "node without address": ("NODE_SET", node("x", None)),
    "node without name": ("NODE_SET", node("")),
    "node name too long": ("NODE_SET", node("x" * 512)),
    "node name without end": ("NODE_SET", node(b"abc")),
    "node multicast": ("NODE_SET", node("x", "224.0.0.1")),
    "node loopback": ("NODE_SET", node("x", "127.0.0.1")),
    "node multicast mac": ("NODE_SET", node("x", mac=b"\1\0\0\0\0\1")),
    "node of another's address": ("NODE_SET", node("x", "192.168.1.12")),
    "node mode": ("NODE_SET", node("x", mode=u32(3))),
    "prefix length": ("PREFIX_SET", attributes("PREFIX", addr=address("10.1.0.0"), len=u8(33),
                                               node="n2")),
    "prefix bits": ("PREFIX_SET", attributes("PREFIX", addr=address("10.1.0.1"), len=u8(24),
                                             node="n2")),
    "prefix address": ("PREFIX_SET", attributes("PREFIX", addr=bytes(5), len=u8(24), node="n2")),
    "prefix mapped": ("PREFIX_SET", attributes("PREFIX", addr=address("::ffff:10.1.0.0"),
                                               len=u8(120), node="n2")),
    "service family": ("SERVICE_SET", service("x", family=3)),
    "service protocol": ("SERVICE_SET", service("x", proto=47)),
    "service without name": ("SERVICE_SET", service("")),
    "frontend family": ("SERVICE_SET", service("x", [frontend("fd00::1", 80)])),
    "frontend port": ("SERVICE_SET", service("x", [frontend("10.9.9.9", 0)])),
    "frontend twice": ("SERVICE_SET", service("x", [frontend("10.9.9.9", 80)] * 2)),
    "frontend type": ("SERVICE_SET", service("x", [frontend("10.9.9.9", 80, 4)])),
    "frontend unspecified": ("SERVICE_SET", service("x", [frontend("0.0.0.0", 80)])),
    "frontend unspecified in IPv6": ("SERVICE_SET", service("x", [frontend("::", 80)], family=10)),
    "frontend under two types": ("SERVICE_SET", service("x", [frontend("10.9.9.9", 80),
                                                              frontend("10.9.9.9", 80, 3)])),
    "NodePort with address": ("SERVICE_SET", service("x", [frontend("10.9.9.9", 80, 1)])),
    "affinity": ("SERVICE_SET", service("x", affinity=86401)),
    "algorithm": ("SERVICE_SET", service("x", algorithm=3)),
    "cluster-why": ("SERVICE_SET", service("x", cluster_why=4)),
    "local-why": ("SERVICE_SET", service("x", local_why=4)),
    "service flags": ("SERVICE_SET", service("x", flags=8)),
    "source family": ("SERVICE_SET", service("x", sources=[("fd00::", 16)])),
    "source bits": ("SERVICE_SET", service("x", sources=[("10.1.0.1", 16)])),
    "source length": ("SERVICE_SET", service("x", sources=[("10.1.0.0", 33)])),
    "source kind": ("SERVICE_SET", service("x", sources=[("10.1.0.0", 16, 0)])),
    "source twice": ("SERVICE_SET", service("x", sources=[("10.1.0.0", 16)] * 2)),
    "source without length": ("SERVICE_SET", service("x", sources=[("10.1.0.0", None)])),
    "sources too many": ("SERVICE_SET", service("x", sources=[
        (f"10.1.{i // 256}.{i % 256}", 32) for i in range(257)])),
    "backend weight 0": ("SERVICE_SET", service("x", [], [backend("10.9.9.9", 80, weight=0)])),
    "backend weight": ("SERVICE_SET", service("x", [], [backend("10.9.9.9", 80, weight=101)])),
    "frontend without address": ("SERVICE_SET", service("x", [[attributes(
        "FRONTEND", type=u32(0), port=u16(80))]])),
    "backend family": ("SERVICE_SET", service("x", [], [backend("fd00::1", 80)])),
    "backend port": ("SERVICE_SET", service("x", [], [backend("10.9.9.9", 0)])),
    "backend flags": ("SERVICE_SET", service("x", [], [backend("10.9.9.9", 80, 32)])),
    "backend empty": ("SERVICE_SET", service("x", [], [[]])),
    "flush address": ("FLOW_FLUSH", attributes("FLOW", client=bytes(7))),
    "route families": ("ROUTE_GET", attributes("ROUTE", proto=u8(6), src=address("10.1.1.1"),
                                               dst=address("fd00::1"))),
    "sync mode": ("SYNC_BEGIN", attributes("SYNC", mode=u32(2))),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_values(genl, case):
    """What is out of range, of the wrong family, or contradicts itself: a text, and no change."""
    generation = genl.generation()
    command, payload = WRONG[case]
    assert code_of(genl, command, payload) in (errno.EINVAL, errno.ERANGE, errno.EEXIST,
                                               errno.E2BIG)
    assert genl.generation() == generation


def test_no_such_object(genl):
    """Names that nobody has."""
    for command, payload in (
            ("NODE_GET", attributes("NODE", name="n9")), ("NODE_DEL", attributes("NODE", name="n9")),
            ("SERVICE_GET", attributes("SERVICE", name="x", family=u8(2))),
            ("SERVICE_DEL", attributes("SERVICE", name="x", family=u8(2))),
            ("PREFIX_SET", attributes("PREFIX", addr=address("10.1.0.0"), len=u8(24), node="n9")),
            ("PREFIX_DEL", attributes("PREFIX", addr=address("10.1.0.0"), len=u8(24))),
            ("SYNC_COMMIT", attributes("SYNC", token=u32(1))),
            ("SYNC_ABORT", attributes("SYNC", token=u32(1)))):
        assert code_of(genl, command, payload) == errno.ENOENT, command


def test_no_device():
    """In a namespace without a device everything is refused with the reason."""
    with Genl("lan") as genl:
        for command in WRITES + READS:
            if command in ("CONFIG_GET", "CONFIG_SET", "STATS_GET", "FLOW_FLUSH", "SYNC_BEGIN"):
                assert code_of(genl, command) == errno.ENODEV
        for command in DUMPS:
            with pytest.raises(Refused, match="no dvpnet device") as refusal:
                genl.dump(command)
            assert refusal.value.code == errno.ENODEV


def right_messages():
    """One of each kind that the kernel would take."""
    return [
        (CMD["CONFIG_SET"], attributes("CONFIG", mode=u32(2), vni=u32(7), max_flows=u32(1000))),
        (CMD["NODE_SET"], node("m1", "192.0.2.7", tunnel4=address("10.66.0.1"), mode=u32(0))),
        (CMD["NODE_SET"], node("m2", "192.0.2.8", local=b"")),
        (CMD["NODE_DEL"], attributes("NODE", name="m1")),
        (CMD["PREFIX_SET"], attributes("PREFIX", addr=address("10.66.0.0"), len=u8(24), node="m1")),
        (CMD["PREFIX_DEL"], attributes("PREFIX", addr=address("10.66.0.0"), len=u8(24))),
        (CMD["SERVICE_SET"], service("s", [frontend("10.77.0.1", 80), frontend(None, 31000)],
                                     [backend("10.66.0.2", 80), backend("10.66.0.3", 80)])),
        (CMD["FLOW_NEW"], attributes(
            "FLOW", proto=u8(6), client=address("10.66.0.9"), client_port=u16(9),
            frontend=address("10.77.0.1"), frontend_port=u16(80), backend=address("10.66.0.2"),
            backend_port=u16(80), source_port=u16(9), state=u32(1), expires=u32(9))),
        (CMD["SERVICE_SET"], service("s", more=True)),
        (CMD["SERVICE_DEL"], attributes("SERVICE", name="s", family=u8(2))),
        (CMD["SERVICE_GET"], attributes("SERVICE", name="s", family=u8(2))),
        (CMD["NODE_GET"], attributes("NODE", name="m1")),
        (CMD["FLOW_FLUSH"], attributes("FLOW", client=address("10.66.0.2"), client_port=u16(9))),
        (CMD["ROUTE_GET"], attributes("ROUTE", proto=u8(6), src=address("10.66.0.2"), sport=u16(9),
                                      dst=address("10.77.0.1"), dport=u16(80))),
        (CMD["SYNC_BEGIN"], attributes("SYNC", mode=u32(1))),
        (CMD["SYNC_COMMIT"], attributes("SYNC", token=u32(1))),
        (CMD["SYNC_ABORT"], attributes("SYNC", token=u32(1))),
    ]


# ---- the local node ----

def is_bound(ns, addr, port=4298):
    """Has somebody this UDP port at this address?"""
    with netns(ns), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((addr, port))
        except OSError as error:
            assert error.errno == errno.EADDRINUSE
            return True
    return False


def test_port_is_taken(empty):
    """A local node whose VXLAN port somebody else has is refused, as often as it is sent."""
    ip("address add 192.0.2.1/32 dev lo", "address add 192.0.2.2/32 dev lo", ns=empty)
    first, second = (node("m1", f"192.0.2.{number}", local=b"") for number in (1, 2))
    with Genl(empty) as genl:
        with netns(empty), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("192.0.2.1", 4298))
            generation = genl.generation()
            for _ in range(2):
                assert code_of(genl, "NODE_SET", first) == errno.EADDRINUSE
                assert genl.names("NODE") == set() and genl.generation() == generation
        genl.request("NODE_SET", first)
        assert is_bound(empty, "192.0.2.1")

        old = state(empty)
        with netns(empty), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("192.0.2.2", 4298))
            for _ in range(2):
                assert code_of(genl, "NODE_SET", second) == errno.EADDRINUSE
                assert state(empty) == old and is_bound(empty, "192.0.2.1")
        genl.request("NODE_SET", second)
        assert is_bound(empty, "192.0.2.2") and not is_bound(empty, "192.0.2.1")


@pytest.mark.parametrize("how", ["set", "del", "sync", "taken over"])
def test_port_is_given_back(empty, how):
    """Without a local node nobody has the VXLAN port."""
    ip("address add 192.0.2.1/32 dev lo", ns=empty)
    with Genl(empty) as genl:
        genl.request("NODE_SET", node("m1", "192.0.2.1", local=b""))
        assert is_bound(empty, "192.0.2.1")
        if how == "set":
            genl.request("NODE_SET", node("m1", "192.0.2.1"))
        elif how == "del":
            genl.request("NODE_DEL", attributes("NODE", name="m1"))
        else:
            token = genl.begin(1)
            if how == "taken over":
                genl.request("NODE_SET", node("m2", "192.0.2.1"))
            genl.commit(token)
        assert not is_bound(empty, "192.0.2.1")


# ---- people ----

def in_child(function):
    """Run it in a child process; returns the text that it returns."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            result = function()
        except BaseException as error:  # pylint: disable=broad-except
            result = f"{type(error).__name__}: {error}"
        os.write(writer, result.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        result = file.read()
    os.waitpid(child, 0)
    return result


def try_all(genl):
    """What a socket's owner may do: names of writes with their error, and whether reads work."""
    refused = set()
    for command, payload in right_messages():
        name = next(n for n, number in CMD.items() if number == command)
        if name not in WRITES:
            continue
        try:
            genl.request(command, payload)
            refused.add("none")
        except Refused as refusal:
            refused.add(errno.errorcode[refusal.code])
    reads = bool(genl.dump("SERVICE_GET") and genl.dump("NODE_GET") and genl.dump("PREFIX_GET") and
                 genl.request("CONFIG_GET") and genl.request("STATS_GET"))
    genl.dump("FLOW_GET")
    return f"{','.join(sorted(refused))} reads={reads}"


def test_unprivileged():
    """Somebody without CAP_NET_ADMIN may read, and write nothing."""
    with Genl("n1") as before:
        generation = before.generation()

    def as_nobody():
        # The socket's opener counts, too, so it is to be opened late; but into the namespace first.
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/run/netns/n1", encoding="ascii") as file:
            assert not libc.setns(file.fileno(), CLONE_NEWNET)
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        with Genl() as genl:
            return try_all(genl)

    assert in_child(as_nobody) == "EPERM reads=True"
    with Genl("n1") as after:
        assert after.generation() == generation


def test_other_user_namespace():
    """All capabilities, but of another user namespace, do not allow to write."""
    def as_container():
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/run/netns/n1", encoding="ascii") as file:
            assert not libc.setns(file.fileno(), CLONE_NEWNET)
        assert not libc.unshare(CLONE_NEWUSER), os.strerror(ctypes.get_errno())
        with Genl() as genl:
            return try_all(genl)

    assert in_child(as_container) == "EPERM reads=True"


def test_max_flows(empty):
    """Root of another user namespace has a new device's flows, and no more; the host's has what it likes."""
    def as_container():
        libc = ctypes.CDLL(None, use_errno=True)
        assert not libc.unshare(CLONE_NEWUSER | CLONE_NEWNET), os.strerror(ctypes.get_errno())
        with open("/proc/self/uid_map", "w", encoding="ascii") as file:
            file.write("0 0 1")
        ip("link add dvp0 type dvpnet")
        with Genl() as genl:
            for flows in (1000, 512 * 1024):
                genl.request("CONFIG_SET", attributes("CONFIG", max_flows=u32(flows)))
            try:
                genl.request("CONFIG_SET", attributes("CONFIG", max_flows=u32(512 * 1024 + 1)))
            except Refused as refusal:
                left, = struct.unpack("=I", genl.request("CONFIG_GET")[0].get(
                    ATTR["CONFIG"]["MAX_FLOWS"]))
                return f"{errno.errorcode[refusal.code]} {refusal.message} {left}"
        return "done"

    assert in_child(as_container) == \
        "EPERM dvpnet: only the host's administrator may raise max-flows above 524288 524288"
    with Genl(empty) as genl:
        genl.request("CONFIG_SET", attributes("CONFIG", max_flows=u32(16 << 20)))


# ---- syncs ----

def test_sync_is_exclusive(empty):
    """While a sync is open no other socket writes or opens one; reading is free to all."""
    with Genl(empty) as first, Genl(empty) as second:
        token = first.begin()
        for command, payload in right_messages():
            name = next(n for n, number in CMD.items() if number == command)
            if name.endswith(("_SET", "_DEL", "_BEGIN")):
                assert code_of(second, command, payload) == errno.EBUSY, name
        assert code_of(second, "SYNC_COMMIT", attributes("SYNC", token=u32(token))) == errno.ENOENT
        assert code_of(second, "SYNC_ABORT", attributes("SYNC", token=u32(token))) == errno.ENOENT
        assert code_of(first, "SYNC_BEGIN") == errno.EBUSY
        assert second.names("SERVICE") == set()
        first.request("NODE_SET", node("m1"))
        assert second.names("NODE") == {"m1"}
        assert code_of(first, "SYNC_COMMIT", attributes("SYNC", token=u32(token + 1))) == errno.EINVAL
        first.commit(token)
        second.request("NODE_SET", node("m2", "192.0.2.2"))
        assert code_of(first, "SYNC_COMMIT", attributes("SYNC", token=u32(token))) == errno.ENOENT


def fill(genl):
    """Two of each kind."""
    for number in (1, 2):
        genl.request("NODE_SET", node(f"m{number}", f"192.0.2.{number}"))
        genl.request("PREFIX_SET", attributes("PREFIX", addr=address(f"10.{number}.0.0"), len=u8(16),
                                              node=f"m{number}"))
        genl.request("SERVICE_SET", service(f"s{number}", [frontend("10.9.0.1", number)],
                                            [backend("10.1.0.1", 80)]))


def keep_one(genl):
    """Stamp one of each kind."""
    genl.request("NODE_SET", node("m1", "192.0.2.1"))
    genl.request("PREFIX_SET", attributes("PREFIX", addr=address("10.1.0.0"), len=u8(16), node="m1"))
    genl.request("SERVICE_SET", service("s1", [frontend("10.9.0.1", 1)], [backend("10.1.0.1", 80)]))


def contents(genl):
    """Names of all there is."""
    return genl.names("NODE") | genl.names("SERVICE") | \
        {socket.inet_ntoa(m.get(ATTR["PREFIX"]["ADDR"])) for m in genl.dump("PREFIX_GET")}


def test_rivals(empty):
    """
    In a sync that replaces all, a node may take what nodes have that are about to be swept, of whose end
    everybody is told; unless it also claims what another has, then nothing happens.
    """
    with Genl(empty) as genl, Genl(empty) as listener:
        fill(genl)
        listener.subscribe()
        token = genl.begin(1)
        genl.request("NODE_SET", node("m3", None, underlay6=address("fd00::3")))
        assert code_of(genl, "NODE_SET", node("m4", "192.0.2.1", underlay6=address("fd00::3"))) == \
            errno.EEXIST
        assert genl.names("NODE") == {"m1", "m2", "m3"}
        assert listener.events() == ["NODE_NTF"]
        genl.request("NODE_SET", node("m4", "192.0.2.1"))
        assert genl.names("NODE") == {"m2", "m3", "m4"}
        assert sorted(listener.events()) == ["NODE_DEL_NTF", "NODE_NTF", "PREFIX_DEL_NTF"]
        genl.abort(token)
        assert contents(genl) == {"m2", "m3", "m4", "s1", "s2", "10.2.0.0"}
        genl.request("NODE_DEL", attributes("NODE", name="m2"))
        assert sorted(listener.events()) == ["NODE_DEL_NTF", "PREFIX_DEL_NTF"]


ONE, BOTH = {"m1", "s1", "10.1.0.0"}, {"m1", "s1", "10.1.0.0", "m2", "s2", "10.2.0.0"}


def test_replace_sweeps(empty):
    """Commit of a replacing sync removes what it has not named, and tells of just that."""
    with Genl(empty) as genl, Genl(empty) as listener:
        fill(genl)
        generation = genl.generation()
        listener.subscribe()
        token = genl.begin(1)
        keep_one(genl)
        assert contents(genl) == BOTH and listener.events() == []
        assert genl.commit(token) == generation + 1
        assert contents(genl) == ONE
        assert sorted(listener.events()) == ["NODE_DEL_NTF", "PREFIX_DEL_NTF", "SERVICE_DEL_NTF"]
        # Once more changes nothing.
        token = genl.begin(1)
        keep_one(genl)
        assert genl.commit(token) == generation + 1
        assert listener.events() == []


@pytest.mark.parametrize("end", ["abort", "dead socket", "patch"])
def test_nothing_swept(empty, end):
    """Neither abort, nor a socket's death, nor the commit of a patch sweeps anything."""
    with Genl(empty) as other:
        fill(other)
        with Genl(empty) as genl:
            token = genl.begin(0 if end == "patch" else 1)
            keep_one(genl)
            genl.request("NODE_SET", node("m3", "192.0.2.3"))
            if end == "abort":
                genl.abort(token)
            elif end == "patch":
                genl.commit(token)
        assert contents(other) == BOTH | {"m3"}
        other.commit(other.begin())


def test_many_backends(empty):
    """A service of 5000 backends takes several messages, and effect with the last; so does reading."""
    wanted = {(f"10.1.{i >> 8}.{i & 255}", 80) for i in range(5000)}
    order = sorted(wanted)
    with Genl(empty) as genl, Genl(empty) as other:
        other.subscribe()
        for start in range(0, 5000, 500):
            if start == 500:
                assert genl.names("SERVICE") == set()
                # Half-sent, nobody else's, and not to be forgotten.
                assert code_of(other, "SERVICE_SET", service("large")) == errno.EBUSY
                assert code_of(genl, "SERVICE_SET", service("small")) == errno.EBUSY
            genl.request("SERVICE_SET", service(
                "large", [frontend("10.9.0.1", 80)] if not start else [],
                [backend(*member) for member in order[start:start + 500]], more=start < 4500))
        assert other.events() == ["SERVICE_NTF"]
        messages = genl.dump("SERVICE_GET")
    numbers = ATTR["BACKEND"]
    seen = [dict(parse(data)) for m in messages for data in m.all(ATTR["SERVICE"]["BACKEND"])]
    seen = [(socket.inet_ntoa(b[numbers["ADDR"]]), struct.unpack("=H", b[numbers["PORT"]])[0])
            for b in seen]
    assert len(seen) == 5000 and set(seen) == wanted
    assert [m.get(ATTR["SERVICE"]["MORE"]) is not None for m in messages] == \
        [True] * (len(messages) - 1) + [False]


def test_many_frontends(empty):
    """
    A service has 256 frontends at most, in however many messages: they can be read, and what stands
    behind it, also in the pages of 16 KB in which libnl reads.
    """
    full = [frontend(f"fd00:8::{i + 1:x}", 80) for i in range(256)]
    with Genl(empty, page=1 << 14) as genl:
        genl.request("SERVICE_SET", service("a", full, family=socket.AF_INET6))
        genl.request("SERVICE_SET", service("b", [frontend("10.8.0.2", 80)]))
        genl.request("SERVICE_SET", service("c", [frontend("10.8.0.3", i + 1) for i in range(256)],
                                            more=True))
        with pytest.raises(Refused, match="more than 256 frontends") as refusal:
            genl.request("SERVICE_SET", service("c", [frontend("10.8.0.4", i + 1)
                                                      for i in range(1044)]))
        assert refusal.value.code == errno.E2BIG
        messages = genl.dump("SERVICE_GET")
        assert sum(len(m.all(ATTR["SERVICE"]["FRONTEND"])) for m in messages) == 257
        assert genl.names("SERVICE") == {"a", "b"}
        whole, = genl.request("SERVICE_GET", attributes("SERVICE", name="a", family=u8(10)))
        assert len(whole.all(ATTR["SERVICE"]["FRONTEND"])) == 256
    # Where a message has no room for them, this is not passed over.
    with Genl(empty, page=4096) as genl:
        with pytest.raises(Refused, match="too large for a message") as refusal:
            genl.dump("SERVICE_GET")
        assert refusal.value.code == errno.EMSGSIZE


def test_frontend_changes_type(empty):
    """To be another type at the same place is a change, of which listeners hear once."""
    with Genl(empty) as genl, Genl(empty) as other:
        genl.request("SERVICE_SET", service("s", [frontend("10.8.0.1", 80, 3)]))
        before = genl.generation()
        other.subscribe()
        for _ in range(2):
            genl.request("SERVICE_SET", service("s", [frontend("10.8.0.1", 80, 2)]))
        assert other.events() == ["SERVICE_NTF"]
        assert genl.generation() == before + 1
        data, = genl.dump("SERVICE_GET")[0].all(ATTR["SERVICE"]["FRONTEND"])
        assert dict(parse(data))[ATTR["FRONTEND"]["TYPE"]] == u32(2)


def test_refused_claim(empty):
    """A service that is refused takes no place from those that a sync is about to sweep."""
    with Genl(empty) as genl:
        genl.request("SERVICE_SET", service("old", [frontend("10.8.0.1", 80)]))
        genl.request("SERVICE_SET", service("kept", [frontend("10.8.0.2", 80)]))
        token = genl.begin(mode=1)
        genl.request("SERVICE_SET", service("kept", [frontend("10.8.0.2", 80)]))
        assert code_of(genl, "SERVICE_SET", service("new", [
            frontend("10.8.0.1", 80), frontend("10.8.0.2", 80)])) == errno.EEXIST
        genl.abort(token)
        assert [len(m.all(ATTR["SERVICE"]["FRONTEND"])) for m in genl.dump("SERVICE_GET")] == [1, 1]


def test_abandoned_draft(empty):
    """A half-sent service goes with its socket, and its sync does not commit."""
    with Genl(empty) as other:
        with Genl(empty) as genl:
            token = genl.begin()
            genl.request("SERVICE_SET", service("half", more=True))
            assert code_of(genl, "SYNC_COMMIT", attributes("SYNC", token=u32(token))) == errno.EINVAL
        other.request("SERVICE_SET", service("half"))
        with Genl(empty) as genl:
            token = genl.begin()
            genl.request("SERVICE_SET", service("other", more=True))
            genl.abort(token)
            genl.request("SERVICE_SET", service("third"))
        assert other.names("SERVICE") == {"half", "third"}


# ---- dumps ----

def test_long_dumps(empty):
    """Dumps of many pages are complete, each object once."""
    with Genl(empty) as genl:
        for number in range(1, 1001):
            genl.request("NODE_SET", node(f"m{number}", f"10.200.{number >> 8}.{number & 255}"))
            genl.request("PREFIX_SET", attributes(
                "PREFIX", addr=address(f"10.{100 + (number >> 8)}.{number & 255}.0"), len=u8(24),
                node=f"m{number}"))
            genl.request("SERVICE_SET", service(f"s{number}", [frontend("10.9.0.1", number)]))
        for group, letter in (("NODE", "m"), ("SERVICE", "s")):
            names = [text_of(m.get(ATTR[group]["NAME"])) for m in genl.dump(f"{group}_GET")]
            assert len(names) == 1000 and set(names) == {f"{letter}{i}" for i in range(1, 1001)}
        prefixes = [m.get(ATTR["PREFIX"]["ADDR"]) for m in genl.dump("PREFIX_GET")]
        assert len(prefixes) == len(set(prefixes)) == 1000


@pytest.mark.parametrize("group", ["NODE", "PREFIX", "SERVICE"])
def test_interrupted_dump(empty, group):
    """A reader is told when the state has changed below its dump, and only then."""
    # Of several pages one is ready before the reader has come to it.
    with Genl(empty, page=8192) as genl, Genl(empty) as writer:
        for number in range(1, 1001):
            writer.request("NODE_SET", node(f"m{number}", f"10.200.{number >> 8}.{number & 255}"))
            writer.request("PREFIX_SET", attributes(
                "PREFIX", addr=address(f"10.{100 + (number >> 8)}.{number & 255}.0"), len=u8(24),
                node=f"m{number}"))
            writer.request("SERVICE_SET", service(f"s{number}", [frontend("10.9.0.1", number)]))
        assert not any(m.flags & NLM_F_DUMP_INTR for m in genl.dump(f"{group}_GET"))
        genl.send(genl.pack(CMD[f"{group}_GET"], flags=NLM_F_REQUEST | NLM_F_DUMP))
        answer = genl.answer()
        next(answer)
        writer.request("SERVICE_SET", service("another"))
        assert any(m.flags & NLM_F_DUMP_INTR for m in answer)


def test_flow_dump_while_flows_change(genl):
    """Flows are dumped while others come and go: those that last are there, each once."""
    with contextlib.ExitStack() as stack:
        lasting = set()
        for _ in range(100):
            sock = stack.enter_context(_udp())
            sock.send(b"x")
            sock.recv(1000)
            lasting.add(sock.getsockname()[1])
        for _ in range(20):
            for _ in range(20):
                with _udp() as sock:
                    sock.send(b"x")
            # A table that is resized meanwhile is walked from its begin again.
            for _ in range(3):
                ports = [port for port in _flow_ports(genl) if port in lasting]
                assert lasting == set(ports)
                if len(ports) == len(lasting):
                    break
            assert len(ports) == len(lasting)


def _flow_ports(genl):
    """The client's port of each flow to the Service of _udp()."""
    return [struct.unpack("=H", m.get(ATTR["FLOW"]["CLIENT_PORT"]))[0]
            for m in genl.dump("FLOW_GET")
            if socket.inet_ntoa(m.get(ATTR["FLOW"]["FRONTEND"])[:4]) == "10.222.0.53"]


def _udp():
    return open_socket("client-n1", "udp", "10.222.0.53", 53)
