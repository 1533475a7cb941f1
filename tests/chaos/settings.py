"""Configurations for plugins in trouble; with the stream of this package, no clock decides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """A configuration file; `pipeline` and `state` are lines for these sections."""

    directory: Path
    """Directory for all files of a run."""
    workers: int
    output: str = "audit.log"
    size: int = 2 << 20
    """When files are rotated."""
    pipeline: str = ""
    state: str = ""

    @property
    def path(self) -> Path:
        """The file's name."""
        return self.directory / "config.toml"

    def write(self) -> Path:
        """Writes the file, or replaces it; no reader sees it half written."""
        rotation = f"size = {self.size}\ngenerations = 10000"
        new = self.path.with_suffix(".new")
        new.write_text(
            f"""\
directory = "{self.directory}"
[auditlog]
file = '{self.output}'
{rotation}
[filterlog]
file = "filtered.log"
{rotation}
[debug.parse-error-log]
file = "malformed.log"
{rotation}
[state]
{self.state}
[loss]
records = "never"
[pipeline]
workers = {self.workers}
end-of-event-timeout = 600
duplicate-window = 3600
{self.pipeline}
[translate]
universal = true
user-db = true
[transform]
execve-argv = ["array", "string"]
[enrich]
ppid-verbose = true
argv = true
[label-process]
label-keys = ["software_mgmt", "wr_passwd"]
label-exe = {{ "/bin/(ba|da)sh$" = "shell", "/git$" = "git" }}
label-argv = {{ "^dpkg .*--status" = "asks" }}
propagate-labels = ["software_mgmt", "git"]
[filter]
filter-exe = ["^/usr/bin/id$"]
filter-keys = ["fs"]
filter-action = "log"
"""
        )
        new.chmod(0o600)
        return new.rename(self.path)
