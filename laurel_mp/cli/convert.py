"""`laurel-mp convert`: audit logs to JSON lines, offline."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from laurel_mp.cli import exit_status
from laurel_mp.cli.argument_types import add_common, is_same_file
from laurel_mp.cli.progress import Progress, open_progress
from laurel_mp.config import Config, load
from laurel_mp.errors import InputError, OutputError
from laurel_mp.observe.malformed import MalformedReport
from laurel_mp.pipeline.daemon.loss_report import Missing
from laurel_mp.pipeline.intake.log_sources import Source, open_source
from laurel_mp.pipeline.runner import stage_options
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.pipeline.supervisor.hooks import Hooks
from laurel_mp.pipeline.supervisor.ledger import Ledger
from laurel_mp.pipeline.supervisor.pipeline import Pipeline
from laurel_mp.pipeline.supervisor.start import open_pipeline

MAX_WORKERS = 256


def main(words: Sequence[str]) -> int:
    """Runs `convert`; returns the exit status."""
    arguments = _parser().parse_args(words)
    config = _config(arguments)
    if any(is_same_file(arguments.output, name) for name in arguments.files):
        print(f"laurel-mp: {arguments.output}: is an input, too", file=sys.stderr)
        return exit_status.USAGE
    report = MalformedReport(lambda text: print(f"laurel-mp: {text}", file=sys.stderr))
    missing = Missing()
    outputs = Outputs.of_command(config, arguments.output)
    started = time.monotonic()
    try:
        hooks = Hooks(malformed=report.add, losses=missing.add)
        with open_pipeline(config, outputs, hooks) as pipeline:
            complete = _convert(arguments.files or ["-"], pipeline)
            ledger = pipeline.ledger()
    except OutputError as error:
        if error.closed:
            return 0  # the reader has closed
        raise
    report.close()
    ledger.check()
    print(_summary(ledger, missing.events, time.monotonic() - started), file=sys.stderr)
    return 0 if complete else exit_status.FAILURE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="laurel-mp convert",
        description="Convert audit logs to JSON lines. Nothing is looked up on this machine.",
        epilog="Exit status: 0; 1 if an input could not be read; 2 for wrong usage.",
    )
    add_common(parser)
    parser.add_argument(
        "-w",
        "--workers",
        type=_worker_count,
        metavar="N",
        help="number of worker processes; 0 for a single process (default: as configured)",
    )
    parser.add_argument(
        "-o", "--output", default="-", metavar="OUT", help="output file (default: stdout)"
    )
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="logs in the order of events, plain, .gz or .xz; - is stdin (the default)",
    )
    return parser


def _worker_count(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to {MAX_WORKERS}: {text!r}")
    return int(text)


def _config(arguments: argparse.Namespace) -> Config:
    config = load(Path(arguments.config) if arguments.config else None)
    stage_options.check(config)
    if arguments.workers is not None:
        config = replace(config, pipeline=replace(config.pipeline, workers=arguments.workers))
    return config


def _convert(names: list[str], pipeline: Pipeline) -> bool:
    """Feeds all inputs to the pipeline; returns True if all of them could be read."""
    complete = True
    with open_progress(names) as progress:
        for name in names:
            try:
                with _reading(name, progress) as source:
                    for data in source.reads(pipeline.config.pipeline.batch_bytes):
                        pipeline.feed(data)
                        progress.advance(source.position)
            except InputError as error:
                complete = False
                print(f"laurel-mp: {error}", file=sys.stderr)
            pipeline.end_of_line()
        pipeline.finish()
    return complete


@contextmanager
def _reading(name: str, progress: Progress) -> Iterator[Source]:
    with open_source(name) as source:
        progress.begin(name)
        yield source


def _summary(ledger: Ledger, missing: int, seconds: float) -> str:
    # Lost, or left out on purpose, as by grep: a file does not tell.
    gaps = f"{missing} serials missing, " if missing else ""
    rate = ledger.lines / seconds if seconds > 0 else 0.0
    return (
        f"laurel-mp: {ledger.lines} lines, {ledger.written} events, "
        f"{ledger.malformed} malformed, {ledger.duplicate} duplicates, {gaps}{rate:.0f} lines/s"
    )
