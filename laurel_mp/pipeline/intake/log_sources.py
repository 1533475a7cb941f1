"""Inputs of offline commands: audit logs, plain or compressed, and standard input."""

from __future__ import annotations

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

    @property
    def position(self) -> int:
        """Number of bytes of the (compressed) file that were read."""
        return self._raw.tell() if self._raw.seekable() else 0

    def reads(self, size: int) -> Iterator[bytes]:
        """Yields the content in pieces of up to `size` bytes.

        Raises InputError if the rest cannot be read; the pieces before are valid.
        """
        from lzma import LZMAError

        try:
            while data := self._read(size):
                yield data
        except (OSError, EOFError, LZMAError, zlib.error) as error:
            what = getattr(error, "strerror", None) or str(error)
            raise InputError(f"{self._name}: cannot read the rest: {what}") from error

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
    if name.endswith(".gz"):
        import gzip

        with gzip.GzipFile(fileobj=raw) as unzipped:
            yield unzipped  # type: ignore[misc]
    elif name.endswith(".xz"):
        import lzma

        with lzma.LZMAFile(raw) as unpacked:
            yield unpacked  # type: ignore[misc]
    else:
        yield raw
