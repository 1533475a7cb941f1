"""`laurel-mp doctor`: checks this host, and recommends changes."""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from laurel_mp import __version__
from laurel_mp.cli import exit_status
from laurel_mp.cli.argument_types import add_common
from laurel_mp.doctor.examination import Report, examine
from laurel_mp.doctor.facts import AUDIT_DIR, Facts
from laurel_mp.doctor.findings import Finding, Severity
from laurel_mp.doctor.host import Host
from laurel_mp.observe.text import printable

WIDTH = 100

SHOWN = 400
"""Maximum of characters of a fact: lines of other files can have any length."""


def main(words: Sequence[str]) -> int:
    """Runs `doctor`; returns the exit status."""
    arguments = _parser().parse_args(words)
    config = os.path.abspath(arguments.config) if arguments.config else None  # noqa: PTH100 - links
    audit_dir = os.path.abspath(arguments.audit_dir)  # noqa: PTH100 - stay as they were given
    facts = Facts(Host(), audit_dir=audit_dir, config=config)
    report = examine(facts)
    try:
        if arguments.json:
            print(json.dumps(as_json(report), indent=2), flush=True)
        else:
            print("\n".join(_lines(report)), flush=True)
    except BrokenPipeError:
        sys.stdout = None  # the reader has closed: do not flush at exit
    return exit_status.FAILURE if report.has_problems else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="laurel-mp doctor",
        description="Check this host: auditd, kernel, audit rules, plugin file, configuration, "
        "directories and rights. Each finding has a consequence and a remedy. Nothing is changed. "
        "Many checks need root.",
        epilog="Exit status: 0; 1 if there is a finding of severity problem; 2 for wrong usage.",
    )
    add_common(parser)
    parser.add_argument(
        "--audit-dir",
        default=AUDIT_DIR,
        metavar="DIR",
        help=f"configuration directory of auditd (default: {AUDIT_DIR})",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    return parser


def as_json(report: Report) -> dict[str, Any]:
    """Returns the report as a JSON object."""
    return {
        "version": __version__,
        "configuration": report.configuration,
        "checks": report.checks,
        "problems": report.count(Severity.PROBLEM),
        "warnings": report.count(Severity.WARNING),
        "notes": report.count(Severity.NOTE),
        "findings": [
            {
                "check": check,
                "severity": finding.severity.name.lower(),
                "where": finding.where,
                "seen": finding.seen,
                "why": finding.why,
                "do": list(finding.do),
            }
            for check, finding in report.findings
        ],
        "unchecked": [{"check": check, "reason": reason} for check, reason in report.unchecked],
    }


def _lines(report: Report) -> Iterator[str]:
    """Yields the report as text: the worst findings first, then in the order of the checks."""
    for check, finding in sorted(report.findings, key=lambda found: -found[1].severity):
        yield from _finding(check, finding)
        yield ""
    if report.unchecked:
        yield "Not checked:"
        reasons: dict[str, list[str]] = {}
        for check, reason in report.unchecked:
            reasons.setdefault(reason, []).append(check)
        for reason, checks in reasons.items():
            yield from _wrapped(f"  {printable(reason, SHOWN)}: ", ", ".join(checks), "    ")
        if os.geteuid() != 0:
            yield "  (root can check more)"
        yield ""
    yield f"Configuration: {printable(report.configuration, SHOWN)}"
    counts = [_count(report.count(severity), severity) for severity in reversed(Severity)]
    unchecked = len({check for check, _ in report.unchecked})
    yield f"{report.checks} checks: {', '.join(counts)}; {unchecked} could not be made"


def _finding(check: str, finding: Finding) -> Iterator[str]:
    yield f"{finding.severity.name}  {check}"
    place, seen = printable(finding.where, SHOWN), printable(finding.seen, SHOWN)
    yield from _wrapped("  seen  ", f"{place}: {seen}", "        ")
    yield from _wrapped("  why   ", printable(finding.why), "        ")
    for number, step in enumerate(finding.do):
        # Not wrapped, so that it can be copied.
        yield f"{'        ' if number else '  do    '}{printable(step)}"


def _wrapped(start: str, text: str, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text,
        WIDTH,
        initial_indent=start,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [start]


def _count(number: int, severity: Severity) -> str:
    return f"{number} {severity.name.lower()}{'' if number == 1 else 's'}"
