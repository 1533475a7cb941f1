"""Checks of the audit rules."""

from __future__ import annotations

from collections.abc import Iterator

from laurel_mp.doctor.audit_rules import Rule
from laurel_mp.doctor.facts import Facts
from laurel_mp.doctor.findings import Check, Result, note, problem, warning
from laurel_mp.doctor.host import UnknownError
from laurel_mp.records.tables.record_types import NUMBERS

_NEEDED = {
    "EOE": "They mark the end of an event. Without them, events without a PROCTITLE record "
    "wait for "
    "pipeline.end-of-event-timeout.",
    "PROCTITLE": "They are the last records of most events, and contain the command line of "
    "everything but "
    "execs.",
    "SYSCALL": "Without them the kernel writes nothing else of an event that a rule asks for.",
    "EXECVE": "They contain the arguments of programs.",
    "CWD": "Without them, relative paths cannot be resolved.",
    "PATH": "They contain the files of an event.",
}
"""Record types that events need, with the reason."""

_VITAL = frozenset({"EOE", "PROCTITLE", "SYSCALL", "EXECVE"})

_NAMES_EXECVE = frozenset({"execve", "59", "11"})
"""Names of execve in a rule: its name, and its numbers on x86-64 and i386."""

_PROGRAM_CALLS = _NAMES_EXECVE | {"all"}

_ABOUT_EXECS = ("arch", "success")
"""Fields that a rule for all processes may have; failed execs are not needed."""

_LOAD = "augenrules --load"

_DEPLOY = "sh deploy/install.sh --rules   # or copy deploy/rules/laurel-mp-40-programs.rules"


def _none(facts: Facts) -> Iterator[Result]:
    if not _has_rules(facts):
        yield problem(
            facts.rules.source,
            "there are no rules",
            "Without rules, the kernel reports logins and little else.",
            _DEPLOY,
        )


def _has_rules(facts: Facts) -> bool:
    lines = map(str.strip, facts.rules.lines)
    return any(line.startswith(("-a", "-A", "-w")) for line in lines)


def _excluded(facts: Facts) -> Iterator[Result]:
    excluding = [rule for rule in facts.rules.rules if rule.list == "exclude"]
    for name, reason in _NEEDED.items():
        rule = _first(excluding, NUMBERS[name.encode()])
        if rule is None:
            continue
        some = " of some processes" if rule.others("msgtype") else ""
        make = problem if name in _VITAL and not some else warning
        yield make(
            _file_of(facts, rule),
            rule.text,
            f"No {name} records{some} are written. {reason}",
            "remove this rule from the file in /etc/audit/rules.d",
            _LOAD,
        )


def _first(rules: list[Rule], number: int) -> Rule | None:
    """Returns the rule that excludes records of this type: the first match decides."""
    for rule in rules:
        if not rule.has("msgtype") or not rule.matches("msgtype", number):
            continue
        if rule.action == "always":
            return rule
        if not rule.others("msgtype"):
            return None
    return None


def _programs(facts: Facts) -> Iterator[Result]:
    if not _has_rules(facts):
        return  # reported by `rules-none`
    found = facts.rules
    reached, narrow = _reported(found.rules)
    if "b64" not in reached and narrow is not None:
        yield warning(
            _file_of(facts, narrow),
            narrow.text,
            "Programs are reported for some processes only. What daemons and containers start has "
            "no rule, and parents, SPAWNED_BY and labels of all below them have holes.",
            _DEPLOY,
        )
    elif "b64" not in reached:
        yield problem(
            found.source,
            "no rule for execve",
            "Programs that are started are not reported: parents, SPAWNED_BY, labels and scripts "
            "are made of these events.",
            _DEPLOY,
        )
    elif "b32" not in reached:
        yield note(
            found.source,
            "no rule for execve with arch=b32",
            "A 32-bit program can start others unseen.",
            "-a always,exit -F arch=b32 -S execve,execveat -F key=exec",
            _LOAD,
        )


def _reported(rules: tuple[Rule, ...]) -> tuple[frozenset[str], Rule | None]:
    """Returns the architectures with all successful execs reported, and a rule for some execs."""
    reached: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    narrow = None
    for rule in rules:
        if rule.list != "exit" or not rule.calls & _PROGRAM_CALLS or rule.others(*_ABOUT_EXECS):
            is_candidate = rule.list == "exit" and rule.calls & _NAMES_EXECVE
            if is_candidate and rule.action == "always" and not rule.has("exit"):
                narrow = narrow or rule
        elif rule.action == "never":
            refused |= rule.architectures() - reached
        elif rule.matches("success", 1):
            reached |= rule.architectures() - refused
    return reached, narrow


def _never_task(facts: Facts) -> Iterator[Result]:
    for rule in facts.rules.rules:
        if rule.list == "task" and rule.action == "never":
            make = warning if rule.fields else problem
            yield make(
                _file_of(facts, rule),
                rule.text,
                "System calls of processes started from now on are not audited, whatever the other "
                "rules are.",
                "remove this rule from the file in /etc/audit/rules.d; some distributions install "
                "it",
                _LOAD,
            )


def _file_of(facts: Facts, rule: Rule) -> str:
    """Returns file and line of a rule in rules.d, if it is there in the same words."""
    directory = f"{facts.audit_dir}/rules.d"
    try:
        for name in facts.host.names(directory):
            text = facts.host.text(f"{directory}/{name}") if name.endswith(".rules") else None
            for number, line in enumerate((text or "").split("\n"), 1):
                if line.split() == rule.text.split():
                    return f"{directory}/{name}:{number}"
    except UnknownError:
        pass  # which file it is in is an extra
    return rule.where


CHECKS = (
    Check("rules-none", "there are rules", _none),
    Check(
        "rules-excluded",
        "no EOE, PROCTITLE, SYSCALL, EXECVE, CWD or PATH record is excluded",
        _excluded,
    ),
    Check("rules-programs", "each program that is started is reported", _programs),
    Check("rules-never-task", "no `never,task` rule switches off all others", _never_task),
)
