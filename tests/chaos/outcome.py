"""Reads an output from all its generations, and compares it with the expected one."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

SHOWN = 240
"""Bytes of a line that a report shows."""


def written(path: Path) -> bytes:
    """All that was written to a file and to those it was rotated to, the oldest first."""
    return b"".join([each.read_bytes() for each in reversed(generations(path))])


def generations(path: Path) -> list[Path]:
    """The file itself and those it was rotated to that are there, the youngest first."""
    found = [
        (int(end), each)
        for each in path.parent.glob(f"{path.name}.*")
        if (end := each.name.removeprefix(f"{path.name}.")).isdecimal()
    ]
    rotated = [each for _, each in sorted(found)]
    return [path, *rotated] if path.exists() else rotated


def size(path: Path) -> int:
    """Number of bytes in a file and its generations, while they are written.

    A file that is renamed meanwhile counts once, or not at all.
    """
    sizes = {}
    with os.scandir(path.parent) as entries:
        for entry in entries:
            end = entry.name.removeprefix(path.name)
            if entry.name.startswith(path.name) and (not end or end[1:].isdecimal()):
                try:
                    status = Path(entry.path).stat()
                except FileNotFoundError:
                    continue
                sizes[status.st_ino] = status.st_size
    return sum(sizes.values())


def difference(expected: bytes, found: bytes) -> str | None:
    """Describes the difference of two outputs, and where it begins; None if they are the same."""
    if expected == found:
        return None
    wanted, there = expected.split(b"\n"), found.split(b"\n")
    lost, more = Counter(wanted), Counter(there)
    both = lost & more
    lost, more = lost - both, more - both
    twice = sum(count for line, count in more.items() if line in both)
    line = next(
        (
            number
            for number, pair in enumerate(zip(wanted, there, strict=False))
            if pair[0] != pair[1]
        ),
        min(len(wanted), len(there)),
    )
    return "\n".join(
        [
            f"{lost.total()} lines are missing, {twice} are there again, "
            f"{more.total() - twice} should not be there"
            + ("" if lost or more else ": the order is another"),
            f"the first difference is in line {line + 1} (of {len(wanted)}, {len(there)}):",
            *_context("expected", wanted, line),
            *_context("found", there, line),
        ]
    )


def _context(what: str, lines: list[bytes], line: int) -> list[str]:
    first = max(line - 2, 0)
    return [
        f"{what:>8} {number + 1}: {text[:SHOWN].decode(errors='backslashreplace')}"
        + (f" ... ({len(text)} bytes)" if len(text) > SHOWN else "")
        for number, text in enumerate(lines[first : line + 3], first)
    ]
