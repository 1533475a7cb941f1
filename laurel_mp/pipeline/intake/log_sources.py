"""Inputs of offline commands: audit logs, plain or compressed, and standard input."""

from __future__ import annotations

import os
import select
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from laurel_mp.errors import InputError

STDIN = 0


class Source:
    """A file that is read from begin to end."""

    def __init__(self, name: str, file: BinaryIO, raw: BinaryIO) -> None:
        self._name = name
        self._file = file
        self._raw = raw
        self._is_compressed = file is not raw

    @property
    def name(self) -> str:
        """The name for messages."""
        return self._name

    @property
    def position(self) -> int:
        """Number of bytes of the (compressed) file that were read."""
        return self._raw.tell() if self._raw.seekable() else 0

    def reads(self, size: int) -> Iterator[bytes]:
        """Yields the content in pieces of up to `size` bytes.

        Raises InputError if the rest cannot be read; the pieces before are valid.
        """
        from lzma import LZMAError

        parts: list[bytes] = []  # what a compressed file gave before it failed
        try:
            yield from self._unpacked(size, parts) if self._is_compressed else self._plain(size)
        except (OSError, EOFError, LZMAError, zlib.error) as error:
            if parts:
                yield b"".join(parts)
            what = getattr(error, "strerror", None) or str(error)
            raise InputError(f"{self._name}: cannot read the rest: {what}") from error

    def _plain(self, size: int) -> Iterator[bytes]:
        while data := self._read(size):
            yield data

    def _unpacked(self, size: int, parts: list[bytes]) -> Iterator[bytes]:
        # read() of these files drops all it has when it meets the end of a truncated file.
        have = 0
        while data := self._file.read1(size - have):  # type: ignore[attr-defined]
            parts.append(data)
            have += len(data)
            if have == size:
                joined = b"".join(parts)
                parts.clear()
                have = 0
                yield joined
        if parts:
            yield b"".join(parts)
            parts.clear()

    def _read(self, size: int) -> bytes:
        data: bytes | None = self._file.read(size)
        while data is None:  # another process set O_NONBLOCK on the shared descriptor
            select.select([self._raw], [], [])
            data = self._file.read(size)
        return data


@contextmanager
def open_source(name: str) -> Iterator[Source]:
    """Opens the input `name`; `-` is standard input. Raises InputError."""
    if name == "-":
        raw: BinaryIO = open(STDIN, "rb", buffering=0, closefd=False)  # noqa: SIM115
    else:
        try:
            raw = open(name, "rb", buffering=0)  # noqa: PTH123, SIM115 - closed below
        except OSError as error:
            raise InputError(f"{name}: cannot be read: {error.strerror}") from error
    with raw, _decompressed(name, raw) as file:
        yield Source(name if name != "-" else "standard input", file, raw)


@contextmanager
def _decompressed(name: str, raw: BinaryIO) -> Iterator[BinaryIO]:
    kind = _compression(name, raw)
    if kind == ".gz":
        import gzip

        with gzip.GzipFile(fileobj=raw) as unzipped:
            yield unzipped  # type: ignore[misc]
    elif kind == ".xz":
        import lzma

        with lzma.LZMAFile(raw) as unpacked:
            yield unpacked  # type: ignore[misc]
    else:
        yield raw


_MAGIC = {".gz": b"\x1f\x8b", ".xz": b"\xfd7zXZ\0"}


def _compression(name: str, raw: BinaryIO) -> str:
    """Returns .gz, .xz or nothing: by the content if it can be read twice, else by the name."""
    try:
        start = os.pread(raw.fileno(), 6, 0)
    except OSError:
        return name[-3:] if name[-3:] in _MAGIC else ""
    return next((kind for kind, magic in _MAGIC.items() if start.startswith(magic)), "")
