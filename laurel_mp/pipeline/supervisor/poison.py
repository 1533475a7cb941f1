"""Finds lines over which processes die, and sets them aside.

A batch over which processes have died three times is divided, and its parts again, until the line
is found. That line and all others of its event are set aside.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from pathlib import Path

from laurel_mp.pipeline.runner.batches import SPAN, Batch
from laurel_mp.pipeline.runner.stage_runner import Snapshots
from laurel_mp.pipeline.supervisor.replay_buffer import ReplayBuffer
from laurel_mp.records.header import LINE
from laurel_mp.stages.snapshots import without_events

POISONOUS = 3
"""Deaths over a batch before it is divided."""

MAX_EVENTS = 100
"""Number of events, the latest, whose further lines are set aside, too."""

LOGGED = 3
"""Lines that the log shows when several are set aside at once; of the others, their number."""

SHOWN = 200
"""Bytes of a line that the log shows."""

FILE = "set-aside.log"
"""File below the directory of the logs for these lines, if there is no parse-error log."""

log = logging.getLogger(__name__)


class Poison:
    """Divides batches until the deadly line is found."""

    def __init__(self) -> None:
        self._found: Batch | None = None
        self._keys: deque[bytes] = deque(maxlen=MAX_EVENTS)

    @property
    def has_found(self) -> bool:
        """True if lines were set aside, so that further lines of their events are, too."""
        return bool(self._keys)

    def blame(self, number: int, buffer: ReplayBuffer) -> bool:
        """Notes a death over a batch; returns True if something is done about it.

        Either the batch was divided, or `take_out` will set it aside.
        """
        batch = buffer.with_number(number)
        if batch is None:
            return False
        batch.deaths += 1
        is_part = batch.span < SPAN
        if batch.is_divisible and (is_part or batch.deaths >= POISONOUS):
            buffer.replace(batch, batch.divide(batch.middle()))
            return True
        if batch.deaths in (POISONOUS, 2 * POISONOUS) and not batch.diverted:
            self._found = batch
            return True
        return False

    def parts(self, batch: Batch) -> list[Batch]:
        """Returns a new batch, divided if it has lines of events that were set aside."""
        parts = [batch]
        for key in self._keys:
            parts = [each for part in parts for each in _set_aside(part, key)]
        return parts

    def take_out(
        self, buffer: ReplayBuffer, stages: Snapshots | None
    ) -> tuple[Snapshots | None, list[bytes]]:
        """Sets aside the lines that were found, if there are any.

        Returns the snapshots without these events, and all lines that were set aside.
        """
        found, self._found = self._found, None
        if found is None:
            return stages, []
        former = [batch for batch in buffer if batch.diverted]
        key = _key_of(found.lines)
        if found.lines and key is None:
            found.diverted = True
        elif key is not None:
            self._keys.append(key)
            for batch in list(buffer):
                buffer.replace(batch, _set_aside(batch, key))
        elif found.deaths > POISONOUS:
            # Neither a single line nor the checkpoint: set aside all batches behind the checkpoint.
            for batch in buffer:
                if batch.number <= found.number:
                    batch.diverted = True
        diverted = [batch for batch in buffer if batch.diverted and batch not in former]
        lines = [each.line for batch in diverted for each in batch.past_stages()]
        if stages is None:
            return None, lines
        decoders, assembler, withdrawn = without_events(
            stages.decoders, stages.assembler, lambda each: key is None or each == key
        )
        next(batch for batch in buffer if batch.number == found.number).withdrawn += withdrawn
        return Snapshots(decoders, stages.tracker, assembler), withdrawn + lines


def _key_of(line: bytes) -> bytes | None:
    """Returns the event of a line as `id` or `node id`; None for a malformed line."""
    match = LINE.match(line)
    if match is None:
        return None
    node, _, id_, _ = match.groups()
    return id_ if node is None else node + b" " + id_


def _set_aside(batch: Batch, key: bytes) -> list[Batch]:
    """Returns the parts of a batch; those with a line of the event are set aside."""
    parts = []
    while not batch.diverted and (found := _find(batch.lines, key)):
        begin, end = found
        if begin and batch.span > 1:
            before, batch = batch.divide(begin)
            parts.append(before)
        if end - begin < len(batch.lines) and batch.span > 1:
            line, batch = batch.divide(end - begin)
            line.diverted = True
            parts.append(line)
        else:
            batch.diverted = True
    return [*parts, batch]


def _find(lines: bytes, key: bytes) -> tuple[int, int] | None:
    """Returns begin and end of the first line of an event."""
    needle = b" msg=audit(" + key.rpartition(b" ")[2] + b"):"
    found = lines.find(needle)
    while found >= 0:
        begin, end = lines.rfind(b"\n", 0, found) + 1, lines.index(b"\n", found) + 1
        if _key_of(lines[begin:end]) == key:
            return begin, end
        found = lines.find(needle, end)
    return None


def keep(lines: list[bytes], directory: Path | None) -> None:
    """Logs the lines that were set aside; with a directory they go to a file there, too."""
    for line in lines[:LOGGED]:
        log.error("line set aside, processes died over it: %r", line[:SHOWN])
    if len(lines) > LOGGED:
        log.error("%d more lines set aside with it", len(lines) - LOGGED)
    if directory is None or not lines:
        return
    try:
        path = directory / FILE
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, 0o600), "ab") as file:
            file.write(b"".join([line + b"\n" for line in lines]))
    except OSError as error:
        log.error("%s: cannot be written: %s", path, error.strerror)  # noqa: TRY400
