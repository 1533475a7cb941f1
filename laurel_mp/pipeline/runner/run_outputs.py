"""The sinks of a run: by the configuration, opened in the writer, and written batch by batch.

A batch goes to the journal first and to the sinks then. So a writer that is killed leaves behind
what it was about to write, and the next one completes just that.
"""

from __future__ import annotations

import grp
import logging
import pwd
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from laurel_mp.config import Config, sink_kinds
from laurel_mp.config.schema import LogFile
from laurel_mp.errors import OutputError
from laurel_mp.formats.registry import FORMATS
from laurel_mp.outputs import unwritten
from laurel_mp.outputs.acl import Readers
from laurel_mp.outputs.copy import Copy
from laurel_mp.outputs.journal import Journal
from laurel_mp.outputs.open_sink import Mark, OpenSink
from laurel_mp.outputs.shared_files import refuse_shared
from laurel_mp.outputs.sink import Selection, Sink
from laurel_mp.outputs.stall_policy import RETRY, OnStall, StallPolicy
from laurel_mp.outputs.stream import Stream
from laurel_mp.outputs.target import Target
from laurel_mp.outputs.unwritten import Pending, Unwritten
from laurel_mp.stages.stage_messages import Merged

NOTHING = Unwritten(b"", 0)

TICK = 1.0
"""Seconds between two calls of the sinks' `tick`."""

log = logging.getLogger(__name__)


class OpenOutputs:
    """The open sinks of a run."""

    def __init__(
        self, sinks: Sequence[Sink], opened: Sequence[OpenSink], journal: Journal | None
    ) -> None:
        self._sinks = sinks
        self._opened = opened
        self._journal = journal
        self._is_file = [each.mark() is not None for each in opened]
        self._looked = time.monotonic()
        self.done = -1
        """Number of the batch up to which everything is written; -1 for none."""

    def write(self, batch: int, merged: Merged, malformed: bytes) -> int:
        """Writes the events and the malformed lines of a batch; returns the number of bytes."""
        selected: dict[Selection, bytes] = {
            "kept": merged.text,
            "filtered": merged.filtered,
            "malformed": malformed,
        }
        texts = [_text_for(sink, selected[sink.takes]) for sink in self._sinks]
        if self._journal is not None:
            names = [sink.name for sink in self._sinks]
            texts_by_name = dict(zip(names, texts, strict=True))
            self._journal.begin(batch, texts_by_name, list(map(self._mark, range(len(texts)))))
        for index, (opened, text) in enumerate(zip(self._opened, texts, strict=True)):
            if text:
                opened.write(text, partial(self._wrote, index, index, 0))
        self.done = batch
        return sum(map(len, texts))

    def redo(self, left: Pending) -> None:
        """Writes what an earlier writer left, with which the journal begins."""
        known = {sink.name for sink in self._sinks}
        for name, unwritten_text in left.texts.items():
            if name not in known and unwritten_text.text:
                log.warning(
                    "discarding %d bytes of an earlier run: there is no %s now",
                    len(unwritten_text.text),
                    name,
                )
        for index, (sink, opened) in enumerate(zip(self._sinks, self._opened, strict=True)):
            text, torn = left.texts.get(sink.name, NOTHING)
            start = opened.resume(text, torn)
            if not text:
                continue
            assert self._journal is not None
            place, size = self._journal.place(sink.name)
            wrote = partial(self._wrote, index, place, size - len(text))
            wrote(start)
            opened.write(text, wrote, start)
        self.done = left.batch

    def _wrote(self, index: int, place: int, before: int, size: int) -> None:
        """Notes that `before + size` bytes of text number `place` are written by sink `index`."""
        if self._journal is None:
            return
        # The position of the rest matters only if there is a rest.
        is_all = before + size == self._journal.size(place)
        mark = None if is_all else self._mark(index)
        self._journal.wrote(place, before + size, mark)

    @property
    def are_files(self) -> bool:
        """True if all sinks are files, which change only when something is written."""
        return all(self._is_file)

    def rotate(self) -> None:
        """Begins new files."""
        for opened in self._opened:
            opened.rotate()

    def tick(self) -> None:
        """Calls the `tick` of all sinks, if it is time."""
        now = time.monotonic()
        if now - self._looked >= TICK:
            self._looked = now
            for opened in self._opened:
                opened.tick()

    def sync(self) -> None:
        """Flushes files to the disk, as configured; called at each checkpoint."""
        for opened in self._opened:
            opened.tick()
            opened.sync()

    def _mark(self, index: int) -> Mark | None:
        """Returns the end of a file, by which the next writer sees how much is written."""
        if not self._is_file[index]:
            return None
        if self._journal is not None and self._journal.outlives:
            return self._opened[index].mark()
        return unwritten.UNKNOWN


