"""What the writer is about to write, kept where its death does not reach: in a memfd(2).

The process that creates it keeps the descriptor. A writer that is killed at any moment leaves it
readable for that process, and for the next writer.

    0        HEADER     2 * HEADER
    | header | header   | the texts of one batch, one after another

A header says what the texts are and how much of each is written. The two are written in turn,
each with a number and a checksum, so that one of them is always whole; the newer one holds. Texts
change only while the newest header says that there are none, or that all of them are written.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import msgpack

from laurel_mp.outputs.base import Mark

HEADER = 1 << 14
"""Bytes that a header may have: three paths as long as they can be, and some numbers."""

TEXTS = 2 * HEADER

ROOM = 4 << 20
"""Bytes that the journal keeps without need; what a huge batch took beyond them is given back."""

_CHECKSUM = struct.Struct("<I")
_FRAME = struct.Struct("<IIQ")  # checksum of what follows, length of the payload, number

T = TypeVar("T")


class Entry(NamedTuple):
    """One text of a batch."""

    text: bytes
    written: int
    """How much of it is written, as far as it was noted."""
    mark: Mark | None
    """Where the rest will stand, if that is a regular file."""


class Entries(NamedTuple):
    """What a journal holds."""

    batch: int
    """Number of a batch; -1 if there was none yet."""
    entries: list[Entry]
    """One for each output; empty if there is nothing to be written."""


class _Header(NamedTuple):
    number: int = 0
    batch: int = -1
    sizes: tuple[int, ...] = ()
    written: tuple[int, ...] = ()
    marks: tuple[Mark | None, ...] = ()

    def encode(self) -> bytes:
        payload: bytes = msgpack.packb((self.batch, self.sizes, self.written, self.marks))
        framed = _FRAME.pack(0, len(payload), self.number) + payload
        return _CHECKSUM.pack(zlib.crc32(framed[_CHECKSUM.size :])) + framed[_CHECKSUM.size :]

    @classmethod
    def decode(cls, data: bytes) -> _Header:
        """Number 0 for one that is torn, or was never written."""
        checksum, size, number = _FRAME.unpack_from(data.ljust(_FRAME.size, b"\0"))
        end = _FRAME.size + size
        if zlib.crc32(data[_CHECKSUM.size : end]) != checksum or not number:
            return cls()
        batch, sizes, written, marks = msgpack.unpackb(data[_FRAME.size : end], use_list=False)
        return cls(number, batch, sizes, written, tuple(mark and Mark(*mark) for mark in marks))


class Journal:
    """The journal by its descriptor, in the process that created it or in one forked from it."""

    outlives = True
    """Whether it is still there when the writer has died at any moment."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._header = self._newest()

    @classmethod
    def create(cls) -> Journal:
        """A new journal, empty."""
        return cls(os.memfd_create("laurel-mp-journal", os.MFD_CLOEXEC))

    # --- the writer

    def begin(self, batch: int, texts: Sequence[bytes], marks: Sequence[Mark | None]) -> None:
        """Takes the texts of a batch. What it held before is written by now."""
        header = self._header
        if header.written != header.sizes:
            self._note(header._replace(sizes=(), written=(), marks=()))
        end = TEXTS
        for text in texts:
            end = self._put(text, end)
        if os.fstat(self.fd).st_size > max(ROOM, end):
            os.ftruncate(self.fd, max(ROOM, end))
        sizes = tuple(map(len, texts))
        self._note(_Header(self._header.number, batch, sizes, (0,) * len(sizes), tuple(marks)))

    def wrote(self, output: int, size: int, mark: Mark | None) -> None:
        """`size` bytes of a text are written, and the next ones will stand at `mark`."""
        header = self._header
        written = _changed(header.written, output, size)
        self._note(header._replace(written=written, marks=_changed(header.marks, output, mark)))

    def _note(self, header: _Header) -> None:
        self._header = header._replace(number=header.number + 1)
        data = self._header.encode()
        assert len(data) <= HEADER
        os.pwrite(self.fd, data, self._header.number % 2 * HEADER)

    def _put(self, text: bytes, position: int) -> int:
        view = memoryview(text)
        while view:
            size = os.pwrite(self.fd, view, position)
            view = view[size:]
            position += size
        return position

    # --- whoever comes after

    def size(self, output: int) -> int:
        """Bytes of a text."""
        return self._header.sizes[output]

    def read(self) -> Entries:
        """What it holds now, whoever wrote it."""
        self._header = self._newest()
        entries, position = [], TEXTS
        _, _, sizes, written, marks = self._header
        for size, done, mark in zip(sizes, written, marks, strict=True):
            entries.append(Entry(self._get(size, position), done, mark))
            position += size
        return Entries(self._header.batch, entries)

    def _newest(self) -> _Header:
        headers = [_Header.decode(os.pread(self.fd, HEADER, at)) for at in (0, HEADER)]
        return max(headers, key=lambda header: header.number)

    def _get(self, size: int, position: int) -> bytes:
        pieces = []
        while size and (piece := os.pread(self.fd, size, position)):
            pieces.append(piece)
            size -= len(piece)
            position += len(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Closes the descriptor."""
        os.close(self.fd)


class HeldJournal(Journal):
    """What a writer in the process that keeps the journal is about to write.

    Nobody comes after this process, so it needs neither checksums nor copies: when it stops to
    write, it puts what is left into the journal.
    """

    outlives = False

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._batch, entries = journal.read()
        self._texts: list[bytes] = [entry.text for entry in entries]
        self._written = [entry.written for entry in entries]
        self._marks = [entry.mark for entry in entries]

    def begin(self, batch: int, texts: Sequence[bytes], marks: Sequence[Mark | None]) -> None:
        """See Journal."""
        self._batch = batch
        self._texts = list(texts)
        self._written = [0] * len(texts)
        self._marks = list(marks)

    def wrote(self, output: int, size: int, mark: Mark | None) -> None:
        """See Journal."""
        self._written[output] = size
        self._marks[output] = mark

    def size(self, output: int) -> int:
        """See Journal."""
        return len(self._texts[output])

    def read(self) -> Entries:
        """See Journal."""
        entries = zip(self._texts, self._written, self._marks, strict=True)
        return Entries(self._batch, [Entry(*entry) for entry in entries])

    def put_back(self) -> None:
        """Leaves to the journal what it holds."""
        self._journal.begin(self._batch, self._texts, self._marks)
        for output, (size, mark) in enumerate(zip(self._written, self._marks, strict=True)):
            self._journal.wrote(output, size, mark)


def _changed(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    return (*items[:index], item, *items[index + 1 :])
