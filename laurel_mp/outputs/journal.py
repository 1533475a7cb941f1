"""The texts that the writer is about to write, in memory that outlives it: a memfd(2).

The process that creates it keeps the descriptor. A writer that is killed at any moment leaves it
readable for that process, and for the next writer.

    0        HEADER     2 * HEADER
    | header | header   | the texts of one batch, one after another

A header lists the texts, one for each sink, and how much of each is written. The two are written
in turn, each with a number and a checksum, so that one of them is always whole; the newer one
holds. Texts change only while the newest header says that there are none, or that all of them are
written.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

import msgpack

from laurel_mp.outputs.open_sink import Mark

HEADER = 1 << 16
"""Size limit of a header: 15 paths of the longest possible length, and some numbers."""

TEXTS = 2 * HEADER

ROOM = 4 << 20
"""Bytes that the journal keeps between batches; what a huge batch took beyond them is freed."""

_CHECKSUM = struct.Struct("<I")
_FRAME = struct.Struct("<IIQ")  # checksum of what follows, length of the payload, number

T = TypeVar("T")


class Entry(NamedTuple):
    """One text of a batch."""

    name: str
    """Sink that the text is for."""
    text: bytes
    written: int
    """Number of its bytes that were noted as written."""
    mark: Mark | None
    """Position of the rest, if the sink is a regular file."""


class Entries(NamedTuple):
    """The content of a journal."""

    batch: int
    """Number of the batch; -1 if there was none yet."""
    entries: list[Entry]
    """One for each sink; empty if there is nothing to write."""


class _Header(NamedTuple):
    number: int = 0
    batch: int = -1
    names: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    written: tuple[int, ...] = ()
    marks: tuple[Mark | None, ...] = ()

    def encode(self) -> bytes:
        payload: bytes = msgpack.packb(self[1:])
        framed = _FRAME.pack(0, len(payload), self.number) + payload
        return _CHECKSUM.pack(zlib.crc32(framed[_CHECKSUM.size :])) + framed[_CHECKSUM.size :]

    @classmethod
    def decode(cls, data: bytes) -> _Header:
        """Returns number 0 for a header that is torn, or was never written."""
        checksum, size, number = _FRAME.unpack_from(data.ljust(_FRAME.size, b"\0"))
        end = _FRAME.size + size
        if zlib.crc32(data[_CHECKSUM.size : end]) != checksum or not number:
            return cls()
        payload = msgpack.unpackb(data[_FRAME.size : end], use_list=False)
        batch, names, sizes, written, marks = payload
        found = tuple(mark and Mark(*mark) for mark in marks)
        return cls(number, batch, names, sizes, written, found)


class Journal:
    """A journal, in the process that created it or in one forked from it."""

    outlives = True
    """True if it survives the death of the writer."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._header = self._newest()

    @classmethod
    def create(cls) -> Journal:
        """Returns a new journal, empty."""
        return cls(os.memfd_create("laurel-mp-journal", os.MFD_CLOEXEC))

    # --- the writer

    def begin(self, batch: int, texts: Mapping[str, bytes], marks: Sequence[Mark | None]) -> None:
        """Takes the texts of a batch, by sink. The texts that it held before must be written."""
        header = self._header
        if header.written != header.sizes:
            self._note(header._replace(names=(), sizes=(), written=(), marks=()))
        end = TEXTS
        for text in texts.values():
            end = self._put(text, end)
        if os.fstat(self.fd).st_size > max(ROOM, end):
            os.ftruncate(self.fd, max(ROOM, end))
        sizes = tuple(map(len, texts.values()))
        self._note(
            _Header(
                self._header.number, batch, tuple(texts), sizes, (0,) * len(sizes), tuple(marks)
            )
        )

    def wrote(self, sink: int, size: int, mark: Mark | None) -> None:
        """Notes that `size` bytes of a text are written, and that the next ones go to `mark`."""
        header = self._header
        written = _changed(header.written, sink, size)
        self._note(header._replace(written=written, marks=_changed(header.marks, sink, mark)))

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

    # --- the process that keeps it, and the next writer

    def place(self, name: str) -> tuple[int, int]:
        """Returns the number of the text for a sink, and its length."""
        index = self._header.names.index(name)
        return index, self._header.sizes[index]

    def size(self, sink: int) -> int:
        """Returns the length of a text."""
        return self._header.sizes[sink]

    def read(self) -> Entries:
        """Returns its content, whichever process wrote it."""
        self._header = self._newest()
        entries, position = [], TEXTS
        _, _, names, sizes, written, marks = self._header
        for name, size, done, mark in zip(names, sizes, written, marks, strict=True):
            entries.append(Entry(name, self._get(size, position), done, mark))
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
    """The journal of a writer in the same process that keeps it (`workers = 0`).

    It does not outlive the process, so it needs neither checksums nor copies: when the writer
    stops, it moves its texts to the real journal.
    """

    outlives = False

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._batch, entries = journal.read()
        self._texts = {entry.name: entry.text for entry in entries}
        self._written = [entry.written for entry in entries]
        self._marks = [entry.mark for entry in entries]

    def begin(self, batch: int, texts: Mapping[str, bytes], marks: Sequence[Mark | None]) -> None:
        """See Journal."""
        self._batch = batch
        self._texts = dict(texts)
        self._written = [0] * len(texts)
        self._marks = list(marks)

    def wrote(self, sink: int, size: int, mark: Mark | None) -> None:
        """See Journal."""
        self._written[sink] = size
        self._marks[sink] = mark

    def size(self, sink: int) -> int:
        """See Journal."""
        return len(list(self._texts.values())[sink])

    def place(self, name: str) -> tuple[int, int]:
        """See Journal."""
        return list(self._texts).index(name), len(self._texts[name])

    def read(self) -> Entries:
        """See Journal."""
        entries = zip(self._texts, self._texts.values(), self._written, self._marks, strict=True)
        return Entries(self._batch, [Entry(*entry) for entry in entries])

    def put_back(self) -> None:
        """Moves its texts to the real journal."""
        self._journal.begin(self._batch, self._texts, self._marks)
        for sink, (size, mark) in enumerate(zip(self._written, self._marks, strict=True)):
            self._journal.wrote(sink, size, mark)


def _changed(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    return (*items[:index], item, *items[index + 1 :])