@dataclass(frozen=True, slots=True)
class Outputs:
    """The list of sinks of a run."""

    sinks: tuple[Sink, ...]

    @classmethod
    def of_plugin(cls, config: Config) -> Outputs:
        """Returns the sinks that the configuration names; raises OutputError."""
        auditlog = Sink(
            "auditlog", _target(config, config.auditlog), line_prefix=config.auditlog.line_prefix
        )
        outputs = cls((auditlog, *_other_logs(config)))
        copies = [each for each in (config.debug.inputlog, config.debug.log) if each is not None]
        refuse_shared([*outputs.targets, *(_target(config, copy) for copy in copies)])
        return outputs

    @classmethod
    def of_command(cls, config: Config, events: str) -> Outputs:
        """Returns the sinks of an offline command: the one it was told, and configured logs."""
        prefix = config.auditlog.line_prefix
        main = Sink("auditlog", Target(events), line_prefix=prefix, append=False)
        outputs = cls(tuple(replace(sink, waits=False) for sink in (main, *_other_logs(config))))
        refuse_shared(outputs.targets)
        return outputs

    @property
    def targets(self) -> list[Target]:
        """Targets of all sinks, in order."""
        return [sink.target for sink in self.sinks]

    def take(self, selection: Selection) -> bool:
        """True if there is a sink for this part of each batch."""
        return any(sink.takes == selection for sink in self.sinks)

    # --- to the writer

    def to_plain(self) -> list[object]:
        """Returns lists, strings and numbers, for msgpack."""
        return [sink.to_plain() for sink in self.sinks]

    @classmethod
    def of_plain(cls, plain: Sequence[Any]) -> Outputs:
        """Reverses `to_plain`."""
        return cls(tuple(map(Sink.of_plain, plain)))

    # --- in the writer

    @contextmanager
    def open(
        self,
        journal: Journal | None = None,
        on_stall: OnStall | None = None,
        *,
        again: bool = False,
    ) -> Iterator[OpenOutputs]:
        """Opens all sinks, and completes what the journal holds; raises OutputError.

        `on_stall` is called at least every half second while a sink stalls, and may raise to give
        up. With `again` the sinks were open before in this run: then it also waits for one that
        cannot be opened.
        """
        left = self.unwritten(journal) if journal is not None else Pending(-1, {})
        with ExitStack() as stack:
            opened = []
            for sink in self.sinks:
                opened.append(_open(sink, (on_stall or _ignore) if sink.waits else None, again))
                stack.callback(opened[-1].close)
            outputs = OpenOutputs(self.sinks, opened, journal)
            outputs.redo(left)
            yield outputs

    # --- after the writer has ended

    def unwritten(self, journal: Journal) -> Pending:
        """Returns what a writer that has ended left, to the byte where it wrote to files."""
        return unwritten.read(journal)

    def restore(self, journal: Journal, left: Pending) -> None:
        """Has the next writer complete what another run left."""
        unwritten.restore(journal, left)


def _open(sink: Sink, on_stall: OnStall | None, again: bool) -> OpenSink:
    target = sink.target
    if not sink.append and target.is_path:
        return Stream.create(target.name, StallPolicy(target.name), truncate=not again)
    policy = StallPolicy(target.name, on_stall)
    while True:
        try:
            return target.open(on_stall)
        except OutputError as error:
            if not again or on_stall is None:
                raise
            policy.hold(RETRY, str(error))


def _text_for(sink: Sink, text: bytes) -> bytes:
    """Returns lines as a sink wants them."""
    if text and sink.takes != "malformed":
        text = FORMATS[sink.format].convert(text)
    return _with_prefix(text, sink.line_prefix.encode()) if text and sink.line_prefix else text


def _with_prefix(text: bytes, prefix: bytes) -> bytes:
    return prefix + text[:-1].replace(b"\n", b"\n" + prefix) + b"\n"


def open_copy(config: Config, settings: LogFile | None) -> Copy | None:
    """Opens a copy of the input or of our messages, if one is configured; raises OutputError."""
    return Copy.open(_target(config, settings)) if settings is not None else None


def _ignore(_reason: str) -> None:
    """An `OnStall` that does nothing."""


def _other_logs(config: Config) -> list[Sink]:
    """Returns the sinks for filtered events and for malformed lines, if they are configured."""
    sinks = []
    if config.filter.filter_action == "log":
        filterlog = config.filterlog
        if not filterlog.file:
            raise OutputError('filter-action = "log" needs a file in [filterlog]')
        target = _target(config, filterlog)
        sinks.append(Sink("filterlog", target, "filtered", line_prefix=filterlog.line_prefix))
    if config.debug.parse_error_log is not None:
        target = _target(config, config.debug.parse_error_log)
        sinks.append(Sink("parse-error-log", target, "malformed"))
    return sinks


def _target(config: Config, settings: LogFile) -> Target:
    name = settings.file
    if sink_kinds.kind_of(name).is_file:
        name = str(Path(config.directory) / name)
    return Target(
        name,
        settings.size,
        settings.generations,
        Readers(
            tuple(_uid(name, user) for user in settings.read_users),
            tuple(_gid(name, group) for group in settings.read_groups),
            settings.read_other,
        ),
        config.pipeline.fsync,
    )


def _uid(name: str, user: str) -> int:
    try:
        return pwd.getpwnam(user).pw_uid
    except (KeyError, ValueError):  # ValueError: no name can have a NUL byte
        raise OutputError(f"{name}: no such user: {user!r} (read-users)") from None


def _gid(name: str, group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid
    except (KeyError, ValueError):  # ValueError: no name can have a NUL byte
        raise OutputError(f"{name}: no such group: {group!r} (read-groups)") from None
