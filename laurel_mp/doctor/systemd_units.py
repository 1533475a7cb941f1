"""Units of systemd, with their drop-ins."""

from __future__ import annotations

from dataclasses import dataclass, field

from laurel_mp.doctor.host import Host

UNIT_OF_AUDITD = "auditd.service"

_DIRECTORIES = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)

_ADD_UP = frozenset({"ReadWritePaths", "LogsDirectory", "StateDirectory", "RuntimeDirectory"})
"""Settings that accumulate over lines; an empty value resets them."""


@dataclass(slots=True)
class Unit:
    """The `[Service]` section of a unit and its drop-ins."""

    values: dict[str, list[str]] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def words(self, key: str) -> list[str]:
        """Returns all words of a setting."""
        return self.values.get(key, [])

    def value(self, key: str) -> str:
        """Returns a setting in lower case; empty if it is missing."""
        return " ".join(self.words(key)).lower()

    def where(self, key: str) -> str:
        """Returns file and line of the setting in force."""
        return self.places.get(key, "")


def read_unit(host: Host, name: str) -> Unit | None:
    """Returns a unit; None if there is none. Raises UnknownError."""
    for directory in _DIRECTORIES:
        text = host.text(f"{directory}/{name}")
        if text is not None:
            break
    else:
        return None
    unit = Unit()
    _add(unit, f"{directory}/{name}", text)
    drop_ins = {
        each: f"{directory}/{name}.d"
        for directory in reversed(_DIRECTORIES)
        for each in host.names(f"{directory}/{name}.d")
        if each.endswith(".conf")
    }
    for each, directory in sorted(drop_ins.items()):
        _add(unit, f"{directory}/{each}", host.text(f"{directory}/{each}") or "")
    return unit


def _add(unit: Unit, name: str, text: str) -> None:
    section = ""
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            section = stripped
        key, equals, rest = stripped.partition("=")
        if section != "[Service]" or not equals or key[:1] in "#;":
            continue
        words = rest.split()
        key = key.strip()
        if key in _ADD_UP and words:
            words = unit.values.get(key, []) + words
        unit.values[key] = words
        unit.places[key] = f"{name}:{number}"
