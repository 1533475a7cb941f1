"""Free memory goes back to the system."""

import subprocess
import sys

from laurel_mp.system.malloc import FAST_BYTES, PAUSE, QUIET, SLOW_BYTES, GiveBack

SCRIPT = """
import time
from pathlib import Path
from laurel_mp.system import malloc

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

malloc.PAUSE = 0.0
give_back = malloc.GiveBack()
pieces = [bytes(60_000) for _ in range(1000)]
kept = pieces[::100]
full = resident()
del pieces
give_back.passed(60_000_000)
give_back()
print(full - resident())
more = [bytes(60_000) for _ in range(1000)]
full = resident()
del more
give_back()
give_back()
print(full - resident())
more = [bytes(60_000) for _ in range(1000)]
full = resident()
del more
give_back()
print(full - resident())
"""


def test_it_is_given_back_when_much_went_through() -> None:
    """Behind much that went through, and once more for what was in use then; not else."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    first, again, not_any_more = map(int, done.stdout.split())
    assert first > 40_000_000
    assert again > 40_000_000
    assert not_any_more < 40_000_000


def test_due_until_it_is_done_twice() -> None:
    """It is due when much went through, and then once more."""
    give_back = GiveBack()
    assert not give_back.is_due
    give_back.passed(FAST_BYTES)
    for expected in (True, False):
        give_back._last -= PAUSE
        give_back()
        assert give_back.is_due == expected


def test_not_while_they_come_evenly() -> None:
    """Memory is returned after much traffic, or at a low rate."""
    given: list[int] = []
    give_back = GiveBack()
    give_back._trim = given.append
    for _ in range(FAST_BYTES // SLOW_BYTES - 1):
        give_back.passed(SLOW_BYTES)
        give_back._last -= PAUSE
        give_back()
    assert given == []
    give_back._last -= PAUSE
    give_back.passed(QUIET - 1)
    give_back()
    assert given == [0]
    give_back._last -= PAUSE
    give_back()
    assert given == [0, 0]
    assert not give_back.is_due
    give_back.passed(FAST_BYTES)
    give_back._last -= PAUSE
    give_back()
    assert given == [0, 0, 0]
