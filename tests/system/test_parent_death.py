"""Children that end when their parent does."""

import os
import signal

import psutil

from laurel_mp.system.parent_death import die_with_parent
from tests.support.waiting import wait_until


def fork_and_wait(parent: int) -> int:
    """Start a child that waits for its parent's end, and return its pid when it does so."""
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            die_with_parent(parent)
            os.write(tell, b"!")
            signal.pause()
        finally:
            os._exit(0)
    os.close(tell)
    os.read(ready, 1)
    os.close(ready)
    return child


def test_a_child_ends_with_its_parent() -> None:
    """When the process in between is killed, so is its child."""
    ready, tell = os.pipe()
    parent = os.fork()
    if parent == 0:
        try:
            os.write(tell, b"%d" % fork_and_wait(os.getpid()))
            signal.pause()
        finally:
            os._exit(0)
    child = psutil.Process(int(os.read(ready, 20)))
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    os.close(ready)
    os.close(tell)

    def has_ended() -> bool:
        try:
            return not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    wait_until(has_ended, "the child has ended")


def test_a_parent_that_is_gone_already() -> None:
    """A child that comes too late ends at once."""
    child = fork_and_wait(1 << 30)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
