"""Declarations of settings: each once, with all that validation, `-d` and the reference need."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from laurel_mp.config.kinds import Kind

LooksAt = Literal["lines", "addresses", "keys", "labels", "programs", "users", "services"]
"""The part of an event that a filter looks at: input lines and socket addresses of the event; keys
of audit rules and labels; program, user and systemd services of the process."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of one section.

    ``name`` is its TOML name, ``attribute`` that of the dataclass field. ``sample`` is what the
    sample configuration shows instead of the default; with ``shown`` it is set there. A
    ``required`` one must be given if its section is.
    """

    name: str
    attribute: str
    default: Any
    kind: Kind
    doc: str
    unit: str
    aliases: tuple[str, ...]
    required: bool
    sample: Any
    shown: bool
    looks_at: LooksAt | None
    """For a filter of events: what it looks at."""


@dataclass(frozen=True, slots=True)
class Section:
    """One TOML table; an optional one is None unless it is given."""

    name: str
    attribute: str
    schema: type[Any]
    doc: str
    optional: bool


def setting(
    default: object,
    kind: Kind,
    doc: str,
    *,
    name: str = "",
    unit: str = "",
    aliases: tuple[str, ...] = (),
    required: bool = False,
    sample: object = None,
    shown: bool = False,
    looks_at: LooksAt | None = None,
) -> Any:
    """Declare a setting as a dataclass field; its name follows from the attribute if not given."""
    declaration = Setting(
        name, "", default, kind, doc, unit, aliases, required, sample, shown, looks_at
    )
    if isinstance(default, dict):
        factory = dict[str, str]
        return dataclasses.field(default_factory=factory, metadata={"entry": declaration})
    return dataclasses.field(default=default, metadata={"entry": declaration})


def section(schema: type[Any], doc: str, *, optional: bool = False) -> Any:
    """Declare a TOML table as a dataclass field."""
    metadata = {"entry": Section("", "", schema, doc, optional)}
    if optional:
        return dataclasses.field(default=None, metadata=metadata)
    return dataclasses.field(default_factory=schema, metadata=metadata)


def entries(schema: type[Any]) -> Mapping[str, Setting | Section]:
    """Map the TOML names in a section, without aliases, to what was declared there."""
    found = {}
    for field in dataclasses.fields(schema):
        if entry := field.metadata.get("entry"):
            name = entry.name or field.name.replace("_", "-")
            found[name] = dataclasses.replace(entry, name=name, attribute=field.name)
    return found


def filters_on(section: Any) -> Mapping[str, LooksAt]:
    """Map the attributes of the filters that a section sets to what each of them looks at."""
    return {
        entry.attribute: entry.looks_at
        for entry in entries(type(section)).values()
        if isinstance(entry, Setting) and entry.looks_at and getattr(section, entry.attribute)
    }


def spellings(schema: type[Any]) -> Mapping[str, Setting | Section]:
    """Like `entries`, with the aliases."""
    found = dict(entries(schema))
    for entry in entries(schema).values():
        if isinstance(entry, Setting):
            found |= dict.fromkeys(entry.aliases, entry)
    return found


def walk(
    schema: type[Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Setting | Section]]:
    """Yield everything that a configuration can hold, with the path of its section."""
    for entry in entries(schema).values():
        yield path, entry
        if isinstance(entry, Section):
            yield from walk(entry.schema, (*path, entry.name))


def label(path: tuple[str, ...], name: str = "") -> str:
    """Name a section, or a setting in it, as users know it: ``[filter] filter-keys``."""
    return " ".join(part for part in (f"[{'.'.join(path)}]" if path else "", name) if part)
