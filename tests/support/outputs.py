"""What outputs write to in tests: small disks, and somebody who waits for them."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from laurel_mp.outputs.stall_policy import StallPolicy


class EnoughError(Exception):
    """Raised by those who have waited long enough."""


class Waiting:
    """Notes what it is told, and does something at a certain time: `on_stall` of an output."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.then: Callable[[], None] | None = None
        self.after = 2

    def __call__(self, reason: str) -> None:
        """Is told why an output holds back."""
        self.reasons.append(reason)
        if self.then is not None and len(self.reasons) == self.after:
            self.then()

    def give_up(self) -> None:
        """For `then`."""
        raise EnoughError


def patience(name: object, waiting: Waiting | None = None) -> StallPolicy:
    """The patience of an output."""
    return StallPolicy(str(name), waiting or Waiting())


@contextmanager
def small_disk(path: Path, size: str = "256k") -> Iterator[Path]:
    """A file system of a certain size at `path`; needs root."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def lines(count: int, width: int = 40, first: int = 0) -> bytes:
    """Lines that can be told apart, each of `width` bytes, at least 9."""
    numbers = range(first, first + count)
    return b"".join((b"%08d" % number).ljust(width - 1, b".") + b"\n" for number in numbers)
