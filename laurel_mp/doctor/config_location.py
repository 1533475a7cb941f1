"""Decides which configuration the commands about the daemon of a host read.

`laurel-mp -d`, `status`, `top` and `doctor` all ask here, so that they look at the same file:

1. the file given with `-c`,
2. the `-c` in the plugin file that has auditd start laurel-mp,
3. the place where the installer puts the configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from laurel_mp.doctor.plugin_file import PluginFile

DEFAULT = "/etc/laurel-mp/config.toml"
"""The place where the installer puts the configuration."""


class ConfigLocation(NamedTuple):
    """A configuration file, and the reason for choosing it."""

    file: str
    """Empty if the plugin file starts laurel-mp without `-c`: then all settings are defaults."""
    plugin_file: str = ""
    """The plugin file that names it; empty if none does."""

    @property
    def text(self) -> str:
        """The file and its origin, for messages."""
        file = self.file or "all defaults, without a file"
        return f"{file} (by {self.plugin_file})" if self.plugin_file else file


def choose(given: str | None, plugins: Sequence[PluginFile]) -> ConfigLocation:
    """Returns the configuration by `-c`, or by the first active one of our plugin files."""
    if given is not None:
        return ConfigLocation(given)
    for plugin in plugins:
        if plugin.is_active:
            name = config_argument(plugin.arguments)
            # auditd starts its plugins in the root directory.
            return ConfigLocation(str(Path("/", name)) if name else "", plugin.name)
    return ConfigLocation(DEFAULT)


def config_argument(arguments: Sequence[str]) -> str:
    """Returns the configuration file among the arguments of laurel-mp; empty if there is none."""
    for word, following in zip(arguments, [*arguments[1:], ""], strict=False):
        if word in {"-c", "--config"}:
            return following
        if word.startswith("--config="):
            return word.partition("=")[2]
        if word.startswith("-c") and not word.startswith("--"):
            return word[2:]
    return ""
