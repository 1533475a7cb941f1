"""`laurel-mp`: the plugin, and the commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from laurel_mp.cli import exit_status
from laurel_mp.cli.commands import COMMANDS
from laurel_mp.errors import LaurelError
from laurel_mp.pipeline.daemon import bootstrap
from laurel_mp.system import libraries
from laurel_mp.system.standard_streams import open_standard_streams


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line `arguments`; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        open_standard_streams()
        if not set(words[:1]) & COMMANDS.keys():
            bootstrap.give_environment()  # before much is imported: it may all start again
    try:
        if set(words[:1]) & COMMANDS.keys():
            command = import_module(f"laurel_mp.cli.{words[0]}")
            status: int = command.main(words[1:])
            return status
        return _plugin(words)
    except LaurelError as error:
        print(f"laurel-mp: {error}", file=sys.stderr)
        return exit_status.FAILURE
    except KeyboardInterrupt:
        return exit_status.INTERRUPTED


def _plugin(words: list[str]) -> int:
    """The plugin; auditd sends what Python itself says of a broken installation nowhere."""
    try:
        libraries.load()
        from laurel_mp.cli import plugin

        return plugin.main(words)
    except Exception:
        import logging

        from laurel_mp.observe.log import start_logging

        start_logging()
        logging.getLogger(__name__).critical("laurel-mp is at fault", exc_info=True)
        return exit_status.FAILURE
