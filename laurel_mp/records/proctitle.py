"""Renders PROCTITLE records: the command line as the process shows it, NUL behind each argument.

The kernel writes its first 128 bytes, quoted if they are one plain word
[kernel: audit_log_proctitle].
"""

from __future__ import annotations

import re
from binascii import a2b_hex

from laurel_mp.records.fields import Field
from laurel_mp.records.members import Member
from laurel_mp.records.message import field_members
from laurel_mp.records.strings import PLAIN, encode_words
from laurel_mp.records.values import text_of

_regular = re.compile(rb'proctitle=(?:"(' + PLAIN + rb'*)"|([0-9A-F]+))').fullmatch


def render_regular(body: bytes, key: bytes) -> bytes | None:
    """Returns the object of a record in the kernel's notation; None for any other."""
    match = _regular(body)
    if match is None:
        return None
    title, digits = match.groups()
    items = words(digits) if title is None else b'"%b"' % title
    return None if items is None else b'{"%b":[%b]}' % (key, items)


def words(digits: bytes) -> bytes | None:
    """Returns the list items for a title in hex digits; None for an odd number of digits."""
    return None if len(digits) % 2 else encode_words(a2b_hex(digits))


def members(fields: list[Field], key: bytes, unparsed: bytes) -> list[Member]:
    """Returns the members for any record of this type."""
    found: list[Member] = []
    for field in fields:
        text = text_of(field) if field.key == b"proctitle" else None
        if text is None:
            found += field_members([field], unparsed)
        else:
            found.append((key, b"[%b]" % encode_words(text)))
    return found
