"""Candidates of a benchmark: laurel-mp with various settings, and peers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from laurel_mp import __version__
from laurel_mp.errors import LaurelError

# Settings of LAUREL 0.5.1, which ignores other keys.
_CONFIG = """\
directory = "{directory}"
[auditlog]
file = "audit.log"
size = 1000000000000
generations = 1
[transform]
execve-argv = ["array"]
[translate]
universal = false
user-db = false
[enrich]
execve-env = {environment}
container = {proc}
script = {proc}
pid = true
parent-info = false
spawned-by = false
systemd = false
user-groups = false
"""

# For programs of the administrator, often missing in the PATH of other users.
_SBIN = f"{os.pathsep}/usr/sbin{os.pathsep}/sbin"

_VERSION_SECONDS = 10.0


def equal_features(directory: Path, *, proc: bool) -> str:
    """Returns a configuration with the same features for both sides.

    With `proc` both add what they find in /proc; without, nothing: the processes of captures
    are not those of this machine.
    """
    return _CONFIG.format(
        directory=directory,
        environment='["LD_PRELOAD", "LD_LIBRARY_PATH"]' if proc else "[]",
        proc="true" if proc else "false",
    )


class Mode(Enum):
    """Way in which a candidate gets its input."""

    CONVERT = "convert"
    """From a file, through `laurel-mp convert`; a peer has the file as its standard input."""
    LIVE = "live"
    """As from auditd: a plugin with one end of a socket pair as standard input."""
    IDLE = "idle"
    """A plugin as above after its input, at rest."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A program with its settings."""

    name: str
    program: str | None = None
    """Path of the peer; None for laurel-mp."""
    pipeline: Mapping[str, int | str] = field(default_factory=dict)
    """Settings of `[pipeline]`, which only laurel-mp has."""

    @property
    def processes(self) -> int:
        """Number of processes after the start; the least number if unknown."""
        workers = self.pipeline.get("workers", 0)
        if workers == "auto":
            return 1
        return int(workers) + 4 if workers else 1  # ingest, fork server, tracker, writer

    @property
    def first_process(self) -> str:
        """Title of the first process, which has none of its own."""
        if self.program is not None:
            return self.name
        return "ingest" if self.pipeline.get("workers") else "all in one"

    def command(self, directory: Path, mode: Mode, capture: Path) -> Sequence[str | Path]:
        """Returns the command for a capture. Writes its configuration into `directory`."""
        config = directory / "config.toml"
        config.write_text(equal_features(directory, proc=False) + self._section())
        config.chmod(0o600)
        if self.program is not None:
            return [self.program, "-c", config]
        ours = [sys.executable, "-m", "laurel_mp"]
        if mode is not Mode.CONVERT:
            return [*ours, "-c", config]
        return [*ours, "convert", "-c", config, "-o", directory / "audit.log", capture]

    def output(self, directory: Path) -> Path:
        """Returns the path of its output."""
        return directory / "audit.log"

    def _section(self) -> str:
        if self.program is not None:
            return ""
        settings = (
            f'{key} = "{value}"\n' if isinstance(value, str) else f"{key} = {value}\n"
            for key, value in self.pipeline.items()
        )
        return "[pipeline]\n" + "".join(settings)

    def version(self) -> str:
        """Returns its version."""
        if self.program is None:
            return __version__
        try:
            said = subprocess.run(
                [self.program, "--version"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_VERSION_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return "unknown"
        words = said.stdout.decode(errors="replace").split()
        return words[-1] if words and not said.returncode else "unknown"


def ours(
    workers: int | str, settings: Mapping[str, int | str] | None = None, name: str = ""
) -> Candidate:
    """Returns laurel-mp with so many workers, and other settings of `[pipeline]`."""
    return Candidate(
        name or f"laurel-mp -w {workers}", None, {"workers": workers, **(settings or {})}
    )


def peer(program: str) -> Candidate:
    """Returns another program with LAUREL's command line, by name or path. Raises LaurelError."""
    found = shutil.which(program, path=os.environ.get("PATH", os.defpath) + _SBIN)
    if found is None:
        raise LaurelError(f"{program} is not installed, or cannot be run")
    return Candidate(Path(program).name, str(Path(found).absolute()))
