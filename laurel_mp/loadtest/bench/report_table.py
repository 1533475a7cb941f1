"""Prints a report as tables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from laurel_mp.loadtest.bench.bench_report import Report
from laurel_mp.loadtest.bench.candidates import Mode
from laurel_mp.loadtest.bench.scaling import MACHINES, best
from laurel_mp.loadtest.bench.summary import Spread, Summary
from laurel_mp.loadtest.bench.turns import Result

if TYPE_CHECKING:
    from rich.table import Table

_WIDTH = 140
"""Characters, if standard output is no terminal."""

_MIB = 1 << 20

_HOW = {
    Mode.CONVERT: "offline, from a file",
    Mode.LIVE: "live, as a plugin",
    Mode.IDLE: "live, at rest",
}

_COLUMNS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("wall", "wall s", "{:.2f}".format),
    ("cpu", "CPU s", "{:.2f}".format),
    ("cores", "% of a core", lambda cores: f"{100 * cores:.3f}"),
    ("lines_per_second", "lines/s", "{:.0f}".format),
    ("events_per_second", "events/s", "{:.0f}".format),
    ("memory", "memory MiB", lambda size: f"{size / _MIB:.1f}"),
    ("latency_p50", "p50 ms", lambda seconds: f"{1000 * seconds:.1f}"),
    ("latency_p99", "p99 ms", lambda seconds: f"{1000 * seconds:.1f}"),
)
"""Figures with their headings, and how a value is written."""

_TIMES = ("wall", "cpu")
_RATES = ("lines_per_second", "events_per_second", "memory", "latency_p50", "latency_p99")
_IDLE = ("cores", "memory")


def show(report: Report) -> None:
    """Prints a report; warnings come last."""
    from rich.console import Console

    # A file may be called anything, and a number is no reason for colours.
    console = Console(
        width=None if sys.stdout.isatty() else _WIDTH, markup=False, highlight=False, emoji=False
    )
    peers = "".join(f", {name} {version}" for name, version in report.versions.items())
    console.print(f"On {report.machine.text()}{peers}", soft_wrap=True)
    for result in report.results:
        found = report.summaries(result)
        console.print()
        console.print(_heading(result), soft_wrap=True)
        if result.plan.mode is Mode.IDLE:
            console.print(_table(found, _IDLE, with_spread=True))
        else:
            console.print(_table(found, _TIMES, with_spread=True))
            console.print(_table(found, _RATES, with_spread=False))
        for line in _processes(result, found):
            console.print(line, soft_wrap=True)
        for warning in report.doubts(result):
            console.print(f"Warning: {warning}", soft_wrap=True)


def _heading(result: Result) -> str:
    workload, plan = result.workload, result.plan
    pace = f" at {plan.rate:g} events/s" if plan.rate else ""
    return (
        f"{workload.name}: {workload.lines} lines, {workload.size / _MIB:.1f} MiB; "
        f"{_HOW[plan.mode]}{pace}; medians of {plan.runs} runs"
    )


def _table(found: list[Summary], figures: Sequence[str], *, with_spread: bool) -> Table:
    """A row for each candidate; columns for figures that were measured."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    rows = [[summary.name] for summary in found]
    for figure, head, text in _COLUMNS:
        if figure not in figures or not any(figure in summary.figures for summary in found):
            continue
        heads = [head]
        if with_spread:
            heads += ["least - most"]
        if figure in found[-1].ratios:
            heads += [f"/ {found[0].name}"]
        for each in heads:
            table.add_column(each, justify="right")
        for row, summary in zip(rows, found, strict=True):
            cells = _cells(summary.figures.get(figure), summary.ratios.get(figure), text)
            row.extend((*cells[: 1 + with_spread], *cells[2 : len(heads)]))
    for row in rows:
        table.add_row(*row)
    return table


def _cells(
    spread: Spread | None, ratio: Spread | None, text: Callable[[float], str]
) -> tuple[str, ...]:
    """The median, from least to most, and the ratio to the first candidate."""
    quartiles = f"({ratio.first_quartile:.2f} - {ratio.third_quartile:.2f})" if ratio else ""
    return (
        text(spread.median) if spread else "",
        f"{text(spread.least)} - {text(spread.most)}" if spread else "",
        f"{ratio.median:.2f} {quartiles}" if ratio else "",
    )


def _processes(result: Result, found: list[Summary]) -> Iterator[str]:
    """Lines about each process of the candidates, and the model for more CPUs."""
    mode = result.plan.mode
    for summary in found:
        shares = _listed(summary.shares, "{:.5f}" if mode is Mode.IDLE else "{:.2f}")
        yield f"Cores used by {summary.name}: {shares}"
    if mode is not Mode.LIVE or result.plan.rate is not None:
        return  # the start of a program, or waiting for events, would count
    for summary in found:
        costs = _listed(summary.costs.stages, "{:.2f}")
        yield f"CPU time per event of {summary.name}, µs: {costs}"
    measured = [summary.costs for summary in found if summary.costs.workers]
    for cpus in MACHINES if measured else ():
        bound = best(measured, cpus)
        yield (
            f"Model, {cpus} CPUs as fast as these: at most {bound.events:.0f} events/s with "
            f"{bound.workers} workers; limit: {bound.limit}"
        )


def _listed(values: Mapping[str, float], form: str) -> str:
    return ", ".join(f"{title} {form.format(value)}" for title, value in values.items())
