"""`laurel-mp revert`: JSON lines back into audit lines, for ausearch(8) and aureport(8)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from laurel_mp.cli import exit_status
from laurel_mp.cli.argument_types import add_common, is_same_file
from laurel_mp.cli.progress import open_progress
from laurel_mp.config import load
from laurel_mp.errors import InputError, OutputError
from laurel_mp.outputs.open_sink import OpenSink
from laurel_mp.outputs.stall_policy import StallPolicy
from laurel_mp.outputs.stream import Stream
from laurel_mp.outputs.target import Target
from laurel_mp.pipeline.intake.log_sources import open_source
from laurel_mp.reversion.event_reverter import EventReverter
from laurel_mp.reversion.line_reverter import Damage, LineReverter

READ_SIZE = 1 << 20

MOST_SHOWN = 10
"""Damaged lines that are reported one by one; others are only counted."""


def main(words: Sequence[str]) -> int:
    """Runs `revert`; returns the exit status."""
    arguments = _parser().parse_args(words)
    config = load(Path(arguments.config) if arguments.config else None)
    names = arguments.files or ["-"]
    if any(is_same_file(arguments.output, name) for name in names):
        print(f"laurel-mp: {arguments.output}: is an input, too", file=sys.stderr)
        return exit_status.USAGE
    prefix = config.enrich.prefix.encode() if config.enrich.prefix else None
    events = EventReverter(prefix, enriched=not arguments.raw, eoe=arguments.eoe)
    lines = LineReverter(events, config.pipeline.end_of_event_timeout)
    output = _open(arguments.output)
    try:
        complete = _revert(names, lines, output)
    except OutputError as error:
        if error.closed:
            return 0  # the reader has closed
        raise
    finally:
        output.close()
    for text in (_summary(lines), *events.losses.texts()):
        print(f"laurel-mp: {text}", file=sys.stderr)
    return 0 if complete and not lines.damaged else exit_status.FAILURE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="laurel-mp revert",
        description="Turn JSON lines back into audit lines, which ausearch and aureport read.",
        epilog="Exit status: 0; 1 if a line was damaged, or an input could not be read; 2 for "
        "wrong usage. Inexact results are counted on standard error.",
    )
    add_common(parser)
    parser.add_argument(
        "-o", "--output", default="-", metavar="OUT", help="output file (default: stdout)"
    )
    parser.add_argument(
        "--raw",
        action="store_true",
        help="omit translations (default: as auditd with log_format = ENRICHED)",
    )
    parser.add_argument(
        "--no-eoe",
        dest="eoe",
        action="store_false",
        help="no end-of-event records, as in the log files of auditd",
    )
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="JSON lines, plain, .gz or .xz, in the order to read them; - is stdin (the default)",
    )
    return parser


def _open(name: str) -> OpenSink:
    target = Target(name)
    return Stream.create(name, StallPolicy(name)) if target.is_path else target.open()


def _revert(names: list[str], lines: LineReverter, output: OpenSink) -> bool:
    """Reverts all inputs; returns True if all of them could be read."""
    complete = True
    with open_progress(names) as progress:
        for name in names:
            try:
                with open_source(name) as source:
                    progress.begin(name)
                    for data in source.reads(READ_SIZE):
                        _write(lines.feed(data), lines, output)
                        progress.advance(source.position)
            except InputError as error:
                complete = False
                print(f"laurel-mp: {error}", file=sys.stderr)
            _write(lines.end_of_input(), lines, output)
        output.write(lines.finish())
    return complete


def _write(found: Iterable[bytes | Damage], lines: LineReverter, output: OpenSink) -> None:
    """Writes reverted lines, and reports damaged ones."""
    text = []
    for each in found:
        if not isinstance(each, Damage):
            text.append(each)
        elif lines.damaged <= MOST_SHOWN:
            print(f"laurel-mp: line {each.number} left out: {each.reason}", file=sys.stderr)
        elif lines.damaged == MOST_SHOWN + 1:
            print("laurel-mp: more damaged lines are only counted", file=sys.stderr)
    output.write(b"".join(text))


def _summary(lines: LineReverter) -> str:
    return (
        f"{lines.lines} lines, {lines.events} events, {lines.written} audit lines, "
        f"{lines.damaged} damaged"
    )
