"""The status document: the JSON object that the status socket sends.

Its first member is `"laurel_mp_status"`, the version of the format. The version changes only when
a member is removed or changes its meaning, not when one is added.
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
"""Larger documents are refused; with the most processes and nodes it has not a tenth of that."""


class DocumentError(LaurelError):
    """Not a status document: seen when another program listens at the socket."""


def encode(snapshot: Snapshot, now: float, groups: Sequence[Group] = GROUPS) -> bytes:
    """Returns the document as one line; `now` is seconds since 1970."""
    document: dict[str, Any] = {MARK: VERSION, "time_seconds": round(now, 3)}
    for group in groups:
        rows = snapshot[group.name]
        if group.labels:
            document[group.name] = rows
        else:
            document[group.name] = {key: value for row in rows for key, value in row.items()}
    return orjson.dumps(document) + b"\n"


def decode(data: bytes, groups: Sequence[Group] = GROUPS) -> tuple[float, Snapshot]:
    """Returns the time of a document, and its rows of known groups.

    Members may be missing or unknown, since both ends can be of different versions; they are left
    out. Raises DocumentError for anything that is not a status document.
    """
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise DocumentError(f"not a status document of laurel-mp: {error}") from None
    if not isinstance(document, dict) or MARK not in document:
        raise DocumentError("not a status document of laurel-mp")
    if document[MARK] != VERSION:
        raise DocumentError(f"status document of version {document[MARK]!r}, expected {VERSION}")
    when = document.get("time_seconds")
    if not isinstance(when, int | float):
        raise DocumentError("status document without a time")
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
