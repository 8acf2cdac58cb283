# SPDX-License-Identifier: GPL-2.0
"""Requests without any sense, by root: the kernel refuses them or not, and goes on."""

import os
import random
import struct
import time

import pytest

from lab import ask, ip
from lab.genl import ATTR, CMD, NLM_F_REQUEST, Genl, attribute, attributes, backend, frontend
from lab.genl import node, service, u8, u16, u32, address
from lab.pair import SERVICE4, SERVICE6, Pair

COUNT = 100_000
BATCH = 50


@pytest.fixture(name="pair")
def fixture_pair():
    """Two nodes, configured."""
    with Pair() as pair:
        pair.apply()
        yield pair


class Fuzzer:
    """Random messages, the same ones for the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.valid = [
            (CMD["CONFIG_SET"], attributes("CONFIG", vni=u32(9), port=u16(4299), mode=u32(2))),
            (CMD["NODE_SET"], node("right", "192.168.9.2")),
            (CMD["NODE_SET"], node("n7", "192.0.2.7", mode=u32(1))),
            (CMD["NODE_DEL"], attributes("NODE", name="n7")),
            (CMD["PREFIX_SET"], attributes("PREFIX", addr=address("10.9.7.0"), len=u8(24),
                                           node="n7")),
            (CMD["PREFIX_DEL"], attributes("PREFIX", addr=address("10.9.7.0"), len=u8(24))),
            (CMD["SERVICE_SET"], service("a/b:", [frontend("10.99.7.7", 80), frontend(None, 31007)],
                                         [backend(f"10.9.2.{n}", 80) for n in range(20)])),
            (CMD["SERVICE_SET"], service("a/b:", [], [backend("10.9.2.77", 80)], more=True)),
            (CMD["SERVICE_DEL"], attributes("SERVICE", name="a/b:", family=u8(2))),
            (CMD["FLOW_FLUSH"], attributes("FLOW", proto=u8(6), client=address("10.9.1.10"))),
            (CMD["FLOW_NEW"], attributes(
                "FLOW", proto=u8(6), client=address("10.9.1.10"), client_port=u16(1),
                frontend=address(SERVICE4), frontend_port=u16(7), backend=address("10.9.2.10"),
                backend_port=u16(7), source_port=u16(1), state=u32(1), flags=u32(0),
                expires=u32(9))),
            (CMD["ROUTE_GET"], attributes("ROUTE", proto=u8(6), src=address("10.9.1.10"),
                                          sport=u16(1), dst=address(SERVICE4), dport=u16(7))),
            (CMD["SYNC_BEGIN"], attributes("SYNC", mode=u32(1))),
            (CMD["SYNC_COMMIT"], attributes("SYNC", token=u32(1))),
            (CMD["SYNC_ABORT"], attributes("SYNC", token=u32(2))),
        ]

    def value(self):
        """An attribute's data."""
        choose = self.random.choice
        return choose([
            lambda: b"", lambda: u8(choose([0, 1, 2, 6, 10, 17, 32, 128, 255])),
            lambda: u16(choose([0, 1, 80, 4298, 65535])),
            lambda: u32(choose([0, 1, 2, 16, 0xffffff, 0xffffffff])),
            lambda: choose(["left", "right", "n7", "a/b:", "", "x" * 511, "x" * 512]),
            lambda: address(choose(["10.9.1.0", "10.9.2.10", "0.0.0.0", "fd00::1", "::", "::1",
                                    "224.0.0.1", "::ffff:1.2.3.4"])),
            lambda: self.random.randbytes(self.random.randrange(40)),
            lambda: [self.attribute("FRONTEND"), self.attribute("BACKEND")],
        ])()

    def attribute(self, group):
        """An attribute of a set, or of none."""
        kinds = [*ATTR[group].values(), 0, 99]
        return attribute(self.random.choice(kinds), self.value())

    def payload(self):
        """A command and its attributes."""
        kind = self.random.randrange(4)
        if kind == 0:
            return self.random.randrange(30), self.random.randbytes(self.random.randrange(200))
        if kind == 1:
            name = self.random.choice(list(CMD))
            group = name.split("_", maxsplit=1)[0]
            return CMD[name], b"".join(self.attribute(group if group in ATTR else "NODE")
                                       for _ in range(self.random.randrange(8)))
        command, data = self.random.choice(self.valid)
        data = bytearray(data)
        for _ in range(self.random.randrange(4) if data else 0):
            place = self.random.randrange(len(data))
            data[place] = self.random.choice([0, 1, 4, 0xff, self.random.randrange(256)])
        if kind == 2:
            del data[self.random.randrange(len(data) + 1):]
        return command, bytes(data)

    def message(self, genl):
        """A whole message."""
        command, data = self.payload()
        flags = NLM_F_REQUEST | self.random.choice([0, 0, 0, 4, 0x300, 0x100])
        length = 20 + len(data)
        header = struct.pack("=IHHIIBBH", length, genl.family, flags, 1, 0, command & 0xff,
                             self.random.choice([0, 1, 1, 1, 255]), 0)
        return header + data + bytes(-length % 4)


def works(pair):
    """Pods and services, as configured."""
    for family in (4, 6):
        ask("left-pod", pair.pods["right-pod"].ip(family), 7)
    for address_ in (SERVICE4, SERVICE6):
        for kind in ("tcp", "udp"):
            assert ask("left-pod", address_, 7, kind).server


def test_random_messages(pair):
    """100 000 of them over all commands; afterwards an apply repairs all that they have changed."""
    seed = int(os.environ.get("FUZZ_SEED", time.time_ns() & 0xffffffff))
    print(f"FUZZ_SEED={seed}")
    fuzzer = Fuzzer(seed)
    start = time.monotonic()
    for _ in range(10):
        # A socket's death ends what it has begun.
        with Genl("left") as genl:
            before = genl.generation()
            for _ in range(COUNT // 10 // BATCH):
                genl.send(b"".join(fuzzer.message(genl) for _ in range(BATCH)))
                genl.drain()
        with Genl("left") as genl:
            assert genl.generation() != before, "nothing of it meant anything"
    print(f"{COUNT} messages in {time.monotonic() - start:.1f} s")
    pair.apply()
    works(pair)
    ip("link del dvp0", ns="left")
    pair.apply()
    works(pair)
