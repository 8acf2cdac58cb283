# SPDX-License-Identifier: GPL-2.0
"""A Service whose endpoints change many times a second, by raw netlink from a process of its own."""

import multiprocessing
import socket
import struct
import time

from . import genl
from .genl import CMD, NLMSG_ERROR, Genl

_TICK = 0.01


def _messages(connection, service, hosts, family):
    """Requests that make a service of UDP and TCP have all these endpoints, or all but one."""
    subsets = [hosts, *([h for h in hosts if h != gone] for gone in hosts)]
    result = []
    for subset in subsets:
        for name, proto in (("udp-80", socket.IPPROTO_UDP), ("tcp-80", socket.IPPROTO_TCP)):
            payload = genl.service(
                f"{service['name']}:{name}", [genl.frontend(*f) for f in service["frontends"]],
                [genl.backend(address, service["port"]) for address in subset],
                socket.AF_INET6 if family == 6 else socket.AF_INET, proto)
            result.append(connection.pack(CMD["SERVICE_SET"], payload, genl.NLM_F_REQUEST))
    return result


class Flapper:
    """
    Changes a service so many times a second: there are always all hosts of one group but for one, or
    all of them. It begins with the first group.

        with Flapper("n1", service, [[...], [...]], 4, rate=1000) as flapper:
            flapper.switch(1)       # from here on, of the other group
            ...
        assert flapper.changes > 1000 and not flapper.errors
    """

    def __init__(self, ns, service, groups, family, rate):
        self.groups = groups
        self.pipe, inner = multiprocessing.Pipe()
        self.changes = self.errors = 0
        self.process = multiprocessing.get_context("fork").Process(
            target=self._work, args=(inner, ns, service, family, rate), daemon=True)

    def __enter__(self):
        self.process.start()
        assert self.pipe.recv() == 0
        self.started = time.monotonic()
        return self

    def __exit__(self, *error):
        self.pipe.send(None)
        self.changes, self.errors = self.pipe.recv()
        self.seconds = time.monotonic() - self.started
        self.process.join(10)

    def switch(self, group):
        """The endpoints are of that group alone when this returns."""
        self.pipe.send(group)
        assert self.pipe.recv() == group

    def _work(self, pipe, ns, service, family, rate):
        with Genl(ns) as connection:
            self._change(pipe, connection, rate,
                         [_messages(connection, service, hosts, family) for hosts in self.groups])

    def _change(self, pipe, connection, rate, groups):
        changes = errors = sent = 0
        group = None
        started = due = time.monotonic()
        while True:
            if group is None or pipe.poll(max(0, due - time.monotonic())):
                group = 0 if group is None else pipe.recv()
                if group is None:
                    break
                # The kernel works on a message within send(), so this is done then.
                connection.send(b"".join(groups[group][:2]))
                changes += 2
                pipe.send(group)
            wanted = int((time.monotonic() - started) * rate) - sent
            batch = [groups[group][(sent + i) % len(groups[group])] for i in range(min(wanted, 64))]
            if batch:
                connection.send(b"".join(batch))
                sent += len(batch)
            errors += self._errors(connection)
            due = time.monotonic() + _TICK
        connection.send(b"".join(groups[0][:2]))
        pipe.send((changes + sent, errors))

    @staticmethod
    def _errors(connection):
        """Refusals that have come; nothing else comes."""
        connection.sock.setblocking(False)
        count = 0
        try:
            while True:
                data = connection.sock.recv(1 << 16)
                while len(data) >= 16:
                    length, kind = struct.unpack_from("=IH", data)
                    count += kind == NLMSG_ERROR
                    data = data[(length + 3) & ~3:]
        except BlockingIOError:
            return count
