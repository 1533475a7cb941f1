"""`laurel-mp bench`: measures the pipeline on this machine, and LAUREL."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from laurel_mp.cli import exit_status
from laurel_mp.cli.argument_types import add_version, count, positive
from laurel_mp.cli.convert import MAX_WORKERS
from laurel_mp.cli.flood import add_stream, options_of
from laurel_mp.loadtest.bench.bench_report import Report
from laurel_mp.loadtest.bench.benchmark import (
    Source,
    of_file,
    of_flood,
    of_nothing,
    of_replay,
    run_benchmark,
)
from laurel_mp.loadtest.bench.candidates import Mode, ours, peer
from laurel_mp.loadtest.bench.turns import Begin, BenchPlan


def main(words: Sequence[str]) -> int:
    """Runs `bench`; returns the exit status."""
    arguments = _parser().parse_args(words)
    if problem := _problem(arguments):
        print(f"laurel-mp: {problem}", file=sys.stderr)
        return exit_status.USAGE
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)  # as an interrupt from the terminal: all is removed
    plan = _plan(arguments)
    sources = _sources(arguments)
    with _progress(plan.steps * len(sources) + len(sources)) as begin:
        report = run_benchmark(plan, sources, arguments.dir, begin)
    _print(report, as_json=arguments.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="laurel-mp bench",
        description=(
            "Measure the pipeline with several numbers of workers, beside LAUREL if --peer names "
            "it: all get the same input and the same features, without /proc, one after another, "
            "again and again. The first round only warms up. Without FILE, --replay or --flood, "
            "the input is a flood."
        ),
        epilog=(
            "Exit status: 0; 1 if a run failed or something could not be read or written; 2 for "
            "wrong usage. See docs/load-testing.md."
        ),
    )
    add_version(parser)
    add = parser.add_argument
    add("files", nargs="*", type=Path, metavar="FILE", help="records, plain, .gz or .xz")
    add(
        "--replay",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a capture that is repeated, with ids and times that move on",
    )
    add(
        "--lines",
        type=count,
        default=0,
        metavar="N",
        help="repeat it until it has so many lines (default: once)",
    )
    add("--flood", action="store_true", help="a synthetic stream; see the options below")
    add(
        "--workers",
        type=_worker_counts,
        default=[0, 1, 2],
        metavar="N,...",
        help="worker counts to measure (default: 0,1,2)",
    )
    add("--peer", metavar="PROGRAM", help="a LAUREL to compare with: a name, or a path")
    add(
        "--mode",
        type=Mode,
        choices=list(Mode),
        default=Mode.CONVERT,
        metavar="convert|live|idle",
        help="offline conversion of a file (the default); as a plugin of auditd; or a plugin at "
        "rest, behind its input if any is named",
    )
    add(
        "--seconds",
        type=positive,
        default=60.0,
        metavar="N",
        help="length of a run with --mode idle (default: 60)",
    )
    add(
        "--runs",
        type=count,
        default=5,
        metavar="N",
        help="of each, after one that does not count (default: 5)",
    )
    add(
        "--dir",
        type=Path,
        metavar="DIRECTORY",
        help="where files go meanwhile (default: in memory if there is room, else $TMPDIR)",
    )
    add("--json", action="store_true", help="print every single run, as JSON")
    flood = parser.add_argument_group(
        "flood",
        "As with `laurel-mp flood`; but --rate is for all inputs of --mode live, whose latency is "
        "told then.",
    )
    add_stream(flood)
    return parser


def _worker_counts(text: str) -> list[int]:
    words = text.split(",")
    if not all(word.isascii() and word.isdecimal() and int(word) <= MAX_WORKERS for word in words):
        raise argparse.ArgumentTypeError(f"expected numbers from 0 to {MAX_WORKERS}: {text!r}")
    return list(dict.fromkeys(map(int, words)))


def _problem(arguments: argparse.Namespace) -> str:
    """Returns an error in the command line; empty if there is none."""
    if arguments.runs < 1:
        return "--runs: at least 1"
    if arguments.rate is not None and arguments.mode is not Mode.LIVE:
        return "--rate: with --mode live only"
    if arguments.lines and not arguments.replay:
        return "--lines: with --replay only"
    if arguments.dir is not None and not arguments.dir.is_dir():
        return f"--dir: {arguments.dir} is no directory"
    return options_of(arguments).problem()


def _plan(arguments: argparse.Namespace) -> BenchPlan:
    candidates = [ours(number) for number in arguments.workers]
    if arguments.peer is not None:
        candidates.insert(0, peer(arguments.peer))
    return BenchPlan(candidates, arguments.mode, arguments.runs, arguments.rate, arguments.seconds)


def _sources(arguments: argparse.Namespace) -> list[Source]:
    sources = [of_file(path) for path in arguments.files]
    sources += [of_replay(path, arguments.lines) for path in arguments.replay]
    if arguments.mode is Mode.IDLE and not sources and not arguments.flood:
        return [of_nothing()]
    if arguments.flood or not sources:
        sources.append(of_flood(options_of(arguments)))
    return sources


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)  # what a shell makes of a signal


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        import json

        print(json.dumps(report.plain(), indent=2))
        return
    from laurel_mp.loadtest.bench.report_table import show

    show(report)


@contextmanager
def _progress(total: int) -> Iterator[Begin]:
    """Shows a progress bar for so many steps, if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.TextColumn("{task.description}", markup=False),  # a file may be called anything
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeElapsedColumn(),
    )
    with bars.Progress(
        *columns, console=Console(stderr=True), transient=True, refresh_per_second=1
    ) as bar:
        task = bar.add_task("", total=total, completed=-1)

        def begin(what: str) -> None:
            bar.update(task, description=what, advance=1)

        yield begin
