"""`laurel-mp`: runs the plugin, or a command."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from laurel_mp.cli import exit_status
from laurel_mp.cli.commands import COMMANDS
from laurel_mp.errors import ConfigError, LaurelError
from laurel_mp.pipeline.daemon import bootstrap
from laurel_mp.system import libraries
from laurel_mp.system.standard_streams import open_standard_streams

INTRODUCTION = """\
laurel-mp turns Linux audit events into JSON lines. It is a plugin of auditd(8), which starts it
and writes audit records to its standard input; here, standard input is a terminal.

  laurel-mp convert /var/log/audit/audit.log   convert a log file
  laurel-mp doctor                             check auditd, audit rules and configuration
  laurel-mp -d                                 check the configuration
  laurel-mp help                               list all options and commands
"""
"""Text for an administrator who types `laurel-mp` to find out about it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line `arguments`; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    is_command = bool(words) and words[0] in COMMANDS
    if arguments is None:
        open_standard_streams()
        if not words and os.isatty(0):
            sys.stderr.write(INTRODUCTION)
            return exit_status.USAGE
        if not is_command:
            bootstrap.give_environment()  # before much is imported: it may all start again
    try:
        if is_command:
            command = import_module(f"laurel_mp.cli.{words[0]}")
            status: int = command.main(words[1:])
            return status
        return _plugin(words)
    except ConfigError as error:
        for line in str(error).splitlines():
            print(f"laurel-mp: {line}", file=sys.stderr)
        return exit_status.USAGE
    except LaurelError as error:
        print(f"laurel-mp: {error}", file=sys.stderr)
        return exit_status.FAILURE
    except KeyboardInterrupt:
        return exit_status.INTERRUPTED


def _plugin(words: list[str]) -> int:
    """Runs the plugin, and logs any exception: auditd sends a traceback on stderr to /dev/null."""
    try:
        libraries.load()
        from laurel_mp.cli import plugin

        return plugin.main(words)
    except Exception:
        import logging

        from laurel_mp.observe.log import start_logging

        start_logging()
        logging.getLogger(__name__).critical("internal error", exc_info=True)
        return exit_status.FAILURE
