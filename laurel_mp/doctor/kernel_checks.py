"""Checks of auditing in the kernel: state, limits and losses."""

from __future__ import annotations

from collections.abc import Iterator

from laurel_mp.doctor.facts import Facts
from laurel_mp.doctor.findings import Check, Result, note, problem, warning
from laurel_mp.doctor.host import UnknownError

BACKLOG = 8192
"""Least length of the kernel's backlog; deploy/rules sets more."""

_STATUS = "auditctl -s"

_LOAD = "augenrules --load"


def _enabled(facts: Facts) -> Iterator[Result]:
    words = _command_line(facts)
    if {"audit=0", "audit=off"} & words:
        yield problem(
            "/proc/cmdline",
            "audit=0",
            "The kernel was started with auditing off, and cannot switch it on until the next "
            "boot.",
            "remove audit=0 from the kernel's command line (GRUB_CMDLINE_LINUX in "
            "/etc/default/grub)",
            "update-grub && reboot",
        )
    elif facts.number("enabled") == 0:
        yield problem(
            _STATUS,
            "enabled 0",
            "The kernel makes no records of system calls.",
            "auditctl -e 1",
        )


def _locked(facts: Facts) -> Iterator[Result]:
    if facts.number("enabled") == 2:
        yield note(
            _STATUS,
            "enabled 2",
            "Rules and limits cannot be changed until the next boot: changes to rules take effect "
            "then.",
            "nothing, if that is what you want; change the files in rules.d all the same",
        )


def _boot(facts: Facts) -> Iterator[Result]:
    words = _command_line(facts)
    if {"audit=1", "audit=on"} & words:
        return
    if {"audit=0", "audit=off"} & words:
        return  # reported by `kernel-enabled`
    yield note(
        "/proc/cmdline",
        "audit=1 is not there",
        "Processes that are started before auditd are never audited, and while auditd restarts, "
        "records are lost and not even counted.",
        "add audit=1 audit_backlog_limit=8192 to the kernel's command line "
        "(GRUB_CMDLINE_LINUX in /etc/default/grub)",
        "update-grub",
    )


def _command_line(facts: Facts) -> frozenset[str]:
    text = facts.host.text("/proc/cmdline")
    if text is None:
        raise UnknownError("/proc/cmdline: is not there")
    return frozenset(text.split())


def _backlog(facts: Facts) -> Iterator[Result]:
    limit = facts.number("backlog_limit")
    if 0 < limit < BACKLOG:
        yield warning(
            _STATUS,
            f"backlog_limit {limit}",
            f"The kernel queues {limit} records while auditd is busy. A build makes more in a "
            "second; "
            "then records are lost, or processes wait.",
            "in /etc/audit/rules.d: -b 65536",
            _LOAD,
        )


def _wait_time(facts: Facts) -> Iterator[Result]:
    ticks = facts.number("backlog_wait_time")
    if ticks == 0:
        return
    waited = facts.status.get("backlog_wait_time_actual", 0)
    seen = f"backlog_wait_time {ticks}"
    if waited:
        seen += f", and processes have waited {waited} ticks so far"
    yield warning(
        _STATUS,
        seen,
        f"When the backlog is full, each audited process waits up to {ticks} ticks of the kernel's "
        f"clock ({ticks // 250} s at 250 a second): a slow disk or plugin stops the whole host.",
        "in /etc/audit/rules.d: --backlog_wait_time 0",
        _LOAD,
    )


def _failure(facts: Facts) -> Iterator[Result]:
    mode = facts.number("failure")
    if mode == 2:
        yield problem(
            _STATUS,
            "failure 2",
            "The kernel panics when a record is lost, for example at a full backlog.",
            "in /etc/audit/rules.d: -f 1   # unless a policy demands it",
            _LOAD,
        )
    elif mode == 0:
        yield warning(
            _STATUS,
            "failure 0",
            "The kernel does not log losses.",
            "in /etc/audit/rules.d: -f 1",
            _LOAD,
        )


def _rate(facts: Facts) -> Iterator[Result]:
    limit = facts.number("rate_limit")
    if limit:
        yield problem(
            _STATUS,
            f"rate_limit {limit}",
            f"The kernel drops what goes beyond {limit} records a second, also from the middle of "
            "events, which then are incomplete.",
            "in /etc/audit/rules.d: -r 0",
            _LOAD,
        )


def _lost(facts: Facts) -> Iterator[Result]:
    lost = facts.number("lost")
    if lost:
        yield warning(
            _STATUS,
            f"lost {lost}",
            f"The kernel has lost {lost} records since the last boot or reset: whole events are "
            "missing, without a gap in their numbers.",
            "raise the backlog (-b 65536) and q_depth, and look at what kept auditd from reading",
            "auditctl --reset-lost   # then look at this again tomorrow",
        )


def _behind(facts: Facts) -> Iterator[Result]:
    backlog, limit = facts.number("backlog"), facts.number("backlog_limit")
    if limit and backlog * 2 > limit:
        yield problem(
            _STATUS,
            f"backlog {backlog} of {limit}",
            "auditd does not keep up at this moment: the kernel's backlog is more than half full.",
            "look for a slow plugin or a slow disk of auditd; `laurel-mp status` says whether it "
            "is this one",
        )


CHECKS = (
    Check("kernel-enabled", "auditing is on", _enabled),
    Check("kernel-locked", "rules can be changed (`-e 1`, not `-e 2`)", _locked),
    Check("kernel-boot", "the kernel was started with `audit=1`", _boot),
    Check("kernel-backlog", f"the backlog's limit is {BACKLOG} at least", _backlog),
    Check("kernel-wait-time", "no process waits for auditd (`--backlog_wait_time 0`)", _wait_time),
    Check("kernel-failure", "the kernel logs losses, and does not panic (`-f 1`)", _failure),
    Check("kernel-rate", "there is no rate limit", _rate),
    Check("kernel-lost", "the kernel has lost no record", _lost),
    Check("kernel-behind", "the backlog is less than half full", _behind),
)
