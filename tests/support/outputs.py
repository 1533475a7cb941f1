"""Sinks in tests: small disks, lists of targets, and a stall policy that takes notes."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from laurel_mp.outputs.sink import SELECTIONS, Sink
from laurel_mp.outputs.stall_policy import StallPolicy
from laurel_mp.outputs.target import Target
from laurel_mp.pipeline.runner.run_outputs import Outputs


class EnoughError(Exception):
    """Raised to give up waiting."""


class Waiting:
    """An `on_stall` that notes reasons, and does something at a certain call."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.then: Callable[[], None] | None = None
        self.after = 2

    def __call__(self, reason: str) -> None:
        """Notes why a sink stalls."""
        self.reasons.append(reason)
        if self.then is not None and len(self.reasons) == self.after:
            self.then()

    def give_up(self) -> None:
        """For `then`."""
        raise EnoughError


def policy(name: object, waiting: Waiting | None = None) -> StallPolicy:
    """A stall policy that waits."""
    return StallPolicy(str(name), waiting or Waiting())


def outputs_to(*targets: Target, waits: bool = True, append: bool = True) -> Outputs:
    """Sinks for events, filtered events and malformed lines, as many as there are targets."""
    names = ("auditlog", "filterlog", "parse-error-log")
    return Outputs(
        tuple(
            Sink(name, target, takes, waits=waits, append=append)
            for name, takes, target in zip(names, SELECTIONS, targets, strict=False)
        )
    )


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
