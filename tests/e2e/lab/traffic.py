# SPDX-License-Identifier: GPL-2.0
"""Traffic in the background, which tells what was lost of it."""

import os
import select
import socket
import struct
import threading
import time

from .echo import Connection, open_socket

_BLOCK = os.urandom(1 << 18)
_PATTERN = _BLOCK + _BLOCK


class _Background:
    """A thread with a stop."""

    def __init__(self):
        self.stopping = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self._guarded, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.stop()

    def _guarded(self):
        try:
            self._work()
        except OSError as error:
            self.failure = error

    def _work(self):
        raise NotImplementedError

    def stop(self):
        """End it; afterwards the figures stand."""
        self.stopping.set()
        self.thread.join()


class TcpStream(_Background):
    """
    A TCP connection to an echo server, data travels both ways and is compared:

        with TcpStream("client-n1", "10.111.2.10", 7) as stream:
            ...
        assert stream.failure is None

    It goes as fast as it can, or at a rate in bytes a second; up to a limit of bytes, or until the
    end of the block.
    """

    def __init__(self, ns, address, port, limit=float("inf"), rate=float("inf"), timeout=30):
        super().__init__()
        self.connection = Connection(ns, address, port, timeout=timeout)
        self.sock = self.connection.sock
        self.limit = limit
        self.rate = rate
        self.timeout = timeout
        self.sent = 0
        self.received = 0

    def _work(self):
        start = progress = time.monotonic()
        ended = False
        with self.sock:
            self.sock.setblocking(False)
            while True:
                now = time.monotonic()
                wants = not self.stopping.is_set() and self.sent < self.limit
                if not wants and not ended:
                    self.sock.shutdown(socket.SHUT_WR)
                    ended = True
                may = wants and self.sent / self.rate <= now - start
                readable, writable, _ = select.select([self.sock], [self.sock] if may else [], [],
                                                      0.01 if wants and not may else 1)
                if readable or writable:
                    progress = now
                elif now - progress > self.timeout:
                    raise TimeoutError(f"nothing for {self.timeout} s after {self.received} bytes")
                if writable:
                    self._send()
                if readable and not self._receive():
                    break
        if self.received != self.sent:
            raise ConnectionError(f"sent {self.sent} bytes, {self.received} came back")

    def _send(self):
        start = self.sent % len(_BLOCK)
        end = start + min(1 << 16, self.limit - self.sent)
        self.sent += self.sock.send(_PATTERN[start:end])

    def _receive(self):
        data = self.sock.recv(1 << 17)
        start = self.received % len(_BLOCK)
        if data != _PATTERN[start:start + len(data)]:
            raise ConnectionError(f"other data behind byte {self.received}")
        self.received += len(data)
        return data

    def finish(self, timeout=60):
        """Wait until all of the limit came back; raises what went wrong."""
        self.thread.join(timeout)
        assert not self.thread.is_alive(), f"stuck at {self.received} of {self.limit} bytes"
        if self.failure:
            raise self.failure

    def wait_for(self, more, timeout=30):
        """Wait until so many more bytes have come back."""
        goal = self.received + more
        deadline = time.monotonic() + timeout
        while self.received < goal:
            if not self.thread.is_alive() or time.monotonic() > deadline:
                raise AssertionError(f"stream stuck at {self.received} bytes: {self.failure}")
            time.sleep(0.005)


class UdpExchange(_Background):
    """
    Numbered requests to an echo server at a steady rate, each of which should be answered:

        with UdpExchange("client-n1", "10.111.2.10", 7) as exchange:
            ...
        assert exchange.lost == []
    """

    def __init__(self, ns, address, port, rate=100, size=0, drain=3):
        super().__init__()
        self.sock = open_socket(ns, "udp", address, port)
        self.sock.setblocking(False)
        self.interval = 1 / rate
        self.padding = bytes(size)
        self.drain = drain
        self.sent = 0
        self.answered = {}      # number: server's name
        self.duplicates = 0
        self.errors = []        # what the socket said, ICMP errors among them

    @property
    def lost(self):
        """Numbers of the requests which nobody answered."""
        return [n for n in range(self.sent) if n not in self.answered]

    def _receive(self):
        while True:
            try:
                data = self.sock.recv(1 << 16)
            except BlockingIOError:
                return
            except OSError as error:
                self.errors.append(error)
                return
            line, payload = data.split(b"\n", 1)
            number, = struct.unpack_from("!I", payload)
            self.duplicates += number in self.answered
            self.answered[number] = line.split()[0].decode()

    def _work(self):
        with self.sock:
            due = time.monotonic()
            while not self.stopping.is_set():
                try:
                    self.sock.send(struct.pack("!I", self.sent) + self.padding)
                except OSError as error:
                    self.errors.append(error)
                self.sent += 1
                # A late tick is not made up for: bursts would not be a steady rate.
                due = max(due + self.interval, time.monotonic() - self.interval)
                while (left := due - time.monotonic()) > 0:
                    select.select([self.sock], [], [], left)
                    self._receive()
            deadline = time.monotonic() + self.drain
            while self.lost and (left := deadline - time.monotonic()) > 0:
                select.select([self.sock], [], [], left)
                self._receive()

    def wait_for(self, more, timeout=30):
        """Wait until so many more requests were sent."""
        goal = self.sent + more
        deadline = time.monotonic() + timeout
        while self.sent < goal:
            if not self.thread.is_alive() or time.monotonic() > deadline:
                raise AssertionError(f"exchange stuck at {self.sent}: {self.failure}")
            time.sleep(0.005)
