# SPDX-License-Identifier: GPL-2.0
"""
What a node makes of it when a real API server is killed, forgets its history, or knows the agent no
longer: the agent says so, tries again, and nothing of what is forwarded changes. tests/e2e/api.sh
KERNEL test_agent_server.py
"""

import contextlib
import os
import pathlib
import time

import pytest
import yaml

from lab import ECHO_PORT, Connection, ask, ctl_json, run, wait_until
from lab.api import FOLDER, Control, identity
from lab.crowd import SILENT, who
from lab.monitor import Monitor
from lab.services import service, vip

# Fixtures; pylint: disable=unused-import,redefined-outer-name
from test_agent import (CLIENT, NUMBER, agents, api, doors, has_service, live, traffic,
                        web)

pytestmark = [
    pytest.mark.api,
    pytest.mark.skipif(not FOLDER.exists(), reason="no API server: tests/e2e/api.sh starts one"),
]

AWAY_SECONDS = int(os.environ.get("DVPNET_AWAY_SECONDS", "60"))
# An agent waits up to 30 s before it tries again, and a guest is slow.
BACK = 120
WRONG_TOKEN = "not-the-token-of-anybody"
ROLE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/dvpnet-agent"
SLICES = "endpointslices"
FORBIDDEN = f'{SLICES}: HTTP status 403: {SLICES}.discovery.k8s.io is forbidden: ' \
    f'User "dvpnet-agent" cannot'


@pytest.fixture(scope="module")
def control(api):
    """Who has power over the API server."""
    return Control(api)


def targets(cluster):
    """Where traffic goes: the Service by both families, and straight to a pod."""
    return [(vip(NUMBER, 4), 80), (vip(NUMBER, 6), 80), (cluster["web-n3-a"].ip4, ECHO_PORT)]


def is_complete(node):
    """Has it all endpoints of the tests' Services?"""
    found = [item for item in ctl_json(node, "service", "show") if item["name"].startswith("test/")]
    return len(found) >= 4 and all(len(item["backends"]) == (3 if "live" in item["name"] else 1)
                                   for item in found)


@contextlib.contextmanager
def nothing_moves(cluster, nodes, count=20):
    """
    Traffic, and as many silent connections of each family, from a pod: nothing is lost, no flow moves.
    The block gets each node's Monitor.
    """
    for node in nodes:
        wait_until(lambda node=node: is_complete(node), BACK, f"all of namespace test on {node}")
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(Connection(CLIENT, vip(NUMBER, family), 80))
                       for family in (4, 6) for _ in range(count)]
        monitors = {node: stack.enter_context(Monitor(node)) for node in nodes}
        with traffic(targets(cluster)) as (streams, exchanges):
            for exchange in exchanges:
                exchange.wait_for(20)
            yield monitors
            for stream in streams:
                stream.wait_for(1 << 14)
            for exchange in exchanges:
                exchange.wait_for(20)
        for connection in connections:
            assert connection.echo(b"still here") == b"still here"


def meanwhile(cluster, number):
    """A Service that comes to be while nobody looks."""
    return service(f"meanwhile-{number}", number, [(80, ECHO_PORT, "UDP")], [cluster["web-n2-a"]])


def await_service(number, present=True):
    """It is reachable, or no longer."""
    wanted = {"web-n2-a"} if present else {SILENT}
    wait_until(lambda: who(CLIENT, vip(number, 4), 80, count=4, patience=0.3) == wanted, BACK)


# ---- the server is away, and forgets ----

def test_killed_for_a_minute(api, control, cluster, agents, live):
    """
    Killed, and started again a minute later: no flow moves, no packet is lost, new connections are made
    all the while, and all that changes is what has changed.
    """
    del live
    other = meanwhile(cluster, NUMBER + 3)
    with nothing_moves(cluster, cluster.nodes) as monitors:
        counts = {name: agent.said().count("warning: API server: ")
                  for name, agent in agents.items()}
        answered = {name: agent.said().count("API server: answers again")
                    for name, agent in agents.items()}
        control.kill()
        end = time.monotonic() + AWAY_SECONDS
        try:
            for name, agent in agents.items():
                agent.await_log("warning: API server: ", counts[name] + 1)
            served = 0
            while time.monotonic() < end:
                for family in (4, 6):
                    assert ask(CLIENT, vip(NUMBER, family), 80).server.startswith("web-")
                served += 1
            print(f"{served} new connections a family meanwhile")
            assert all(monitor.events() == [] for monitor in monitors.values())
            for name, agent in agents.items():
                warnings = [line.split(" ", 1)[1] for line in agent.said().splitlines()
                            if "warning: API server: " in line][counts[name]:]
                assert len(warnings) == len(set(warnings)), f"{name}: each is said once: {warnings}"
        finally:
            control.start()
        api.create(*other)
        try:
            await_service(NUMBER + 3)
            for name, monitor in monitors.items():
                agents[name].await_log("API server: answers again", answered[name] + 1, BACK)
                found = []
                wait_until(lambda m=monitor, f=found: f.extend(m.events()) or f, BACK,
                           f"the Service on {name}: {agents[name].said()[-2000:]}")
                assert {(kind, item) for _, kind, item in found} == \
                    {("service", f"test/meanwhile-{NUMBER + 3}:udp-80")}, found
        finally:
            api.delete(*other)
        await_service(NUMBER + 3, present=False)


