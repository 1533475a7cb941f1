"""Make a long stream out of a short capture: `python -m laurel_mp.loadtest.repeat`.

The capture is repeated whole, round after round. In each round the event ids in the headers have
moved on, times as well as serials: no id comes twice, and a node's serials go on without a gap.
Record bodies stay as they are. The first round is the capture itself.
"""

from __future__ import annotations

import argparse
import lzma
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FIRST_REUSED_PID = 300
"""Lower pids belong to the boot, the kernel does not assign them anew [kernel: RESERVED_PIDS]."""

_header = re.compile(
    # A number with a leading zero is no id: auditd writes none, and a round could not keep it.
    rb"^(?:node=(?P<node>[^ \n]*) )?type=(?P<type>[^ \n]+) "
    rb"msg=audit\((?P<time>0|[1-9][0-9]*)\.[0-9]+:(?P<serial>0|[1-9][0-9]*)\):",
    re.MULTILINE,
)
_processes = re.compile(
    # In front of these pids the kernel writes numbers and words only, so nothing forges them.
    rb"^(?:node=(?P<node>[^ \n]*) )?type=SYSCALL msg=audit\([0-9.:]+\):"
    rb'[^"\n]*? ppid=(?P<ppid>[0-9]+) pid=(?P<pid>[1-9][0-9]*) ',
    re.MULTILINE,
)


class _Slot(NamedTuple):
    """Where a number stands that moves from round to round."""

    start: int
    end: int
    series: tuple[str, bytes]
    """What it counts, and on which node. Each series moves by its own range."""


def repeat(lines: bytes, at_least: int, *, move_pids: bool = False) -> Iterator[bytes]:
    """Yield whole rounds of a capture, each one `bytes`, until there are `at_least` so many lines.

    With `move_pids`, `pid` and `ppid` of SYSCALL records move too, so that each round has processes
    of its own; those of the boot, such as pid 1, stay. Lines without a valid header come again
    unchanged. Raises `ValueError` if the capture is empty.
    """
    if not lines:
        raise ValueError("an empty capture can not be repeated")
    if not lines.endswith(b"\n"):
        lines += b"\n"
    rounds = -(-at_least // lines.count(b"\n"))
    # One `%` renders a round, at 0.3 µs a line; a substitution by expression took 2 µs.
    template, numbers, steps = _template(lines, move_pids)
    return (
        template % tuple([number + k * step for number, step in zip(numbers, steps, strict=True)])
        for k in range(rounds)
    )


def _template(lines: bytes, move_pids: bool) -> tuple[bytes, list[int], list[int]]:
    """Take out the numbers that move: the text with a `%d` for each, their values, their steps."""
    text = lines.replace(b"%", b"%%")
    slots = list(_ids(text))
    if move_pids:
        slots = sorted([*slots, *_pids(text)])
    pieces: list[bytes] = []
    numbers: list[int] = []
    ranges: dict[tuple[str, bytes], tuple[int, int]] = {}
    end = 0
    for slot in slots:
        number = int(text[slot.start : slot.end])
        pieces.append(text[end : slot.start])
        numbers.append(number)
        low, high = ranges.get(slot.series, (number, number))
        ranges[slot.series] = min(low, number), max(high, number)
        end = slot.end
    pieces.append(text[end:])
    spans = {series: high - low + 1 for series, (low, high) in ranges.items()}
    return b"%d".join(pieces), numbers, [spans[slot.series] for slot in slots]


def _ids(text: bytes) -> Iterator[_Slot]:
    """Find the times, one series so that nodes stay side by side, and the serials of each node.

    auditd's own DAEMON_* records count apart: they start from a random number.
    """
    for header in _header.finditer(text):
        counter = "auditd" if header["type"].startswith(b"DAEMON_") else "kernel"
        yield _Slot(*header.span("time"), ("time", b""))
        yield _Slot(*header.span("serial"), (counter, header["node"] or b""))


def _pids(text: bytes) -> Iterator[_Slot]:
    """Find the processes of SYSCALL records, but for those of the boot."""
    for record in _processes.finditer(text):
        for field in ("ppid", "pid"):
            if int(record[field]) >= FIRST_REUSED_PID:
                yield _Slot(*record.span(field), ("pid", record["node"] or b""))


def main(arguments: list[str] | None = None) -> int:
    """Write the repeated capture to a file or to standard output."""
    parser = argparse.ArgumentParser(
        prog="laurel_mp.loadtest.repeat",
        description="Make a long stream out of a short capture; its ids and times move on.",
    )
    parser.add_argument("capture", type=Path, help="what auditd wrote; a name in .xz is unpacked")
    parser.add_argument("--lines", type=int, default=1_000_000, help="at least so many")
    parser.add_argument("--move-pids", action="store_true", help="new processes in each round")
    parser.add_argument("-o", "--output", type=Path, default=Path("/dev/stdout"))
    options = parser.parse_args(arguments)

    lines = options.capture.read_bytes()
    if options.capture.suffix == ".xz":
        lines = lzma.decompress(lines)
    with options.output.open("wb") as output:
        for chunk in repeat(lines, options.lines, move_pids=options.move_pids):
            output.write(chunk)
    return 0


if __name__ == "__main__":
    sys.exit(main())
