"""A long stream whose output is known: no clock and no look at this host decides anything in it.

All lines carry the name of another host, and all time stamps of a round of captures are one
second. So the plugin must give exactly the bytes of the offline conversion.
"""

from __future__ import annotations

import random
import re
from functools import cache

from laurel_mp.loadtest.rounds import repeat
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
"""The captures of the stream, and the node of each. Serials on a node do not overlap."""

_header = re.compile(rb"type=([^ ]+) msg=audit\([0-9]+(\.[0-9]{3}:[0-9]+)\):")
_in_any_header = re.compile(rb"node=[^ ]+ type=[^ ]+ msg=audit\(([^)]*)\)")
_end = re.compile(rb"^node=[^ ]+ type=EOE [^\n]*\n", re.MULTILINE)
_other = re.compile(rb"\bopid=[0-9]+")


def make(lines: int, seed: int) -> bytes:
    """At least so many lines, whole rounds of the captures, in which much is out of order.

    Of some events the end never comes. They are all in the last round: how far the stream may run
    on behind an event before it is given up is decided at marks, which are others in live mode.
    """
    *rounds, last = repeat(_round(seed), lines, move_pids=True)
    chance = random.Random(seed)
    return b"".join([*rounds, _end.sub(lambda end: end[0] * (chance.random() > 0.005), last)])


@cache
def _round(seed: int) -> bytes:
    """All captures side by side, with what a real stream has of disorder.

    Events overlap, some for long, some come twice, and there are lines that are none.
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
    """The lines with their places: parts of events come later, or much later, or again."""
    events: dict[bytes, list[tuple[float, bytes]]] = {}
    for index, line in enumerate(lines):
        match = _in_any_header.match(line)
        events.setdefault(match[1] if match else b"", []).append((index, line))
    placed: list[tuple[float, bytes]] = []
    for id_, event in events.items():
        place, line = event[-1]
        if id_ and not _end.match(line):  # see `make`
            node = line.split(b" ")[0]
            event.append((place + 0.5, b"%b type=EOE msg=audit(%b): \n" % (node, id_)))
        delay, cut = 0.0, len(event)
        what = chance.random()
        if what < 0.10:
            delay, cut = 1 + chance.random() * 40, chance.randrange(len(event))
        elif what < 0.105:
            delay, cut = chance.random() * 20_000, chance.randrange(len(event))
        elif what < 0.11:
            again = 50 + chance.random() * 2000
            placed += [(place + again, line) for place, line in event]
        placed += event[:cut]
        placed += [(place + delay, line) for place, line in event[cut:]]
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
