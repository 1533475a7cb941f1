"""`laurel-mp`: the plugin, and the commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from laurel_mp import __version__
from laurel_mp.errors import LaurelError
from laurel_mp.pipeline import libraries, surroundings

EXIT_FAILURE = 1
"""It could not go on: an input could not be read, an output not be written, rights not be dropped,
or the program is at fault."""

EXIT_USAGE = 2
"""It could not start: wrong usage, or a configuration that can not be used on this machine."""

COMMANDS = {
    "bench": "measure the pipeline at work, beside LAUREL if that is installed",
    "convert": "turn audit logs into JSON lines",
    "doctor": "check this host, and say what will hurt and what to do",
    "flood": "write a synthetic audit stream",
    "replay": "write captured audit records again, with their own timing or another",
    "revert": "turn JSON lines into audit logs again",
    "schema": "print the JSON Schema of the output",
    "status": "print what a daemon that runs says about itself",
    "top": "show that live: what each process does, and which one is the limit",
    "tune": "recommend settings for this machine",
    "verify": "compare an output with what a flood knows to be true",
}
"""Each is a module of this package with a `main` of its own, by name; with what it is for."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line `arguments`; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        surroundings.open_standard_streams()
        if not set(words[:1]) & COMMANDS.keys():
            surroundings.give_environment()  # before much is imported: it may all start again
    try:
        if set(words[:1]) & COMMANDS.keys():
            command = import_module(f"laurel_mp.cli.{words[0]}")
            status: int = command.main(words[1:])
            return status
        return _plugin(words)
    except LaurelError as error:
        print(f"laurel-mp: {error}", file=sys.stderr)
        return EXIT_FAILURE
    except KeyboardInterrupt:
        return 130  # what a shell makes of SIGINT


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
        return EXIT_FAILURE


def add_common(parser: argparse.ArgumentParser) -> None:
    """Options that all commands have."""
    parser.add_argument("-c", "--config", metavar="FILE", help="configuration file")
    parser.add_argument("-v", "--version", action="version", version=f"laurel-mp {__version__}")
