"""The status document: what the status socket gives, as JSON.

It begins with `"laurel_mp_status"`, the version of its form. A new version comes only when
something that was there goes away or means something else; what is added changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from laurel_mp.errors import LaurelError
from laurel_mp.observe.groups import GROUPS
from laurel_mp.observe.measures import Group
from laurel_mp.observe.register import Snapshot

VERSION = 1

MARK = "laurel_mp_status"

MAX_BYTES = 16 << 20
"""Larger ones are not taken; with the most processes and nodes it has not a tenth of it."""


class DocumentError(LaurelError):
    """What came is no status document: seen when something else listens at the socket."""


def encode(snapshot: Snapshot, now: float, groups: Sequence[Group] = GROUPS) -> bytes:
    """The document, one line; `now` is seconds since 1970."""
    document: dict[str, Any] = {MARK: VERSION, "time_seconds": round(now, 3)}
    for group in groups:
        rows = snapshot[group.name]
        if group.labels:
            document[group.name] = rows
        else:
            document[group.name] = {key: value for row in rows for key, value in row.items()}
    return orjson.dumps(document) + b"\n"


def decode(data: bytes, groups: Sequence[Group] = GROUPS) -> tuple[float, Snapshot]:
    """The reverse: when it was, and what there was of groups that are known here.

    Raises DocumentError for anything that is no such document. What is missing is left out, and
    what is unknown, too: both ends may be of different versions.
    """
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise DocumentError(f"this is no status of laurel-mp: {error}") from None
    if not isinstance(document, dict) or MARK not in document:
        raise DocumentError("this is no status of laurel-mp")
    if document[MARK] != VERSION:
        raise DocumentError(f"the status has version {document[MARK]!r}, expected {VERSION}")
    when = document.get("time_seconds")
    if not isinstance(when, int | float):
        raise DocumentError("the status has no time")
    return float(when), {group.name: _rows(document.get(group.name), group) for group in groups}


def _rows(value: object, group: Group) -> list[dict[str, int | float | str]]:
    rows = value if isinstance(value, list) else [value]
    return [_known(row, group) for row in rows if isinstance(row, Mapping) and row]


def _known(row: Mapping[str, object], group: Group) -> dict[str, int | float | str]:
    keys = [*group.labels, *(measure.key for measure in group.measures)]
    found: dict[str, int | float | str] = {}
    for key in keys:
        value = row.get(key)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            found[key] = value
    return found
