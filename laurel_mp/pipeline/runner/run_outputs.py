"""Which outputs a run has, opening them in the process that writes, and writing what batches make.

A batch goes to the journal first and to the outputs then. So a writer that is killed leaves behind
what it was about to write, and the next one completes just that.
"""

from __future__ import annotations

import grp
import logging
import pwd
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from laurel_mp.config import Config
from laurel_mp.config.schema import LogFile
from laurel_mp.errors import OutputError
from laurel_mp.outputs import pending
from laurel_mp.outputs.acl import Readers
from laurel_mp.outputs.base import Mark, Output
from laurel_mp.outputs.copy import Copy
from laurel_mp.outputs.journal import Journal
from laurel_mp.outputs.opening import open_output, refuse_shared
from laurel_mp.outputs.patience import RETRY, OnStall, StallPolicy
from laurel_mp.outputs.pending import Pending, Unwritten
from laurel_mp.outputs.stream import Stream
from laurel_mp.outputs.target import Target
from laurel_mp.stages.stage_messages import Merged

NAMES = ("events", "filtered", "malformed")
"""What outputs are for, in the order in which they are written."""

NOTHING = Unwritten(b"", 0)

TICK = 1.0
"""Seconds between looks at what has become of outputs."""

log = logging.getLogger(__name__)


