"""The exceptions that users of laurel-mp can meet.

Bad programs and bad configurations raise; bad audit records never do: they are counted.
"""

from __future__ import annotations


class LaurelError(Exception):
    """Base of all errors below; its text is ready to be shown to the user."""


class ConfigError(LaurelError):
    """The configuration cannot be used: seen at start, with ``-d``, and on reload.

    The text has one line for each problem, each naming the file and the setting.
    """


class InputError(LaurelError):
    """An input cannot be opened or read on: seen when a file or socket is missing or breaks."""


class LedgerError(LaurelError):
    """The counters do not add up: seen at the end of a run in which lines were lost or doubled.

    This is a fault of laurel-mp, never of the input.
    """


class OutputError(LaurelError):
    """An output cannot be opened or written: seen when a disk is full or a reader is gone."""

    def __init__(self, message: str, *, closed: bool = False) -> None:
        super().__init__(message)
        self.closed = closed
        """Whether nobody reads any more: for a command in a shell pipe, a reason to end quietly."""


class PipelineError(LaurelError):
    """A process of the pipeline ended before its time: seen when one is killed or fails."""


class SnapshotError(LaurelError):
    """What a stage was to go on from cannot be used: seen when a state file is damaged."""
