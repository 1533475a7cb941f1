"""Runs all checks in child processes, which can be killed when a check hangs.

Opening a file on a dead file server blocks for ever, and a module of the user database may crash.
So a child runs the checks and sends each result. When it is silent for too long or ends early, the
current check is reported as not made, and another child continues with the next check.
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
"""Seconds for one check: more than the deadlines of three external commands."""

TOTAL = 120.0
"""Seconds for all checks together."""


@dataclass(slots=True)
class Report:
    """The results of all checks."""

    checks: int
    configuration: str = ""
    """The configuration file that was checked; empty if that could not be found out."""
    findings: list[tuple[str, Finding]] = field(default_factory=list)
    """Name of the check and finding, in the order of the checks."""
    unchecked: list[tuple[str, str]] = field(default_factory=list)
    """Name of the check and reason for each check that could not be made."""

    @property
    def has_problems(self) -> bool:
        """True if there is a finding of severity problem."""
        return any(finding.severity is Severity.PROBLEM for _, finding in self.findings)

    def count(self, severity: Severity) -> int:
        """Returns the number of findings of this severity."""
        return sum(finding.severity is severity for _, finding in self.findings)

    def add(self, check: str, result: Result) -> None:
        """Adds a result, unless it is there already."""
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
    """Runs all checks; returns at the latest soon after `total` seconds."""
    report = Report(len(checks))
    end = time.monotonic() + total
    start = 0
    while start < len(checks) and (left := end - time.monotonic()) > 0:
        start = _run_in_child(report, facts, checks, start, min(deadline, left))
    for check in checks[start:]:
        report.add(check.name, Unchecked(f"no time left after {total:g} s"))
    return report


def results(check: Check, facts: Facts) -> Iterator[Result]:
    """Yields the results of one check, made in this process."""
    try:
        yield from check.look(facts)
    except UnknownError as error:
        yield Unchecked(str(error))


def _run_in_child(
    report: Report, facts: Facts, checks: Sequence[Check], start: int, deadline: float
) -> int:
    """Runs checks from number `start` on in a child; returns the number of the next one to run."""
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
                    reason = f"no result after {deadline:.0f} s: a file system or service hangs"
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
    """Yields the messages of the child until it ends; None if it is silent for too long."""
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
    """Waits for the child, and kills it if it does not end.

    A child that is blocked by a dead file server cannot be killed: it is left alone.
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
    """Runs the checks in the child, and sends their results."""
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
    except Exception as error:  # noqa: BLE001 - a bug in one check must not prevent the others
        yield Unchecked(f"internal error: {describe(error)}")


def _tell(stream: BinaryIO, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[stream.write(data) :]


def _result(message: dict[str, Any]) -> Result:
    if "reason" in message:
        return Unchecked(message["reason"])
    fields = message | {"severity": Severity(message["severity"]), "do": tuple(message["do"])}
    return Finding(**fields)
