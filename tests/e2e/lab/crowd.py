# SPDX-License-Identifier: GPL-2.0
"""Many new connections at once, and what became of each."""

import contextlib
import dataclasses
import errno
import itertools
import select
import socket
import struct
import time

from .echo import parse_answer
from .netns import netns

REFUSED, SILENT = "refused", "silent"
_RESET = struct.pack("ii", 1, 0)        # SO_LINGER: close with RST, the port is free at once

# A client that has not been there before: an older flow of the same port would speak for it. These
# are neither NodePorts nor those that the kernel gives by itself.
_ports = itertools.cycle(range(10000, 30000))


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Who answered, or REFUSED or SILENT; and as whom the server saw the client."""
    server: str
    source: str = None
    sport: int = None


def _failed(error):
    # A socket of the node is told at once that its datagram was dropped.
    if error in (errno.EPERM, errno.ETIMEDOUT):
        return Outcome(SILENT)
    if error == errno.ECONNREFUSED:
        return Outcome(REFUSED)
    return Outcome(errno.errorcode.get(error, str(error)))


def _begin(sock, kind, address, port, source):
    """Returns an outcome if there is one already."""
    try:
        sock.bind((source or "", next(_ports)))
        error = sock.connect_ex((address, port))
        if error not in (0, errno.EINPROGRESS):
            return _failed(error)
        if kind == "udp":
            sock.send(b"")
    except OSError as error:
        return _failed(error.errno)
    return None


def _go_on(sock, line):
    """The socket has something to tell; the line grows. Returns the outcome when it is known."""
    try:
        data = sock.recv(1 << 16)
    except BlockingIOError:
        return None
    except OSError as error:
        return _failed(error.errno)
    if not data and sock.type == socket.SOCK_STREAM:
        return Outcome("closed")
    line += data
    if b"\n" not in line:
        return None
    answer = parse_answer(bytes(line))
    return Outcome(answer.server, answer.source, answer.sport)


def crowd(ns, address, port, kind="udp", count=16, patience=None, source=None):
    """
    So many new connections from a namespace to an echo server's address, all at once. Returns their
    outcomes. One that has heard nothing while nobody did for so many seconds counts as SILENT.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    if patience is None:
        # In one kernel, TCP over IPv6 hears of a refusal of its second SYN only; see test_service.py.
        patience = 1.9 if (kind, family) == ("tcp", socket.AF_INET6) else 0.8
    outcomes, waiting, poll = [], {}, select.poll()
    with contextlib.ExitStack() as stack:
        with netns(ns):
            sockets = [stack.enter_context(socket.socket(
                family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM))
                for _ in range(count)]
        for sock in sockets:
            sock.setblocking(False)
            if kind == "tcp":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            outcome = _begin(sock, kind, address, port, source)
            if outcome:
                outcomes.append(outcome)
            else:
                waiting[sock.fileno()] = sock, bytearray()
                poll.register(sock, select.POLLIN)
        deadline = time.monotonic() + patience
        while waiting and (left := deadline - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(left * 1000):
                outcome = _go_on(*waiting[descriptor])
                deadline = time.monotonic() + patience
                if outcome:
                    outcomes.append(outcome)
                    poll.unregister(descriptor)
                    del waiting[descriptor]
    return outcomes + [Outcome(SILENT)] * len(waiting)


def who(ns, address, port, kind="udp", count=16, **options):
    """The different servers, REFUSED or SILENT that a crowd has met."""
    return {o.server for o in crowd(ns, address, port, kind, count, **options)}


def enough(servers):
    """How large a crowd has to be to meet each of so many servers, but for once in 100 000 times."""
    return 8 + 8 * len(servers)
