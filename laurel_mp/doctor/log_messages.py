"""Messages of auditd in the system log."""

from __future__ import annotations

import re
from dataclasses import dataclass

from laurel_mp.doctor.host import Host, UnknownError
from laurel_mp.doctor.untrusted_numbers import whole

_LOGS = ("/var/log/syslog", "/var/log/messages", "/var/log/daemon.log")

_JOURNAL = (
    "journalctl", "-q", "--no-pager", "-o", "short", "-n", "5000", "-t", "auditd", "-t", "audispd",
)  # fmt: skip

_TAIL = 4 << 20
"""Bytes read at the end of a log."""

_line = re.compile(r"\b(auditd|audispd)\[(\d{1,10})\]: (.{0,500})")


@dataclass(frozen=True, slots=True)
class LogMessage:
    """A message."""

    where: str
    program: str
    pid: int
    text: str


def messages(host: Host, auditd: int) -> list[LogMessage]:
    """Returns the messages of the current or latest auditd and audispd; `auditd` is 0 if it is off.

    They come from the files of syslog daemons, or else from the journal. Raises UnknownError.
    """
    found: list[LogMessage] = []
    unread: list[str] = []
    for name in _LOGS:
        try:
            text = host.text(name, _TAIL, tail=True) or ""
        except UnknownError as error:
            unread.append(str(error))
        else:
            found += _parse(name, text, numbered=len(text) < _TAIL)
    if not found:
        try:
            found = _parse(_JOURNAL[0], host.ask(*_JOURNAL).out, numbered=False)
        except UnknownError as error:
            raise UnknownError("; ".join([*unread, str(error)])) from None
    last = {said.program: said.pid for said in found}
    if auditd:
        last["auditd"] = auditd
    return [said for said in found if last[said.program] == said.pid]


def _parse(name: str, text: str, *, numbered: bool) -> list[LogMessage]:
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if match := _line.search(line):
            where = f"{name}:{number}" if numbered else name
            found.append(LogMessage(where, match[1], whole(match[2]), match[3].strip()))
    return found
