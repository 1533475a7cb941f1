"""Which outputs a run has, and opening them in the process that writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from laurel_mp.config import Config
from laurel_mp.outputs.stream import Output

STDOUT = 1


@dataclass(frozen=True, slots=True)
class Outputs:
    """Names of the outputs; `-` is standard output."""

    events: str
    malformed: str = ""
    """The log of malformed lines; empty for none."""
    append: bool = True
    """Whether to go on at the end of a file of events, or to begin it anew."""

    @classmethod
    def of_plugin(cls, config: Config) -> Outputs:
        """The outputs that the configuration names, below its directory."""
        directory = Path(config.directory)
        log = config.debug.parse_error_log
        return cls(
            _below(directory, config.auditlog.file), _below(directory, log.file) if log else ""
        )

    @classmethod
    def of_command(cls, config: Config, events: str) -> Outputs:
        """The outputs of an offline command: what it was told, and the configured log."""
        log = config.debug.parse_error_log
        malformed = _below(Path(config.directory), log.file) if log else ""
        return cls(events, malformed, append=False)

    @contextmanager
    def open(self) -> Iterator[tuple[Output, Output | None]]:
        """The output for events and that for malformed lines; raises OutputError."""
        events = _open(self.events, append=self.append)
        malformed = _open(self.malformed, append=True) if self.malformed else None
        try:
            yield events, malformed
        finally:
            for output in (events, malformed):
                if output is not None:
                    output.close()


def _below(directory: Path, name: str) -> str:
    return name if name == "-" else str(directory / name)


def _open(name: str, *, append: bool) -> Output:
    if name == "-":
        return Output(STDOUT, "standard output")
    return Output.append(Path(name)) if append else Output.create(Path(name))
