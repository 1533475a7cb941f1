"""A report as tables on standard output."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from laurel_mp.loadtest.bench.candidates import Mode
from laurel_mp.loadtest.bench.limits import Limit
from laurel_mp.loadtest.bench.report import Report
from laurel_mp.loadtest.bench.summary import Spread, Summary
from laurel_mp.loadtest.bench.turns import Result

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDTH = 140
"""Characters, if it is no terminal that has a width of its own."""

_MIB = 1 << 20


def show(report: Report) -> None:
    """Prints it; warnings come last, where they are read."""
    from rich.console import Console

    # A file may be called anything, and a number is no reason for colours.
    console = Console(
        width=None if sys.stdout.isatty() else _WIDTH, markup=False, highlight=False, emoji=False
    )
    peers = "".join(f", {name} {version}" for name, version in report.versions.items())
    console.print(f"On {report.machine.text()}{peers}", soft_wrap=True)
    for result in report.results:
        _show_result(console, report, result)


def _show_result(console: Console, report: Report, result: Result) -> None:
    found = report.summaries(result)
    console.print()
    console.print(_heading(result), soft_wrap=True)
    console.print(_times(found))
    console.print(_rates(found))
    for summary in found:
        console.print(f"Cores used by {summary.name}: {_shares(summary.shares)}", soft_wrap=True)
    for warning in report.doubts(result):
        console.print(f"Warning: {warning}", soft_wrap=True)


def _heading(result: Result) -> str:
    workload, plan = result.workload, result.plan
    how = "offline, from a file" if plan.mode is Mode.CONVERT else "live, as a plugin"
    pace = f" at {plan.rate:g} events/s" if plan.rate else ""
    return (
        f"{workload.name}: {workload.lines} lines, {workload.size / _MIB:.1f} MiB; {how}{pace}; "
        f"medians of {plan.runs} runs"
    )


def _times(found: list[Summary]) -> Table:
    versus = f"/ {found[0].name}"
    rows = [
        [
            summary.name,
            *_seconds(summary.figures["wall"]),
            _ratio(summary.ratios.get("wall")),
            *_seconds(summary.figures["cpu"]),
            _ratio(summary.ratios.get("cpu")),
        ]
        for summary in found
    ]
    heads = ("wall s", "least - most", versus, "CPU s", "least - most", versus)
    return _table(heads, rows)


def _rates(found: list[Summary]) -> Table:
    with_latency = "latency_p50" in found[0].figures
    rows = []
    for summary in found:
        figures = summary.figures
        memory = figures.get("memory")
        latency = [_milliseconds(figures.get(f"latency_{name}")) for name in ("p50", "p99")]
        rows.append(
            [
                summary.name,
                f"{figures['lines_per_second'].median:.0f}",
                f"{figures['events_per_second'].median:.0f}",
                f"{memory.median / _MIB:.1f}" if memory else "",
                *(latency if with_latency else []),
                _limit(summary.limit),
            ]
        )
    latencies = ("p50 ms", "p99 ms") if with_latency else ()
    return _table(("lines/s", "events/s", "memory MiB", *latencies, "limit"), rows)


def _table(heads: tuple[str, ...], rows: list[list[str]]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    for head in heads:
        table.add_column(head, justify="left" if head == "limit" else "right")
    for row in rows:
        table.add_row(*row)
    return table


def _seconds(spread: Spread) -> tuple[str, str]:
    return f"{spread.median:.2f}", f"{spread.least:.2f} - {spread.most:.2f}"


def _ratio(spread: Spread | None) -> str:
    if spread is None:
        return ""
    return f"{spread.median:.2f} ({spread.first_quartile:.2f} - {spread.third_quartile:.2f})"


def _milliseconds(spread: Spread | None) -> str:
    return f"{1000 * spread.median:.1f}" if spread else ""


def _limit(limit: Limit) -> str:
    return f"{limit.stage}, {100 * limit.share:.0f} % ({limit.certainty})"


def _shares(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{title} {share:.2f}" for title, share in shares.items())
