"""PROCTITLE records: the command line as the process shows it, NUL behind each argument.

The kernel gives its first 128 bytes, quoted if they are one plain word
[kernel: audit_log_proctitle].
"""

from __future__ import annotations

import re

from laurel_mp.records.fields import Field
from laurel_mp.records.members import Member
from laurel_mp.records.message import field_members
from laurel_mp.records.strings import PLAIN, encode
from laurel_mp.records.values import text_of

_regular = re.compile(rb'proctitle=(?:"(' + PLAIN + rb'*)"|((?:[0-9A-F]{2})+))').fullmatch
_is_plain = re.compile(PLAIN.replace(b"[", rb"[\0", 1) + rb"*").fullmatch


def render_regular(body: bytes, key: bytes) -> bytes | None:
    """The object of a record that is as the kernel writes it; None for any other."""
    match = _regular(body)
    if match is None:
        return None
    text = match[1]
    if text is None:
        text = bytes.fromhex(match[2].decode("ascii"))
        if not _is_plain(text):
            return b'{"%b":%b}' % (key, _array(text))
    return b'{"%b":["%b"]}' % (key, text.replace(b"\0", b'","'))


def members(fields: list[Field], key: bytes, unparsed: bytes) -> list[Member]:
    """The members of the object of any record of this type."""
    found: list[Member] = []
    for field in fields:
        text = text_of(field) if field.key == b"proctitle" else None
        if text is None:
            found += field_members([field], unparsed)
        else:
            found.append((key, _array(text)))
    return found


def _array(text: bytes) -> bytes:
    return b"[" + b",".join([encode(word) for word in text.split(b"\0")]) + b"]"
