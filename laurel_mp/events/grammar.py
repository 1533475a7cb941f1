"""Expressions that take whole events, and single lines, out of a batch.

Most events of a stream stand in one piece: all their records, one behind the other, from
SYSCALL to the record that ends the event. One match takes such an event at once; the id is
compared by a back-reference. Any other line is matched alone.
"""

from __future__ import annotations

import re

from laurel_mp.events.syscall import BODY
from laurel_mp.records.header import ID, NODE, TYPE

# What comes back for an event of one piece: node, id, head, a0 to a3, tail, rest; for a line
# alone: node, type, id, body.
_SINGLE = (
    rb"(?:node=(" + NODE + rb") )?type=(" + TYPE + rb") msg=audit\((" + ID + rb")\):([^\n]*)\n"
)

_START = rb"(?:node=(" + NODE + rb") )?type=SYSCALL msg=audit\((" + ID + rb")\): " + BODY + rb"\n"

# An event of more records is rare, and the bound keeps hostile input from making us look far
# ahead again and again. A repeat that gives nothing back (`{0,250}+`) would do less, but up to
# CPython 3.11.4, which is Debian 12's, such a repeat matches wrongly (gh-106052).
_MOST_RECORDS = rb"{0,250}"


def _record(name: bytes) -> bytes:
    return rb"(?(1)node=\1 |)type=" + name + rb" msg=audit\(\2\):[^\n]*\n"


WITH_EOE = re.compile(
    _START
    + rb"((?:" + _record(rb"(?!EOE |SYSCALL )" + TYPE) + rb")" + _MOST_RECORDS + rb")"
    + _record(rb"EOE") + rb"|" + _SINGLE
)  # fmt: skip
"""For a stream in which events end with an EOE record."""

WITHOUT_EOE = re.compile(
    _START
    + rb"((?:" + _record(rb"(?!EOE |SYSCALL |PROCTITLE )" + TYPE) + rb")" + _MOST_RECORDS
    + _record(rb"PROCTITLE") + rb")" + rb"|" + _SINGLE
)  # fmt: skip
"""For a stream without: there PROCTITLE is the last record of a system call."""
