"""The sinks and copies that a configuration names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from laurel_mp.config import Config, LogFile, sink_kinds
from laurel_mp.outputs.target import Target


@dataclass(frozen=True, slots=True)
class Output:
    """An enabled output."""

    section: str
    log: LogFile

    @property
    def name(self) -> str:
        """A form that `laurel_mp.config.sink_kinds` lists."""
        return self.log.file

    @property
    def is_file(self) -> bool:
        """True if it is a file that is rotated."""
        return bool(self.name) and Target(self.name).is_path

    @property
    def program(self) -> str:
        """Absolute path of a program that it starts; empty if there is none."""
        kind = sink_kinds.kind_of(self.name)
        path: str = kind.driver().program(self.name.removeprefix(kind.prefix))
        return path

    @property
    def socket(self) -> str:
        """Path of a socket that it connects to; empty if there is none."""
        kind = sink_kinds.kind_of(self.name)
        path: str = kind.driver().socket(self.name.removeprefix(kind.prefix))
        return path

    @property
    def most(self) -> int:
        """Maximum of bytes on disk, all generations together; 0 for no limit."""
        return self.log.size * (self.log.generations + 1)


def outputs(config: Config) -> list[Output]:
    """Returns all enabled outputs."""
    filtered = config.filterlog if config.filter.filter_action == "log" else None
    debug = config.debug
    logs = {
        "auditlog": config.auditlog,
        "filterlog": filtered,
        "debug.inputlog": debug.inputlog,
        "debug.parse-error-log": debug.parse_error_log,
        "debug.log": debug.log,
    }
    return [Output(section, log) for section, log in logs.items() if log is not None and log.file]


def directories(config: Config, base: str) -> dict[str, str]:
    """Returns the directories of all files, with the setting that names each."""
    found = {base: "directory"}
    for output in outputs(config):
        if output.is_file:
            found.setdefault(str(Path(base, output.name).parent), f"[{output.section}] file")
    if config.state.file:
        found.setdefault(str(Path(base, config.state.file).parent), "[state] file")
    if config.pipeline.spool:
        found.setdefault(str(Path(base, config.pipeline.spool).parent), "[pipeline] spool")
    return found
