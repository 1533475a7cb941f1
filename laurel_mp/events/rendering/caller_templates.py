"""Renders the caller of a system call, the part of a SYSCALL record from `items=` on, by templates.

User, session and terminal stand in front of the program's names, the rule's key behind them; these
are the same for many processes. One template for each pair of such texts renders the whole part.
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
# One of the two captures is empty. Plain text is its own JSON.
_NAME = rb'(?:("' + PLAIN + rb'*")|(' + ODD_QUOTED + rb"|" + HEX + rb"))"
USUAL = (
    rb"items=(0|[1-9][0-9]{0,8}) ppid=" + _ID + rb" pid=" + _ID
    + rb' (auid=[^"\n]*) comm=' + _NAME + rb" exe=" + _NAME + rb"((?: [^\n]*)?)"
)  # fmt: skip
"""Matches a caller: captures items, ppid, pid, the text in front of the names, comm, exe, and the
text behind the names.

There are two captures for each name, one of which is empty: text that is its own JSON, and any
other.
"""
_usual = re.compile(USUAL).fullmatch

# An example of a process, from which templates are made.
_EXAMPLE = b'items=0 ppid=1 pid=1 %b comm="@comm" exe="@exe"%b'
_EXAMPLE_IDS = b'"items":0,"ppid":1,"pid":1,'
_EXAMPLE_NAMES = b',"comm":"@comm","exe":"@exe"'
_EXAMPLE_PROCESS = b'1\t1\t"@comm"\t"@exe"\t'


class Caller(NamedTuple):
    """Members of the SYSCALL object from `items` on, and the calling process."""

    raw: bytes
    added: bytes
    process: bytes
    """pid, ppid, comm, exe, uid, key, separated by tabs; comm, exe and key are JSON."""
    items: int
    """Number of PATH records that the record announces."""


class CallerTemplate(NamedTuple):
    """All of a caller but the process itself."""

    raw: bytes
    """Template for items, ppid, pid, comm, exe."""
    added: bytes
    process: bytes
    """Template for pid, ppid, comm, exe."""


class CallerTemplates:
    """Renders callers by templates that it has learned."""

    def __init__(self, render: Callable[[bytes], Caller | None]) -> None:
        """`render` renders any caller, without templates."""
        self._render = render
        self._templates: dict[tuple[bytes, bytes], CallerTemplate | None] = {}
        self._again = Doorkeeper(1 << 10).again

    def render(self, text: bytes) -> Caller | None:
        """Returns the caller in `text`; None for an irregular one."""
        match = _usual(text)
        if match is None:
            return self._render(text)
        items, ppid, pid, front, comm, odd_comm, exe, odd_exe, back = match.groups(b"")
        found = self._templates.get((front, back))
        if found is None:
            found = self._learn(front, back)
            if found is None:
                return self._render(text)
        if odd_comm:
            comm = json_of(odd_comm)
        if odd_exe:
            exe = json_of(odd_exe)
        raw, added, process = found
        return tuple.__new__(  # as Caller does it, without the call
            Caller,
            (
                raw % (items, ppid, pid, comm, exe),
                added,
                process % (pid, ppid, comm, exe),
                int(items),
            ),
        )

    def get(self, front: bytes, back: bytes) -> CallerTemplate | None:
        """Returns the template for the texts around the names; None if none was learned."""
        return self._templates.get((front, back))

    def forget(self) -> None:
        """Drops all templates."""
        self._templates.clear()

    def _learn(self, front: bytes, back: bytes) -> CallerTemplate | None:
        """Learns a template; None for the first occurrence, and for irregular texts."""
        key = front, back
        if (
            key in self._templates
            or len(front) + len(back) > LONGEST_TEMPLATE
            or not self._again(hash(key))
        ):
            return None
        if len(self._templates) >= MOST_TEMPLATES:
            self._templates.clear()
        found = self._templates[key] = self._template(front, back)
        return found

    def _template(self, front: bytes, back: bytes) -> CallerTemplate | None:
        """Renders an example, and cuts the process out of it."""
        caller = self._render(_EXAMPLE % (front, back.rstrip(b" ")))
        if caller is None or not caller.raw.startswith(_EXAMPLE_IDS):
            return None
        pieces = caller.raw.replace(b"%", b"%%").split(_EXAMPLE_NAMES)
        if len(pieces) != 2 or not caller.process.startswith(_EXAMPLE_PROCESS):
            return None
        before, behind = pieces
        return CallerTemplate(
            b'"items":%b,"ppid":%b,"pid":%b,' + before[len(_EXAMPLE_IDS) :]
            + b',"comm":%b,"exe":%b' + behind,
            caller.added,
            b"%b\t%b\t%b\t%b\t" + caller.process[len(_EXAMPLE_PROCESS) :].replace(b"%", b"%%"),
        )  # fmt: skip


def json_of(written: bytes) -> bytes:
    """Returns the JSON for a name that is not quoted plain text."""
    if written.startswith(b'"'):
        return encode(written[1:-1])
    return encode(a2b_hex(written))
