# SPDX-License-Identifier: GPL-2.0
"""Each allocation of each change fails once: the change is made or refused, never half made."""

import contextlib
import os
import pathlib

import pytest

from lab import ask
from lab.genl import CMD, Genl, Refused, attributes, backend, frontend, node, service, u8, u16, u32
from lab.genl import address
from lab.pair import SERVICE4, Pair
from lab.state import state

FAIL_NTH = pathlib.Path("/proc/thread-self/fail-nth")
DEBUG = pathlib.Path("/sys/kernel/debug")

pytestmark = pytest.mark.skipif(not FAIL_NTH.exists(), reason="kernel without fault injection")

KEY = attributes("NODE", name="n7")
PREFIX = attributes("PREFIX", addr=address("10.9.7.0"), len=u8(24))
SERVICE = attributes("SERVICE", name="some/service:", family=u8(2))
OLD, NEW = node("n7", "192.0.2.7"), node("n7", "192.0.2.8", mode=u32(0))
BACKENDS = [backend(f"10.9.2.{n}", 80) for n in range(1, 41)]

# Changes: what is done before, the change, what takes both back.
CHANGES = {
    "add node": ([], ("NODE_SET", OLD), [("NODE_DEL", KEY)]),
    "change node": ([("NODE_SET", OLD)], ("NODE_SET", NEW), [("NODE_DEL", KEY)]),
    "change local node": ([("NODE_SET", node("left", "192.168.9.1", local=b""))],
                          ("NODE_SET", node("left", None, underlay6=address("fd00:9::1"),
                                            local=b"")), []),
    "remove node": ([("NODE_SET", OLD), ("PREFIX_SET", PREFIX + attributes("PREFIX", node="n7"))],
                    ("NODE_DEL", KEY), []),
    "add prefix": ([], ("PREFIX_SET", PREFIX + attributes("PREFIX", node="right")),
                   [("PREFIX_DEL", PREFIX)]),
    "remove prefix": ([("PREFIX_SET", PREFIX + attributes("PREFIX", node="right"))],
                      ("PREFIX_DEL", PREFIX), []),
    "add service": ([], ("SERVICE_SET", service("some/service:", [frontend("10.99.7.7", 80)],
                                                BACKENDS)), [("SERVICE_DEL", SERVICE)]),
    "change service": ([("SERVICE_SET", service("some/service:", [frontend("10.99.7.7", 80)],
                                                BACKENDS[:2]))],
                       ("SERVICE_SET", service("some/service:", [frontend("10.99.7.8", 81),
                                                                 frontend(None, 31007)],
                                               BACKENDS[1:])), [("SERVICE_DEL", SERVICE)]),
    "retype service": ([("SERVICE_SET", service("some/service:", [frontend("10.99.7.7", 80, 3)]))],
                       ("SERVICE_SET", service("some/service:", [
                           frontend("10.99.7.7", 80, 2), frontend("10.99.7.8", 80, 2),
                           frontend("10.99.7.9", 80, 2)])), [("SERVICE_DEL", SERVICE)]),
    "remove service": ([("SERVICE_SET", service("some/service:", [frontend("10.99.7.7", 80)],
                                                BACKENDS[:2]))], ("SERVICE_DEL", SERVICE), []),
    "change config": ([], ("CONFIG_SET", attributes("CONFIG", port=u16(4299), vni=u32(7),
                                                    mode=u32(1))),
                      [("CONFIG_SET", attributes("CONFIG", port=u16(4298), vni=u32(1),
                                                 mode=u32(0)))]),
}


@pytest.fixture(name="pair", scope="module")
def fixture_pair():
    """Two nodes, configured; allocations of processes that ask for it fail."""
    with Pair() as pair:
        pair.apply()
        saved = {}
        for name in ("failslab/ignore-gfp-wait", "failslab/verbose"):
            saved[name] = (DEBUG / name).read_text(encoding="ascii")
        (DEBUG / "failslab/ignore-gfp-wait").write_text("N", encoding="ascii")
        (DEBUG / "failslab/verbose").write_text("0", encoding="ascii")
        try:
            yield pair
        finally:
            for name, value in saved.items():
                (DEBUG / name).write_text(value, encoding="ascii")


@contextlib.contextmanager
def failing(number):
    """The number-th allocation of this thread fails; gives a list that tells if it came to it."""
    hit = []
    fd = os.open(FAIL_NTH, os.O_RDWR)
    try:
        os.write(fd, str(number).encode())
        try:
            yield hit
        finally:
            left = int(os.pread(fd, 16, 0).rstrip(b"\0\n"))
            os.pwrite(fd, b"0", 0)
            if not left:
                hit.append(number)
    finally:
        os.close(fd)


def attempt(genl, message, number):
    """
    Send a message whose number-th allocation fails. Returns (whether it came to it, what the kernel
    said: True, False or, where that was lost, None).
    """
    said = None
    with contextlib.suppress(OSError), failing(number) as hit:
        genl.send(message)
    try:
        list(genl.answer())
        said = True
    except Refused as refused:
        assert refused.code, refused
        said = False
    except OSError:
        pass        # the answer is what could not be allocated
    return bool(hit), said


def do_all(genl, requests):
    """Requests which succeed."""
    for command, payload in requests:
        genl.request(command, payload)


@pytest.mark.parametrize("name", CHANGES)
def test_change_without_memory(pair, name):
    """The state is the old one or the new one, and what the kernel said is so."""
    before, (command, payload), back = CHANGES[name]
    with Genl("left", timeout=2) as genl:
        do_all(genl, before)
        old = state("left")
        genl.request(command, payload)
        new = state("left")
        assert new != old
        do_all(genl, [*back, *before])
        assert state("left") == old
        refusals = 0
        for number in range(1, 1000):
            message = genl.pack(CMD[command], payload)
            hit, said = attempt(genl, message, number)
            now = state("left")
            assert now in (old, new), f"half made when allocation {number} failed"
            if said is not None:
                assert now == (new if said else old), f"allocation {number}: said {said}"
            refusals += said is False
            if now == new:
                do_all(genl, [*back, *before])
                assert state("left") == old
            if not hit:
                break
        print(f"{name}: {number} allocations, {refusals} refusals")
        assert number > 1 and said is True
        with contextlib.suppress(Refused):
            do_all(genl, back or [(command, payload)])
    pair.apply()
    for kind in ("tcp", "udp"):
        assert ask("left-pod", SERVICE4, 7, kind).server
