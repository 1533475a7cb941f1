"""`laurel-mp replay`: writes captures again, at their own pace or another."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from laurel_mp.cli import exit_status
from laurel_mp.cli.argument_types import add_version, count, is_same_file, positive
from laurel_mp.loadtest.output_stream import open_output
from laurel_mp.loadtest.replay import Options, Replay, Replayed


def main(words: Sequence[str]) -> int:
    """Runs `replay`; returns the exit status."""
    arguments = _parser().parse_args(words)
    names = arguments.files or ["-"]
    if any(is_same_file(arguments.output, name) for name in names):
        print(f"laurel-mp: {arguments.output}: is an input, too", file=sys.stderr)
        return exit_status.USAGE
    replay = Replay(names, _options(arguments))
    with open_output(arguments.output) as sink:
        done = replay.run(sink.write)
    print(_summary(done), file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="laurel-mp replay",
        description=(
            "Write captures of audit records once more, as auditd gave them to a plugin: when "
            "their time stamps say, faster, or at a fixed rate. A capture that is repeated gets "
            "new ids and times in each round."
        ),
        epilog=(
            "Exit status: 0, also if the reader closes; 1 if an input could not be read or the "
            "output not be written; 2 for wrong usage."
        ),
    )
    add_version(parser)
    timing = parser.add_mutually_exclusive_group()
    timing.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="N",
        help="speed relative to the capture (default: 1), or max",
    )
    timing.add_argument("--rate", type=positive, metavar="N", help="events a second")
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--loop", type=count, default=1, metavar="N", help="number of rounds; 0 for no end"
    )
    length.add_argument(
        "--lines", type=count, default=0, metavar="N", help="whole rounds, at least N lines"
    )
    length.add_argument(
        "--events", type=count, default=0, metavar="N", help="whole rounds, at least N events"
    )
    parser.add_argument(
        "--now", action="store_true", help="move time stamps, so that the first one is now"
    )
    parser.add_argument(
        "--move-pids", action="store_true", help="give each round its own process ids"
    )
    parser.add_argument(
        "-o", "--output", default="-", metavar="OUT", help="output file (default: stdout)"
    )
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="captures in the order to read them, plain, .gz or .xz; - is stdin (the default)",
    )
    return parser


def _speed(text: str) -> float | None:
    return None if text == "max" else positive(text)


def _options(arguments: argparse.Namespace) -> Options:
    return Options(
        speed=arguments.speed,
        rate=arguments.rate,
        rounds=arguments.loop or None,
        lines=arguments.lines,
        events=arguments.events,
        second=int(time.time()) if arguments.now else None,
        move_pids=arguments.move_pids,
    )


def _summary(done: Replayed) -> str:
    rate = done.lines / done.seconds if done.seconds > 0 else 0.0
    text = (
        f"laurel-mp: {done.events} events, {done.lines} lines, {done.bytes} bytes, "
        f"{rate:.0f} lines/s"
    )
    if done.slipped:
        text += f"; fell behind by {done.slipped:.1f} s"
    if done.closed:
        text += "; the reader closed"
    return text
