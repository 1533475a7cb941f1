"""Which outputs a run has, and opening them in the process that writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from laurel_mp.config import Config
from laurel_mp.errors import OutputError
from laurel_mp.outputs.stream import Output
from laurel_mp.stages.messages import Merged

STDOUT = 1


@dataclass(frozen=True, slots=True)
class OpenOutputs:
    """Where lines go, each output as far as there is one."""

    events: Output
    filtered: Output | None
    malformed: Output | None

    def write(self, merged: Merged, malformed: bytes) -> None:
        """Writes what a batch came to, and its malformed lines."""
        for output, text in (
            (self.events, merged.text),
            (self.filtered, merged.filtered),
            (self.malformed, malformed),
        ):
            if text and output is not None:
                output.write(text)


@dataclass(frozen=True, slots=True)
class Outputs:
    """Names of the outputs; `-` is standard output, an empty name is none."""

    events: str
    filtered: str = ""
    malformed: str = ""
    append: bool = True
    """Whether to go on at the end of a file of events, or to begin it anew."""

    @classmethod
    def of_plugin(cls, config: Config) -> Outputs:
        """The outputs that the configuration names, below its directory."""
        events = _below(config, config.auditlog.file)
        return cls(events, _filtered(config), _malformed(config))

    @classmethod
    def of_command(cls, config: Config, events: str) -> Outputs:
        """The outputs of an offline command: what it was told, and the configured logs."""
        return cls(events, _filtered(config), _malformed(config), append=False)

    @contextmanager
    def open(self) -> Iterator[OpenOutputs]:
        """The outputs, open; raises OutputError."""
        opened: list[Output] = []

        def add(name: str, *, append: bool) -> Output | None:
            if not name:
                return None
            opened.append(_open(name, append=append))
            return opened[-1]

        try:
            events = add(self.events, append=self.append)
            assert events is not None
            # Configured logs may be those of a running plugin: they are never begun anew.
            filtered = add(self.filtered, append=True)
            yield OpenOutputs(events, filtered, add(self.malformed, append=True))
        finally:
            for output in opened:
                output.close()


def _filtered(config: Config) -> str:
    if config.filter.filter_action != "log":
        return ""
    return _below(config, config.filterlog.file)


def _malformed(config: Config) -> str:
    log = config.debug.parse_error_log
    return _below(config, log.file) if log else ""


def _below(config: Config, name: str) -> str:
    if name.startswith(("|", "unix:")):
        raise OutputError(f"{name}: outputs other than files and `-` are not yet in force")
    return name if name == "-" else str(Path(config.directory) / name)


def _open(name: str, *, append: bool) -> Output:
    if name == "-":
        return Output(STDOUT, "standard output")
    return Output.append(Path(name)) if append else Output.create(Path(name))
