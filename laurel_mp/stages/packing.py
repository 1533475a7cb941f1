"""Packs typed records as bytes with msgpack, and unpacks them.

A record is a NamedTuple or a dataclass; its annotations are its schema. `check` is for snapshots
that may come from a damaged file: any value that does not fit raises SnapshotError and nothing
else. `unpack` is for snapshots of our own processes, and for those that were checked before: it
does not look at the contents, and so is fast enough for recovery.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import astuple, is_dataclass
from functools import cache
from math import isfinite
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints
from zlib import crc32

import msgpack

from laurel_mp.errors import SnapshotError

VERSION = 2

MAX_INTEGER = 1 << 61
"""Upper bound of integers: keys made of stream positions must fit into 64 bits."""

Record = TypeVar("Record")

_UNREADABLE = (ValueError, TypeError, OverflowError, msgpack.UnpackException)


def pack(record: object) -> bytes:
    """Packs a snapshot: version, name of the record type, checksum, record."""
    content = pack_part(record)
    packed: bytes = msgpack.packb((VERSION, type(record).__name__, crc32(content), content))
    return packed


def check(snapshot: bytes, kind: type[Record]) -> Record:
    """Unpacks and checks a snapshot of a record of this kind. Raises SnapshotError."""
    return _unpack(snapshot, kind, _reader(kind, True))


def unpack(snapshot: bytes, kind: type[Record]) -> Record:
    """Unpacks a snapshot; checks version, kind and checksum only. Raises SnapshotError."""
    return _unpack(snapshot, kind, _reader(kind, False))


def _unpack(snapshot: bytes, kind: type[Record], read: _Reader) -> Record:
    try:
        version, name, checksum, content = msgpack.unpackb(snapshot)
        if version != VERSION:
            raise SnapshotError(f"snapshot of version {version!r}, expected {VERSION}")
        if name != kind.__name__ or crc32(content) != checksum:
            raise SnapshotError(f"damaged snapshot, or not one of a {kind.__name__}")
        record: Record = read(msgpack.unpackb(content, strict_map_key=False))
    except _UNREADABLE as error:
        raise SnapshotError(f"unreadable snapshot of a {kind.__name__}: {error}") from error
    return record


def pack_part(record: object) -> bytes:
    """Packs a record that is a part of others."""
    packed: bytes = msgpack.packb(record, default=astuple)
    return packed


def check_part(part: bytes, kind: type[Record]) -> Record:
    """Unpacks and checks what `pack_part` has packed. Raises SnapshotError."""
    try:
        record: Record = _reader(kind, True)(msgpack.unpackb(part))
    except _UNREADABLE as error:
        raise SnapshotError(f"unreadable {kind.__name__}: {error}") from error
    return record


def check_plain(value: Any, kind: type[Record]) -> Record:
    """Checks fields as msgpack has unpacked them; returns the record. Raises SnapshotError."""
    try:
        record: Record = _reader(kind, True)(value)
    except _UNREADABLE as error:
        raise SnapshotError(f"unreadable {getattr(kind, '__name__', kind)}: {error}") from error
    return record


def unpack_part(part: bytes) -> tuple[Any, ...]:
    """Unpacks what `pack_part` has packed, unchecked, with tuples for records and lists."""
    fields: tuple[Any, ...] = msgpack.unpackb(part, use_list=False)
    return fields


# --- readers for the types of fields

_Reader = Callable[[Any], Any]


def _as_it_is(value: Any) -> Any:
    return value


def _make_reader(kind: Any, strict: bool) -> _Reader:
    """Returns a function that turns an unpacked value into one of `kind`.

    If `strict`, it raises ValueError or TypeError for a value of another kind.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if not strict and (kind in _PLAIN or origin is Annotated):
        return _as_it_is
    if kind in _PLAIN:
        return _PLAIN[kind]
    if origin is Annotated:
        return _text_reader(arguments[1])
    if origin in {Union, UnionType} and arguments[1:] == (NoneType,):
        some = _reader(arguments[0], strict)
        return lambda value: None if value is None else some(value)
    if origin is list or (origin is tuple and arguments[1:] == (...,)):
        each = _reader(arguments[0], strict)
        return origin if each is _as_it_is else lambda value: origin(map(each, _list(value)))
    if origin is tuple:
        return _fields_reader(arguments, lambda *fields: fields, strict)
    if origin is dict:
        of_key, of_value = (_reader(each, strict) for each in arguments)
        if of_key is of_value is _as_it_is:
            return _as_it_is
        return lambda value: _dictionary(value, of_key, of_value)
    if is_dataclass(kind) or issubclass(kind, tuple):
        fields = get_type_hints(kind, include_extras=True).values()
        return _fields_reader(fields, kind, strict)
    raise AssertionError(f"no state holds a {kind}")


_reader: Callable[[Any, bool], _Reader] = cache(_make_reader)


def _fields_reader(kinds: Iterable[Any], make: Callable[..., Any], strict: bool) -> _Reader:
    readers = [_reader(kind, strict) for kind in kinds]
    if all(reader is _as_it_is for reader in readers):
        return lambda value: make(*value)

    def read(value: Any) -> Any:
        fields = zip(readers, _list(value), strict=True)
        return make(*[reader(field) for reader, field in fields])

    return read


def _text_reader(pattern: re.Pattern[bytes]) -> _Reader:
    matches = pattern.fullmatch

    def read(value: Any) -> bytes:
        if type(value) is not bytes or not matches(value):
            raise ValueError(f"{value!r} instead of {pattern.pattern!r}")
        return value

    return read


def _list(value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{type(value).__name__} instead of a list")  # noqa: TRY004 - see _UNREADABLE
    return value


def _bytes(value: Any) -> bytes:
    if type(value) is not bytes:
        raise ValueError(f"{type(value).__name__} instead of bytes")
    return value


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError(f"{type(value).__name__} instead of a boolean")
    return value


def _integer(value: Any) -> int:
    if type(value) is not int or not 0 <= value < MAX_INTEGER:
        raise ValueError(f"{value!r} instead of a count")
    return value


def _time(value: Any) -> float:
    if type(value) not in {int, float} or not isfinite(value):
        raise ValueError(f"{value!r} instead of a time")
    return float(value)


def _dictionary(value: Any, of_key: _Reader, of_value: _Reader) -> dict[Any, Any]:
    if type(value) is not dict:
        raise ValueError(f"{type(value).__name__} instead of a dictionary")
    return dict(zip(map(of_key, value), map(of_value, value.values()), strict=True))


_PLAIN: dict[Any, _Reader] = {bool: _boolean, bytes: _bytes, int: _integer, float: _time}
