"""Joins members to a JSON object with unique keys."""

from __future__ import annotations

Member = tuple[bytes, bytes]
"""A key, as the text of a JSON string without its quotes, and a value as JSON."""


def join(members: list[Member]) -> bytes:
    """Returns the inside of a JSON object; the values of a repeated key become a list."""
    keys = {key for key, _ in members}
    if len(keys) < len(members):
        members = _merge(members)
    return b",".join([b'"%b":%b' % member for member in members])


def _merge(members: list[Member]) -> list[Member]:
    values: dict[bytes, list[bytes]] = {}
    for key, value in members:
        values.setdefault(key, []).append(value)
    return [
        (key, found[0] if len(found) == 1 else b"[" + b",".join(found) + b"]")
        for key, found in values.items()
    ]
