# SPDX-License-Identifier: GPL-2.0
"""A dvpnetctl agent; by default one that changes no kernel: it prints what it would change."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import threading
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
DVPNETCTL = os.environ.get("DVPNETCTL", str(REPO / "tools/dvpnetctl/dvpnetctl"))


def wait_until(condition, timeout, what):
    """Until the condition holds; returns what it returned."""
    end = time.monotonic() + timeout
    while not (result := condition()):
        assert time.monotonic() < end, \
            f"not within {timeout} s: {what() if callable(what) else what}"
        time.sleep(0.02)
    return result


def kubeconfig(path, url, user=None, cluster=None):
    """Write a kubeconfig; returns its path."""
    path.write_text(json.dumps({
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": url, **(cluster or {})}}],
        "users": [{"name": "u", "user": user or {}}]}))
    return path


class Agent:
    """
    An agent on node n1, and what came of it: `changes` are those of the kernel in their order,
    `log` is what it said.
    """

    def __init__(self, config, *options, node="n1", env=None, dry_run=True):
        self.changes, self.log = [], []
        command = [DVPNETCTL, "agent", "--node-name", node, "--verbose", "--cni-conf-dir", "",
                   *(["--dry-run"] if dry_run else []), *options]
        if config:
            command += ["--kubeconfig", str(config)]
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env={**os.environ, **(env or {})})
        self.readers = [threading.Thread(target=self.read_changes, daemon=True),
                        threading.Thread(target=self.read_log, daemon=True)]
        for reader in self.readers:
            reader.start()

    def read_changes(self):
        """Changes are lines of JSON."""
        for line in self.process.stdout:
            self.changes.append(json.loads(line))

    def read_log(self):
        """So is the log, but not JSON."""
        for line in self.process.stderr:
            self.log.append(line.rstrip())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """End it as systemd does; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(10)
        for reader in self.readers:
            reader.join(10)
        return status

    def texts(self, since=0):
        """Changes in words: "add service demo/a:http"."""
        return [text_of(change) for change in self.changes[since:]]

    def await_change(self, text, timeout=10):
        """Until a change of that text came."""
        wait_until(lambda: text in self.texts(), timeout, lambda: f"{text!r} in {self.texts()}; log: {self.log[-20:]}")

    def await_log(self, text, timeout=10):
        """Until the log has a line with that text; returns the line."""
        return wait_until(lambda: next((line for line in self.log if text in line), None), timeout,
                          lambda: f"{text!r} in {self.log[-20:]}")


@contextlib.contextmanager
def following(api, config, timeout):
    """An agent that has seen all of an API server with Service demo/a, and follows each kind."""
    with Agent(config) as agent:
        agent.await_change("add service demo/a:http", timeout)
        wait_until(api.is_followed, timeout, "streams")
        yield agent


def text_of(change):
    """A change in words."""
    kind = next(key for key in change if key != "action")
    what = change[kind]
    if kind in ("config", "ranges"):
        return f"{change['action']} {kind}"
    if kind == "flow":
        return f"{change['action']} flow {what['client']}:{what['client_port']}"
    name = what["prefix" if kind == "prefix" else "name"]
    return f"{change['action']} {kind} {name}"
