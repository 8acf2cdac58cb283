# SPDX-License-Identifier: GPL-2.0
"""
End-to-end tests of the module and the tool; run.sh boots a guest and runs them there.

A test asks for `cluster` (the topology alone, one for all tests of a file) or `lab` (every node has
had the real objects of tests/cluster applied, again for each test).
"""

import pathlib
import resource
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

# pylint: disable=wrong-import-position
from lab import Cluster, echo, run, wait_until  # noqa: E402

MODULE = pathlib.Path("/sys/module/dvpnet")
LOST_MAX = 3


@pytest.fixture(scope="session", autouse=True)
def module():
    """The kernel module. It can be removed when all is over, so nothing of it is left."""
    if not MODULE.exists():
        pytest.exit("the module dvpnet is not loaded; tests/e2e/run.sh boots a guest with it", 2)
    yield
    left = run("ip", "netns", "list").stdout
    assert not left, f"network namespaces left: {left}"
    if MODULE.exists():
        # Namespaces are freed later than their names.
        wait_until(lambda: run("rmmod", "dvpnet", check=False).returncode == 0, 10,
                   "dvpnet can be unloaded")


@pytest.fixture(scope="module")
def cluster():
    """The topology, with nothing of dvpnet in it but what the file's tests have put there."""
    topology = Cluster()
    try:
        topology.build()
        yield topology
    finally:
        topology.destroy()


@pytest.fixture(scope="module")
def many_files():
    """Room for many sockets."""
    old = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(old[0], 8192), max(old[1], 8192)))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, old)


@pytest.fixture
def lab(cluster):
    """The topology, each node configured with the real objects of tests/cluster."""
    cluster.apply_files()
    return cluster


@pytest.fixture(params=[4, 6], ids=["v4", "v6"])
def family(request):
    """Inner address family."""
    return request.param


def pytest_configure(config):
    """Show a failure when it happens: the guest may not live to the summary."""
    config.addinivalue_line("markers", "tool: of the tool alone; the kernel makes no difference")
    config.addinivalue_line("markers", "load: takes long; one kernel is enough")
    config.addinivalue_line("markers", "api: needs an API server, see api.sh")

    class Failures:
        """A plugin: reports alone come without the configuration."""

        @staticmethod
        def pytest_runtest_logreport(report):
            """After each phase of a test."""
            if report.failed:
                terminal = config.pluginmanager.get_plugin("terminalreporter")
                for text in ("", report.longreprtext, *(text for _, text in report.sections)):
                    terminal.write_line(text)

    config.pluginmanager.register(Failures())


def pytest_sessionfinish(session):
    """Datagrams may be lost, but not many."""
    for ends in echo.repeated:
        print("\nanswered only when it was sent again:", *ends)
    if len(echo.repeated) > LOST_MAX:
        print(f"{len(echo.repeated)} datagrams were lost: not more than {LOST_MAX} may be")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
