"""SYSCALL records in three pieces: head, numbers, tail.

The head says what was called and whether it succeeded, the tail from `items=` on who called; head
and tail come again and again, `exit` and `a0` to `a3` hardly do.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple

from laurel_mp.events.rendering.caches import BoundedCache, SecondHitCache
from laurel_mp.events.rendering.caller_templates import CallerTemplates, Tail
from laurel_mp.records import enriched, members, sockaddr, values
from laurel_mp.records.fields import Field, parse
from laurel_mp.records.record import Parts, RecordRenderer
from laurel_mp.records.strings import decode, encode
from laurel_mp.records.tables.process_calls import KINDS
from laurel_mp.records.values import Kind, render_field

# An alternative that is empty takes less time than a question mark.
HEAD = rb"arch=[0-9a-f]+ syscall=[0-9]+(?: per=[0-9a-f]+|)(?: success=[a-z]+|)"
EXIT = rb"(?: exit=(0|-?[1-9][0-9]{0,17})|)"
ARGUMENT = rb"(?!0\w)([0-9a-f]{1,16})"
NUMBERS = (
    rb"(" + HEAD + rb")" + EXIT + rb" a0=" + ARGUMENT + rb" a1=" + ARGUMENT
    + rb" a2=" + ARGUMENT + rb" a3=" + ARGUMENT
)  # fmt: skip
"""What stands in front of the tail: captures head, exit, and a0 to a3."""

_regular = re.compile(NUMBERS + rb" (items=(?s:.*))").fullmatch
_name = rb'("[^"]*"|[0-9A-F]*|\(null\)|\?)'
# The first `uid=` and `comm=` count, and blanks only from their first: else a hostile record, with
# thousands of them, would be searched again from each.
_who = re.compile(
    rb"items=([0-9]{1,9}) ppid=(0|[1-9][0-9]{0,9}) pid=(0|[1-9][0-9]{0,9}) "
    rb"(?=([^\n\x1d]*? uid=))\4(0|[1-9][0-9]{0,9}) (?=([^\n\x1d]*? comm=))\6"
    + _name
    + rb" exe="
    + _name
    + rb"(?: subj=[^\x1d]*?)?(?: key="
    + _name
    + rb")?(?<! ) *(?=\x1d|\Z)"
).match
_auditds_names = re.compile(
    rb"([^\x1d]*\x1d)ARCH=[\w()-]+ SYSCALL=[\w()-]+(?: (?=[\w.-]+=)|\Z)"
).match
_OURS = (b"PID", b"PPID", b"SPAWNED_BY", b"LABELS", b"SCRIPT", b"EXE_HASH", b"KEYS", b"UID_GROUPS")
_ARGUMENTS = (b"a0", b"a1", b"a2", b"a3")


class Call(IntEnum):
    """What a system call means for the process table."""

    PLAIN = 0
    EXEC = 1
    """One of whose event more may come, and be told as DETAILS."""
    EXIT_GROUP = 2
    UNNAMED = 3
    """Of an architecture that we have no table for: an EXECVE record tells if it is an exec."""
    LOOK_UP = 4
    """No system call: a question about the process with this pid."""
    DETAILS = 5
    """What became known of an exec when all of its records were there."""
    WHOLE_EXEC = 6
    """An exec of whose event all records are there, and that has no details."""


_CALLS = {"exec": Call.EXEC, "exit_group": Call.EXIT_GROUP}


class Head(NamedTuple):
    """What was called."""

    raw: bytes
    """With a comma behind it, unless it is empty: `drop-raw` may leave nothing of it."""
    added: bytes
    call: Call
    big_endian: bool


class Syscall(NamedTuple):
    """A SYSCALL record, rendered."""

    text: bytes
    """The inside of its object, which the annotation closes; the whole if `who` is empty."""
    process: bytes
    call: Call
    items: int
    big_endian: bool


class SyscallRenderer:
    """Renders SYSCALL records, remembering heads and tails."""

    def __init__(self, renderer: RecordRenderer, head_bytes: int, tail_bytes: int) -> None:
        self._renderer = renderer
        self.heads: BoundedCache[Head | None] = BoundedCache(head_bytes)
        self.tails: SecondHitCache[Tail | None] = SecondHitCache(tail_bytes)
        self.callers = CallerTemplates(self._tail)
        self.universal = renderer.options.universal
        self._argv = renderer.options.added(b"ARGV")
        self._names: BoundedCache[bytes] = BoundedCache(1 << 18)
        self._keys = renderer.options.added(b"KEYS")
        self._uid_groups = renderer.options.added(b"UID_GROUPS")
        self._annotated = set(map(renderer.options.added, _OURS))
        of_head = {b"arch", b"syscall", b"per", b"success", b"exit", *_ARGUMENTS}
        if renderer.options.universal:
            of_head |= {renderer.options.added(b"arch"), renderer.options.added(b"syscall")}
        self._reserved = self._annotated | of_head | {self._argv}
        self.arguments = b',"%b":["0x%%b","0x%%b","0x%%b","0x%%b"]' % self._argv
        """A template for a0 to a3."""
        self.template = b"%b%b%b" + self.arguments + b"%b%b"
        """Of head, exit, tail, a0 to a3, and what is added to head and tail."""

    def head(self, text: bytes) -> Head | None:
        """The head `text`, rendered; None if it is not a regular one."""
        parts = self._renderer.render_parts(b"SYSCALL head", text)
        head = None
        if parts is not None and self._is_translated(parts):
            arch = parts.values[b"arch"]
            raw = parts.raw + b"," if parts.raw else b""
            head = Head(raw, parts.added, _call(parts.values), sockaddr.is_big_endian(arch))
        self.heads.remember(text, head)
        return head

    def _is_translated(self, parts: Parts) -> bool:
        """Whether both names are known; if not, auditd's own, in the tail, are to be kept."""
        added = self._renderer.options.added
        return (
            not self._renderer.options.universal
            or {
                added(b"arch"),
                added(b"syscall"),
            }
            <= parts.keys
        )

    def tail(self, text: bytes) -> Tail | None:
        """The tail `text`, rendered; None if it is not a regular one."""
        tail = self.callers.tail(text)
        self.tails.remember(text, tail)
        return tail

    def forget(self) -> None:
        """Drops what was remembered, when names of users may have changed."""
        self.tails.forget()
        self.callers.forget()

    def _tail(self, text: bytes) -> Tail | None:
        """The same for any tail, by the layout of the record."""
        tail = None
        if b"\0" in text:
            return tail  # where the id of the event stood once more
        match = _who(text)
        parts = None
        if match:
            own = text
            if self._renderer.options.universal and (names := _auditds_names(text)):
                # The head says it by itself; a separator with nothing behind it goes, too.
                own = names[1] + text[names.end() :] if names.end() < len(text) else names[1][:-1]
            parts = self._renderer.render_parts(b"SYSCALL", own)
        if match and parts is not None and self._is_regular(match, parts):
            items, ppid, pid, uid, comm, exe, key = match.group(1, 2, 3, 5, 7, 8, 9)
            key = b"null" if key is None else self._name(key)
            added = parts.added + self._additions(uid, key)
            process = self._query(pid, ppid, self._name(comm), self._name(exe), uid, key)
            tail = Tail(parts.raw, added, process, int(items))
        return tail

    def _is_regular(self, match: re.Match[bytes], parts: Parts) -> bool:
        """Whether no key is in our way, and the grammar, too, reads what `_who` has found."""
        names = (b"ppid", b"pid", b"uid", b"comm", b"exe", b"key")
        written = zip(names, match.group(2, 3, 5, 7, 8, 9), strict=True)
        return self._reserved.isdisjoint(parts.keys) and all(
            parts.values.get(key, text) == text.strip(b'"') for key, text in written if text
        )

    def _query(
        self, pid: bytes, ppid: bytes, comm: bytes, exe: bytes, uid: bytes, key: bytes
    ) -> bytes:
        """What the tracker is told of a process."""
        if not self._renderer.options.queries_name_rules:
            uid, key = b"", b"null"
        return b"\t".join((pid, ppid, comm, exe, uid, key))

    def _additions(self, uid: bytes, key: bytes) -> bytes:
        """What we add to what the tail says: the groups of the user, keys one by one."""
        options = self._renderer.options
        text = b""
        if b"%01" in key:
            keys = b",".join([encode(each) for each in decode(key).split(b"\x01")])
            text += b',"%b":[%b]' % (self._keys, keys)
        if options.groups_of is not None:
            groups = options.groups_of(int(uid))
            if groups is not None:
                names = b",".join([encode(group) for group in groups])
                text += b',"%b":[%b]' % (self._uid_groups, names)
        return text

    def _name(self, written: bytes) -> bytes:
        """The JSON for a `comm` or `exe` as it was written."""
        name = self._names.get(written)
        if name is None:
            name = render_field(parse(b"exe=" + written)[0])
            self._names.remember(written, name)
        return name

    def render(self, body: bytes) -> Syscall:
        """Any SYSCALL record; one that is not regular is rendered by the general grammar."""
        match = _regular(body)
        if match:
            head_text, ended, a0, a1, a2, a3, tail_text = match.groups()
            head = self.heads[head_text] if head_text in self.heads else self.head(head_text)
            tail = self.tails[tail_text] if tail_text in self.tails else self.tail(tail_text)
            if head and tail:
                ended = exit_member(ended)
                numbers = (a0, a1, a2, a3)
                text = self.template % (
                    head.raw, ended, tail.raw, *numbers, head.added, tail.added
                )  # fmt: skip
                return Syscall(text, tail.process, head.call, tail.items, head.big_endian)
        return self._render_irregular(body)

    def _render_irregular(self, body: bytes) -> Syscall:
        raw, translations = enriched.split(body, kernel=True)
        fields = parse(raw)
        arguments = [field for field in fields if field.key in _ARGUMENTS]
        rest = [field for field in fields if field.key not in _ARGUMENTS]
        kept, added = self._renderer.members(b"SYSCALL", rest, translations)
        if arguments:
            hexadecimal = [values.kind_of("hexadecimal", field) for field in arguments]
            shown = [
                values.render(kind, field.text)
                for kind, field in zip(hexadecimal, arguments, strict=True)
            ]
            kept.append((self._argv, b"[" + b",".join(shown) + b"]"))
        texts = {field.key: field.text for field in rest}
        process = additions = b""
        if self._annotated.isdisjoint(key for key, _ in kept + added):
            process, additions = self._who(rest)
        items = texts.get(b"items", b"")
        return Syscall(
            members.join(kept + added) + additions,
            process,
            _call(texts),
            int(items) if items.isdigit() and len(items) < 10 else 0,
            sockaddr.is_big_endian(texts.get(b"arch", b"")),
        )

    def _who(self, fields: list[Field]) -> tuple[bytes, bytes]:
        """The process of irregular fields, and what we add; empty if they do not say it all."""
        by_key = {field.key: field for field in fields}
        found = [by_key.get(key) for key in (b"pid", b"ppid", b"uid", b"comm", b"exe")]
        pid, ppid, uid, comm, exe = found
        if not (pid and ppid and uid and comm and exe):
            return b"", b""
        if not (_is_number(pid) and _is_number(ppid) and _is_number(uid)):
            return b"", b""
        key = render_field(by_key[b"key"]) if b"key" in by_key else b"null"
        names = (render_field(comm), render_field(exe))
        process = self._query(pid.text, ppid.text, *names, uid.text, key)
        return process, self._additions(uid.text, key)


def exit_member(written: bytes | None) -> bytes:
    """What a call returned, with a comma behind it; nothing if the record does not say it."""
    return b"" if written is None else b'"exit":%b,' % written


def _is_number(field: Field) -> bool:
    """Whether a value is an id that can be shown: as JSON writes numbers, and no sign."""
    return field.text.isdigit() and values.kind_of("decimal", field) is Kind.NUMBER


def _call(texts: dict[bytes, bytes]) -> Call:
    """What a call means, from the values of the head."""
    calls = KINDS.get(texts.get(b"arch", b""))
    call = Call.UNNAMED
    if calls is not None:
        call = _CALLS.get(calls.get(texts.get(b"syscall", b""), ""), Call.PLAIN)
    if call in (Call.EXEC, Call.UNNAMED) and texts.get(b"success") != b"yes":
        return Call.PLAIN
    return call
