"""What the records of an exec say about the program that was started."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from laurel_mp.records import execve
from laurel_mp.records.fields import Field, Form, parse
from laurel_mp.records.values import text_of

# What was asked for and its interpreter are the first two.
_path = re.compile(
    rb'item=0*(?P<item>[01]) name=(?P<name>"[^"]*"|[0-9A-F]+)'
    rb"(?: inode=(?P<inode>[0-9]+)(?: dev=(?P<dev>[0-9a-f]+:[0-9a-f]+))?)?"
).match

# An absolute path with nothing in it that could be left out.
_is_normal = re.compile(rb"(?:/[^/.][^/]*)+").fullmatch


class Execution(NamedTuple):
    """An exec that was successful, from its EXECVE, CWD and PATH records."""

    arguments: tuple[bytes, ...]
    program: bytes
    """What was asked to be run, absolute and normalised; empty if unknown."""
    inode: bytes
    """Its inode number in digits, empty if unknown."""
    is_script: bool
    """Whether the records show that an interpreter runs it."""
    device: bytes = b""
    """Where the program is, as records have it: `fe:00`."""

    def script(self, inode: bytes = b"", device: bytes = b"") -> bytes | None:
        """The script that was run, if it was one.

        `inode` and `device` are those of what really runs, where the system could be asked:
        it knows of interpreters that the records do not show (binfmt_misc).
        """
        if not self.program:
            return None
        if inode and self.inode:
            if inode != self.inode:
                return self.program
            if device == self.device:
                return None
            # Another device, or the same one by another name: stat(2) has one of its own for each
            # subvolume of btrfs, and so has overlayfs. What the records show decides.
        return self.program if self.is_script else None


def execution(
    arguments: Sequence[bytes | None], records: Sequence[tuple[bytes, bytes]]
) -> Execution:
    """What the records of an event, types and bodies, say about its exec.

    For a script the kernel puts the interpreter and the script's path in front of the
    arguments, and looks the interpreter up second [kernel: fs/binfmt_script.c].
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
    """What can be seen of an exec's script without a look at all records."""

    inode: bytes
    """As in Execution, but never empty."""
    behind_inode: bytes
    """JSON members of the same PATH record, from `dev` on."""
    may_be_script: bool
    """Whether the records might show that an interpreter runs it."""


class LazyExecution:
    """What the records of an event say about its exec, found out when somebody asks."""

    __slots__ = ("_found", "_glance", "_records")

    def __init__(
        self,
        records: Callable[[], Sequence[tuple[bytes, bytes]]],
        glance: ScriptHint | None = None,
    ) -> None:
        self._records = records
        self._glance = glance
        self._found: Execution | None = None

    def found(self) -> Execution:
        """What they say."""
        if self._found is None:
            records = self._records()
            bodies = [body for name, body in records if name == b"EXECVE"]
            self._found = execution(execve.read(bodies).texts, records)
        return self._found

    def script(self, inode: bytes = b"", device: bytes = b"") -> bytes | None:
        """What `found().script` says. Most programs are no scripts: mostly a glance tells that."""
        glance = self._glance
        if glance is not None:
            if not inode:
                if not glance.may_be_script:
                    return None
            elif inode == glance.inode and glance.behind_inode.startswith(b'"dev":"%b"' % device):
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
