# SPDX-License-Identifier: GPL-2.0
"""
An agent beside a real API server of a large cluster: how long it takes, what it costs. The sizes are
those of the issue; environment variables make them smaller. Takes long, and leaves the API server full:
tests/e2e/api.sh KERNEL test_agent_scale.py
"""

import json
import os
import pathlib
import random
import re
import select
import struct
import threading
import time

import pytest

from lab import ECHO_PORT, ctl_json, ip, run, sysctl, wait_until
from lab.api import FOLDER, HOST, Agent, Control, identity, port
from lab.genl import CMD, Genl
from lab.services import service

# Fixtures; pylint: disable=unused-import,redefined-outer-name
from test_agent import api, has_service

pytestmark = [
    pytest.mark.api, pytest.mark.load,
    pytest.mark.skipif(not FOLDER.exists(), reason="no API server: tests/e2e/api.sh starts one"),
]

SERVICES = int(os.environ.get("DVPNET_LARGE_SERVICES", "10000"))
ENDPOINTS = int(os.environ.get("DVPNET_LARGE_ENDPOINTS", "100000"))
NODES = int(os.environ.get("DVPNET_LARGE_NODES", "1000"))
RATE = int(os.environ.get("DVPNET_LARGE_RATE", "100"))
RATE_SECONDS = int(os.environ.get("DVPNET_LARGE_RATE_SECONDS", "60"))
SAMPLES = int(os.environ.get("DVPNET_LARGE_SAMPLES", "300"))
RSS_MAX_KB = 200 << 10
NUMBER = 210
PATH = "/apis/discovery.k8s.io/v1/namespaces/test/endpointslices/sample-ipv4"
TICK = os.sysconf("SC_CLK_TCK")


