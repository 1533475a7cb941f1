"""`laurel-mp status`: counters and state of the running daemon."""

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
            "Print the counters of the running daemon: its input and output, work and resources of "
            "each process, and losses."
        ),
        epilog=(
            "Exit status: 0; 1 if no daemon runs or it does not answer; 2 for wrong usage. See "
            "docs/status.md."
        ),
    )
    add_version(parser)
    add_daemon_options(parser)
    parser.add_argument(
        "--json", action="store_true", help="print the status document as one line of JSON"
    )
    return parser
