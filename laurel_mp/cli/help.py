"""`laurel-mp help`: the help text of laurel-mp, or of a command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from laurel_mp.cli import exit_status, plugin
from laurel_mp.cli.argument_types import add_version
from laurel_mp.cli.commands import COMMANDS, unknown_command


def main(words: Sequence[str]) -> int:
    """Runs `help`; returns the exit status."""
    command = _parser().parse_args(words).command
    if command is None:
        plugin.parser().print_help()
    elif command in COMMANDS:
        import_module(f"laurel_mp.cli.{command}").main(["--help"])
    else:
        print(f"laurel-mp: {unknown_command(command)}", file=sys.stderr)
        return exit_status.USAGE
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="laurel-mp help",
        description="Print the help text of laurel-mp, or of one of its commands.",
        epilog="Exit status: 0; 2 if there is no such command.",
    )
    add_version(parser)
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="name of the command")
    return parser
