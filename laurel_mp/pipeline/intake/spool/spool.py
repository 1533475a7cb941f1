"""A queue of input on disk, for when outputs are slow; survives a restart.

One thread appends, another one takes and releases. What was taken stays on disk until it is
released: if the run is killed, the next one takes it again.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from laurel_mp.config import Config
from laurel_mp.pipeline.intake.pieces import TOGETHER, Piece
from laurel_mp.pipeline.intake.spool import leftover, segments
from laurel_mp.pipeline.intake.spool.segments import BadSegmentError, Segment
from laurel_mp.pipeline.intake.spool.spool_directory import SpoolDirectory
from laurel_mp.system.boot_id import boot_id

SEGMENT_BYTES = 8 << 20
"""Size of a segment. A segment is removed as a whole, so disk space is freed in such steps."""

log = logging.getLogger(__name__)


class SpoolFullError(OSError):
    """The spool has reached `pipeline.spool-bytes`: raised by `append`."""


class SpoolStatistics(NamedTuple):
    """Sizes of the spool."""

    bytes: int
    """Bytes of input that were not taken yet."""
    pieces: int
    """Number of records that hold them."""
    disk_bytes: int
    """Bytes of all files, which include input that was taken and not released."""


class _Given(NamedTuple):
    """The read position when `taken` bytes were taken in total."""

    taken: int
    segment: Segment
    offset: int


class Spool:
    """A queue of pieces in segment files. The first `append` makes the directory."""

    def __init__(self, path: Path, most: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._directory = SpoolDirectory(path)
        self._most = most
        self._segment_bytes = min(segment_bytes, most // 4)
        self._boot = boot_id()
        self._lock = threading.Lock()  # protects the next six
        self._unread: deque[Segment] = deque()
        self._finished: deque[Segment] = deque()  # read to the end, and not released
        self._bytes = 0
        self._pieces = 0
        self._disk_bytes = 0
        self._tail: Segment | None = None
        self._appending = threading.Lock()  # held during a write to the tail; acquired before _lock
        self._tail_fd = -1
        self._number = 0
        # Only the taking thread uses these:
        self._head: Segment | None = None
        self._head_fd = -1
        self._last: Segment | None = None  # segment of the piece that was taken last
        self._next: Piece | None = None
        self._next_is_ours = False  # a line feed of this class, of no segment
        self._given: deque[_Given] = deque()
        self._taken = 0
        self._latest = -math.inf
        self._within_line = False

    @classmethod
    def of(cls, config: Config) -> Spool | None:
        """Returns the spool that is configured, if any."""
        settings = config.pipeline
        if not settings.spool:
            return None
        return cls(Path(config.directory, settings.spool), settings.spool_bytes)

    @property
    def path(self) -> Path:
        """The directory."""
        return self._directory.path

    @property
    def bytes(self) -> int:
        """Bytes of input that were not taken yet."""
        return self._bytes

    @property
    def taken(self) -> int:
        """Bytes of input that were taken since the start; an argument for `release`."""
        return self._taken

    def statistics(self) -> SpoolStatistics:
        """Returns the sizes now."""
        with self._lock:
            return SpoolStatistics(self._bytes, self._pieces, self._disk_bytes)

    def load(self, *, within_line: bool = False) -> bool:
        """Adopts the segments of a former run; call it first. Logs files that are not valid.

        `within_line` is true if the input before it ends within a line. Returns the same for the
        input behind it.
        """
        self._within_line = within_line
        try:
            found, last = leftover.find(self._directory, self._boot, time.monotonic())
        except OSError as error:
            log.error("spool %s: cannot be used: %s", self.path, error.strerror)  # noqa: TRY400 - for the administrator
            return within_line
        if not found:
            return within_line
        self._unread.extend(found)
        self._bytes = sum(segment.data for segment in found)
        self._pieces = sum(segment.pieces for segment in found)
        self._disk_bytes = sum(segment.end for segment in found)
        self._number = found[-1].number
        log.warning("spool %s: continuing with %d bytes of a former run", self.path, self._bytes)
        return last != b"\n"

    def append(self, piece: Piece) -> None:
        """Appends a piece. Raises OSError; then the piece is not in the spool."""
        with self._appending:
            size = segments.framed_size(piece)
            if self._tail is not None and (
                self._tail.end >= self._segment_bytes or not os.fstat(self._tail_fd).st_nlink
            ):
                self._end_tail()  # it is full, or its file was removed
            needed = size if self._tail is not None else segments.HEADER.size + size
            if self._disk_bytes + needed > self._most:
                raise SpoolFullError(errno.ENOSPC, "spool-bytes is reached")
            tail = self._tail or self._begin_tail()
            try:
                segments.write_all(self._tail_fd, segments.frame(piece) + piece.data, tail.end)
            except OSError:
                self._undo(tail)
                raise
            with self._lock:
                tail.end += size
                tail.pieces += 1
                tail.data += len(piece.data)
                self._pieces += 1
                self._bytes += len(piece.data)
                self._disk_bytes += size

    def take(self, most: int) -> Piece | None:
        """Removes and joins the oldest pieces that arrived together, up to about `most` bytes.

        Returns None if the spool is empty. Records that cannot be read are skipped and logged; a
        line feed ends a line that is cut thereby.
        """
        parts: list[bytes] = []
        size, first = 0, 0.0
        while size < most and (piece := self._peek()) is not None:
            if not parts:
                first = piece.arrival
            elif piece.arrival > first + TOGETHER:
                break
            parts.append(piece.data)
            size += len(piece.data)
            self._consume(piece)
        if not parts:
            return None
        self._taken += size
        if self._last is not None:
            self._given.append(_Given(self._taken, self._last, self._last.offset))
        return Piece(b"".join(parts), first)

    def release(self, taken: int) -> None:
        """Removes from disk what was taken when `self.taken` had this value."""
        given = None
        while self._given and self._given[0].taken <= taken:
            given = self._given.popleft()
        if given is None:
            return
        try:
            for segment in self._released(given):
                self._directory.remove(segment.name)
            self._remove_empty_tail()
        except OSError as error:
            log.warning("spool %s: cannot be cleared: %s", self.path, error.strerror)

    def sync(self) -> None:
        """Flushes all segments to disk. Raises OSError."""
        with self._lock:
            names = [segment.name for segment in (*self._finished, *self._unread)]
        for name in names:
            fd = self._directory.open(name)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        if names:
            self._directory.sync()

    def close(self) -> None:
        """Closes descriptors; no thread may be appending."""
        self._end_tail()
        self._end_head()
        self._directory.close()

    # --- tail, with _appending held

    def _begin_tail(self) -> Segment:
        fd = self._create()
        try:
            segments.write_all(fd, segments.header(self._boot), 0)
        except OSError:
            os.close(fd)
            with suppress(OSError):
                self._directory.remove(segments.name_of(self._number))
            raise
        tail = Segment(self._number, segments.HEADER.size)
        with self._lock:
            self._unread.append(tail)
            self._disk_bytes += tail.end
            self._tail, self._tail_fd = tail, fd
        return tail

    def _create(self) -> int:
        self._number += 1
        try:
            return self._directory.create(segments.name_of(self._number))
        except FileExistsError:  # `load` could not read the directory
            found = map(segments.NAME.match, self._directory.names())
            self._number = max((int(match[1]) for match in found if match), default=0) + 1
            return self._directory.create(segments.name_of(self._number))

    def _undo(self, tail: Segment) -> None:
        """Removes an incomplete record."""
        try:
            os.ftruncate(self._tail_fd, tail.end)
        except OSError:
            self._end_tail()  # no read goes beyond its end, and the next run ignores the rest

    def _end_tail(self) -> None:
        with self._lock:
            if self._tail is not None:
                os.close(self._tail_fd)
                self._tail = None

    # --- head

    def _peek(self) -> Piece | None:
        """Returns the next piece, and keeps it; None if there is none."""
        while self._next is None:
            head = self._first_unread()
            if head is None:
                return None
            try:
                self._next = self._read(head)
            except (BadSegmentError, OSError) as error:
                self._skip(head, error)
                if self._within_line:
                    self._next = Piece(b"\n", self._no_earlier(-math.inf))
                    self._next_is_ours = True
        return self._next

    def _first_unread(self) -> Segment | None:
        with self._lock:
            while self._unread:
                segment = self._unread[0]
                if segment.pieces:
                    return segment
                if segment is self._tail:
                    return None
                self._finished.append(self._unread.popleft())
        return None

    def _read(self, head: Segment) -> Piece:
        """Raises BadSegmentError, or OSError."""
        if head is not self._head:
            self._end_head()
            self._head_fd = self._directory.open(head.name)
            self._head = head
        data, arrival = segments.read_record(self._head_fd, head.offset, head.end)
        self._next_is_ours = False
        return Piece(data, self._no_earlier(min(arrival + head.later, head.latest)))

    def _no_earlier(self, arrival: float) -> float:
        """Returns `arrival`, or that of the piece before if it is later."""
        if arrival == self._latest == -math.inf:
            arrival = time.monotonic()
        self._latest = max(self._latest, arrival)
        return self._latest

    def _consume(self, piece: Piece) -> None:
        """Removes the piece that `_peek` has returned."""
        self._next = None
        self._within_line = not piece.data.endswith(b"\n")
        head = self._head
        if self._next_is_ours or head is None:
            return
        self._last = head
        with self._lock:
            head.offset += segments.framed_size(piece)
            head.pieces -= 1
            head.data -= len(piece.data)
            self._pieces -= 1
            self._bytes -= len(piece.data)

    def _skip(self, segment: Segment, error: BadSegmentError | OSError) -> None:
        """Skips the rest of a segment that cannot be read."""
        if segment is self._tail:
            with self._appending:
                if segment is self._tail:
                    self._end_tail()
        self._end_head()
        with self._lock:
            self._unread.popleft()
            lost, pieces = segment.data, segment.pieces
            segment.data = segment.pieces = 0
            self._bytes -= lost
            self._pieces -= pieces
            self._disk_bytes -= segment.end
        why = error.strerror if isinstance(error, OSError) else error
        self._directory.set_aside(segment.name, f"{why}; {lost} bytes of input skipped")

    def _end_head(self) -> None:
        if self._head is not None:
            os.close(self._head_fd)
            self._head = None

    # --- released segments

    def _released(self, given: _Given) -> list[Segment]:
        """Returns the segments that are released to their end; writes the mark of the next one."""
        self._first_unread()
        with self._lock:
            done = []
            while self._finished and self._finished[0].number < given.segment.number:
                done.append(self._finished.popleft())
            if given.segment in self._finished and given.segment.end == given.offset:
                done.append(self._finished.popleft())
            kept = given.segment in (*self._finished, *self._unread)
            self._disk_bytes -= sum(segment.end for segment in done)
        if kept:
            fd = self._directory.open(given.segment.name)
            try:
                segments.write_all(fd, segments.MARK.pack(given.offset), segments.MARK_AT)
            finally:
                os.close(fd)
        return done

    def _remove_empty_tail(self) -> None:
        """Removes the tail if all of it is released and no thread appends."""
        if self._given or self._finished or not self._appending.acquire(blocking=False):
            return
        try:
            tail = self._tail
            if tail is None or tail.pieces or len(self._unread) > 1:
                return
            self._end_tail()
            self._end_head()
            with self._lock:
                self._unread.popleft()
                self._disk_bytes -= tail.end
            self._directory.remove(tail.name)
        finally:
            self._appending.release()
