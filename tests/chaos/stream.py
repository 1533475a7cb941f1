"""A long stream whose output is known: no clock and no look at this host decides anything in it.

All lines carry the name of another host, and all time stamps of a round of captures are one
second. So the plugin must give exactly the bytes of the offline conversion.
"""

from __future__ import annotations

import random
import re
from functools import cache

from laurel_mp.loadtest.repeat import repeat
from tests.support.corpus import CORPUS, corpus_lines
from tests.support.stream import Stream as Story

SECOND = 1_700_000_000
"""The time of the first round."""

LONG_LIVED = 250
"""A process that never ends, nor moves from round to round: its pid is one of the boot."""

CAPTURES = {
    "builds.raw": b"elsewhere",
    "concurrent.raw": b"far",
    "kinds.enriched": b"far",
    "users.raw": b"far",
    "injection.enriched": b"far",
    "argv.raw": b"farther",
}
"""What it is made of, and the node that each gets. Serials on a node do not overlap."""

_header = re.compile(rb"type=([^ ]+) msg=audit\([0-9]+(\.[0-9]{3}:[0-9]+)\):")
_other = re.compile(rb"\bopid=[0-9]+")


def make(lines: int, seed: int) -> bytes:
    """At least so many lines, whole rounds of the captures, in which much is out of order."""
    return b"".join(repeat(_round(seed), lines, move_pids=True))


@cache
def _round(seed: int) -> bytes:
    """All captures side by side, with what a real stream has of disorder.

    Events overlap, some come twice, of some the end is missing, and there are lines that are none.
    """
    chance = random.Random(seed)
    long_lived = Story(node="far", serial=1, seconds=SECOND)
    long_lived.execute(LONG_LIVED, 1, "/usr/sbin/daemon", "daemon", "--listen")
    placed: list[tuple[float, bytes]] = [(0.0, line.encode() + b"\n") for line in long_lived.lines]
    for name, node in CAPTURES.items():
        (path,) = CORPUS.glob(f"{name}.*.xz")
        lines = [_moved(line, node) + b"\n" for line in corpus_lines(path)]
        for place, line in _disordered(lines, chance):
            # Side by side, over the same length: the captures are interleaved.
            placed.append((1.0 + place / len(lines) * 46_000, line))
    placed += [(1 + chance.random() * 46_000, _garbage(chance)) for _ in range(150)]
    placed.sort(key=lambda pair: pair[0])
    return b"".join([line for _, line in placed])


def _moved(line: bytes, node: bytes) -> bytes:
    """The line as one of another host and another time."""
    match = _header.match(line)
    if match is None:
        return b"node=" + node + b" " + line  # it is malformed, and stays so
    kind, serial = match.groups()
    body = line[match.end() :]
    if kind == b"OBJ_PID":
        body = _other.sub(b"opid=%d" % LONG_LIVED, body)
    return b"node=%b type=%b msg=audit(%d%b):%b" % (node, kind, SECOND, serial, body)


def _disordered(lines: list[bytes], chance: random.Random) -> list[tuple[float, bytes]]:
    """The lines with their places: parts of events come later, or again, or not at all."""
    events: dict[bytes, list[int]] = {}
    for index, line in enumerate(lines):
        match = re.search(rb"msg=audit\(([^)]*)\)", line)
        events.setdefault(match[1] if match else b"", []).append(index)
    placed = []
    for indices in events.values():
        delay, cut, end = 0.0, len(indices), len(indices)
        what = chance.random()
        if what < 0.10:
            delay, cut = 1 + chance.random() * 40, chance.randrange(len(indices))
        elif what < 0.105 and lines[indices[-1]].split(b" ")[1] == b"type=EOE":
            end -= 1
        elif what < 0.11:
            again = 50 + chance.random() * 2000
            placed += [(index + again, lines[index]) for index in indices]
        placed += [
            (index + (delay if number >= cut else 0.0), lines[index])
            for number, index in enumerate(indices[:end])
        ]
    return placed


def _garbage(chance: random.Random) -> bytes:
    """A line without a valid header."""
    noise = bytes(chance.choice(b"abc=( )\x00\x1d\xff{\"'") for _ in range(chance.randrange(60)))
    head = chance.choice(
        (
            b"",
            b"type=",
            b"node=elsewhere type=SYSCALL msg=audit(",
            b"node= ",
            b"type=EOE msg=audit(1",
        )
    )
    return head + noise + b"\n"