def test_forgotten(api, control, cluster, agents, doors, live):
    """
    While nobody can look, objects come, change and go, and etcd forgets how: what the agents were
    following is gone (410), and they find the difference, and nothing else, in new lists.
    """
    del live
    gone, come = meanwhile(cluster, NUMBER + 4), meanwhile(cluster, NUMBER + 5)
    name = "test/meanwhile-{}:udp-80"
    api.create(*gone)
    for node in cluster.nodes:
        wait_until(lambda node=node: has_service(node, name.format(NUMBER + 4)), BACK)
    text = "services: the API server has forgotten version"
    counts = {node: agent.said().count(text) for node, agent in agents.items()}
    try:
        with nothing_moves(cluster, cluster.nodes) as monitors:
            for door in doors.values():
                door.shut()
            try:
                api.delete(*gone)
                api.create(*come)
                api.replace(*web(cluster, "web-n3-a", "web-n1-a", "web-n2-a", "dns-n1")[1:])
                # A server that lives has its own memory of the last minutes.
                control.compact()
                control.kill()
                control.start()
                assert all(monitor.events() == [] for monitor in monitors.values())
            finally:
                for door in doors.values():
                    door.open()
            await_service(NUMBER + 5)
            # The slices of what is gone may be missed before the Service is: the last event counts.
            wanted = {name.format(NUMBER + 4): "deleted", name.format(NUMBER + 5): "set",
                      "test/live:tcp-80": "set", "test/live:udp-80": "set"}
            for node, monitor in monitors.items():
                agents[node].await_log(text, counts[node] + 1, BACK)
                found = []
                wait_until(lambda m=monitor, f=found: f.extend(m.events()) or
                           {item: event for event, _, item in f} == wanted, BACK, f"events on {node}")
                assert {kind for _, kind, _ in found} == {"service"}, (node, found)
    finally:
        api.delete(*gone, *come)
    for number in (NUMBER + 4, NUMBER + 5):
        await_service(number, present=False)


# ---- who we are ----

def certificate(folder, name, subject, days, authority=None):
    """A certificate of the cluster's authority, or of its own, and its key, as a user has them."""
    key, made = folder / f"{name}.key", folder / f"{name}.crt"
    run("openssl", "req", "-x509" if not authority else "-new", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(key), "-subj", subject,
        "-out", str(made))
    if authority:
        run("openssl", "x509", "-req", "-in", str(made), "-CA", str(authority.with_suffix(".crt")),
            "-CAkey", str(authority.with_suffix(".key")), "-set_serial", "1", "-days", str(days),
            "-out", str(folder / "signed"))
        (folder / "signed").replace(made)
    return made, key


def expired(path, folder):
    """The agent's own name, in a certificate that has expired."""
    made, key = certificate(folder, "expired", "/CN=dvpnet-agent", -1, FOLDER / "ca.crt")
    identity(path, {"client-certificate": str(made), "client-key": str(key)})


def wrong_authority(path, folder):
    """Somebody else's authority."""
    made, _ = certificate(folder, "other", "/CN=somebody", 1)
    identity(path, certificate_authority_data=None, certificate_authority=str(made))


