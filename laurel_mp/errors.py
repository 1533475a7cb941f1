"""The exceptions that users of laurel-mp can see.

Bugs and bad configurations raise exceptions; bad audit records never do: they are counted.
"""

from __future__ import annotations


class LaurelError(Exception):
    """Base of all errors below; its text is meant for the user."""


class ConfigError(LaurelError):
    """Invalid configuration: seen at start, with ``-d``, and on reload.

    The text has one line for each problem, with file, section and key.
    """


class InputError(LaurelError):
    """An input cannot be opened or read: seen when a file or socket is missing or breaks."""


class LedgerError(LaurelError):
    """The ledger does not add up: seen at the end of a run that lost or doubled lines.

    This is a bug of laurel-mp, never a consequence of the input.
    """


class OutputError(LaurelError):
    """An output cannot be opened or written: seen when a disk is full or a reader has closed."""

    def __init__(self, message: str, *, closed: bool = False) -> None:
        super().__init__(message)
        self.closed = closed
        """True if the reader has closed: a command in a shell pipe then ends quietly."""


class PipelineError(LaurelError):
    """A process of the pipeline ended unexpectedly: seen when one is killed or fails."""


class SnapshotError(LaurelError):
    """A snapshot cannot be restored: seen when a state file is damaged."""
