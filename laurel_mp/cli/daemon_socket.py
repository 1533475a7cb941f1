"""Which daemon a command asks."""

from __future__ import annotations

import argparse
from pathlib import Path

from laurel_mp.config import load
from laurel_mp.pipeline.status.client import StatusError

CONFIG = Path("/etc/laurel-mp/config.toml")
"""The configuration of a host, as deploy/install.sh installs it."""


def add_daemon(parser: argparse.ArgumentParser) -> None:
    """Options of commands that ask a daemon."""
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        help=f"configuration of the daemon (default: {CONFIG})",
    )
    parser.add_argument(
        "--socket", metavar="FILE", help="its status socket (default: as configured)"
    )


def socket_of(config: str | None, path: str | None) -> Path:
    """Where to ask: at `path`, or where a configuration says, or that of the host.

    Raises ConfigError, or StatusError if it says that nobody can ask.
    """
    if path is not None:
        return Path(path)
    file = Path(config) if config is not None else CONFIG
    if config is None and not file.exists():
        raise StatusError(
            f"there is no {CONFIG}: name a configuration with -c, or the socket with --socket"
        )
    settings = load(file)
    if not settings.status.socket:
        raise StatusError(f"{file}: [status] socket is empty: the daemon does not tell its status")
    return Path(settings.directory, settings.status.socket)