class OpenOutputs:
    """Where lines go, each output as far as there is one."""

    def __init__(self, outputs: Sequence[Output | None], journal: Journal | None) -> None:
        self._outputs = outputs
        self._journal = journal
        self._are_files = [output is not None and output.mark() is not None for output in outputs]
        self._looked = time.monotonic()
        self.done = -1
        """Number of the batch up to which everything is written; -1 for none."""

    def write(self, batch: int, merged: Merged, malformed: bytes) -> None:
        """Writes what a batch came to, and its malformed lines."""
        texts = [
            b"" if output is None else text
            for output, text in zip(self._outputs, (*merged, malformed), strict=True)
        ]
        if self._journal is not None:
            self._journal.begin(batch, texts, list(map(self._mark, range(len(texts)))))
        for index, (output, text) in enumerate(zip(self._outputs, texts, strict=True)):
            if text and output is not None:
                output.write(text, partial(self._wrote, index, 0))
        self.done = batch

    def redo(self, left: Pending) -> None:
        """Completes what a former writer has left, with which the journal begins."""
        for index, (name, output) in enumerate(zip(NAMES, self._outputs, strict=True)):
            text, torn = left.texts.get(name, NOTHING)
            if output is None:
                if text:
                    log.warning("%d bytes of %s lines are left, and nowhere to go", len(text), name)
                continue
            start = output.resume(text, torn)
            if not text:
                continue
            assert self._journal is not None
            before = self._journal.size(index) - len(text)
            self._wrote(index, before, start)
            output.write(text, partial(self._wrote, index, before), start)
        self.done = left.batch

    def _wrote(self, index: int, before: int, size: int) -> None:
        if self._journal is None:
            return
        # Where the rest will stand, nobody asks if there is none.
        is_all = before + size == self._journal.size(index)
        mark = None if is_all else self._mark(index)
        self._journal.wrote(index, before + size, mark)

    @property
    def are_files(self) -> bool:
        """Whether there is nothing but files, which change when something is written."""
        return all(
            is_file or output is None
            for output, is_file in zip(self._outputs, self._are_files, strict=True)
        )

    def rotate(self) -> None:
        """Begins new files."""
        for output in self._present:
            output.rotate()

    def tick(self) -> None:
        """Looks after programs, connections and files that were moved, if it is time."""
        now = time.monotonic()
        if now - self._looked >= TICK:
            self._looked = now
            for output in self._present:
                output.tick()

    def sync(self) -> None:
        """Brings files to the disk, as configured; to be called at each checkpoint."""
        for output in self._present:
            output.tick()
            output.sync()

    def _mark(self, index: int) -> Mark | None:
        """For the journal: with it, files tell those who come after how much is written."""
        output = self._outputs[index]
        if output is None or not self._are_files[index]:
            return None
        return output.mark() if self._journal and self._journal.outlives else pending.UNKNOWN

    @property
    def _present(self) -> Iterator[Output]:
        return (output for output in self._outputs if output is not None)


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of a run, as far as there are such."""

    events: Target
    filtered: Target | None = None
    malformed: Target | None = None
    append: bool = True
    """Whether to go on at the end of a file of events, or to begin it anew."""
    patient: bool = False
    """Whether failures are waited out, or end the run."""

    @classmethod
    def of_plugin(cls, config: Config) -> Outputs:
        """The outputs that the configuration names; raises OutputError."""
        events = _target(config, config.auditlog)
        outputs = cls(events, _filtered(config), _malformed(config), patient=True)
        outputs._check(config)
        return outputs

    @classmethod
    def of_command(cls, config: Config, events: str) -> Outputs:
        """The outputs of an offline command: what it was told, and the configured logs."""
        outputs = cls(Target(events), _filtered(config), _malformed(config), append=False)
        outputs._check(config)
        return outputs

    def _check(self, config: Config) -> None:
        copies = (config.debug.inputlog, config.debug.log) if self.patient else ()
        found = [target for target in (self.events, self.filtered, self.malformed) if target]
        refuse_shared(found + [_target(config, log) for log in copies if log is not None])

    # --- on the way to the writer

    def to_plain(self) -> list[object]:
        """For msgpack."""
        return list(astuple(self))

    @classmethod
    def of_plain(cls, plain: Sequence[Any]) -> Outputs:
        """The reverse."""
        *targets, append, patient = plain
        events, filtered, malformed = map(_of_plain, targets)
        assert events is not None
        return cls(events, filtered, malformed, append, patient)

    # --- the writer

    @contextmanager
    def open(
        self,
        journal: Journal | None = None,
        on_stall: OnStall | None = None,
        *,
        again: bool = False,
    ) -> Iterator[OpenOutputs]:
        """The outputs, open, with all written that the journal holds; raises OutputError.

        `on_stall` is called at least every half second while one of them holds back, and may
        raise to give up. With `again` the outputs were open before in this run: then it is waited
        out, too, if one cannot be opened.
        """
        if not self.patient:
            on_stall = None
        elif on_stall is None:
            on_stall = _wait_for_ever
        left = self.unwritten(journal) if journal is not None else Pending(-1, {})
        with ExitStack() as stack:
            opened = []
            for target in (self.events, self.filtered, self.malformed):
                output = self._open(target, on_stall, again) if target else None
                if output is not None:
                    stack.callback(output.close)
                opened.append(output)
            outputs = OpenOutputs(opened, journal)
            outputs.redo(left)
            yield outputs

    def _open(self, target: Target, on_stall: OnStall | None, again: bool) -> Output:
        if target is self.events and not self.append and target.is_path:
            return Stream.create(target.name, StallPolicy(target.name), anew=not again)
        patience = StallPolicy(target.name, on_stall)
        while True:
            try:
                return open_output(target, on_stall)
            except OutputError as error:
                if not again or on_stall is None:
                    raise
                patience.hold(RETRY, str(error))

    # --- what is left when it has ended

    def unwritten(self, journal: Journal) -> Pending:
        """What a writer that has ended has left, to the byte where it wrote to files."""
        return pending.read(journal, NAMES)

    def restore(self, journal: Journal, left: Pending) -> None:
        """Has the next writer complete what another run has left."""
        pending.restore(journal, left, NAMES)


def open_copy(config: Config, settings: LogFile | None) -> Copy | None:
    """A copy of the input or of our messages, if one is configured; raises OutputError."""
    return Copy.open(_target(config, settings)) if settings is not None else None


def _wait_for_ever(_reason: str) -> None:
    """Nobody wants to know."""


def _filtered(config: Config) -> Target | None:
    if config.filter.filter_action != "log":
        return None
    if not config.filterlog.file:
        raise OutputError('filter-action = "log" needs a file in [filterlog]')
    return _target(config, config.filterlog)


def _malformed(config: Config) -> Target | None:
    log = config.debug.parse_error_log
    return _target(config, log) if log else None


def _target(config: Config, settings: LogFile) -> Target:
    name = settings.file
    if name != "-" and not name.startswith(("|", "unix:")):
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
    except (KeyError, ValueError):  # nobody has this name, or nobody can have it
        raise OutputError(f"{name}: there is no user {user!r}, who is to read it") from None


def _gid(name: str, group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid
    except (KeyError, ValueError):  # nobody has this name, or nobody can have it
        raise OutputError(f"{name}: there is no group {group!r}, who is to read it") from None


def _of_plain(plain: Any) -> Target | None:
    if plain is None:
        return None
    name, size, generations, (users, groups, other), fsync = plain
    readers = Readers(tuple(users), tuple(groups), other)
    return Target(name, size, generations, readers, fsync)
