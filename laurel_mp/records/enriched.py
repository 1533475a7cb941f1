"""auditd's own translations, which `log_format = ENRICHED` appends behind a byte 0x1d.

On its way through syslog daemons and SIEMs the separator is replaced by a blank (auditd's own
syslog plugin does that), escaped, or lost. In these forms the translations are the longest end of a
record that consists of nothing but translations.

What can be forged: nothing in a whole record. The kernel writes strings of users in quotes or in
hex digits, and within quotes no translation begins. It closes a message of user space with a quote,
and auditd's translations stand behind that; so behind the last quote that is followed by the end or
by a translation there is no text of the sender. In a record that was cut before its closing quote,
text of the sender can pass for translations: nothing in such a line tells them apart. Fields that
the kernel writes as they are, without quotes, come from administrators or the kernel itself
(security contexts, names of tables), with one exception: names of AppArmor profiles in `subj`.
"""

from __future__ import annotations

import re

from laurel_mp.records import values
from laurel_mp.records.fields import Field, Form, parse

SEPARATOR = b"\x1d"

# rsyslog writes `#035`, the C library's vis(3) `^]` or `\035`, journald and syslog-ng `\x1d`.
_ESCAPED = rb"#035|\^\]|\\x1d|\\035|\\u001[dD]"
SEPARATED = rb"(?:[\x1d ]|" + _ESCAPED + rb")"
"""Expression for a separator in any form but the lost one."""

NAMED = (
    b"AUID", b"UID", b"EUID", b"SUID", b"FSUID", b"OUID", b"OAUID", b"OLD-AUID", b"IUID",
    b"INODE_UID", b"SAUID", b"OBJ_UID", b"OBJ_GID", b"GID", b"EGID", b"SGID", b"FSGID", b"OGID",
    b"IGID", b"INODE_GID", b"NEW_GID", b"ID",
)  # fmt: skip
"""Keys of the users and groups that auditd names [auparse: typetab.h]."""

KEYS = frozenset((*NAMED, b"ARCH", b"SYSCALL", b"SADDR"))
"""Keys of all of auditd's translations."""

BARE_NAME = rb"[\w?()-]+"
"""Expression for a translation without quotes; quoted ones have no quote inside."""
_NAMES = rb"(?:" + rb"|".join(sorted(KEYS)) + rb")"
_VALUE = rb'(?:"[^"]*(?:"|\Z)|' + BARE_NAME + rb"|(?=\Z| ))(?=\Z| )"
_ADDRESS = rb"SADDR=\{(?s:.*)"
_KNOWN = rb"(?:" + _NAMES + rb"=" + _VALUE + rb"|" + _ADDRESS + rb")"
# A line may have been cut within its last translation.
_RUN = _KNOWN + rb"(?: +" + _KNOWN + rb")*(?: +(?:[A-Z_-]*\Z))?"

# Parts of a kernel record, for a search for translations in one pass: a quoted string as a whole,
# translations, and what cannot begin either. A translation behind a lost separator begins within a
# value, and neither within another key nor as the whole value.
_parts = re.compile(
    rb'"[^"]*(?:"|\Z)'
    rb"|(?P<separator> +|\x1d|" + _ESCAPED + rb"|(?<=[^ =]))(?P<run>" + _RUN + rb")"
    rb"|(?: +|\A)[A-Z][A-Z0-9_-]*=|=" + _NAMES + rb'=|[^" #^=\\A-Z\x1d]+|(?s:.)'
).finditer  # fmt: skip
_MARKS = (b"ID=", b"ARCH=", b"SYSCALL=", b"SADDR=")
_ADDRESS_MARKS = (b"SADDR={",)
# Behind a value in hex digits, a lost separator leaves open where AUID, EUID and EGID begin.
_half_a_byte = re.compile(rb"(?s:.*)(?<!\S)(?P<key>[\w-]+)=(?:[0-9A-F]{2})*[0-9A-F]").fullmatch

# Of a user-space record any upper-case keys count: the quote tells where they begin.
_CUT_VALUE = rb'(?:"[^"]*(?:"|\Z)|[\w?()-]*)(?= |\Z)'
_behind_message = re.compile(
    rb"'(?:" + SEPARATED + rb" *)?(?P<names>(?:[A-Z][A-Z0-9_-]*=" + _CUT_VALUE + rb" *)+"
    rb"(?:[A-Z][A-Z0-9_-]*)?)\Z"
).match
_begins_translations = re.compile(
    rb"'(?:" + SEPARATED + rb" *)?[A-Z][A-Z0-9_-]*=|'\x1d(?:\Z|[A-Z])"
).match

_message = re.compile(rb"(?:(?<= )|\A)msg='").search
_address = re.compile(rb"(?:(?<= )|\A)SADDR=(?=\{)").search


def split(body: bytes, kernel: bool) -> tuple[bytes, bytes]:
    """Splits a record body into its raw part and auditd's translations; either may be empty."""
    if not kernel and (message := _message(body)):
        return _split_message(body, message.end())
    # The untrusted strings of the kernel are hex, so the first separator is auditd's, unless it is
    # part of the path in `SADDR={ … }`.
    raw, separator, translations = body.partition(SEPARATOR)
    if not any(mark in raw for mark in (_ADDRESS_MARKS if separator else _MARKS)):
        return raw, translations
    for part in _parts(body):
        if part["run"] is not None and part.end() == len(body):
            start = part.start("run")
            half = None if part["separator"] else _half_a_byte(body[:start])
            if half and values.class_of(half["key"]) == "encoded":
                start += body.startswith((b"AUID=", b"EUID=", b"EGID="), start)
            return body[: start if start > part.start("run") else part.start()], body[start:]
    return raw, translations


def _split_message(body: bytes, start: int) -> tuple[bytes, bytes]:
    """Splits a record whose message begins at `start`.

    The message ends at the last quote that is followed by the end or by translations.
    """
    if body.endswith(b"'"):
        return body, b""
    end = body.rfind(b"'", start)
    while end >= 0 and not _begins_translations(body, end):
        end = body.rfind(b"'", start, end)
    if end < 0:
        return body, b""
    if body.endswith(b"'" + SEPARATOR):
        return body[:-1], b""
    names = _behind_message(body, end)
    return (body[: end + 1], names["names"]) if names else (body, b"")


def canonical(body: bytes) -> bytes:
    """Returns the body of a kernel record with the separator that auditd writes."""
    raw, translations = split(body, kernel=True)
    return raw + SEPARATOR + translations if translations else body


def parse_translations(text: bytes) -> list[Field]:
    """Returns the fields of auditd's translations.

    `SADDR={ … }` holds the path of a socket as its owner wrote it, with any braces, quotes and
    separators. It is the last translation of its record, so it takes the rest of the line.
    """
    address = _address(text)
    if address is None:
        return parse(text)
    braced = text[address.end() :].rstrip(b" ")
    return [*parse(text[: address.start()]), Field(b"SADDR", Form.BRACED, braced)]


def class_of(key: bytes) -> str:
    """Returns the class of a translation: encoded for names of users and groups, else text."""
    return "encoded" if key.endswith((b"UID", b"GID")) or key == b"ID" else "text"


def render(field: Field) -> bytes:
    """Returns the value of a translation as JSON."""
    return values.render(values.kind_of(class_of(field.key), field), field.text)
