"""Fixtures for all tests: what the machine must have, and what a test must not leave behind."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from tests.support import auditd, children, requirements
from tests.support.corpus import CORPUS

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell that starts the tests in the background: programs under test would ignore it, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says little on a machine that does other things; tests have a time-out.
settings.register_profile("laurel-mp", settings(), deadline=None)
settings.load_profile("laurel-mp")


class StartAuditd(Protocol):
    """The context manager `tests.support.auditd.real_auditd`."""

    def __call__(
        self,
        tmp_path: Path,
        rules: str,
        plugins: dict[str, auditd.PluginConf],
        log_format: str = "RAW",
        name_format: str = "NONE",
        q_depth: int = 20_000,
    ) -> AbstractContextManager[auditd.RealAuditd]:
        """Run auditd for the length of a `with` block."""
        ...


GROUPS = {
    "tests/end_to_end/": "auditd",  # only one can run, and to wait for it counts as a test's time
    "tests/cli/test_doctor.py": "auditd",
    "tests/deploy/test_plugin_install.py": "auditd",
    "tests/deploy/test_migration.py": "auditd",
    "tests/documentation/test_migration.py": "auditd",
    "tests/deploy/test_install.py": "install",  # most copy one installation
    "tests/differential/test_corpus.py": "laurel",  # the last test needs what the others found
    "tests/differential/test_ausearch.py": "ausearch",  # same
}
"""Tests that stay on one worker with `--dist=loadscope`; all others are spread one by one."""


class Grouping(LoadScopeScheduling):  # type: ignore[misc]
    """Gives workers a whole group, or a single test, at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return next((GROUPS[path] for path in GROUPS if nodeid.startswith(path)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Grouping | None:
    """Replace what pytest-xdist has for groups: its marks do not work with pytest 9.2."""
    return Grouping(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure no coverage where it costs most: in tests of a whole capture, and of many examples.

    Smaller tests cover the same lines; to measure these, too, would make them take 2.5 times as
    long.
    """
    for item in items:
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        of_corpus = any(isinstance(each, Path) and each.parent == CORPUS for each in parameters)
        if of_corpus or hasattr(getattr(item, "obj", None), "hypothesis"):
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture(autouse=True)
def _no_leaked_children() -> Iterator[None]:
    """Fail a test that leaves a child process behind."""
    with children.no_leaks():
        yield


@pytest.fixture(scope="session")
def requires_root() -> None:
    """For tests that need root."""
    requirements.root()


@pytest.fixture(scope="session")
def requires_auditd() -> None:
    """For tests that need a real auditd, root and the kernel's auditing."""
    requirements.auditd()


@pytest.fixture(scope="session")
def requires_laurel() -> Path:
    """For tests that compare with Debian's laurel: where it is."""
    return requirements.laurel()


@pytest.fixture
def real_auditd(requires_auditd: None) -> StartAuditd:
    """A function that runs auditd for the length of a `with` block."""
    return auditd.real_auditd


@pytest.fixture
def public_path() -> Iterator[Path]:
    """A temporary directory that every user may enter; pytest's own are for one user.

    Not one of those made open: a pytest that starts beside this one closes them again.
    """
    with tempfile.TemporaryDirectory(prefix="laurel-mp-test-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path
