"""`laurel-mp convert`: audit logs to JSON lines, offline."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from laurel_mp.cli import exit_status
from laurel_mp.cli.argument_types import add_common, is_same_file
from laurel_mp.cli.conversion import Conversion, InputOptions, say
from laurel_mp.cli.conversion_summary import Summary
from laurel_mp.cli.time_range import join_times, outside_pattern, parse_time
from laurel_mp.config import Config, load
from laurel_mp.errors import ConfigError, InputError, OutputError
from laurel_mp.outputs.open_sink import OpenSink
from laurel_mp.outputs.stall_policy import StallPolicy
from laurel_mp.outputs.stream import Stream
from laurel_mp.outputs.target import Target
from laurel_mp.pipeline.intake.log_directory import rotated_logs
from laurel_mp.pipeline.intake.log_lines import first_stamp
from laurel_mp.pipeline.intake.log_sources import open_source
from laurel_mp.pipeline.runner import stage_options
from laurel_mp.pipeline.runner.event_filters import EventFilters
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.records.line_forms import FORMS

MAX_WORKERS = 256

EPILOG = (
    "Exit status: 0 if all inputs were converted to their ends, or if the reader closes; 1 if an "
    "input could not be read or has no audit records, if the output could not be written, or with "
    "--strict if a line was malformed; 2 for wrong usage. See docs/converting.md."
)


def main(words: Sequence[str]) -> int:
    """Runs `convert`; returns the exit status."""
    parser = _parser()
    arguments = parser.parse_args(join_times(words))
    _check(parser, arguments)
    config = _config(arguments)
    started = time.monotonic()
    if arguments.jobs is None:
        names, complete = _inputs(arguments.files or ["-"], sort=arguments.sort)
    else:
        names, complete = arguments.files, True  # each job looks for its own
    for used in (arguments.output, arguments.summary_json):
        if used is not None and any(is_same_file(used, name) for name in names):
            say(f"{used}: is an input, too")
            return exit_status.USAGE
    try:
        summary = _run(arguments, config, names)
    except OutputError as error:
        if error.closed:
            return 0  # the reader has closed
        raise
    summary.complete &= complete
    if arguments.summary_json is not None:
        _write_json(arguments.summary_json, summary)
    if not arguments.as_job:
        if arguments.summary:
            sys.stderr.write(summary.table())
        seconds = time.monotonic() - started
        say(summary.line(seconds, has_filters=EventFilters(config).are_active))
    failed = not summary.complete or (arguments.strict and summary.malformed)
    return exit_status.FAILURE if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="laurel-mp convert",
        description="Convert audit logs to JSON lines. Nothing is looked up on this machine.",
        epilog=EPILOG,
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
        "--since",
        metavar="TIME",
        help="only events from this time on, as in ausearch -ts: today, recent, 12:00, "
        "11/30/2026 12:00:00, 2026-11-30T12:00:00Z, @SECONDS",
    )
    parser.add_argument("--until", metavar="TIME", help="only events up to this time")
    parser.add_argument(
        "--node", metavar="NAME", help="node of records that do not name one (node=NAME)"
    )
    parser.add_argument(
        "--input-format",
        default="auto",
        choices=["auto", *FORMS],
        help="form of the lines (default: auto, recognised for each input by its first records)",
    )
    parser.add_argument(
        "--sort", action="store_true", help="read inputs in the order of their first time stamps"
    )
    parser.add_argument(
        "--jobs",
        type=_job_count,
        metavar="N",
        help="convert N inputs at a time, each with a process table of its own",
    )
    parser.add_argument(
        "--summary", action="store_true", help="at the end, count records by type on stderr"
    )
    parser.add_argument("--summary-json", metavar="FILE", help="write all counts as JSON")
    parser.add_argument(
        "--strict", action="store_true", help="exit status 1 also if a line was malformed"
    )
    parser.add_argument("--as-job", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="logs in the order of events, plain, .gz or .xz; a directory for its rotated logs, "
        "oldest first; - is stdin (the default)",
    )
    return parser


def _worker_count(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to {MAX_WORKERS}: {text!r}")
    return int(text)


def _job_count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {MAX_WORKERS}: {text!r}")
    return int(text)


def _check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Checks what argparse does not, and turns times into seconds."""
    now = datetime.now()  # noqa: DTZ005 - times are local, as those of ausearch
    for name in ("since", "until"):
        text = getattr(arguments, name)
        if text is None:
            continue
        if text == "boot":
            parser.error(f"--{name} boot: a log does not tell; give a time")
        try:
            setattr(arguments, name, parse_time(text, now, is_end=name == "until"))
        except (ValueError, OverflowError, OSError):
            parser.error(f"--{name}: not a time: {text!r}")
    if None not in (arguments.since, arguments.until) and arguments.since > arguments.until:
        parser.error("--since is later than --until")
    node = arguments.node
    if node is not None:
        name = node.encode(errors="surrogateescape")
        if not 0 < len(name) < 256 or any(byte <= 32 or byte == 127 for byte in name):
            parser.error(f"--node: not a node name: {node!r}")
    if arguments.jobs is not None and "-" in (arguments.files or ["-"]):
        parser.error("--jobs needs files or directories")
    if arguments.sort and "-" in (arguments.files or ["-"]):
        parser.error("--sort needs files or directories")


