"""What the records of an exec say about the program that was started."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import NamedTuple

from laurel_mp.records.fields import Field, Form, parse
from laurel_mp.records.values import text_of

_path = re.compile(
    rb'item=(?P<item>[0-9]+) name=(?P<name>"[^"]*"|[0-9A-F]+)'
    rb"(?: inode=(?P<inode>[0-9]+)(?: dev=(?P<dev>[0-9a-f]+:[0-9a-f]+))?)?"
).match


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
    names: dict[int, tuple[bytes, bytes, bytes]] = {}
    cwd = None
    for name, body in records:
        if name == b"CWD":
            cwd = body
        elif name == b"PATH" and (match := _path(body)):
            found = (_text(match["name"]), match["inode"] or b"", match["dev"] or b"")
            names.setdefault(int(match["item"]), found)
    asked, inode, device = names.get(0, (b"", b"", b""))
    interpreter, *_ = names.get(1, (b"",))
    is_script = bool(asked) and words[:1] == (interpreter,) and asked in words[1:3]
    return Execution(words, _absolute(asked, cwd), inode, is_script, device)


def _text(written: bytes) -> bytes:
    form = Form.QUOTED if written[:1] == b'"' else Form.BARE
    return text_of(Field(b"name", form, written.strip(b'"'))) or b""


def _absolute(name: bytes, cwd: bytes | None) -> bytes:
    if not name:
        return b""
    directory = b""
    if cwd is not None:
        for field in parse(cwd):
            if field.key == b"cwd":
                directory = text_of(field) or b""
    joined = posixpath.normpath(posixpath.join(directory, name))
    return joined[1:] if joined.startswith(b"//") else joined
