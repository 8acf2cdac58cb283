# SPDX-License-Identifier: GPL-2.0
"""Network namespaces: one process works in many of them."""

import contextlib
import ctypes
import os
import subprocess
import time

NETNS_DIR = "/run/netns"
CLONE_NEWNET = 0x40000000

# Socket options which Python does not name.
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33

# Python has os.setns() only from 3.12 on.
_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        errno = ctypes.get_errno()
        raise OSError(errno, os.strerror(errno))


@contextlib.contextmanager
def netns(name):
    """
    The thread is in the namespace for the length of the block: sockets opened there stay there, and
    a process started there runs there. Other threads are not affected.
    """
    outer = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        inner = os.open(f"{NETNS_DIR}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(inner)
        finally:
            os.close(inner)
        try:
            yield
        finally:
            _setns(outer)
    finally:
        os.close(outer)


def run(*command, ns=None, check=True, stdin=None, timeout=60):
    """
    Run a program, in a namespace if one is named. Returns the CompletedProcess with text output; a
    failure raises, with what the program said.
    """
    with netns(ns) if ns else contextlib.nullcontext():
        done = subprocess.run(command, input=stdin, text=True, capture_output=True,
                              timeout=timeout, check=False)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)}{f' in {ns}' if ns else ''}: "
                             f"exit {done.returncode}: {done.stderr or done.stdout}")
    return done


def ip(*lines, ns=None):
    """Run lines of ip commands, without the word ip, in one process."""
    run("ip", "-batch", "-", ns=ns, stdin="".join(f"{line}\n" for line in lines))


def sysctl(ns=None, **settings):
    """Write sysctls below net: sysctl("n1", **{"ipv4.ip_forward": 1})."""
    with netns(ns) if ns else contextlib.nullcontext():
        for name, value in settings.items():
            with open("/proc/sys/net/" + name.replace(".", "/"), "w", encoding="ascii") as file:
                file.write(str(value))


def ping(ns, address, *options, count=3):
    """Ping; fails if one answer is missing, or one is too many."""
    said = run("ping", "-n", "-c", str(count), "-i", "0.05", "-W", "5", *options, address, ns=ns)
    assert f" {count} received, 0% packet loss" in said.stdout, said.stdout


def try_ping(ns, address, *options):
    """A ping that may be lost: is there an answer?"""
    return not run("ping", "-n", "-c", "1", "-W", "1", *options, address, ns=ns,
                   check=False).returncode


def wait_until(condition, timeout=10, what=None):
    """
    Poll until the condition gives something true, and return that. The condition may raise
    AssertionError for "not yet"; the last one is shown when the time is over.
    """
    deadline = time.monotonic() + timeout
    pause = 0.005
    while True:
        last = None
        try:
            value = condition()
            if value:
                return value
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            break
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)
    raise AssertionError(f"not within {timeout} s: {last or what or condition}") from last
