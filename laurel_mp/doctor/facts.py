"""Facts about a host, each found out once, at the first use."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from pathlib import Path

from laurel_mp.config import Config, load
from laurel_mp.doctor import audit_rules, plugin_file, settings_file
from laurel_mp.doctor.audit_rules import Rule
from laurel_mp.doctor.cached_fact import cached_fact
from laurel_mp.doctor.config_location import ConfigLocation, choose
from laurel_mp.doctor.host import Host, UnknownError
from laurel_mp.doctor.host_user import User, find_user
from laurel_mp.doctor.log_messages import LogMessage, messages
from laurel_mp.doctor.plugin_file import PluginFile, Version
from laurel_mp.doctor.running_process import Process, processes
from laurel_mp.doctor.settings_file import SettingsFile
from laurel_mp.errors import ConfigError

AUDIT_DIR = "/etc/audit"

_status = re.compile(r"^(?:AUDIT_STATUS: )?(\w+)[ =](\d{1,19})\b", re.MULTILINE)

_pair = re.compile(r"\b(\w+)=(\d{1,19})\b")


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules of the kernel, or if they cannot be listed, those of audit.rules."""

    source: str
    lines: tuple[str, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The configuration of laurel-mp."""

    name: str
    """Empty if the program is started without one."""
    config: Config
    """With defaults for all if there are problems."""
    problems: tuple[str, ...] = ()


class Facts:
    """The facts that checks need. An unknown fact raises UnknownError at each use."""

    def __init__(
        self, host: Host, *, audit_dir: str = AUDIT_DIR, config: str | None = None
    ) -> None:
        self.host = host
        self.audit_dir = audit_dir.rstrip("/") or "/"
        self._config = config

    # --- auditd

    @cached_fact
    def version(self) -> Version:
        """The version of audit."""
        match = re.search(r"version (\d{1,9}(?:\.\d{1,9})*)", self.host.ask("auditctl", "-v").out)
        if match is None:
            raise UnknownError("auditctl -v: no version in its output")
        return tuple(int(part) for part in match[1].split("."))

    @property
    def version_text(self) -> str:
        """The version as text."""
        return ".".join(map(str, self.version))

    @cached_fact
    def has_audispd(self) -> bool:
        """True if a dispatcher beside auditd starts the plugins, as in audit 2."""
        try:
            return self.version < (3,)
        except UnknownError:
            has_new = self.host.status(f"{self.audit_dir}/plugins.d")
            return has_new is None and self.host.status(self.audisp_dir) is not None

    @property
    def audisp_dir(self) -> str:
        """Configuration directory of the dispatcher of audit 2."""
        return f"{self.audit_dir.rpartition('/')[0]}/audisp"

    @cached_fact
    def auditd_conf(self) -> SettingsFile:
        """The configuration of auditd."""
        return self._settings(f"{self.audit_dir}/auditd.conf")

    @cached_fact
    def queue_conf(self) -> SettingsFile:
        """The file with the settings of the plugin queue."""
        if self.has_audispd:
            return self._settings(f"{self.audisp_dir}/audispd.conf")
        return self.auditd_conf

    def _settings(self, name: str) -> SettingsFile:
        data = self.host.read(name)
        if data is None:
            raise UnknownError(f"{name}: is not there")
        return settings_file.parse(name, data)

    @cached_fact
    def status(self) -> dict[str, int]:
        """The kernel's numbers: `enabled`, `pid`, `lost` and others."""
        text = self.host.ask("auditctl", "-s").out
        found = {name: int(value) for name, value in _status.findall(text)}
        if "pid" not in found:  # audit before 2.4: all on one line
            found = {name: int(value) for name, value in _pair.findall(text)}
        if "flag" in found:
            found["failure"] = found["flag"]
        if "pid" not in found:
            raise UnknownError("auditctl -s: no status in its output")
        return found

    def number(self, name: str) -> int:
        """One of the kernel's numbers. Raises UnknownError."""
        if name not in self.status:
            raise UnknownError(f"auditctl -s: this kernel does not report {name}")
        return self.status[name]

    @cached_fact
    def rules(self) -> Rules:
        """The rules in force, or else those that are loaded at the next start."""
        try:
            source = "auditctl -l"
            text = self.host.ask("auditctl", "-l").out
        except UnknownError:
            source = f"{self.audit_dir}/audit.rules"
            found = self.host.text(source)
            if found is None:
                raise
            text = found
        lines = tuple(text.split("\n"))
        return Rules(source, lines, tuple(audit_rules.parse(source, lines)))

    # --- plugins

    @cached_fact
    def plugin_dir(self) -> str:
        """Directory of the plugin files."""
        if self.has_audispd:
            return f"{self.audisp_dir}/plugins.d"
        default = f"{self.audit_dir}/plugins.d"
        try:
            return self.auditd_conf.values.get("plugin_dir", default).rstrip("/") or "/"
        except UnknownError:
            return default

    @cached_fact
    def plugins(self) -> list[PluginFile]:
        """All plugin files that auditd reads."""
        if self.host.status(self.plugin_dir) is None:
            raise UnknownError(f"{self.plugin_dir}: is not there")
        found = []
        for name in self.host.names(self.plugin_dir):
            path = f"{self.plugin_dir}/{name}"
            if not plugin_file.is_loaded(name, self.version) or not self._is_file(path):
                continue
            if data := self.host.read(path):
                found.append(plugin_file.parse(path, data, self.version))
        return found

    def _is_file(self, name: str) -> bool:
        """Returns True if auditd would open it; auditd skips directories and devices."""
        status = self.host.status(name)
        return status is not None and stat.S_ISREG(status.st_mode)

    @cached_fact
    def ours(self) -> list[PluginFile]:
        """Plugin files that are meant to start laurel-mp."""
        return [plugin for plugin in self.plugins if plugin.is_ours]

    # --- this program

    @cached_fact
    def config_location(self) -> ConfigLocation:
        """The configuration file of laurel-mp, and the reason for choosing it."""
        try:
            plugins = [] if self._config is not None else self.ours
        except UnknownError:
            plugins = []
        return choose(self._config, plugins)

    @property
    def config_name(self) -> str:
        """The configuration file of laurel-mp; empty if it is started without one."""
        return self.config_location.file

    @cached_fact
    def config_file(self) -> ConfigFile:
        """The configuration of laurel-mp. Raises UnknownError if this user may not read it."""
        name = self.config_name
        if not name:
            return ConfigFile(name, Config())
        if self.host.read(name) is None:
            return ConfigFile(name, Config(), (f"{name}: is not there",))
        path = self.host.path(name)
        try:
            return ConfigFile(name, load(path))
        except ConfigError as error:
            lines = str(error).replace(str(path), name).splitlines()
            return ConfigFile(name, Config(), tuple(lines))

    @property
    def config(self) -> Config:
        """Settings of laurel-mp. Raises UnknownError if they are unknown or invalid."""
        if self.config_file.problems:
            raise UnknownError(f"{self.config_file.name}: the configuration cannot be used")
        return self.config_file.config

    @property
    def socket(self) -> str:
        """Socket of the input; empty for standard input, or if unknown."""
        try:
            return self.config.input.removeprefix("stdin").removeprefix("unix:")
        except UnknownError:
            return ""

    @cached_fact
    def user(self) -> User | None:
        """User of laurel-mp; None for root. Raises UnknownError if there is no such user."""
        name = self.config.user
        if name is None:
            return None
        found = find_user(self.host, name)
        if found is None:
            raise UnknownError(f"there is no user {name!r}")
        return found

    @cached_fact
    def directory(self) -> str:
        """Absolute `directory`; auditd starts plugins in the root directory."""
        return str(Path("/", self.config.directory))

    def below_directory(self, name: str) -> str:
        """Returns the absolute path of a file in the configuration."""
        return str(Path(self.directory, name))

    # --- what runs

    @cached_fact
    def auditd_pid(self) -> int:
        """Process id of auditd, by the kernel; 0 for none."""
        try:
            return self.status["pid"]
        except UnknownError:
            found = [each.pid for each in self.processes if each.name == "auditd"]
            return found[0] if found else 0

    @cached_fact
    def messages(self) -> list[LogMessage]:
        """Messages of the current or latest auditd in the system log."""
        return messages(self.host, self.auditd_pid)

    @cached_fact
    def processes(self) -> list[Process]:
        """All visible processes."""
        return processes(self.host)
