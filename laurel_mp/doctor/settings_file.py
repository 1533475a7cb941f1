"""auditd.conf and audispd.conf: lines of `name = value`."""

from __future__ import annotations

from dataclasses import dataclass, field

from laurel_mp.doctor.untrusted_numbers import whole


@dataclass(frozen=True, slots=True)
class Line:
    """A line that auditd cannot read, and because of which it does not start."""

    number: int
    text: str
    reason: str


@dataclass(slots=True)
class SettingsFile:
    """The settings in a file."""

    name: str
    values: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    faulty: list[Line] = field(default_factory=list)

    def get(self, key: str, default: str = "") -> str:
        """Returns a value in lower case; the default if it is missing."""
        return self.values.get(key, default).lower()

    def number(self, key: str, default: int) -> int:
        """Returns a number; the default if it is missing, or not a number."""
        return whole(self.values.get(key, ""), default)

    def where(self, key: str) -> str:
        """Returns the file, with the line of a setting that is there."""
        number = self.lines.get(key)
        return self.name if number is None else f"{self.name}:{number}"

    def shown(self, key: str, default: object = "") -> str:
        """Returns the setting as in the file, or the default in force."""
        if key in self.values:
            return f"{key} = {self.values[key]}"
        return f"{key} is not set: {default}" if default != "" else f"{key} is not set"


def parse(name: str, data: bytes) -> SettingsFile:
    """Parses a file. Any bytes are accepted."""
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
