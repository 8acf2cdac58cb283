# SPDX-License-Identifier: GPL-2.0
"""10 000 Services, by one apply."""

import json
import time

import pytest

from lab import ask, ctl, ctl_json
from lab.many import services
from lab.monitor import Monitor
from lab.pair import SERVICE4, Pair
from lab.state import backends, state

COUNT = 10000


@pytest.fixture(name="big", scope="module")
def fixture_big(tmp_path_factory):
    """The left node with all those services; its Pair and the file they are in."""
    file = tmp_path_factory.mktemp("scale") / "cluster.json"
    with Pair() as pair:
        pair.apply()
        write(file, pair, COUNT)
        print(timed_apply(file, "added"))
        yield pair, file


def write(file, pair, count):
    """Write the cluster with so many services."""
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List",
                                "items": pair.objects(more=services(count))}), encoding="utf-8")


def timed_apply(file, what):
    """Apply a file, and say how long it took; returns what the tool said."""
    start = time.monotonic()
    said = ctl("left", "apply", "--node", "left", "-f", file, timeout=600).stdout
    print(f"{what}: {time.monotonic() - start:.2f} s: {said}", end="")
    return said


def test_all_are_there(big):
    """Each has its two backends, and the node works as before."""
    start = time.monotonic()
    found = backends("left", "many")
    print(f"dump: {time.monotonic() - start:.2f} s")
    assert len(found) == COUNT
    assert {len(addresses) for addresses in found.values()} == {2}
    answer = ctl_json("left", "get", "tcp", "10.9.1.10:1000", "to", "10.100.39.15:80")
    assert "many/s9999" in json.dumps(answer)
    assert len(state("left")["services"]) == COUNT + 4      # test/echo: two protocols, two families
    assert ask("left-pod", SERVICE4, 7).server
    assert big[0].nodes


def test_same_again(big):
    """A second, identical apply is silent."""
    with Monitor("left") as monitor:
        assert "0 added, 0 changed, 0 removed" in timed_apply(big[1], "same again")
        assert not monitor.events()


def test_one_more_and_one_less(big):
    """One Service is one event, whatever number there are."""
    pair, file = big
    with Monitor("left") as monitor:
        write(file, pair, COUNT + 1)
        assert "1 added, 0 changed, 0 removed" in timed_apply(file, "one more")
        assert monitor.events() == [("set", "service", f"many/s{COUNT}")]
        write(file, pair, COUNT)
        assert "0 added, 0 changed, 1 removed" in timed_apply(file, "one less")
        assert monitor.events() == [("deleted", "service", f"many/s{COUNT}")]


def test_all_are_removed(big):
    """What is no longer described is removed, and the rest is as it was."""
    pair, file = big
    write(file, pair, 0)
    assert f"0 added, 0 changed, {COUNT} removed" in timed_apply(file, "all removed")
    assert len(state("left")["services"]) == 4
    assert ask("left-pod", SERVICE4, 7).server
