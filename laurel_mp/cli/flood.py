"""`laurel-mp flood`: writes a synthetic audit stream, and the truth about it."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TypeVar

from laurel_mp.cli import exit_status
from laurel_mp.cli.argument_types import add_version, count, positive
from laurel_mp.errors import OutputError
from laurel_mp.loadtest.flood import Flood, Options, Tree, mix, truth_configuration
from laurel_mp.loadtest.flood.flood_options import START, UNIQUE
from laurel_mp.loadtest.output_stream import open_output
from laurel_mp.loadtest.pacing import NAP, Pace

_MANY = 256
"""Events of a write when nothing is to be paced: some 200 KiB."""

Value = TypeVar("Value")


def main(words: Sequence[str]) -> int:
    """Runs `flood`; returns the exit status."""
    arguments = parser().parse_args(words)
    options = options_of(arguments)
    if problem := _problem(arguments, options):
        print(f"laurel-mp: {problem}", file=sys.stderr)
        return exit_status.USAGE
    if arguments.config:
        with open_output(arguments.config) as sink:
            sink.write(truth_configuration.text().encode())
    started = time.monotonic()
    flood, ending = _run(arguments, options)
    seconds = time.monotonic() - started
    print(
        f"laurel-mp: {flood.events} events, {flood.lines} lines, {flood.bytes} bytes,"
        f" {flood.lines / seconds if seconds else 0:.0f} lines/s"
        f"{ending}",
        file=sys.stderr,
    )
    return 0


def _run(arguments: argparse.Namespace, options: Options) -> tuple[Flood, str]:
    """Writes the flood; returns it, and a remark about its reader."""
    pace = Pace()
    with ExitStack() as stack:
        output = stack.enter_context(open_output(arguments.output))
        truth = stack.enter_context(open_output(arguments.truth)) if arguments.truth else None
        flood = Flood(options, truth.write if truth else None)
        try:
            if options.rate:
                pace.play(_paced(flood, options.rate), output.write)
            else:
                for chunk in flood.chunks(_MANY):
                    output.write(chunk)
        except OutputError as error:
            if not error.closed:
                raise
            return flood, "; the reader closed"
    return flood, f"; held up for {pace.slipped:.1f} s by the reader" if pace.slipped else ""


def _paced(flood: Flood, rate: float) -> Iterator[tuple[float, bytes]]:
    """The flood in slices, each with the second that it is due."""
    begun = 0
    for chunk in flood.chunks(max(1, int(rate * NAP))):
        yield begun / rate, chunk
        begun = flood.events


def _problem(arguments: argparse.Namespace, options: Options) -> str:
    """Returns an error in the command line; empty if there is none."""
    files = [arguments.output, arguments.truth, arguments.config]
    named = [name for name in files if name not in (None, os.devnull)]
    if len(set(named)) < len(named):
        return "stream, truth and configuration are to be different files"
    return options.problem()


def options_of(arguments: argparse.Namespace) -> Options:
    """Returns the options that `add_stream` added."""
    return Options(
        events=arguments.events,
        mix=arguments.mix,
        tree=arguments.processes,
        unique=arguments.unique,
        interleave=arguments.interleave,
        enriched=arguments.format == "enriched",
        node=arguments.node,
        eoe=not arguments.no_eoe,
        seed=arguments.seed,
        start=arguments.start,
        rate=arguments.rate,
    )


def _valued(parse: Callable[[str], Value]) -> Callable[[str], Value]:
    """`parse` as argparse wants it, with its own message for the user."""

    def parsed(text: str) -> Value:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parsed


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1: {text!r}")
    return share


def parser() -> argparse.ArgumentParser:
    """Returns the parser of `flood`."""
    found = argparse.ArgumentParser(
        prog="laurel-mp flood",
        description=(
            "Write a synthetic audit stream, of processes that fork, execute, do something and "
            "exit, as auditd 3.0.9 would write it. The same options give the same bytes."
        ),
        epilog=(
            "Exit status: 0, also if the reader closes; 1 if an output cannot be written; 2 for "
            "wrong usage."
        ),
    )
    add_version(found)
    add_stream(found)
    add = found.add_argument
    add("--truth", metavar="FILE", help="write the truth about the stream, for `verify`")
    add("--config", metavar="FILE", help="write the configuration that `verify` expects")
    add("-o", "--output", default="-", metavar="OUT", help="output file (default: stdout)")
    return found


def add_stream(options: argparse._ActionsContainer) -> None:
    """Adds the options of the stream, for all commands that make one."""
    defaults = Options()
    add = options.add_argument
    add(
        "--events",
        type=count,
        default=defaults.events,
        metavar="N",
        help="number of events (default: %(default)s)",
    )
    add(
        "--rate",
        type=positive,
        metavar="N",
        help="events a second (default: as fast as possible)",
    )
    add(
        "--mix",
        type=_valued(mix.parse),
        default=defaults.mix,
        metavar="KIND=WEIGHT,...",
        help=f"how many of each kind ({', '.join(mix.KINDS)}); `default`, the proportions of a "
        "capture, or `all`, which adds some of the kinds that it does not have, may stand in "
        "front (default: default)",
    )
    add(
        "--processes",
        type=_valued(Tree.parse),
        default=defaults.tree,
        metavar="N[,DEPTH[,FANOUT]]",
        help="how many are alive at a time, generations, and children of each at most (default: "
        f"{defaults.tree.processes},{defaults.tree.depth},{defaults.tree.fanout})",
    )
    add(
        "--unique",
        type=_share,
        default=UNIQUE,
        metavar="SHARE",
        help="share of events, from 0 to 1, whose paths, arguments, programs and so on come but "
        "once (default: %(default)s, as in the capture)",
    )
    add(
        "--interleave",
        type=count,
        default=1,
        metavar="N",
        help="events that are open at a time (default: %(default)s)",
    )
    add(
        "--format",
        choices=("raw", "enriched"),
        default="raw",
        help="log_format of auditd (default: %(default)s)",
    )
    add("--node", default="", metavar="NAME", help="name in front of each line")
    add("--no-eoe", action="store_true", help="leave the end-of-event records out")
    add("--seed", type=count, default=0, metavar="N", help="another stream for each (default: 0)")
    add(
        "--start",
        type=count,
        default=START,
        metavar="SECONDS",
        help="time of the first event, in seconds since 1970 (default: %(default)s)",
    )
