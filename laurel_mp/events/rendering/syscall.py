"""Renders SYSCALL records in three parts: operation, numbers, caller.

The operation is the part from `arch=` to `success=`, the caller that from `items=` on. Both repeat
often; `exit` and `a0` to `a3` hardly do.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple

from laurel_mp.events.rendering.caches import BoundedCache, SecondHitCache
from laurel_mp.events.rendering.caller_templates import Caller, CallerTemplates
from laurel_mp.records import enriched, members, sockaddr, translation, values
from laurel_mp.records.fields import Field, parse
from laurel_mp.records.interpretation.arguments import interpret as interpret_arguments
from laurel_mp.records.record import Parts, RecordRenderer
from laurel_mp.records.strings import decode, encode
from laurel_mp.records.tables.process_calls import KINDS
from laurel_mp.records.values import Kind, render_field

# An empty alternative takes less time than a question mark.
OPERATION = rb"arch=[0-9a-f]+ syscall=[0-9]+(?: per=[0-9a-f]+|)(?: success=[a-z]+|)"
EXIT = rb"(?: exit=(0|-?[1-9][0-9]{0,17})|)"
ARGUMENT = rb"(?!0\w)([0-9a-f]{1,16})"
NUMBERS = (
    rb"(" + OPERATION + rb")" + EXIT + rb" a0=" + ARGUMENT + rb" a1=" + ARGUMENT
    + rb" a2=" + ARGUMENT + rb" a3=" + ARGUMENT
)  # fmt: skip
"""Matches the text in front of the caller: captures operation, exit, and a0 to a3."""

_regular = re.compile(NUMBERS + rb" (items=(?s:.*))").fullmatch
_name = rb'("[^"]*"|[0-9A-F]*|\(null\)|\?)'
# The first `uid=` and `comm=` count, and blanks only from their first: otherwise a hostile record
# with thousands of them would be searched again from each.
_caller = re.compile(
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
    """Meaning of a query for the process table."""

    PLAIN = 0
    EXEC = 1
    """An exec; a query with DETAILS may follow."""
    EXIT_GROUP = 2
    UNNAMED = 3
    """A call of an architecture without a table: an EXECVE record tells if it is an exec."""
    LOOK_UP = 4
    """No system call: asks about the process with this pid."""
    DETAILS = 5
    """Details of an exec, known when all of its records have arrived."""
    WHOLE_EXEC = 6
    """An exec without DETAILS; all of its records have arrived."""


_CALLS = {"exec": Call.EXEC, "exit_group": Call.EXIT_GROUP}


class Operation(NamedTuple):
    """Members of the SYSCALL object for the called operation."""

    raw: bytes
    """Ends with a comma unless it is empty, as `drop-raw` may make it."""
    added: bytes
    call: Call
    big_endian: bool


class Syscall(NamedTuple):
    """A SYSCALL record, rendered."""

    text: bytes
    """The inside of the object. The annotation closes the object unless `process` is empty."""
    process: bytes
    """As in `Caller`; empty if the record does not name it."""
    call: Call
    items: int
    big_endian: bool


class SyscallRenderer:
    """Renders SYSCALL records, with caches of operations and callers."""

    def __init__(self, renderer: RecordRenderer, operation_bytes: int, caller_bytes: int) -> None:
        """The numbers are limits of the caches, in bytes of keys."""
        self._renderer = renderer
        self.operations: BoundedCache[Operation | None] = BoundedCache(operation_bytes)
        self.callers: SecondHitCache[Caller | None] = SecondHitCache(caller_bytes)
        self.caller_templates = CallerTemplates(self._render_caller)
        self.universal = renderer.options.universal
        self._argv = renderer.options.added(b"ARGV")
        self._names: BoundedCache[bytes] = BoundedCache(1 << 18)
        self._keys = renderer.options.added(b"KEYS")
        self._uid_groups = renderer.options.added(b"UID_GROUPS")
        self._annotated = set(map(renderer.options.added, _OURS))
        before_caller = {b"arch", b"syscall", b"per", b"success", b"exit", *_ARGUMENTS}
        if renderer.options.universal:
            before_caller |= {renderer.options.added(b"arch"), renderer.options.added(b"syscall")}
        self._reserved = self._annotated | before_caller | {self._argv}
        self.arguments = b',"%b":["0x%%b","0x%%b","0x%%b","0x%%b"]' % self._argv
        """Template for a0 to a3."""
        self.template = b"%b%b%b" + self.arguments + b"%b%b"
        """Template for operation, exit, caller, a0 to a3, members added to operation and caller."""

    def operation(self, text: bytes) -> Operation | None:
        """Renders an operation and caches it; None for an irregular one.

        It is None if arguments are interpreted: their text is in no part that can be cached.
        """
        if self._renderer.options.interpret:
            return None
        parts = self._renderer.render_parts(b"SYSCALL operation", text)
        operation = None
        if parts is not None and self._is_translated(parts):
            arch = parts.values[b"arch"]
            raw = parts.raw + b"," if parts.raw else b""
            call, big_endian = _call(parts.values), sockaddr.is_big_endian(arch)
            operation = Operation(raw, parts.added, call, big_endian)
        self.operations.remember(text, operation)
        return operation

    def _is_translated(self, parts: Parts) -> bool:
        """True if both names are known; otherwise auditd's names, behind the caller, are kept."""
        added = self._renderer.options.added
        return (
            not self._renderer.options.universal
            or {
                added(b"arch"),
                added(b"syscall"),
            }
            <= parts.keys
        )

    def caller(self, text: bytes) -> Caller | None:
        """Renders a caller and caches it; None for an irregular one."""
        caller = self.caller_templates.render(text)
        self.callers.remember(text, caller)
        return caller

    def forget(self) -> None:
        """Clears the caches, when names of users may have changed."""
        self.callers.forget()
        self.caller_templates.forget()

    def _render_caller(self, text: bytes) -> Caller | None:
        """Renders any caller, without templates; None for an irregular one."""
        caller = None
        if b"\0" in text:
            return caller  # the id of the event occurs in it
        text = enriched.canonical(text)
        match = _caller(text)
        parts = None
        if match:
            own = text
            if self._renderer.options.universal and (names := _auditds_names(text)):
                # The operation has these names; a separator with nothing behind it goes, too.
                own = names[1] + text[names.end() :] if names.end() < len(text) else names[1][:-1]
            parts = self._renderer.render_parts(b"SYSCALL", own)
        if match and parts is not None and self._is_regular(match, parts):
            items, ppid, pid, uid, comm, exe, key = match.group(1, 2, 3, 5, 7, 8, 9)
            key = b"null" if key is None else self._name(key)
            added = parts.added + self._additions(uid, key)
            process = self._process(pid, ppid, self._name(comm), self._name(exe), uid, key)
            caller = Caller(parts.raw, added, process, int(items))
        return caller

    def _is_regular(self, match: re.Match[bytes], parts: Parts) -> bool:
        """True if no key is reserved, and the grammar reads the same as `_caller`."""
        names = (b"ppid", b"pid", b"uid", b"comm", b"exe", b"key")
        written = zip(names, match.group(2, 3, 5, 7, 8, 9), strict=True)
        return self._reserved.isdisjoint(parts.keys) and all(
            parts.values.get(key, text) == text.strip(b'"') for key, text in written if text
        )

    def _process(
        self, pid: bytes, ppid: bytes, comm: bytes, exe: bytes, uid: bytes, key: bytes
    ) -> bytes:
        """Returns the process for a query."""
        if not self._renderer.options.queries_name_rules:
            uid, key = b"", b"null"
        return b"\t".join((pid, ppid, comm, exe, uid, key))

    def _additions(self, uid: bytes, key: bytes) -> bytes:
        """Returns members that we add to a caller: keys one by one, the groups of the user."""
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
        """Returns the JSON for a `comm` or `exe` as written in a record."""
        name = self._names.get(written)
        if name is None:
            name = render_field(parse(b"exe=" + written)[0])
            self._names.remember(written, name)
        return name

    def render(self, body: bytes) -> Syscall:
        """Renders any SYSCALL record; an irregular one by the general grammar."""
        match = _regular(body)
        if match:
            first, ended, a0, a1, a2, a3, last = match.groups()
            operations, callers = self.operations, self.callers
            operation = operations[first] if first in operations else self.operation(first)
            caller = callers[last] if last in callers else self.caller(last)
            if operation and caller:
                ended = exit_member(ended)
                numbers = (a0, a1, a2, a3)
                text = self.template % (
                    operation.raw, ended, caller.raw, *numbers, operation.added, caller.added
                )  # fmt: skip
                call, big_endian = operation.call, operation.big_endian
                return Syscall(text, caller.process, call, caller.items, big_endian)
        return self._render_irregular(body)

    def _render_irregular(self, body: bytes) -> Syscall:
        raw, translations = enriched.split(body, kernel=True)
        fields = parse(raw)
        arguments = [field for field in fields if field.key in _ARGUMENTS]
        others = [field for field in fields if field.key not in _ARGUMENTS]
        kept, added = self._renderer.members(b"SYSCALL", others, translations)
        if arguments:
            hexadecimal = [values.kind_of("hexadecimal", field) for field in arguments]
            shown = [
                values.render(kind, field.text)
                for kind, field in zip(hexadecimal, arguments, strict=True)
            ]
            kept.append((self._argv, b"[" + b",".join(shown) + b"]"))
            added += self._interpreted(others, arguments)
        texts = {field.key: field.text for field in others}
        process = additions = b""
        if self._annotated.isdisjoint(key for key, _ in kept + added):
            process, additions = self._irregular_process(others)
        items = texts.get(b"items", b"")
        return Syscall(
            members.join(kept + added) + additions,
            process,
            _call(texts),
            int(items) if items.isdigit() and len(items) < 10 else 0,
            sockaddr.is_big_endian(texts.get(b"arch", b"")),
        )

    def _interpreted(self, others: list[Field], arguments: list[Field]) -> list[members.Member]:
        """Returns members that name what the arguments of the call mean."""
        options = self._renderer.options
        texts = {field.key: field.text for field in others}
        arch = translation.arch_name(texts.get(b"arch", b""))
        call = translation.syscall_name(arch or b"", texts.get(b"syscall", b""))
        if not options.interpret or arch is None or call is None:
            return []
        numbers = {
            int(field.key[1:]): int(field.text, 16)
            for field in arguments
            if values.kind_of("hexadecimal", field) is Kind.HEXADECIMAL
        }
        found = interpret_arguments(arch, call, numbers, options.user_name, options.group_name)
        return [(options.added(b"a%d" % number), encode(text)) for number, text in found.items()]

    def _irregular_process(self, fields: list[Field]) -> tuple[bytes, bytes]:
        """Returns the process and members that we add; empty if fields for it are missing."""
        by_key = {field.key: field for field in fields}
        found = [by_key.get(key) for key in (b"pid", b"ppid", b"uid", b"comm", b"exe")]
        pid, ppid, uid, comm, exe = found
        if not (pid and ppid and uid and comm and exe):
            return b"", b""
        if not (_is_number(pid) and _is_number(ppid) and _is_number(uid)):
            return b"", b""
        key = render_field(by_key[b"key"]) if b"key" in by_key else b"null"
        names = (render_field(comm), render_field(exe))
        process = self._process(pid.text, ppid.text, *names, uid.text, key)
        return process, self._additions(uid.text, key)


def exit_member(written: bytes | None) -> bytes:
    """Returns the member for the result of a call, with a comma behind it; empty without one."""
    return b"" if written is None else b'"exit":%b,' % written


def _is_number(field: Field) -> bool:
    """True if a value is an id as JSON writes numbers, without a sign."""
    is_short = field.text.isdigit() and len(field.text) < 20
    return is_short and values.kind_of("decimal", field) is Kind.NUMBER


def _call(texts: dict[bytes, bytes]) -> Call:
    """Returns the meaning of a call, by the values of its operation."""
    calls = KINDS.get(texts.get(b"arch", b""))
    call = Call.UNNAMED
    if calls is not None:
        call = _CALLS.get(calls.get(texts.get(b"syscall", b""), ""), Call.PLAIN)
    if call in (Call.EXEC, Call.UNNAMED) and texts.get(b"success") != b"yes":
        return Call.PLAIN
    return call
