"""Who made system calls: what their records say is the same for many processes.

User, session and terminal stand in front of the program's names, the rule's key behind them.
For each such surrounding that came before, one template renders the whole tail.
"""

from __future__ import annotations

import re
from binascii import a2b_hex
from collections.abc import Callable
from typing import NamedTuple

from laurel_mp.events.rendering.caches import Doorkeeper
from laurel_mp.records.strings import HEX, ODD_QUOTED, PLAIN, encode

MOST_TEMPLATES = 1024
LONGEST_TEMPLATE = 1024

_ID = rb"(0|[1-9][0-9]{0,9})"
# Of its two captures one is empty. What is plain is its own JSON.
_NAME = rb'(?:("' + PLAIN + rb'*")|(' + ODD_QUOTED + rb"|" + HEX + rb"))"
USUAL = (
    rb"items=(0|[1-9][0-9]{0,8}) ppid=" + _ID + rb" pid=" + _ID
    + rb' (auid=[^"\n]*) comm=' + _NAME + rb" exe=" + _NAME + rb"((?: [^\n]*)?)"
)  # fmt: skip
"""A tail: items, ppid, pid, what is in front of the names, comm, exe, what is behind them.

Of each name there are two captures, one of which is empty: what is its own JSON, and any other.
"""
_usual = re.compile(USUAL).fullmatch

# Stands for any process.
_EXAMPLE = b'items=0 ppid=1 pid=1 %b comm="@comm" exe="@exe"%b'
_EXAMPLE_IDS = b'"items":0,"ppid":1,"pid":1,'
_EXAMPLE_NAMES = b',"comm":"@comm","exe":"@exe"'
_EXAMPLE_ROW = b'1\t1\t"@comm"\t"@exe"\t'


class Tail(NamedTuple):
    """Who called."""

    raw: bytes
    added: bytes
    process: bytes
    """pid, ppid, comm, exe, uid, key, separated by tabs; comm, exe and key are JSON."""
    items: int
    """How many PATH records there should be."""


class CallerTemplate(NamedTuple):
    """All of a tail but the process."""

    raw: bytes
    """A template for items, ppid, pid, comm, exe."""
    added: bytes
    query: bytes
    """A template for pid, ppid, comm, exe."""


class CallerTemplates:
    """Renders tails in surroundings that it has learned."""

    def __init__(self, render: Callable[[bytes], Tail | None]) -> None:
        """`render` renders a tail the general way."""
        self._render = render
        self._surroundings: dict[tuple[bytes, bytes], CallerTemplate | None] = {}
        self._again = Doorkeeper(1 << 10).again

    def tail(self, text: bytes) -> Tail | None:
        """The tail `text`, rendered; None if it is not a regular one."""
        match = _usual(text)
        if match is None:
            return self._render(text)
        items, ppid, pid, front, comm, odd_comm, exe, odd_exe, back = match.groups(b"")
        found = self._surroundings.get((front, back))
        if found is None:
            found = self._learn(front, back)
            if found is None:
                return self._render(text)
        if odd_comm:
            comm = json_of(odd_comm)
        if odd_exe:
            exe = json_of(odd_exe)
        raw, added, query = found
        return tuple.__new__(  # as Tail does it, without the call
            Tail,
            (
                raw % (items, ppid, pid, comm, exe),
                added,
                query % (pid, ppid, comm, exe),
                int(items),
            ),
        )

    def surrounding(self, front: bytes, back: bytes) -> CallerTemplate | None:
        """What was learned of a surrounding; None if nothing was, or if it is irregular."""
        return self._surroundings.get((front, back))

    def forget(self) -> None:
        """Drops what was learned."""
        self._surroundings.clear()

    def _learn(self, front: bytes, back: bytes) -> CallerTemplate | None:
        """A surrounding that is not known; None if it came for the first time, or is irregular."""
        key = front, back
        if (
            key in self._surroundings
            or len(front) + len(back) > LONGEST_TEMPLATE
            or not self._again(hash(key))
        ):
            return None
        if len(self._surroundings) >= MOST_TEMPLATES:
            self._surroundings.clear()
        found = self._surroundings[key] = self._surrounding(front, back)
        return found

    def _surrounding(self, front: bytes, back: bytes) -> CallerTemplate | None:
        """Renders an example, and takes the process out of it."""
        tail = self._render(_EXAMPLE % (front, back.rstrip(b" ")))
        if tail is None or not tail.raw.startswith(_EXAMPLE_IDS):
            return None
        pieces = tail.raw.replace(b"%", b"%%").split(_EXAMPLE_NAMES)
        if len(pieces) != 2 or not tail.process.startswith(_EXAMPLE_ROW):
            return None
        before, behind = pieces
        return CallerTemplate(
            b'"items":%b,"ppid":%b,"pid":%b,' + before[len(_EXAMPLE_IDS) :]
            + b',"comm":%b,"exe":%b' + behind,
            tail.added,
            b"%b\t%b\t%b\t%b\t" + tail.process[len(_EXAMPLE_ROW) :].replace(b"%", b"%%"),
        )  # fmt: skip


def json_of(written: bytes) -> bytes:
    """The JSON for a name that is not quoted and plain."""
    if written.startswith(b'"'):
        return encode(written[1:-1])
    return encode(a2b_hex(written))
