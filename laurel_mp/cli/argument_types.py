"""Options and argument types of several commands."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from laurel_mp import __version__


def add_version(parser: argparse.ArgumentParser) -> None:
    """Adds the option of all commands."""
    parser.add_argument("-v", "--version", action="version", version=f"laurel-mp {__version__}")


def add_common(parser: argparse.ArgumentParser) -> None:
    """Adds the options of commands that read a configuration."""
    parser.add_argument("-c", "--config", metavar="FILE", help="configuration file")
    add_version(parser)


def count(text: str) -> int:
    """Parses a count, 0 included."""
    if not text.isascii() or not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number: {text!r}")
    return int(text)


def positive(text: str) -> float:
    """Parses a number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0: {text!r}")
    return number


def is_same_file(one: str, other: str) -> bool:
    """Returns True if two names belong to the same file."""
    try:
        return "-" not in (one, other) and Path(one).samefile(other)
    except OSError:
        return False  # one of them does not exist
