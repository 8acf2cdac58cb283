# SPDX-License-Identifier: GPL-2.0
"""Traffic faster than Python makes it, by burst.c, which says what it can do."""

import contextlib
import functools
import pathlib
import subprocess
import tempfile

from .netns import netns, run

_SOURCE = pathlib.Path(__file__).with_suffix(".c")
_folder = tempfile.TemporaryDirectory()     # pylint: disable=consider-using-with


@functools.cache
def _program():
    """The compiled helper."""
    program = f"{_folder.name}/burst"
    run("gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", program, str(_SOURCE),
        timeout=300)
    return program


@contextlib.contextmanager
def server(ns, kind, port):
    """For the length of the block a namespace has a server of this kind: echo or whoami."""
    with netns(ns):
        process = subprocess.Popen([_program(), kind, str(port)], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def burst(ns, *words, timeout=900):
    """Run it to its end; returns its figures."""
    said = run(_program(), *map(str, words), ns=ns, timeout=timeout).stdout
    return {name: int(number) for name, number in map(str.split, said.splitlines())}


def start(ns, *words):
    """Begin to run it; returns the process."""
    with netns(ns):
        return subprocess.Popen([_program(), *map(str, words)], stdout=subprocess.PIPE, text=True)