IDENTITIES = {
    "token": (lambda path, _: identity(path, {"token": WRONG_TOKEN}),
              "API server: HTTP status 401: Unauthorized; the token or certificate of the kubeconfig "
              "is wrong or has expired"),
    "expired": (expired,
                "API server: HTTP status 401: Unauthorized; the token or certificate of the "
                "kubeconfig is wrong or has expired"),
    "name": (lambda path, _: identity(path, tls_server_name="api.example.org"),
             "no alternative certificate subject name matches target host name 'api.example.org'; is the "
             "server's name right, in server or tls-server-name of the kubeconfig?"),
    "authority": (wrong_authority, "is certificate-authority of the kubeconfig right for this server?"),
}


@contextlib.contextmanager
def restarted(agent, config):
    """The agent, as somebody else; afterwards it is itself again."""
    usual = agent.config
    agent.stop()
    agent.config = config
    agent.start("--verbose")
    try:
        yield
    finally:
        agent.stop()
        agent.config = usual
        count = agent.said().count("all: ")
        agent.start("--verbose")
        agent.await_log("all: ", count + 1)


def no_secret_is_told(agent):
    """Neither in its log nor where others see it are tokens."""
    config = yaml.safe_load((FOLDER / "agent.conf").read_text(encoding="utf-8"))
    token = config["users"][0]["user"]["token"]
    assert len(token) == 32
    process = pathlib.Path("/proc", str(agent.process.pid))
    told = agent.said().encode() + b"".join((process / name).read_bytes()
                                            for name in ("cmdline", "environ", "comm"))
    assert b"--node-name" in told
    for secret in (token, WRONG_TOKEN):
        assert secret.encode() not in told


@pytest.mark.parametrize("kind", IDENTITIES)
def test_wrong_identity(cluster, agents, live, tmp_path, kind):
    """
    Wrong token, expired certificate, another server's name, another authority: it is said once and in
    clear words, tried again, and taken up when it is mended. Nothing changes for anybody.
    """
    del live
    write, message = IDENTITIES[kind]
    agent, config = agents["n1"], tmp_path / "kubeconfig"
    write(config, tmp_path)
    before = len(agent.said())
    with nothing_moves(cluster, ["n1"]) as monitors, restarted(agent, config):
        # The first time as a warning, then for those who want to know.
        wait_until(lambda: agent.said()[before:].count(message) >= 3, BACK,
                   f"{message!r} in {agent.said()[before:]}")
        said = agent.said()[before:]
        # The server ends the connections of those whom it does not know.
        warnings = [line.split("warning: ")[1] for line in said.splitlines() if "warning: " in line]
        assert len(warnings) == len(set(warnings)) and message in warnings[0], said
        assert "all: " not in said
        assert ask(CLIENT, vip(NUMBER, 4), 80).server
        no_secret_is_told(agent)
        identity(config)
        wait_until(lambda: "all: " in agent.said()[before:], BACK,
                   f"the end of the trouble in {agent.said()[before:]}")
        assert "API server: answers again" in agent.said()[before:]
        no_secret_is_told(agent)
        assert monitors["n1"].events() == []
    print(f"{kind}: {warnings[0]}")


@pytest.mark.parametrize("when", ["start", "later"])
def test_no_rights(api, cluster, agents, doors, live, when):
    """
    No rights for one resource, from the start or taken away later: the message has the server's own
    words, the agent tries again, nothing changes; and with the rights it goes on.
    """
    del live
    rules = api.request("GET", ROLE)["rules"]
    agent = agents["n1"]
    before = len(agent.said())
    with nothing_moves(cluster, ["n1"]) as monitors:
        api.patch(ROLE, {"rules": [rule for rule in rules if SLICES not in rule["resources"]]})
        try:
            if when == "start":
                agent.stop()
                agent.start("--verbose")
            else:
                # Nobody looks at the rights of a stream that runs.
                doors["n1"].shut()
                doors["n1"].open()
            wait_until(lambda: agent.said()[before:].count(FORBIDDEN) >= 3, BACK,
                       f"{FORBIDDEN!r} in {agent.said()[before:]}")
            said = agent.said()[before:]
            assert sum(f"warning: {SLICES}" in line for line in said.splitlines()) == 1, said
            assert ask(CLIENT, vip(NUMBER, 4), 80).server
            assert monitors["n1"].events() == []
            no_secret_is_told(agent)
        finally:
            api.patch(ROLE, {"rules": rules})
        if when == "start":
            wait_until(lambda: "all: " in agent.said()[before:], BACK, "all is done")
            assert monitors["n1"].events() == []
        wait_until(lambda: f"{SLICES}: works again" in agent.said()[before:], BACK,
                   f"the end of the trouble in {agent.said()[before:]}")
        assert monitors["n1"].events() == []
