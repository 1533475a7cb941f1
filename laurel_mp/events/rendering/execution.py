"""Reads from the records of an exec which program was started."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from laurel_mp.records import execve
from laurel_mp.records.fields import Field, Form, parse
from laurel_mp.records.values import text_of

# The first two items are the requested program and its interpreter.
_path = re.compile(
    rb'item=0*(?P<item>[01]) name=(?P<name>"[^"]*"|[0-9A-F]+)'
    rb"(?: inode=(?P<inode>[0-9]+)(?: dev=(?P<dev>[0-9a-f]+:[0-9a-f]+))?)?"
).match

# An absolute path in normal form.
_is_normal = re.compile(rb"(?:/[^/.][^/]*)+").fullmatch


class Execution(NamedTuple):
    """A successful exec, by its EXECVE, CWD and PATH records."""

    arguments: tuple[bytes, ...]
    program: bytes
    """Path of the requested program, absolute and normalised; empty if unknown."""
    inode: bytes
    """Inode number of the program in digits; empty if unknown."""
    is_script: bool
    """True if the records show that an interpreter runs it."""
    device: bytes = b""
    """Device of the program, as in records: `fe:00`."""

    def script(self, inode: bytes = b"", device: bytes = b"") -> bytes | None:
        """Returns the path of the script; None if the program is none.

        `inode` and `device` are those of the running executable, if /proc could be read: it shows
        interpreters that the records do not (binfmt_misc).
        """
        if not self.program:
            return None
        if inode and self.inode:
            if inode != self.inode:
                return self.program
            if device == self.device:
                return None
            # Another device, or another number for the same one: stat(2) has one for each
            # subvolume of btrfs, and so has overlayfs. The records decide.
        return self.program if self.is_script else None


def execution(
    arguments: Sequence[bytes | None], records: Sequence[tuple[bytes, bytes]]
) -> Execution:
    """Reads an exec from types and bodies of its event's records.

    For a script, the kernel puts the interpreter and the script's path in front of the arguments,
    and looks the interpreter up second [kernel: fs/binfmt_script.c].
    """
    words = tuple([text or b"" for text in arguments])
    names: dict[bytes, tuple[bytes, bytes, bytes]] = {}
    cwd = None
    for name, body in records:
        if name == b"CWD":
            cwd = body
        elif name == b"PATH" and (match := _path(body)):
            item, written, inode, device = match.groups(b"")
            if item not in names:
                names[item] = _text(written), inode, device
    asked, inode, device = names.get(b"0", (b"", b"", b""))
    interpreter, *_ = names.get(b"1", (b"",))
    is_script = bool(asked) and words[:1] == (interpreter,) and asked in words[1:3]
    return Execution(words, _absolute(asked, cwd), inode, is_script, device)


class ScriptHint(NamedTuple):
    """Facts that rule out a script without reading all records."""

    inode: bytes
    """Inode number of the program; never empty."""
    behind_inode: bytes
    """JSON members of the same PATH record, from `dev` on."""
    may_be_script: bool
    """False if the records show that no interpreter runs the program."""


class LazyExecution:
    """Reads an exec from records at the first use."""

    __slots__ = ("_found", "_hint", "_records")

    def __init__(
        self,
        records: Callable[[], Sequence[tuple[bytes, bytes]]],
        hint: ScriptHint | None = None,
    ) -> None:
        self._records = records
        self._hint = hint
        self._found: Execution | None = None

    def found(self) -> Execution:
        """Returns the exec."""
        if self._found is None:
            records = self._records()
            bodies = [body for name, body in records if name == b"EXECVE"]
            self._found = execution(execve.read(bodies).texts, records)
        return self._found

    def script(self, inode: bytes = b"", device: bytes = b"") -> bytes | None:
        """Returns `found().script(…)`. Most programs are no scripts; mostly the hint shows that."""
        hint = self._hint
        if hint is not None:
            if not inode:
                if not hint.may_be_script:
                    return None
            elif inode == hint.inode and hint.behind_inode.startswith(b'"dev":"%b"' % device):
                return None
        return self.found().script(inode, device)


def _text(written: bytes) -> bytes:
    if written.startswith(b'"'):
        return written[1:-1]
    return text_of(Field(b"name", Form.BARE, written)) or b""


def _absolute(name: bytes, cwd: bytes | None) -> bytes:
    if not name or _is_normal(name):
        return name
    directory = b""
    if cwd is not None:
        for field in parse(cwd):
            if field.key == b"cwd":
                directory = text_of(field) or b""
    joined = posixpath.normpath(posixpath.join(directory, name))
    return joined[1:] if joined.startswith(b"//") else joined
