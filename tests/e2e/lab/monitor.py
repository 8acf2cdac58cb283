# SPDX-License-Identifier: GPL-2.0
"""dvpnetctl monitor, the tool under test."""

import errno
import json
import pathlib
import subprocess
import tempfile

from .ctl import DVPNETCTL
from .genl import Genl, Refused, attributes, node
from .netns import netns, wait_until

_MARK = "end-of-events"


def _is_done(genl, command, payload):
    """Whether it is, which it is not while an agent's sync is open; that may have swept the mark."""
    try:
        genl.request(command, payload)
    except Refused as refusal:
        if refusal.code not in (errno.EBUSY, errno.ENOENT):
            raise
        return refusal.code == errno.ENOENT
    return True


class Monitor:
    """
    What happens in a namespace:

        with Monitor("n1") as monitor:
            ...
            assert monitor.events() == [("set", "node", "n2")]
    """

    def __init__(self, ns):
        self.ns = ns
        self.marks = 0
        self.seen = 0       # lines that were told
        # Not pipes, whose size would matter.
        self.folder = tempfile.TemporaryDirectory()
        self.output, self.errors = (pathlib.Path(self.folder.name, n) for n in ("out", "err"))
        with netns(ns), self.output.open("wb") as output, self.errors.open("wb") as errors:
            self.process = subprocess.Popen([DVPNETCTL, "-j", "monitor"], stdout=output,
                                            stderr=errors)
        wait_until(lambda: "listening" in self.said(), 60, "dvpnetctl monitor listens")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.terminate()
        status = self.process.wait(30)
        complaint = self.said()
        self.folder.cleanup()
        assert (status, complaint) == (0, "listening\n")

    def said(self):
        """What it wrote to standard error."""
        return self.errors.read_text(encoding="utf-8")

    def _lines(self):
        with open(self.output, encoding="utf-8") as file:
            return file.read().split("\n")[:-1]

    def events(self):
        """
        All events so far as (set or deleted, kind, name); each call tells them once. A node is added
        and removed, whose events are the last ones of those that have happened.
        """
        with Genl(self.ns) as genl:
            for command, payload in (("NODE_SET", node(_MARK, "192.0.2.254")),
                                     ("NODE_DEL", attributes("NODE", name=_MARK))):
                wait_until(lambda c=command, p=payload: _is_done(genl, c, p), 60, "no open sync")
        self.marks += 1
        wait_until(lambda: sum(_MARK in line and '"deleted"' in line for line in self._lines())
                   == self.marks, 60, "the monitor shows the last event")
        result = []
        lines = self._lines()
        for line in lines[self.seen:]:
            event = json.loads(line)
            item = event[event["object"]]
            name = item.get("name") or item.get("prefix") or ""
            if name != _MARK:
                result.append((event["event"], event["object"], name))
        self.seen = len(lines)
        return result
