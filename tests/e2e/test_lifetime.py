# SPDX-License-Identifier: GPL-2.0
"""The module, its device and what they stand on come and go, under traffic."""

import contextlib
import errno
import os
import pathlib
import resource
import socket
import threading
import time

import pytest

from lab import ECHO_PORT, TcpStream, UdpExchange, ask, ctl_json, ip, run, wait_until
from lab.genl import CMD, NLM_F_DUMP, NLM_F_REQUEST, Genl, Refused

MODULE = pathlib.Path("/sys/module/dvpnet")
RATE = 4 << 20     # bytes a second; streams at full speed leave little of an emulated machine
WEB = {4: "10.222.0.10", 6: "fd00:222::10"}
DNS = {4: "10.222.0.53", 6: "fd00:222::53"}


@pytest.fixture
def lab(cluster):
    """The topology, whose nodes begin anew: new devices, with the real objects applied."""
    for node in cluster.nodes:
        run("ip", "link", "del", "dvp0", ns=node, check=False)
    cluster.apply_files()
    return cluster


@pytest.fixture
def doomed(lab):
    """The same, to be destroyed: it is built anew afterwards."""
    yield lab
    lab.destroy()
    lab.build()


@contextlib.contextmanager
def load(cluster):
    """
    Traffic in the background: between pods, to ClusterIPs and to NodePorts, TCP and UDP, IPv4 and
    IPv6. It has begun when the block does; what becomes of it is not judged.
    """
    pod = cluster["client-n2"]
    streams = [TcpStream("client-n1", pod.ip4, ECHO_PORT, rate=RATE),
               TcpStream("client-n1", WEB[6], 80, rate=RATE),
               TcpStream("outside", cluster["n1"].ip4, 30080, rate=RATE)]
    exchanges = [UdpExchange("client-n1", pod.ip6, ECHO_PORT, rate=20, drain=0),
                 UdpExchange("client-n1", DNS[4], 53, rate=20, drain=0),
                 UdpExchange("outside", cluster["n1"].ip6, 30053, rate=20, drain=0)]
    with contextlib.ExitStack() as stack:
        for background in (*exchanges, *streams):
            stack.enter_context(background)
        for stream in streams:
            stream.wait_for(1)
            stack.callback(_hang_up, stream.sock)
        for exchange in exchanges:
            wait_until(lambda e=exchange: e.answered, 30, "UDP traffic has begun")
        yield


def _hang_up(sock):
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def check_works(cluster):
    """
    Pods of all nodes reach each other, and Services: soon, since what was lost meanwhile, by others'
    traffic or until neighbours have learned a new link-layer address, UDP does not send again.
    """
    for node in cluster.nodes:
        for family in (4, 6):
            client = f"client-{node}"
            for other in cluster.nodes:
                server = cluster[f"client-{other}"]
                assert answers(client, server.ip(family), ECHO_PORT) == server.name
            assert answers(client, DNS[family], 53).startswith("dns-")
    for family in (4, 6):
        assert answers("outside", cluster["n1"].ip(family), 30053).startswith("dns-")


def answers(client, address, port):
    """Name of the server that answers, soon."""
    def attempt():
        try:
            return ask(client, address, port, "udp", timeout=2).server
        except OSError as error:
            raise AssertionError(f"{client} to {address} port {port}: {error}") from error

    return wait_until(attempt, 60)


def check_pods(cluster, nodes):
    """Pods of these nodes reach each other."""
    for node in nodes:
        for other in nodes:
            for family in (4, 6):
                server = cluster[f"client-{other}"]
                assert ask(f"client-{node}", server.ip(family), ECHO_PORT).server == server.name


def unload():
    """rmmod works, at once but for a request that is under way, and leaves no module."""
    wait_until(lambda: run("rmmod", "dvpnet", check=False).returncode == 0, 10, "rmmod dvpnet")
    assert not MODULE.exists()
    assert "dvpnet" not in pathlib.Path("/proc/modules").read_text(encoding="ascii")


def insert():
    """insmod."""
    run("insmod", os.environ["DVPNET_KO"])


def delete_device(node):
    """Remove the device, with all configuration."""
    ip("link del dvp0", ns=node)


def has_link(space, name):
    """Is there a device of this name?"""
    return run("ip", "link", "show", name, ns=space, check=False).returncode == 0


@pytest.mark.parametrize("devices", ["deleted", "alive"])
def test_unload_under_traffic(lab, devices):
    """rmmod under traffic, with or without devices: they go with it; insmod and apply bring all back."""
    for _ in range(2):
        with load(lab):
            if devices == "deleted":
                for node in lab.nodes:
                    delete_device(node)
            unload()
            assert not any(has_link(node, "dvp0") for node in lab.nodes)
            insert()
            lab.apply_files()
            check_works(lab)


def test_unload_beside_reader(lab):
    """Whoever still reads is no reason for a crash: rmmod waits, or is refused until they are gone."""
    with Genl("n1") as listener, Genl("n1") as reader:
        listener.subscribe()
        reader.send(reader.pack(CMD["FLOW_GET"], flags=NLM_F_REQUEST | NLM_F_DUMP))
        run("rmmod", "dvpnet", check=False)
    if MODULE.exists():
        unload()
    insert()
    lab.apply_files()
    check_works(lab)


