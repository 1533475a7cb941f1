"""The process that asks the kernel."""

import os
import signal
from collections.abc import Iterator

import psutil
import pytest

from laurel_mp.pipeline.daemon.kernel_watch import KernelWatch
from laurel_mp.pipeline.daemon.netlink import KernelStatus
from tests.support.waiting import wait_until


class Kernel:
    """Counts on, and refuses after some questions."""

    def __init__(self, answers: int = 1000) -> None:
        self.answers = answers

    def __call__(self) -> KernelStatus:
        """The next answer."""
        self.answers -= 1
        if self.answers < 0:
            raise PermissionError(1, "Operation not permitted")
        return KernelStatus(100, 1000 - self.answers, 0)


@pytest.fixture
def watches() -> Iterator[list[KernelWatch]]:
    """Some that are closed in the end."""
    made: list[KernelWatch] = []
    yield made
    for each in made:
        each.close()


def started(watches: list[KernelWatch], kernel: Kernel, period: float = 0.01) -> KernelWatch:
    """One that runs."""
    watch = KernelWatch(kernel)
    watches.append(watch)
    watch.start(None, period)
    return watch


def test_the_latest_answer(watches: list[KernelWatch]) -> None:
    """Each look gives the latest answer, if there is one; its end is no child left behind."""
    watch = started(watches, Kernel(5), period=0.0)
    lost: list[int] = []

    def look() -> bool:
        status = watch.latest()
        lost.extend([] if status is None else [status.lost])
        return bool(watch.problem)

    wait_until(look, "it was refused")

    assert lost == sorted(set(lost))
    assert lost[-1] == 1000
    assert watch.problem == "Operation not permitted"
    assert watch.latest() is None
    assert watch.filenos() == ()


def test_nobody_looks(watches: list[KernelWatch]) -> None:
    """A full socket does not stop it; the next answer has the losses of the meantime."""
    watch = started(watches, Kernel(100_000), period=0.0)
    (child,) = psutil.Process().children()
    before = child.cpu_times().user
    wait_until(lambda: child.cpu_times().user > before + 0.2, "it continues")

    assert watch.latest() is not None
    assert watch.problem == ""


def test_it_dies(watches: list[KernelWatch]) -> None:
    """Its death is reported once. It is not restarted: no process has the right any more."""
    watch = started(watches, Kernel())
    (child,) = psutil.Process().children()
    os.kill(child.pid, signal.SIGKILL)
    wait_until(lambda: watch.latest() is None and watch.problem, "its end was noticed")

    assert watch.problem == "the kernel watch process has ended"


def test_it_ends_with_us(watches: list[KernelWatch]) -> None:
    """It ends when its socket is closed, and it is called what it is."""
    watch = started(watches, Kernel())
    (child,) = psutil.Process().children()
    wait_until(lambda: child.cmdline()[0] == "laurel-mp: kernel watch", "it has its title")
    watch.close()

    assert not child.is_running()