class Process:
    """What a process costs."""

    def __init__(self, number):
        self.folder = pathlib.Path("/proc", str(number))

    def cpu(self):
        """Seconds so far."""
        fields = (self.folder / "stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def kilobytes(self, what):
        """VmRSS, or VmHWM, the most there has been of it."""
        text = (self.folder / "status").read_text(encoding="ascii")
        return int(re.search(rf"{what}:\s+(\d+)", text)[1])


class Programmed:
    """When the kernel of a node has got a Service: times of its events, by a thread."""

    def __init__(self, ns, name):
        self.name = name
        self.times = []
        self.genl = Genl(ns)
        self.genl.subscribe()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.stopping.set()
        self.thread.join()
        self.genl.close()

    def _work(self):
        while not self.stopping.is_set():
            if not select.select([self.genl.sock], [], [], 0.2)[0]:
                continue
            data, now = self.genl.sock.recv(1 << 16), time.monotonic()
            while len(data) >= 20:
                length, = struct.unpack_from("=I", data)
                if data[16] == CMD["SERVICE_NTF"] and self.name in data[20:length]:
                    self.times.append(now)
                data = data[(length + 3) & ~3:]


@pytest.fixture(scope="module")
def control(api):
    """Who writes to the API server from near. The controllers have nothing to do with it."""
    result = Control(api)
    result.ask("/stop/kube-controller-manager")
    return result


@pytest.fixture(scope="module")
def agent(cluster, api, tmp_path_factory):
    """
    An agent on n1, which reaches the API server by the guest's own kernel: no program of the test's
    stands in between.
    """
    folder = tmp_path_factory.mktemp("agent")
    ip("link add api netns n1 type veth peer name n1")
    ip("link set api up", "address add 10.0.3.2/24 dev api",
       f"route add {HOST}/32 via 10.0.3.1", ns="n1")
    ip("link set n1 up", "address add 10.0.3.1/24 dev n1")
    sysctl(**{"ipv4.ip_forward": 1})
    run("nft", "table ip api { chain out { type nat hook postrouting priority 100; "
               "ip saddr 10.0.3.2 masquerade; }; }")
    result = Agent("n1", folder)
    result.config = folder / "kubeconfig"
    identity(result.config, server=f"https://{HOST}:{port()}", tls_server_name="127.0.0.1")
    items = service("sample", NUMBER, [(80, ECHO_PORT, "TCP")], [cluster["web-n1-a"],
                                                                  cluster["web-n2-a"]], (4,))
    api.create(*items)
    result.start("--verbose")
    wait_until(lambda: has_service("n1", "test/sample:tcp-80"), 60, result.said())
    yield result
    print(f"--- agent:\n{result.said()[-3000:]}")
    assert result.stop() == 0
    api.delete(*items)
    run("nft", "delete table ip api")
    ip("link del n1")


def start(agent):
    """The agent begins; returns how long it took until the kernel had all."""
    count = agent.said().count("all: ")
    begin = time.monotonic()
    agent.start("--verbose")
    wait_until(lambda: agent.said().count("all: ") > count, 1200, agent.said()[-2000:])
    return time.monotonic() - begin


def latencies(api, agent):
    """
    Times from a write to the kernel's event, in milliseconds: from before the request was sent, and from
    when it was answered; sorted.
    """
    sent, answered = [], []
    connection = api.connection()
    with Programmed("n1", b"test/sample:tcp-80\0") as programmed:
        for number in range(SAMPLES):
            count = len(programmed.times)
            change = [{"op": "replace", "path": "/endpoints/0/conditions/ready",
                       "value": number % 2 == 1}]
            begin = time.monotonic()
            api.request("PATCH", PATH, change, "application/json-patch+json", over=connection)
            end = time.monotonic()
            wait_until(lambda count=count: len(programmed.times) > count, 30, agent.said()[-2000:])
            sent.append(1000 * (programmed.times[count] - begin))
            answered.append(1000 * (programmed.times[count] - end))
            # Changes that come at once wait for each other, and are another question.
            time.sleep(0.15 + 0.2 * random.random())
        assert len(programmed.times) == SAMPLES
    connection.close()
    return sorted(sent), sorted(answered)


def show(what, times):
    """Print median and p99."""
    print(f"{what}: median {times[len(times) // 2]:.1f} ms, p99 {times[len(times) * 99 // 100]:.1f} ms, "
          f"most {times[-1]:.1f} ms of {len(times)}")


def count_services():
    """Of n1's kernel."""
    return len(ctl_json("n1", "service", "show"))


def test_latency_of_a_small_cluster(api, agent):
    """A write and its event, where there are about ten Services."""
    print(f"{count_services()} services")
    sent, answered = latencies(api, agent)
    show("write to event", sent)
    show("answer to event", answered)


def test_start(api, control, agent):
    """All of a large cluster: while it comes to be, and when the agent starts with it."""
    del api
    few = count_services()
    begin = time.monotonic()
    said = control.ask("/large", ["make", SERVICES, ENDPOINTS, NODES], 3600)
    wait_until(lambda: count_services() == few + SERVICES, 600, agent.said()[-2000:])
    process = Process(agent.process.pid)
    print(f"made: {said.strip()}; the agent has followed after {time.monotonic() - begin:.0f} s, "
          f"{process.cpu():.0f} s of CPU; most memory {process.kilobytes('VmHWM')} kB")
    agent.stop()
    seconds = start(agent)
    process = Process(agent.process.pid)
    print(f"start, all is there: {seconds:.1f} s, {process.cpu():.1f} s of CPU, "
          f"most memory {process.kilobytes('VmHWM')} kB")
    assert "0 added, 0 changed, 0 removed" in agent.said().rsplit("all: ", 1)[1], agent.said()[-2000:]
    agent.stop()
    ip("link del dvp0", ns="n1")
    seconds = start(agent)
    process = Process(agent.process.pid)
    print(f"start, nothing is there: {seconds:.1f} s, {process.cpu():.1f} s of CPU, "
          f"most memory {process.kilobytes('VmHWM')} kB")
    assert count_services() == few + SERVICES
    assert process.kilobytes("VmHWM") < RSS_MAX_KB


def test_idle(agent):
    """Nothing changes: next to nothing is used."""
    process = Process(agent.process.pid)
    begin, cpu = time.monotonic(), process.cpu()
    time.sleep(60)
    used = (process.cpu() - cpu) / (time.monotonic() - begin)
    print(f"idle: {100 * used:.2f} % of a processor, memory {process.kilobytes('VmRSS')} kB")
    assert used < 0.02


def all_are_ready(number):
    """Whether the kernel may choose each endpoint of Service sN."""
    found, = ctl_json("n1", "service", "show", f"large/s{number}:http")
    return sum("cluster" in item["flags"] for item in found["backends"]) == ENDPOINTS // SERVICES


def test_updates(control, agent):
    """So many slices change each second: the kernel follows, and is not behind at the end."""
    process = Process(agent.process.pid)
    begin, cpu = time.monotonic(), process.cpu()
    total = RATE * RATE_SECONDS
    with Programmed("n1", b"large/s") as programmed:
        said = json.loads(control.ask("/large", ["flap", RATE, RATE_SECONDS, SERVICES], 3600))
        end = time.monotonic()
        last = (total - 1) % SERVICES
        ready = (total - 1) // SERVICES % 2 == 1
        wait_until(lambda: all_are_ready(last) == ready, 60, agent.said()[-2000:])
        wait_until(lambda: len(programmed.times) >= total, 60, f"{len(programmed.times)} events")
        behind = programmed.times[total - 1] - end
    used = (process.cpu() - cpu) / (time.monotonic() - begin)
    print(f"{said['changes']} changes in {said['seconds']:.1f} s, the API server at most "
          f"{said['latest']:.1f} s late; {len(programmed.times)} events, the last "
          f"{1000 * behind:.0f} ms after all were answered; {100 * used:.0f} % of a processor, most "
          f"memory {process.kilobytes('VmHWM')} kB")
    assert behind < 2
    assert process.kilobytes("VmHWM") < RSS_MAX_KB
    assert said["changes"] / said["seconds"] > 0.9 * RATE, "the API server could not"


def test_latency_of_a_large_cluster(api, agent):
    """A write and its event, where there are 10 000 Services."""
    print(f"{count_services()} services")
    sent, answered = latencies(api, agent)
    show("write to event", sent)
    show("answer to event", answered)