def _config(arguments: argparse.Namespace) -> Config:
    config = load(Path(arguments.config) if arguments.config else None)
    stage_options.check(config)
    if arguments.workers is not None:
        config = replace(config, pipeline=replace(config.pipeline, workers=arguments.workers))
    pattern = outside_pattern(arguments.since, arguments.until)
    if pattern:
        patterns = (*config.filter.filter_raw_lines, pattern)
        config = replace(config, filter=replace(config.filter, filter_raw_lines=patterns))
    return config


def _inputs(names: Sequence[str], *, sort: bool) -> tuple[list[str], bool]:
    """Returns the files of all arguments in order, and True if all of them can be told."""
    found = []
    complete = True
    for name in names:
        try:
            found += rotated_logs(name) if name != "-" and Path(name).is_dir() else [name]
        except InputError as error:
            say(str(error))
            complete = False
    return (sorted(found, key=_first_time) if sort else found), complete


def _first_time(name: str) -> float:
    """Returns the first time stamp of a log; infinity if it has none."""
    try:
        with open_source(name) as source:
            stamp = first_stamp(source)
    except InputError:
        return float("inf")  # it is reported when it is converted
    return stamp.time if stamp is not None else float("inf")


def _run(arguments: argparse.Namespace, config: Config, names: Sequence[str]) -> Summary:
    if arguments.jobs is not None:
        return _run_jobs(arguments, config)
    if not names:
        return Summary()
    form = None if arguments.input_format == "auto" else FORMS[arguments.input_format]
    node = arguments.node.encode(errors="surrogateescape") if arguments.node else None
    counts = arguments.summary or (arguments.summary_json is not None and not arguments.as_job)
    outputs = Outputs.of_command(config, arguments.output)
    return Conversion(config, outputs, InputOptions(form, node, counts)).run(names)


def _run_jobs(arguments: argparse.Namespace, config: Config) -> Summary:
    """Converts each argument by a process of its own."""
    from laurel_mp.cli.conversion_jobs import ConversionJobs

    if len(Outputs.of_command(config, arguments.output).sinks) > 1:
        raise ConfigError("--jobs: not with [filterlog] or [debug.parse-error-log]")
    options = ["--workers", str(arguments.workers or 0), "--input-format", arguments.input_format]
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    options += [f"--{name}={given[name]}" for name in ("config", "node") if name in given]
    options += [f"--{name}=@{given[name]}" for name in ("since", "until") if name in given]
    options += [f"--{name}" for name in ("sort", "summary") if getattr(arguments, name)]
    if arguments.summary_json is not None and not arguments.summary:
        options.append("--summary")
    names = list(arguments.files)
    if arguments.sort:
        names.sort(key=_first_time_of_argument)
    output = _open(arguments.output)
    try:
        return ConversionJobs(options, arguments.jobs).run(names, output)
    finally:
        output.close()


def _first_time_of_argument(name: str) -> float:
    try:
        return min(map(_first_time, rotated_logs(name) if Path(name).is_dir() else [name]))
    except InputError:
        return float("inf")


def _open(name: str) -> OpenSink:
    target = Target(name)
    return Stream.create(name, StallPolicy(name)) if target.is_path else target.open()


def _write_json(name: str, summary: Summary) -> None:
    try:
        Path(name).write_text(summary.to_json())
    except OSError as error:
        raise OutputError(f"{name}: cannot be written: {error.strerror}") from error
