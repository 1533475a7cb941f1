"""Reads a plugin file as auditd does, with all its peculiarities.

Sources: audisp/audispd-pconfig.c and audispd.c of audit-userspace, and runs with 3.0.9 and 4.2.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath

Version = tuple[int, ...]

PROGRAM = "laurel-mp"
"""File name of the program, in any directory."""

MOST_ARGS = 2
"""Words of `args` that audit 2 and auditd before 4.0.1 pass to a plugin."""

_KNOWN = {
    "active": ("yes", "no"),
    "direction": ("out",),
    "path": (),
    "type": ("always", "builtin"),
    "args": (),
    "format": ("string", "binary"),
}
"""Keywords, and their allowed values; empty for any value."""

_path_line = re.compile(r"^\s*path\s*=?\s*(\S+)", re.IGNORECASE)


class Effect(Enum):
    """Consequence of a faulty line."""

    LEFT_OUT = "auditd ignores the line, and starts the plugin without it"
    SKIPPED = "auditd skips the whole plugin"
    CUT = "auditd drops the words behind the second one"


@dataclass(frozen=True, slots=True)
class Fault:
    """A faulty line."""

    line: int
    text: str
    reason: str
    effect: Effect


@dataclass(slots=True)
class PluginFile:
    """A plugin file as auditd understands it."""

    name: str
    """Absolute path of the file."""
    settings: dict[str, list[str]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    """The number of the line of each setting."""
    faults: list[Fault] = field(default_factory=list)
    program: str = ""
    """Intended value of `path`, even if auditd cannot read it."""

    @property
    def is_skipped(self) -> bool:
        """True if auditd skips this plugin."""
        return any(fault.effect is Effect.SKIPPED for fault in self.faults)

    @property
    def is_active(self) -> bool:
        """True if auditd starts it."""
        return not self.is_skipped and self.value("active").lower() == "yes"

    @property
    def is_ours(self) -> bool:
        """True if it is meant to start laurel-mp."""
        path = PurePosixPath(self.program)
        return path.name == PROGRAM if self.program else PROGRAM in PurePosixPath(self.name).name

    @property
    def is_socket(self) -> bool:
        """True if it is auditd's own af_unix plugin."""
        return PurePosixPath(self.program).name in {"builtin_af_unix", "audisp-af_unix"}

    @property
    def arguments(self) -> list[str]:
        """Arguments of the program."""
        return self.settings.get("args", [])

    def value(self, key: str) -> str:
        """Returns the first word of a setting; empty if it is missing."""
        return self.settings.get(key, [""])[0]

    def where(self, key: str = "") -> str:
        """Returns the file, with the line of a setting that is there."""
        return f"{self.name}:{self.lines[key]}" if key in self.lines else self.name


def longest_line(version: Version) -> int:
    """Returns the length of the longest line that this auditd can read."""
    return 510 if version >= (4, 1, 3) else 158


def is_loaded(name: str, version: Version) -> bool:
    """Returns True if auditd reads a file of this name in its plugin directory."""
    if name.startswith(".") or name.count(".") > 1:
        return False
    return version < (4, 0, 3) or "." not in name or name.endswith(".conf")


def parse(name: str, data: bytes, version: Version) -> PluginFile:
    """Parses a file as auditd of this version does. Any bytes are accepted."""
    found = PluginFile(name)
    pieces = data.split(b"\n")
    for number, piece in enumerate(pieces, 1):
        text = piece.decode("utf-8", "replace")
        if not found.program and (match := _path_line.match(text)):
            found.program = match[1]
        if number == len(pieces):
            if piece:
                reason = "there is no line feed at the end of the last line"
                found.faults.append(Fault(number, text, reason, Effect.LEFT_OUT))
        elif len(piece) > longest_line(version) or b"\0" in piece:
            reason = f"it is longer than {longest_line(version)} characters, or has a NUL byte"
            found.faults.append(Fault(number, text, reason, Effect.LEFT_OUT))
        else:
            _line(found, number, text, version)
    return found


def _line(found: PluginFile, number: int, text: str, version: Version) -> None:
    # Blanks alone separate words. Tabs and carriage returns are a part of them.
    words = [word for word in text.split(" ") if word]
    if not words or words[0].startswith("#"):
        return
    reason = _mistake(words)
    if reason:
        found.faults.append(Fault(number, text, reason, Effect.SKIPPED))
        return
    key, values = words[0].lower(), words[2:]
    if key == "args" and version < (4, 0, 1) and len(values) > MOST_ARGS:
        reason = f"it has {len(values)} words, and this auditd passes on {MOST_ARGS}"
        found.faults.append(Fault(number, text, reason, Effect.CUT))
        values = values[:MOST_ARGS]
    found.settings[key] = values
    found.lines[key] = number


def _mistake(words: list[str]) -> str:
    """Returns the reason why auditd skips a plugin with this line; empty if it does not."""
    if any("\r" in word for word in words):
        return "it ends in a carriage return, as files from Windows do"
    if len(words) == 1 or words[1] != "=":
        if any("\t" in word for word in words):
            return "there is a tab in it, and only blanks separate words"
        return "there is no blank on each side of the ="
    if len(words) == 2:
        return "there is no value"
    key, values = words[0].lower(), words[2:]
    if key not in _KNOWN:
        return "auditd knows no such keyword"
    if key != "args" and len(values) > 1:
        return "there is something behind the value, perhaps a comment"
    if _KNOWN[key] and values[0].lower() not in _KNOWN[key]:
        return f"the value can be {' or '.join(_KNOWN[key])} only"
    if key == "path" and not values[0].startswith("builtin_") and _is_short(values[0]):
        return "the directory of the program has less than four characters"
    return ""


def _is_short(path: str) -> bool:
    return len(str(PurePosixPath(path).parent)) < 4