@pytest.mark.parametrize("node", ["n1", "n2"])
def test_namespace_deleted_under_traffic(doomed, node):
    """A node's namespace goes, traffic or not; the other nodes go on."""
    others = [n for n in doomed.nodes if n != node]
    with load(doomed):
        doomed.servers.remove([key.fileobj for key in doomed.servers.selector.get_map().values()
                               if key.data and key.data[1] in (node, f"hostweb-{node}")])
        ip(f"netns del {node}")
        # It goes when nobody uses it any more.
        wait_until(lambda: not has_link("lan", node), 30, "the namespace is gone")
        check_pods(doomed, others)


def test_device_deleted_under_traffic(lab):
    """dvp0 goes, nothing of it is left, and with a new one TCP between pods goes on."""
    with load(lab), TcpStream("client-n1", lab["client-n2"].ip4, ECHO_PORT) as stream:
        stream.wait_for(1)
        for _ in range(3):
            delete_device("n1")
            routes = run("ip", "route", ns="n1").stdout + run("ip", "-6", "route", ns="n1").stdout
            assert "dvp0" not in routes
            with Genl("n1") as genl, pytest.raises(Refused, match="no dvpnet device") as refusal:
                genl.request("CONFIG_GET")
            assert refusal.value.code == errno.ENODEV
            lab.apply_files(["n1"])
            stream.wait_for(1_000_000, timeout=90)
            check_works(lab)
    assert stream.failure is None


def close_slowly(sockets):
    """Close them, the youngest first, in the time that a device takes to go."""
    for sock in reversed(sockets):
        sock.close()
        time.sleep(0.0002)


def test_device_deleted_beside_readers(lab):
    """The device goes while dumps of its flows that nobody reads to their end do, by the hundred."""
    readers = 1000
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limit[0], 2 * readers), limit[1]))
    for _ in range(3):
        ask("client-n1", WEB[4], 80)
        dumps = []
        for _ in range(readers):
            dumps.append(Genl("n1"))
            dumps[-1].send(dumps[-1].pack(CMD["FLOW_GET"], flags=NLM_F_REQUEST | NLM_F_DUMP))
        closing = threading.Thread(target=close_slowly, args=[dumps])
        closing.start()
        delete_device("n1")
        closing.join()
        lab.apply_files(["n1"])
    check_works(lab)


def test_underlay_deleted(lab):
    """The underlay's device goes under traffic; with another one and apply all works again."""
    node = lab["n2"]
    with load(lab):
        ip("link del eth0", ns="n2")
        assert ctl_json("n2", "node", "show")
        ip("link add n2 netns lan type veth peer name eth0 netns n2")
        restore_underlay(lab, node)
        lab.apply_files(["n2"])
        check_works(lab)


def test_underlay_moved(lab):
    """The underlay's device leaves the namespace under traffic, and comes back."""
    node = lab["n2"]
    with load(lab):
        ip("link set eth0 netns lan name away", ns="n2")
        assert ctl_json("n2", "node", "show")
        ip("link set away netns n2 name eth0", ns="lan")
        restore_underlay(lab, node)
        lab.apply_files(["n2"])
        check_works(lab)


def restore_underlay(cluster, node):
    """
    Addresses and routes of a node of the first segment, on its new eth0. With its address went the
    routes that name it as their source, which are those of the pods.
    """
    ip(f"link set {node.name} master lan up", ns="lan")
    ip("link set eth0 up", f"address add {node.ip4}/24 dev eth0",
       f"address add {node.ip6}/64 dev eth0 nodad", "route add default via 192.168.1.1",
       "route add default via fd00:1::1",
       *(f"route replace {pod.ip(family)} dev {pod.name} src {node.ip(family)}"
         for pod in cluster.pods.values() if pod.node == node.name for family in (4, 6)),
       ns=node.name)


def test_one_device(lab):
    """A namespace has one device, which stays where it is: attempts are refused, nothing changes."""
    second = run("ip", "link", "add", "dvp1", "type", "dvpnet", ns="n1", check=False)
    assert second.returncode and "has a dvpnet device already" in second.stderr
    assert run("ip", "link", "set", "dvp0", "netns", "n2", ns="n1", check=False).returncode
    assert run("ip", "link", "set", "dvp0", "netns", "lan", ns="n1", check=False).returncode
    assert not has_link("n1", "dvp1") and not has_link("lan", "dvp0") and has_link("n1", "dvp0")
    check_works(lab)


def test_device_deleted_beside_sync(lab):
    """An open sync and its half-sent service go with the device; the socket can begin anew."""
    with Genl("n1") as genl:
        token = genl.begin()
        delete_device("n1")
        with pytest.raises(Refused) as refusal:
            genl.commit(token)
        assert refusal.value.code == errno.ENODEV
        ip("link add dvp0 type dvpnet", ns="n1")
        with pytest.raises(Refused) as refusal:
            genl.commit(token)
        assert refusal.value.code == errno.ENOENT
        genl.commit(genl.begin())
    lab.apply_files(["n1"])
    check_works(lab)


def test_many_devices():
    """Devices are made and deleted by the hundred, in namespaces that go with them or without."""
    spaces = [f"many{number}" for number in range(100)]
    ip(*(f"netns add {space}" for space in spaces))
    ip(*(f"link add dvp0 netns {space} up type dvpnet" for space in spaces))
    for space in spaces[::4]:
        ip("link del dvp0", "link add dvp0 type dvpnet", ns=space)
    ip(*(f"netns del {space}" for space in spaces))
