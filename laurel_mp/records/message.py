"""Reads parts of a record body: permissions of AVC records, and `msg='…'` of user space."""

from __future__ import annotations

import re

from laurel_mp.records import members
from laurel_mp.records.fields import Field, Form, parse
from laurel_mp.records.members import Member
from laurel_mp.records.strings import encode
from laurel_mp.records.values import render_field

UNPARSED = b"unparsed"
"""Our key for words that belong to no field, joined by blanks."""

# `avc:  denied  { read write } for  pid=…` [kernel: security/selinux/avc.c]
_avc = re.compile(rb" *avc: +(denied|granted) +\{([^{}]*)\} *(?:for +)?").match

# Words that old and new kernels put before the first field.
_preface = re.compile(rb"(?:tty|user|policy loaded) +(?=[\w-]+=)").match
_netlabel = re.compile(rb"netlabel: +(?=[\w-]+=)").match

_message = re.compile(rb"(?:(?<= )|\A)msg='").search


def split_preface(body: bytes) -> tuple[list[Member], bytes]:
    """Splits off the text before the first field; returns it as members, and the rest."""
    if match := _avc(body):
        permissions = b",".join(encode(word) for word in match[2].split())
        return [(match[1], b"[" + permissions + b"]")], body[match.end() :]
    if match := _preface(body):
        return [], body[match.end() :]
    if match := _netlabel(body):
        return [(b"netlabel", b"null")], body[match.end() :]
    return [], body


def split_message(body: bytes) -> tuple[bytes, bytes | None]:
    """Splits a user-space record into the kernel's part and the inside of `msg='…'`, if any.

    The message ends at the last quote: its inside is the sender's text. A record that does not end
    with a quote was cut, and all of the rest is the sender's text.
    """
    match = _message(body)
    if match is None:
        return body, None
    end = len(body) - 1 if body.endswith(b"'", match.end()) else len(body)
    return body[: match.start()], body[match.end() : end]


def render_message(text: bytes, unparsed: bytes) -> bytes:
    """Renders the inside of `msg='…'`: an object, or a string if it is no list of fields."""
    found, rest = split_preface(text)
    fields = parse(rest)
    if not found and (not fields or fields[0].form is Form.STRAY):
        return encode(text)
    found += field_members(fields, unparsed)
    return b"{" + members.join(found) + b"}"


def field_members(fields: list[Field], unparsed: bytes) -> list[Member]:
    """Returns `fields` as members; words that belong to no field have the key `unparsed`."""
    found = [(field.key, render_field(field)) for field in fields if field.key]
    stray = [field.text for field in fields if not field.key]
    if stray:
        found.append((unparsed, encode(b" ".join(stray))))
    return found
