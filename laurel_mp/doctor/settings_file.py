"""auditd.conf and audispd.conf: lines of `name = value`."""

from __future__ import annotations

from dataclasses import dataclass, field

from laurel_mp.doctor.untrusted_numbers import whole


@dataclass(frozen=True, slots=True)
class Line:
    """A line that auditd cannot read: it does not start with such a file."""

    number: int
    text: str
    reason: str


@dataclass(slots=True)
class SettingsFile:
    """What is in a file."""

    name: str
    values: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    faulty: list[Line] = field(default_factory=list)

    def get(self, key: str, default: str = "") -> str:
        """A value in lower case; the default if it is not there."""
        return self.values.get(key, default).lower()

    def number(self, key: str, default: int) -> int:
        """A value that is a number; the default if it is not there, or none."""
        return whole(self.values.get(key, ""), default)

    def where(self, key: str) -> str:
        """The file, and the line of the setting; or that it is missing."""
        number = self.lines.get(key)
        return self.name if number is None else f"{self.name}:{number}"

    def shown(self, key: str, default: object = "") -> str:
        """The setting as it stands there, or what holds without it."""
        if key in self.values:
            return f"{key} = {self.values[key]}"
        return f"{key} is not set: {default}" if default != "" else f"{key} is not set"


def parse(name: str, data: bytes) -> SettingsFile:
    """What is in the file. Any bytes will do."""
    found = SettingsFile(name)
    for number, piece in enumerate(data.split(b"\n"), 1):
        text = piece.decode("utf-8", "replace")
        words = [word for word in text.split(" ") if word]
        if not words or words[0].startswith("#"):
            continue
        if "\r" in text:
            found.faulty.append(Line(number, text, "it ends in a carriage return"))
        elif len(words) < 3 or words[1] != "=":
            found.faulty.append(Line(number, text, "it is not of the form `name = value`"))
        else:
            key = words[0].lower()
            found.values[key] = words[2]
            found.lines[key] = number
    return found
