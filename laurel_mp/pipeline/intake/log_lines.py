"""Audit lines of a log in any known form, without prefixes, for `convert`."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from laurel_mp.errors import InputError
from laurel_mp.pipeline.intake.log_sources import Source
from laurel_mp.records.content_kind import content_kind
from laurel_mp.records.header import count_lines
from laurel_mp.records.line_forms import AUDIT, BOM, MAX_LINE_START, Form, Recogniser
from laurel_mp.stages.router import MAX_HEADER

SAMPLE = 1 << 20
"""Bytes in which there must be a line of a known form."""

_HEADER = re.compile(
    rb"^(?:node= {0,2}(?P<node>[^ \n\0]{1,255}) {1,4})?type=[^ =\n\0]{1,64} {1,4}"
    rb"msg=audit\((?P<time>[0-9]{1,12}\.[0-9]{3}):[0-9]",
    re.MULTILINE,
)
_TAIL = 1 << 16
"""Bytes at the end of a log in which its last time stamp is looked for."""


class Stamp(NamedTuple):
    """Time of a record, and its node."""

    node: bytes | None
    time: float


class UnknownContentError(InputError):
    """A file is of no known form: seen when `convert` is given something that is no audit log."""


@dataclass(slots=True)
class LogStatistics:
    """Counts and times of one log."""

    form: Form | None = None
    other: int = 0
    """Lines of other programs."""
    first: Stamp | None = None
    last: Stamp | None = None


class LogLines:
    """Reads a log, recognises the form of its lines, and takes prefixes off.

    Without a `form`, it is the one of the first audit record in the first SAMPLE bytes. Lines stay
    as they are read if they need no change.
    """

    def __init__(
        self,
        source: Source,
        max_line_bytes: int,
        *,
        form: Form | None = None,
        node: bytes | None = None,
        whole_lines: bool = False,
        recognised: Callable[[Form], None] | None = None,
    ) -> None:
        self._source = source
        self._form = form
        self._node = node
        self._whole_lines = whole_lines
        self._recognised = recognised
        self._most = max_line_bytes + MAX_HEADER + MAX_LINE_START
        self._crlf = False
        self.statistics = LogStatistics()

    def chunks(self, size: int) -> Iterator[bytes]:
        """Yields the lines in pieces of about `size` bytes, which may end within a line.

        Raises InputError if the rest cannot be read, or if nothing was recognised.
        """
        sample = _Sample(self._source.reads(size))
        head = sample.read(recognise=self._form is None)
        form = self._form or self._choose(sample, head)
        self.statistics.form = form
        is_sure = self._form is not None or sample.recogniser.form is not None
        if is_sure and self._recognised is not None:
            self._recognised(form)
        head = head.removeprefix(BOM)
        self._crlf = head[: head.find(b"\n") + 1].endswith(b"\r\n")
        pieces = _after(head, sample.rest())
        changes = self._crlf or self._whole_lines or self._node is not None or not form.is_plain
        yield from self._noted(self._changed(form, pieces) if changes else pieces)
        if not is_sure and self.statistics.first is None:
            self._refuse(head, form)

    def _refuse(self, head: bytes, form: Form) -> None:
        """Raises UnknownContentError unless there are only blank lines."""
        if head.strip():
            kind = content_kind(head, form)
            name = self._source.name
            raise UnknownContentError(f"{name}: no audit records: this looks like {kind}")

    def _choose(self, sample: _Sample, head: bytes) -> Form:
        found = sample.recogniser.form or sample.recogniser.resembled
        if found is not None:
            return found
        if sample.error is not None:
            raise sample.error
        self._refuse(head.removeprefix(BOM), AUDIT)
        return AUDIT

    def _noted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yields the pieces, and notes the first and the last time stamp."""
        tail = b""
        try:
            for data in pieces:
                if self.statistics.first is None:
                    self.statistics.first = _stamp(_HEADER.search(data))
                tail = data[-_TAIL:] if len(data) >= _TAIL else (tail + data)[-_TAIL:]
                yield data
        finally:
            found = deque(_HEADER.finditer(tail), maxlen=1)
            self.statistics.last = _stamp(found[0]) if found else self.statistics.first

    def _changed(self, form: Form, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yields whole lines without prefixes; a line that is far too long as it is."""
        kept: list[bytes] = []
        kept_bytes = 0
        is_skipping = False
        try:
            for piece in pieces:
                data = piece
                if is_skipping:
                    start = data.find(b"\n") + 1
                    if start == 0:
                        yield data
                        continue
                    yield data[:start]
                    data = data[start:]
                    is_skipping = False
                end = data.rfind(b"\n") + 1
                if end:
                    yield self._strip(form, b"".join([*kept, data[:end]]))
                    kept, kept_bytes = [], 0
                if end < len(data):
                    kept.append(data[end:])
                    kept_bytes += len(data) - end
                if kept_bytes > self._most:
                    yield b"".join(kept)
                    kept, kept_bytes = [], 0
                    is_skipping = True
        except InputError:
            if kept:
                yield self._strip(form, b"".join(kept) + b"\n")
            raise
        if kept:
            yield self._strip(form, b"".join(kept) + b"\n")

    def _strip(self, form: Form, lines: bytes) -> bytes:
        if self._crlf:
            lines = lines.replace(b"\r\n", b"\n")
        stripped = form.strip(lines, self._node)
        self.statistics.other += stripped.other
        return stripped.lines


class _Sample:
    """Reads the start of a log, up to the first audit record of a known form."""

    def __init__(self, reads: Iterator[bytes]) -> None:
        self._reads = reads
        self.recogniser = Recogniser()
        self.error: InputError | None = None
        """The error that ended the reading."""

    def read(self, *, recognise: bool) -> bytes:
        """Returns what was read; the empty string at the end of the log."""
        parts: list[bytes] = []
        size = 0
        line = b""
        try:
            for data in self._reads:
                parts.append(data)
                size += len(data)
                if not recognise and size >= len(BOM):
                    break
                *lines, line = (line + data).split(b"\n")
                line = line[:MAX_LINE_START]
                if self._recognise(lines, is_first=size == len(data)) or size >= SAMPLE:
                    break
            else:
                self._recognise([line], is_first=len(parts) == 1)
        except InputError as error:
            self.error = error
            self._recognise([line], is_first=len(parts) == 1)
        return b"".join(parts)

    def rest(self) -> Iterator[bytes]:
        """Yields what follows."""
        if self.error is not None:
            raise self.error
        yield from self._reads

    def _recognise(self, lines: Iterable[bytes], *, is_first: bool) -> bool:
        for line in lines:
            text = line.removeprefix(BOM) if is_first else line
            self.recogniser.add(text.removesuffix(b"\r"))
            if self.recogniser.form is not None:
                return True
        return False


class LineNumbers:
    """Finds the line number of a position in the stream, for the latest lines."""

    def __init__(self, kept_bytes: int) -> None:
        self._kept_bytes = kept_bytes
        self._pieces: deque[_Piece] = deque()
        self._bytes = 0
        self._name = ""
        self._position = 0
        self._lines = 0

    def begin(self, name: str, position: int) -> None:
        """The log `name` begins at a position of the stream."""
        self._name, self._position, self._lines = name, position, 0

    def add(self, data: bytes) -> None:
        """Notes the next bytes of that log."""
        self._pieces.append(_Piece(self._position, self._name, self._lines, data))
        self._position += len(data)
        self._lines += count_lines(data)
        self._bytes += len(data)
        while self._bytes - len(self._pieces[0].data) > self._kept_bytes:
            self._bytes -= len(self._pieces.popleft().data)

    def place(self, position: int) -> str:
        """Returns log and line number of a position, as in `audit.log:17`."""
        index = bisect_right(self._pieces, position, key=lambda piece: piece.position) - 1
        if index < 0:
            return f"byte {position}"
        piece = self._pieces[index]
        lines = piece.lines + piece.data.count(b"\n", 0, position - piece.position)
        return f"{piece.name}:{lines + 1}"

    def length(self, position: int) -> int:
        """Returns how many bytes of the line at a position are known, without its end."""
        index = bisect_right(self._pieces, position, key=lambda piece: piece.position) - 1
        if index < 0:
            return 0
        first = self._pieces[index]
        start = position - first.position
        length = 0
        for piece in islice(self._pieces, index, None):
            end = piece.data.find(b"\n", start)
            if end >= 0:
                return length + end - start
            length += len(piece.data) - start
            start = 0
        return length


class _Piece(NamedTuple):
    position: int
    name: str
    lines: int
    """Lines of the log before it."""
    data: bytes


def first_stamp(source: Source, form: Form | None = None) -> Stamp | None:
    """Returns node and time of the first record of a log, None if it has none."""
    lines = LogLines(source, 1 << 20, form=form)
    try:
        for _ in lines.chunks(1 << 16):
            if lines.statistics.first is not None:
                break
    except InputError:
        pass  # it is reported when it is converted
    return lines.statistics.first


def _after(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from rest


def _stamp(match: re.Match[bytes] | None) -> Stamp | None:
    return Stamp(match["node"], float(match["time"])) if match is not None else None
