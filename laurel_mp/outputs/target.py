"""The target of a sink, before it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from laurel_mp.config import sink_kinds
from laurel_mp.outputs.acl import NO_READERS, Readers
from laurel_mp.outputs.open_sink import OpenSink
from laurel_mp.outputs.stall_policy import OnStall, StallPolicy

Fsync = Literal["checkpoint", "rotation", "never"]


@dataclass(frozen=True, slots=True)
class Target:
    """The setting that names a destination, and what applies if it is a regular file."""

    name: str
    """A path, `-`, `| program arguments`, …: a form that `laurel_mp.config.sink_kinds` lists."""
    size: int = 0
    """Bytes beyond which a file does not grow; 0 for no limit."""
    generations: int = 0
    """Number of rotated files that are kept."""
    readers: Readers = NO_READERS
    fsync: Fsync = "never"

    @property
    def is_path(self) -> bool:
        """True if the name is a path in the file system that is opened as a file."""
        return sink_kinds.kind_of(self.name).is_file

    def open(self, on_stall: OnStall | None = None) -> OpenSink:
        """Opens the destination; raises OutputError.

        Waits for later failures to pass, and reports them to `on_stall`; without it they raise
        OutputError.
        """
        kind = sink_kinds.kind_of(self.name)
        driver = kind.driver()
        policy = StallPolicy(driver.title(self.name), on_stall)
        sink: OpenSink = driver.open(self.name.removeprefix(kind.prefix), self, policy)
        return sink
