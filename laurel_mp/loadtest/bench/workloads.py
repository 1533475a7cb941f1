"""Input of candidates: a plain file of audit records."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from laurel_mp.errors import InputError
from laurel_mp.pipeline.intake.log_sources import open_source

_BLOCK = 1 << 20

_headers = re.compile(
    rb"^(?:node=(?P<node>\S+) )?type=\S+ msg=audit\((?P<id>[0-9.]+:[0-9]+)\):.*\n?", re.MULTILINE
).finditer

EventKey = tuple[bytes, bytes]
"""Node, which may be empty, and id of an event."""


class End(NamedTuple):
    """End of the last record of an event."""

    position: int
    event: EventKey


@dataclass(frozen=True, slots=True)
class Workload:
    """A file of records that candidates only read."""

    name: str
    path: Path
    lines: int
    size: int
    """Bytes."""

    @classmethod
    def of(cls, path: Path, name: str = "") -> Workload:
        """Returns a plain file. Raises InputError."""
        try:
            with path.open("rb") as file:
                lines = size = 0
                for block in iter(lambda: file.read(_BLOCK), b""):
                    lines += block.count(b"\n")
                    size += len(block)
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        if not lines:
            raise InputError(f"{path}: there is no line in it")
        return cls(name or path.name, path, lines, size)

    @classmethod
    def nothing(cls) -> Workload:
        """Returns an input without lines, for candidates that are measured at rest."""
        return cls("no input", Path(os.devnull), 0, 0)

    @classmethod
    def written(cls, chunks: Iterable[bytes], path: Path, name: str) -> Workload:
        """Writes a stream to a new file. Raises InputError."""
        try:
            with path.open("xb") as file:
                file.writelines(chunks)
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from None
        return cls.of(path, name)

    @classmethod
    def unpacked(cls, path: Path, directory: Path) -> Workload:
        """Returns a file, decompressed into `directory` if needed. Raises InputError."""
        if path.suffix not in {".gz", ".xz"}:
            return cls.of(path)
        with open_source(str(path)) as source:
            return cls.written(source.reads(_BLOCK), directory / path.stem, path.name)

    def ends(self) -> list[End]:
        """Returns the end of each event, in the order of the file."""
        last: dict[EventKey, int] = {}
        for line in _headers(self.path.read_bytes()):
            event = line["node"] or b"", line["id"]
            last.pop(event, None)  # so that the order is that of the last records
            last[event] = line.end()
        return [End(position, event) for event, position in last.items()]
