"""A plugin's file, read as auditd reads it, which is not always what it says.

Sources: audisp/audispd-pconfig.c and audispd.c of audit-userspace, and runs with 3.0.9 and 4.2.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath

Version = tuple[int, ...]

PROGRAM = "laurel-mp"
"""What our program is called, wherever it is installed."""

MOST_ARGS = 2
"""Words of `args` that audit 2 and auditd before 4.0.1 pass on."""

_KNOWN = {
    "active": ("yes", "no"),
    "direction": ("out",),
    "path": (),
    "type": ("always", "builtin"),
    "args": (),
    "format": ("string", "binary"),
}
"""Keywords, and what each can be; nothing for anything."""

_path_line = re.compile(r"^\s*path\s*=?\s*(\S+)", re.IGNORECASE)


class Effect(Enum):
    """What auditd does about a line that it does not like."""

    LEFT_OUT = "the line is left out, and the plugin starts without it"
    SKIPPED = "the whole plugin is skipped"
    CUT = "the words behind the second one are left out"


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that does not do what it says."""

    line: int
    text: str
    reason: str
    effect: Effect


@dataclass(slots=True)
class PluginFile:
    """What auditd gets out of a file."""

    name: str
    """With its directory."""
    settings: dict[str, list[str]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    """The number of the line of each setting."""
    faults: list[Fault] = field(default_factory=list)
    program: str = ""
    """What `path` was meant to be, even if auditd does not get it."""

    @property
    def is_skipped(self) -> bool:
        """Whether auditd does without this plugin."""
        return any(fault.effect is Effect.SKIPPED for fault in self.faults)

    @property
    def is_active(self) -> bool:
        """Whether auditd starts it."""
        return not self.is_skipped and self.value("active").lower() == "yes"

    @property
    def is_ours(self) -> bool:
        """Whether it was meant to start this program."""
        path = PurePosixPath(self.program)
        return path.name == PROGRAM if self.program else PROGRAM in PurePosixPath(self.name).name

    @property
    def is_socket(self) -> bool:
        """Whether it is auditd's own plugin that gives records to a socket."""
        return PurePosixPath(self.program).name in {"builtin_af_unix", "audisp-af_unix"}

    @property
    def arguments(self) -> list[str]:
        """The words that the program gets."""
        return self.settings.get("args", [])

    def value(self, key: str) -> str:
        """The first word of a setting; empty if it is not there."""
        return self.settings.get(key, [""])[0]

    def where(self, key: str = "") -> str:
        """The file, and the line if the setting is there."""
        return f"{self.name}:{self.lines[key]}" if key in self.lines else self.name


def longest_line(version: Version) -> int:
    """Characters of the longest line that this auditd can read."""
    return 510 if version >= (4, 1, 3) else 158


def is_loaded(name: str, version: Version) -> bool:
    """Whether auditd looks at a file of this name in its plugin directory."""
    if name.startswith(".") or name.count(".") > 1:
        return False
    return version < (4, 0, 3) or "." not in name or name.endswith(".conf")


def parse(name: str, data: bytes, version: Version) -> PluginFile:
    """What auditd of this version gets out of a file. Any bytes will do."""
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
    """Why auditd skips a plugin with this line; empty if it does not."""
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
