"""`laurel-mp status`: what a daemon that runs says about itself."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence

from laurel_mp.cli.argument_types import add_version
from laurel_mp.cli.daemon_config import add_daemon_options, find_socket
from laurel_mp.observe.document import decode
from laurel_mp.observe.page import page
from laurel_mp.pipeline.status.client import ask


def main(words: Sequence[str]) -> int:
    """Runs `status`; returns the exit status."""
    arguments = _parser().parse_args(words)
    path = find_socket(arguments.config, arguments.socket)
    document = ask(path)
    _, snapshot = decode(document)
    if arguments.json:
        sys.stdout.write(document.decode())
    else:
        width = shutil.get_terminal_size().columns
        print("\n".join(page(snapshot, width)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="laurel-mp status",
        description=(
            "Print what the daemon counts: what became of its input, what each of its processes "
            "has done and needs, and what is lost."
        ),
        epilog=(
            "Exit status: 0; 1 if no daemon runs or it cannot be asked; 2 for wrong usage. See "
            "docs/status.md."
        ),
    )
    add_version(parser)
    add_daemon_options(parser)
    parser.add_argument("--json", action="store_true", help="print all of it as JSON, a line")
    return parser
