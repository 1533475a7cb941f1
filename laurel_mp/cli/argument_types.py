"""Options, and types of arguments, that several commands have."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from laurel_mp import __version__


def add_version(parser: argparse.ArgumentParser) -> None:
    """The option that all commands have."""
    parser.add_argument("-v", "--version", action="version", version=f"laurel-mp {__version__}")


def add_common(parser: argparse.ArgumentParser) -> None:
    """The options of commands that read the configuration."""
    parser.add_argument("-c", "--config", metavar="FILE", help="configuration file")
    add_version(parser)


def count(text: str) -> int:
    """A number of things, 0 included."""
    if not text.isascii() or not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number: {text!r}")
    return int(text)


def positive(text: str) -> float:
    """A number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0: {text!r}")
    return number


def is_same_file(one: str, other: str) -> bool:
    """Whether two names are those of one file."""
    try:
        return "-" not in (one, other) and Path(one).samefile(other)
    except OSError:
        return False  # one of them is not there
