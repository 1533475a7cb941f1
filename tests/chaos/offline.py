"""Expected output of a stream, from offline conversion."""

from __future__ import annotations

import re
import subprocess
import tempfile
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.settings import Settings
from tests.support.commands import COMMAND

_end = re.compile(rb"^(?:node=([^ \n]+) )?type=EOE msg=audit\(([^)\n]+)\):[^\n]*\n", re.MULTILINE)
_id = re.compile(rb'^\{"ID":"([^"]+)"(?:,"NODE":"([^"]+)")?[^\n]*\n', re.MULTILINE)


@dataclass(frozen=True, repr=False)
class Expected:
    """The outputs of a stream, byte for byte."""

    stream: bytes
    events: bytes
    filtered: bytes
    malformed: bytes
    _positions: list[int]
    _sizes: list[int]

    def size_at(self, position: int) -> int:
        """Most bytes of output that the stream gives up to this position."""
        return self._sizes[bisect_right(self._positions, position)]


def convert(stream: bytes) -> Expected:
    """Converts a stream offline, in one process."""
    with tempfile.TemporaryDirectory(prefix="offline-") as name:
        directory = Path(name)
        config = Settings(directory, workers=0, size=0).write()
        output = directory / "audit.log"
        done = subprocess.run(
            [*COMMAND, "convert", "-c", config, "-o", output, "-"],
            input=stream,
            stderr=subprocess.PIPE,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        events, filtered, malformed = (
            (directory / name).read_bytes()
            for name in ("audit.log", "filtered.log", "malformed.log")
        )
    return Expected(stream, events, filtered, malformed, *_progress(stream, events))


def _progress(stream: bytes, events: bytes) -> tuple[list[int], list[int]]:
    """Positions in the stream where events end, and the bytes of output before each.

    Only events with an EOE record are looked at: they come out in the order of those.
    """
    written = {(match[2], match[1]): match.start() for match in _id.finditer(events)}
    positions: list[int] = []
    sizes: list[int] = []
    for match in _end.finditer(stream):
        size = written.get((match[1], match[2]))
        if size is not None and (not sizes or size > sizes[-1]):
            positions.append(match.end())
            sizes.append(size)
    return positions, [*sizes, len(events)]
