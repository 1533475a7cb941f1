"""Finds the configuration and the status socket of the daemon, for `-d`, `status` and `top`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from laurel_mp.config import Config, examine, settings_before_error
from laurel_mp.doctor.config_location import DEFAULT, ConfigLocation
from laurel_mp.doctor.facts import Facts
from laurel_mp.doctor.host import Host
from laurel_mp.errors import ConfigError
from laurel_mp.pipeline.status.client import StatusError

DEFAULT_DIRECTORY = "/var/log/laurel-mp"
"""The `directory` of the sample configuration."""

CONFIG_HELP = f"configuration of the daemon (default: by auditd's plugin file, or {DEFAULT})"


def add_daemon_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of commands that ask a daemon."""
    parser.add_argument("-c", "--config", metavar="FILE", help=CONFIG_HELP)
    parser.add_argument(
        "--socket", metavar="FILE", help="status socket of the daemon (default: as configured)"
    )


def find_config(given: str | None, host: Host | None = None) -> ConfigLocation:
    """Returns the configuration file given with `-c`, or the one of this host's daemon.

    Raises ConfigError if there is none at the default place, and no other place is known.
    """
    if given is not None:
        return ConfigLocation(os.path.abspath(given))  # noqa: PTH100 - links stay as they are
    host = host or Host()
    location = Facts(host).config_location
    if location == ConfigLocation(DEFAULT) and not _may_exist(host.path(DEFAULT)):
        raise ConfigError(f"no configuration at {DEFAULT}: name one with -c")
    return location


def find_socket(config: str | None, socket: str | None) -> Path:
    """Returns the status socket `socket`, or the one that the configuration names.

    A broken configuration is reported on stderr and used as far as possible, since the daemon
    runs with an earlier version of it. Raises ConfigError if there is no configuration, and
    StatusError if it turns the status socket off.
    """
    if socket is not None:
        return Path(socket)
    try:
        location = find_config(config)
    except ConfigError as error:
        raise ConfigError(f"{error}, or the socket with --socket") from None
    if not location.file:
        return Path("/", Config().directory, Config().status.socket)
    settings, problems = _read(Path(location.file))
    if not settings.status.socket:
        raise StatusError(f"{location.text}: no status socket: [status] socket is empty")
    directory = settings.directory
    if problems and directory == Config().directory:
        directory = DEFAULT_DIRECTORY
    path = Path(directory, settings.status.socket)
    if problems:
        for problem in problems:
            print(f"laurel-mp: {problem}", file=sys.stderr)
        print(f"laurel-mp: broken configuration: assuming the socket {path}", file=sys.stderr)
    return path


def _read(file: Path) -> tuple[Config, list[str]]:
    """Returns the usable settings of a configuration, and its problems, a line each.

    Raises ConfigError if the file does not exist.
    """
    if not _may_exist(file):
        raise ConfigError(f"{file}: no such file")
    try:
        settings, problems = examine(file)
    except ConfigError as error:
        try:
            return settings_before_error(file), [str(error)]
        except ConfigError:
            return Config(), [str(error)]
    return settings, [f"{file}: {problem}" for problem in problems]


def _may_exist(file: Path) -> bool:
    """Returns False if the file is missing; True if this user may not know."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
