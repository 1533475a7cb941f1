"""One conversion: inputs in order, one process table, one summary."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from laurel_mp.cli.conversion_summary import InputSummary, Summary
from laurel_mp.cli.progress import Progress, open_progress
from laurel_mp.config import Config
from laurel_mp.errors import InputError
from laurel_mp.observe.malformed import MalformedReport
from laurel_mp.pipeline.daemon.loss_report import Missing
from laurel_mp.pipeline.intake.log_lines import LineNumbers, LogLines, LogStatistics, Stamp
from laurel_mp.pipeline.intake.log_sources import Source, open_source
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.pipeline.supervisor.feed import SHOWN
from laurel_mp.pipeline.supervisor.hooks import Hooks
from laurel_mp.pipeline.supervisor.pipeline import Pipeline
from laurel_mp.pipeline.supervisor.start import open_pipeline
from laurel_mp.records.line_forms import AUDIT, Form
from laurel_mp.records.malformed_reason import malformed_reason
from laurel_mp.stages.router import Malformed

_TYPES = re.compile(
    rb"(?:node= *[^ \n]+ +)?type=([^ =\n\0]{1,64}) +msg=audit\([0-9]+\.[0-9]{3}:[0-9][^\n]*\n"
    rb"|[^\n]*\n"
)


def say(text: str) -> None:
    """Writes a message to standard error."""
    print(f"laurel-mp: {text}", file=sys.stderr)


@dataclass(frozen=True, slots=True)
class InputOptions:
    """Options of reading inputs."""

    form: Form | None = None
    """None for the form that is recognised."""
    node: bytes | None = None
    counts_types: bool = False


class Conversion:
    """Converts inputs, one after the other, and counts."""

    def __init__(self, config: Config, outputs: Outputs, options: InputOptions) -> None:
        self._config = config
        self._outputs = outputs
        self._options = options
        self._report = MalformedReport(say, describe=self._describe)
        self._numbers = LineNumbers(config.pipeline.max_line_bytes + (2 << 20))
        self._latest: dict[bytes | None, tuple[float, str]] = {}
        """The latest time stamp of each node, and its input."""
        self._summary = Summary()

    def run(self, names: Sequence[str]) -> Summary:
        """Converts all inputs; raises OutputError and LedgerError."""
        missing = Missing()
        summary = self._summary
        hooks = Hooks(malformed=self._malformed, losses=missing.add)
        with open_pipeline(self._config, self._outputs, hooks) as pipeline:
            with open_progress(list(names)) as progress:
                for name in names:
                    self._convert(name, pipeline, progress)
                pipeline.finish()
            ledger = pipeline.ledger()
        self._report.close()
        ledger.check()
        summary.lines = ledger.lines
        summary.events = ledger.written
        summary.filtered = ledger.filtered_events
        summary.malformed = ledger.malformed - summary.blank
        summary.blank -= summary.other
        summary.duplicates = ledger.duplicate
        summary.incomplete = ledger.incomplete
        summary.missing = missing.events
        return summary

    def _convert(self, name: str, pipeline: Pipeline, progress: Progress) -> None:
        options, size = self._options, pipeline.config.pipeline.batch_bytes
        statistics = LogStatistics()
        shown = name if name != "-" else "standard input"
        try:
            with _reading(name, progress) as source:
                lines = LogLines(
                    source,
                    pipeline.config.pipeline.max_line_bytes,
                    form=options.form,
                    node=options.node,
                    whole_lines=options.counts_types,
                    recognised=lambda form: self._say_form(shown, form),
                )
                statistics = lines.statistics
                self._numbers.begin(shown, pipeline.position)
                for data in lines.chunks(size):
                    self._check_order(shown, statistics)
                    self._numbers.add(data)
                    if options.counts_types:
                        self._count(data)
                    pipeline.feed(data)
                    progress.advance(source.position)
        except InputError as error:
            self._summary.complete = False
            say(str(error))
        pipeline.end_of_line()
        self._end(shown, statistics)

    def _end(self, name: str, statistics: LogStatistics) -> None:
        last = statistics.last
        if last is not None and last.time >= self._latest.get(last.node, (0.0, ""))[0]:
            self._latest[last.node] = last.time, name
        form = statistics.form.name if statistics.form is not None else None
        times = [stamp and stamp.time for stamp in (statistics.first, last)]
        self._summary.other += statistics.other
        self._summary.inputs.append(InputSummary(name, form, *times))

    def _say_form(self, name: str, form: Form) -> None:
        if form is not AUDIT and self._options.form is None:
            say(f"{name}: read as {form.title}; --input-format {form.name}")

    def _check_order(self, name: str, statistics: LogStatistics) -> None:
        """Says once if an input begins long before the end of a former one."""
        first = statistics.first
        if first is None:
            return
        latest, former = self._latest.get(first.node, (0.0, ""))
        if former and first.time < latest - self._config.pipeline.duplicate_window:
            say(
                f"{name}: begins at {_shown(first)}, before the end of {former} at "
                f"{_shown(Stamp(None, latest))}; give the oldest log first, or use --sort"
            )
            self._latest.pop(first.node)

    def _count(self, data: bytes) -> None:
        for name, number in Counter(_TYPES.findall(data)).items():
            if name:
                self._summary.record_types[name.decode(errors="replace")] += number

    def _malformed(self, line: Malformed) -> None:
        if line.line.strip(b"\r"):
            self._report.add(line)
        else:
            self._summary.blank += 1

    def _describe(self, position: int, text: bytes) -> str:
        most = self._config.pipeline.max_line_bytes
        # The line cutter keeps only the start of a line that is far too long.
        reason = malformed_reason(text, most, is_cut=len(text) == SHOWN and self._is_long(position))
        return f"{self._numbers.place(position)}: malformed line, {reason}"

    def _is_long(self, position: int) -> bool:
        return self._numbers.length(position) > self._config.pipeline.max_line_bytes


@contextmanager
def _reading(name: str, progress: Progress) -> Iterator[Source]:
    with open_source(name) as source:
        progress.begin(name)
        yield source


def _shown(stamp: Stamp) -> str:
    try:
        return datetime.fromtimestamp(stamp.time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{stamp.time:.3f}"
