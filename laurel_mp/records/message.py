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

# RHEL 5 and 6 enclose the last fields in parentheses and set ` :` and `,` behind values, which
# auparse trims.
_in_parentheses = re.compile(rb"(?:(?<= )|\A)\(([\w-]+=[^()]*)\)\Z").search

# Kernels before 2.6.37 and 3.3 have words in place of the names of today
# [kernel: audit_log_set_loginuid, audit_log_config_change].
_former_login = re.compile(rb"(?<= )(old |new )(?:login)?(?:(auid|uid)|(ses))=").sub
_former_change = re.compile(rb"(?<= )by (?=auid=)").sub

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


def modern(name: bytes, body: bytes) -> bytes:
    """Returns the raw part of a record with the names of fields that today's kernels give them."""
    if name == b"LOGIN" and b" new " in body:
        return _former_login(_login_field, body.removeprefix(b"login "))
    if name == b"CONFIG_CHANGE" and b" by auid=" in body:
        return _former_change(b"", body)
    return body


def _login_field(match: re.Match[bytes]) -> bytes:
    former = b"old-" if match[1] == b"old " else b""
    return former + (b"auid=" if match[2] else b"ses=")


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


def parse_message(text: bytes) -> tuple[list[Member], list[Field]]:
    """Returns the inside of `msg='…'`: members for its preface, and its fields."""
    found, rest = split_preface(text)
    enclosed = _in_parentheses(rest)
    if enclosed is None:
        return found, _trimmed(parse(rest), b"")
    fields = _trimmed(parse(rest[: enclosed.start()]), b"")
    return found, fields + _trimmed(parse(enclosed[1]), b",")


def _trimmed(fields: list[Field], punctuation: bytes) -> list[Field]:
    """Returns fields without ` :` and `punctuation` behind bare values."""
    found = []
    for field in fields:
        if field.form in (Form.BARE, Form.STRAY):
            text = field.text.removesuffix(b" :").rstrip(b" ")
            if punctuation:
                text = text.removesuffix(punctuation)
            if text == b":" and field.form is Form.STRAY:
                continue
            found.append(field._replace(text=text))
        else:
            found.append(field)
    return found


def render_message(text: bytes, unparsed: bytes) -> bytes:
    """Renders the inside of `msg='…'`: always an object, so that its type is always the same."""
    found, fields = parse_message(text)
    return message_object(found, fields, unparsed)


def message_object(preface: list[Member], fields: list[Field], unparsed: bytes) -> bytes:
    """Renders the result of `parse_message`."""
    return b"{" + members.join(preface + field_members(fields, unparsed)) + b"}"


def field_members(fields: list[Field], unparsed: bytes, record: bytes = b"") -> list[Member]:
    """Returns `fields` of a record of type `record` as members.

    Words that belong to no field have the key `unparsed`.
    """
    found = [(field.key, render_field(field, record)) for field in fields if field.key]
    stray = [field.text for field in fields if not field.key]
    if stray:
        found.append((unparsed, encode(b" ".join(stray))))
    return found
