"""Audit rules, as `auditctl -l` and audit.rules have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from laurel_mp.doctor.untrusted_numbers import whole
from laurel_mp.records.tables.record_types import NUMBERS

_operator = re.compile(r"(!=|>=|<=|&=|=|>|<|&)")

_LISTS = frozenset({"exit", "task", "exclude", "user", "filesystem", "io_uring", "entry"})


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule for a list of the kernel."""

    where: str
    text: str
    list: str
    action: str
    fields: tuple[tuple[str, str, str], ...]
    """Name, operator, value."""
    calls: frozenset[str]

    def others(self, *names: str) -> bool:
        """Returns True if it has other fields, and so matches only some processes."""
        return any(name not in {*names, "key"} for name, _, _ in self.fields)

    def has(self, name: str) -> bool:
        """Returns True if it has this field."""
        return any(name == field for field, _, _ in self.fields)

    def matches(self, name: str, number: int) -> bool:
        """Returns True if all its conditions on this field hold for `number`."""
        return all(
            _holds(number, operator, _type_number(value))
            for field, operator, value in self.fields
            if field == name
        )

    def architectures(self) -> frozenset[str]:
        """Returns `b64`, `b32`, or both."""
        named = frozenset(value for field, _, value in self.fields if field == "arch")
        known = named & {"b64", "b32"}
        return known or frozenset({"b64", "b32"})


def parse(source: str, lines: Iterable[str]) -> list[Rule]:
    """Returns the rules among these lines; watches, options and invalid lines are left out."""
    return list(_rules(source, lines))


def _rules(source: str, lines: Iterable[str]) -> Iterator[Rule]:
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0] not in {"-a", "-A"}:
            continue
        pairs = list(zip(words[::2], words[1::2], strict=False))
        parts = frozenset(pairs[0][1].split(",")) if pairs else frozenset()
        name = next(iter(parts & _LISTS), "")
        action = next(iter(parts & {"always", "never", "possible"}), "")
        if not name or not action:
            continue
        yield Rule(
            where=f"{source}:{number}",
            text=line.strip(),
            list=name,
            action=action,
            fields=tuple(_fields(pairs)),
            calls=frozenset(
                call for flag, value in pairs if flag == "-S" for call in value.split(",")
            ),
        )


def _fields(pairs: list[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    for flag, value in pairs:
        if flag == "-k":
            yield "key", "=", value
        elif flag in {"-F", "-C"}:
            name, operator, rest = [*_operator.split(value, maxsplit=1), "", ""][:3]
            yield name, operator, rest


def _type_number(value: str) -> int | None:
    number = whole(value, -1)
    return number if number >= 0 else NUMBERS.get(value.encode("utf-8", "replace"))


def _holds(number: int, operator: str, other: int | None) -> bool:
    if other is None:
        return False
    return {
        "=": number == other,
        "!=": number != other,
        ">": number > other,
        ">=": number >= other,
        "<": number < other,
        "<=": number <= other,
    }.get(operator, False)
