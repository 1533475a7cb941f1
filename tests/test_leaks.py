"""The fixture of all tests that notices child processes left behind."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from tests.support import children


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """These children do not end by themselves."""
    monkeypatch.setattr(children, "GRACE", 0.3)


@contextlib.contextmanager
def leaking(message: str) -> Iterator[None]:
    """Expects a leak with this description."""
    with pytest.raises(AssertionError, match=message), children.no_leaks():
        yield


def start(*words: str) -> int:
    """Start a program that no object of this process stands for."""
    return os.posix_spawnp(words[0], words, os.environ)


def test_a_child_is_found() -> None:
    """It is named, and ended."""
    with leaking("sleep 1000"):
        pid = start("sleep", "1000")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_child_of_a_child_is_found() -> None:
    """Also one that a thread has started."""
    before = children.descendants()
    with leaking("sleep 1000"):
        thread = threading.Thread(target=start, args=("sh", "-c", "sleep 1000 & wait"))
        thread.start()
        thread.join()
    assert before == children.descendants()


def test_a_zombie_is_found() -> None:
    """A process that has ended is left behind until its parent has waited for it."""
    with leaking("did not wait"):
        start("true")


def test_what_was_there_may_stay() -> None:
    """A fixture of a module may have started it."""
    pid = start("sleep", "1000")
    try:
        with children.no_leaks():
            pass
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
