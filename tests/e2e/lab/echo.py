# SPDX-License-Identifier: GPL-2.0
"""
Servers which say who they are and whom they see, and clients which ask them.

A TCP or SCTP server greets with a line `NAME PEER-ADDRESS PEER-PORT`, then sends back what it gets. A
UDP server answers each datagram with the line and the datagram.
"""

import dataclasses
import selectors
import socket
import threading

from .netns import SO_RCVBUFFORCE, SO_SNDBUFFORCE, netns

MAX_DATAGRAM = 65507    # what UDP over IPv4 can carry


def _socket(address, kind):
    """Of the address's family; kind is tcp, udp or sctp."""
    return socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET,
                         socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM,
                         socket.IPPROTO_SCTP if kind == "sctp" else 0)


class EchoServers:
    """All servers of a lab, in one thread."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.lock = threading.Lock()
        self.wake, wake = socket.socketpair()
        self.selector.register(wake, selectors.EVENT_READ, None)
        self.thread = threading.Thread(target=self._run, name="echo", daemon=True)
        self.thread.start()

    def add(self, ns, name, address, port, kinds=("tcp", "udp")):
        """Serve in a namespace under a name. Returns something for remove()."""
        result = []
        with netns(ns):
            for kind in kinds:
                sock = _socket(address, kind)
                result.append(sock)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.setblocking(False)
                sock.bind((address, port))
                if kind != "udp":
                    sock.listen(1024)
                else:
                    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
                    sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 4 << 20)
        with self.lock:
            for sock, kind in zip(result, kinds):
                handler = self._answer if kind == "udp" else self._accept
                self.selector.register(sock, selectors.EVENT_READ, (handler, name))
        self.wake.send(b"\0")
        return result

    def remove(self, sockets):
        """Stop serving; connections that exist go on."""
        with self.lock:
            for sock in sockets:
                self.selector.unregister(sock)
                sock.close()

    def close(self):
        """Stop all, and close all connections."""
        self.wake.close()
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()

    def _run(self):
        while True:
            ready = self.selector.select()
            with self.lock:
                for key, events in ready:
                    if key.data is None:
                        if not key.fileobj.recv(4096):
                            return
                    elif key.fileobj.fileno() >= 0:
                        handler, state = key.data
                        handler(key.fileobj, state, events)

    def _accept(self, listener, name, _events):
        try:
            sock, peer = listener.accept()
        except OSError:
            return
        sock.setblocking(False)
        pending = bytearray(f"{name} {peer[0]} {peer[1]}\n".encode())
        self.selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE,
                               (self._echo, pending))

    def _echo(self, sock, pending, events):
        try:
            if events & selectors.EVENT_READ and len(pending) < 1 << 20:
                data = sock.recv(1 << 17)
                if not data and not pending:
                    raise ConnectionError
                pending += data
            if pending:
                del pending[:sock.send(pending)]
        except BlockingIOError:
            pass
        except OSError:
            self.selector.unregister(sock)
            sock.close()
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if pending else 0)
        self.selector.modify(sock, wanted, (self._echo, pending))

    def _answer(self, sock, name, _events):
        try:
            for _ in range(64):
                data, peer = sock.recvfrom(1 << 16)
                answer = f"{name} {peer[0]} {peer[1]}\n".encode() + data
                sock.sendto(answer[:MAX_DATAGRAM], peer)
        except OSError:
            pass


@dataclasses.dataclass(frozen=True)
class Answer:
    """Who answered, and as whom it saw the client."""
    server: str
    source: str
    sport: int
    payload: bytes = b""


def parse_answer(data):
    """Read a server's answer."""
    line, payload = data.split(b"\n", 1)
    server, source, sport = line.decode().split()
    return Answer(server, source, int(sport), payload)


def open_socket(ns, kind, address, port, source=None, sport=0, timeout=30):
    """
    A connected socket of a namespace. SCTP tells the server all addresses unless bound to one.
    A source port is taken from below the kernel's own (32768 and up), some of which are in TIME_WAIT.
    """
    with netns(ns):
        sock = _socket(address, kind)
    try:
        sock.settimeout(timeout)
        if source or sport:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((source or ("::" if ":" in address else "0.0.0.0"), sport))
        sock.connect((address, port))
    except BaseException:
        sock.close()
        raise
    return sock


# Datagrams that were only answered when they were sent again: UDP does not, and where machines stand
# still for a while, one in many thousands is lost. conftest.py lets few of them pass.
repeated = []
PATIENT, ATTEMPTS = 20, 3


class Connection:
    """An open TCP or SCTP connection, or UDP exchange, with an echo server."""

    def __init__(self, ns, address, port, kind="tcp", **options):
        self.kind = kind
        self.sock = open_socket(ns, kind, address, port, **options)
        try:
            self.answer = parse_answer(self._ask(b"") if kind == "udp" else self._line())
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def _ask(self, data):
        """A datagram's answer; who has that much time asks again."""
        timeout = self.sock.gettimeout()
        attempts = ATTEMPTS if timeout >= PATIENT else 1
        self.sock.settimeout(timeout / attempts)
        try:
            for attempt in range(attempts):
                self.sock.send(data)
                try:
                    answer = self.sock.recv(1 << 16)
                except TimeoutError:
                    if attempt + 1 == attempts:
                        raise
                    continue
                if attempt:
                    repeated.append((self.sock.getsockname(), self.sock.getpeername()))
                return answer
        finally:
            self.sock.settimeout(timeout)

    def _line(self):
        line = b""
        while not line.endswith(b"\n"):
            byte = self.sock.recv(1)
            if not byte:
                raise ConnectionResetError("closed before the greeting")
            line += byte
        return line

    def echo(self, data):
        """Send, and get it back; returns the Answer of UDP, the data of TCP."""
        if self.kind == "udp":
            return parse_answer(self._ask(data))
        self.sock.sendall(data)
        result = b""
        while len(result) < len(data):
            part = self.sock.recv(1 << 16)
            if not part:
                raise ConnectionResetError("closed early")
            result += part
        return result

    def close(self):
        """Close it."""
        self.sock.close()


def ask(ns, address, port, kind="tcp", **options):
    """Connect, see who answers, close."""
    with Connection(ns, address, port, kind, **options) as connection:
        return connection.answer
