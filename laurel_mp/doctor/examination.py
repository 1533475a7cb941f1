"""Makes all checks, in a process that can be ended when one of them hangs.

A file on a dead file server cannot be opened and not be given up, and a module of the user
database may crash. So a child makes the checks and tells each result; when it says nothing for too
long, or is gone, that check is noted as not made, and another child goes on with the next one.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO, NoReturn

from laurel_mp.doctor.catalogue import CHECKS
from laurel_mp.doctor.facts import Facts
from laurel_mp.doctor.findings import Check, Finding, Result, Severity, Unchecked
from laurel_mp.doctor.host import UnknownError
from laurel_mp.observe.text import describe

DEADLINE = 20.0
"""Seconds that a check gets: more than the three programs that one may ask."""

TOTAL = 120.0
"""Seconds for all of them. A host on which so much hangs has said enough."""


@dataclass(slots=True)
class Report:
    """What came out."""

    checks: int
    configuration: str = ""
    """The configuration file that was checked; empty if that could not be found out."""
    findings: list[tuple[str, Finding]] = field(default_factory=list)
    """With the name of the check, in the order of the checks."""
    unchecked: list[tuple[str, str]] = field(default_factory=list)
    """What could not be checked, and why."""

    @property
    def has_problems(self) -> bool:
        """Whether anything is of the worst kind."""
        return any(finding.severity is Severity.PROBLEM for _, finding in self.findings)

    def count(self, severity: Severity) -> int:
        """How many findings are of this kind."""
        return sum(finding.severity is severity for _, finding in self.findings)

    def add(self, check: str, result: Result) -> None:
        """Take a result in; the same one twice is one."""
        if isinstance(result, Unchecked):
            if (check, result.reason) not in self.unchecked:
                self.unchecked.append((check, result.reason))
        elif (check, result) not in self.findings:
            self.findings.append((check, result))


def examine(
    facts: Facts,
    checks: Sequence[Check] = CHECKS,
    *,
    deadline: float = DEADLINE,
    total: float = TOTAL,
) -> Report:
    """Makes all checks. Returns in any case, soon after `total` seconds at most."""
    report = Report(len(checks))
    end = time.monotonic() + total
    start = 0
    while start < len(checks) and (left := end - time.monotonic()) > 0:
        start = _go_on(report, facts, checks, start, min(deadline, left))
    for check in checks[start:]:
        report.add(check.name, Unchecked(f"there was no time left after {total:g} s"))
    return report


def results(check: Check, facts: Facts) -> Iterator[Result]:
    """What one check has to say, made in this process."""
    try:
        yield from check.look(facts)
    except UnknownError as error:
        yield Unchecked(str(error))


def _go_on(
    report: Report, facts: Facts, checks: Sequence[Check], start: int, deadline: float
) -> int:
    """Has a child make checks from number `start` on; the number of the next one to be made."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _run(facts, checks, start, write)
    os.close(write)
    number = start
    with os.fdopen(read, "rb", buffering=0) as stream:
        try:
            for message in _messages(stream, deadline):
                if message is None:
                    reason = (
                        f"no end after {deadline:.0f} s: a file system or directory service hangs"
                    )
                    report.add(checks[number].name, Unchecked(reason))
                    os.kill(child, signal.SIGKILL)
                    return number + 1
                if "configuration" in message:
                    report.configuration = message["configuration"]
                elif "done" in message:
                    number = message["done"] + 1
                else:
                    report.add(checks[number].name, _result(message))
        finally:
            _end(child)
    if number < len(checks):
        report.add(checks[number].name, Unchecked("the check crashed"))
        number += 1
    return number


def _messages(stream: BinaryIO, deadline: float) -> Iterator[dict[str, Any] | None]:
    """What the child tells; None if it says nothing for too long. Ends when the child does."""
    rest = b""
    poll = select.poll()
    poll.register(stream, select.POLLIN)
    while poll.poll(deadline * 1000):
        data = os.read(stream.fileno(), 1 << 16)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield json.loads(line)
    yield None


def _end(child: int) -> None:
    """Waits for the child, which has nothing more to say, or ends it.

    One that waits for a dead file server ends when that answers, or never: it is left alone.
    """
    if not _has_ended(child, 1.0):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _has_ended(child, 1.0)


def _has_ended(child: int, seconds: float) -> bool:
    give_up = time.monotonic() + seconds
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() >= give_up:
            return False
        time.sleep(0.001)
    return True


def _run(facts: Facts, checks: Sequence[Check], start: int, fd: int) -> NoReturn:
    """All that the child does."""
    try:
        with os.fdopen(fd, "wb", buffering=0) as stream:
            if start == 0:
                with suppress(UnknownError):
                    _tell(stream, {"configuration": facts.config_location.text})
            for number in range(start, len(checks)):
                for result in _guarded(checks[number], facts):
                    _tell(stream, asdict(result))
                _tell(stream, {"done": number})
    finally:
        os._exit(0)


def _guarded(check: Check, facts: Facts) -> Iterator[Result]:
    try:
        yield from results(check, facts)
    except Exception as error:  # noqa: BLE001 - one check at fault must not keep the others away
        yield Unchecked(f"laurel-mp is at fault: {describe(error)}")


def _tell(stream: BinaryIO, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[stream.write(data) :]


def _result(message: dict[str, Any]) -> Result:
    if "reason" in message:
        return Unchecked(message["reason"])
    fields = message | {"severity": Severity(message["severity"]), "do": tuple(message["do"])}
    return Finding(**fields)
