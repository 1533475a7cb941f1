"""The screen of `laurel-mp top`: rates, bottleneck, processes, totals and losses."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from laurel_mp.observe.amounts import duration, fit, number, rate, size
from laurel_mp.observe.groups import GROUPS, INPUT, LEDGER, PROCESSES, PROGRAM, TABLES
from laurel_mp.observe.measures import Group, Kind, Row
from laurel_mp.observe.register import Snapshot, remarkable, total

BUSY = 0.85
"""CPU time per second from which a process counts as the bottleneck."""

LATE = 1.0
"""Age of queued input in seconds from which a process counts as the bottleneck."""

LOSSES = "losses"
"""The group whose counters are all losses."""


class Sample(NamedTuple):
    """A snapshot of the daemon, with its time."""

    when: float
    """By the monotonic clock."""
    snapshot: Snapshot


class Style(Enum):
    """Style of a line."""

    PLAIN = ""
    STRONG = "1"
    HEADER = "7"
    ALARM = "1;31"


class Line(NamedTuple):
    """One line of the screen."""

    text: str
    style: Style = Style.PLAIN


class Process(NamedTuple):
    """Rates and state of a process."""

    name: str
    pid: int | None
    """None if it does not run."""
    events: float | None
    lines: float | None
    cpu: float | None
    """CPU time per second. These three are rates; None if unknown."""
    memory: float
    queue: float
    lag: float
    restarts: float


class View:
    """The difference of two samples of one daemon; a single sample has no rates."""

    def __init__(self, now: Sample, before: Sample | None) -> None:
        self.now = now.snapshot
        self._before: Snapshot = {}
        self._seconds = 0.0
        if before is not None and _start(before.snapshot) == _start(now.snapshot):
            self._before = before.snapshot
            self._seconds = now.when - before.when
        self.processes = [self._process(row) for row in self.now.get(PROCESSES.name, ())]

    def rate(self, group: Group, key: str) -> float | None:
        """Returns the rate of a counter, summed over all rows; None if unknown."""
        if self._seconds <= 0:
            return None
        grown = total(self.now, group, key) - total(self._before, group, key)
        return max(grown, 0) / self._seconds

    def _process(self, row: Row) -> Process:
        name = str(row.get("process", ""))
        rows = self._before.get(PROCESSES.name, ())
        before = next((each for each in rows if each.get("process") == name), None)
        cpu = [self._grown(row, before, f"cpu_{kind}_seconds") for kind in ("user", "system")]
        pid = _of(row, "pid")
        return Process(
            name,
            int(pid) if pid is not None else None,
            self._grown(row, before, "events"),
            self._grown(row, before, "lines"),
            None if cpu[0] is None or cpu[1] is None else cpu[0] + cpu[1],
            _of(row, "memory_bytes") or 0,
            _of(row, "queue_bytes") or 0,
            _of(row, "lag_seconds") or 0,
            _of(row, "restarts") or 0,
        )

    def _grown(self, row: Row, before: Row | None, key: str) -> float | None:
        now = _of(row, key)
        then = _of(before, key) if before is not None else None
        if now is None or then is None or self._seconds <= 0:
            return None
        return max(now - then, 0) / self._seconds

    def limit(self) -> str:
        """Returns the bottleneck, for people."""
        (of_input,) = self.now.get(INPUT.name) or ({},)
        if of_input.get("output_waits"):
            return f"the output: {of_input.get('output_waits_for', 'stalled')}"
        busiest = max(self.processes, key=lambda each: each.cpu or 0, default=None)
        if busiest is not None and (busiest.cpu or 0) >= BUSY:
            return f"{busiest.name}, using {100 * (busiest.cpu or 0):.0f} % of a core"
        latest = max(self.processes, key=lambda each: each.lag, default=None)
        if latest is not None and latest.lag >= LATE:
            return f"{latest.name}, where input waits for {latest.lag:.1f} s"
        return "none: waiting for input"

    def losses(self) -> list[str]:
        """Returns losses and failures since the start of the daemon, for people."""
        found = dict(remarkable(self.now))
        for group in GROUPS:
            if group.name == LOSSES:
                for each in group.measures:
                    if each.kind is Kind.COUNTER and (lost := total(self.now, group, each.key)):
                        found[each.title] = lost
        for row in self.now.get(TABLES.name, ()):
            if evictions := _of(row, "evictions"):
                found[f"{row.get('table')} of {row.get('process')} at their limit"] = evictions
        return [f"{title} {number(count)}" for title, count in found.items()]


def _of(row: Row, key: str) -> float | None:
    value = row.get(key)
    return None if isinstance(value, str) else value


def _start(snapshot: Snapshot) -> object:
    """Returns the start time, which identifies a run of the daemon."""
    rows = snapshot.get(PROGRAM.name)
    return rows[0].get("start_time_seconds") if rows else None


# --- the screen


def screen(view: View | None, trouble: str, width: int, height: int) -> list[Line]:
    """Returns the lines that fit the screen; `trouble` is the reason why there is no new sample."""
    last = [Line("q quits")]
    if trouble:
        last.insert(0, Line(trouble, Style.ALARM))
    if view is None:
        lines = [*(last if trouble else [Line("asking ..."), *last])]
        return [line._replace(text=fit(line.text, width)) for line in lines[:height]]
    top, bottom = list(_top(view)), list(_bottom(view, width))
    room = height - len(top) - len(last)
    # On a small screen the processes matter most.
    table = list(_table(view, width, max(room - len(bottom) - 2, min(room, 6))))
    left = max(room - len(table), 0)
    if left > len(bottom) + 1:
        bottom = [Line(""), *bottom, *[Line("")] * (left - len(bottom) - 1)]
    lines = [*top, *table, *bottom[:left], *last]
    return [line._replace(text=fit(line.text, width)) for line in lines[:height]]


def _top(view: View) -> Iterator[Line]:
    program: Row = (view.now.get(PROGRAM.name) or ({},))[0]
    of_input: Row = (view.now.get(INPUT.name) or ({},))[0]
    started = _of(program, "start_time_seconds")
    parts = [f"laurel-mp {program.get('version', '')}"]
    if started is not None:
        parts.append(f"up {duration(max(time.time() - started, 0))}")
    workers = _of(program, "workers")
    parts.append(f"{workers:.0f} workers" if workers else "one process")
    if marker := program.get("marker"):
        parts.append(str(marker))
    yield Line("  ".join(parts), Style.STRONG)
    events, lines = view.rate(LEDGER, "events"), view.rate(LEDGER, "lines")
    came = view.rate(INPUT, "read_bytes")
    yield Line(
        f"Events {_or_not(events)}/s   lines {_or_not(lines)}/s   "
        f"input {size(came) if came is not None else '-'}/s   "
        f"lag {_of(of_input, 'lag_seconds') or 0:.1f} s"
    )
    yield Line(f"Limit: {view.limit()}")


def _or_not(value: float | None) -> str:
    return "-" if value is None else rate(value)


_COLUMNS = (
    ("PROCESS", 12),
    ("PID", 8),
    ("EVENTS/S", 9),
    ("LINES/S", 9),
    ("CPU %", 6),
    ("MEMORY", 9),
    ("QUEUE", 9),
    ("LAG", 7),
    ("RESTARTS", 9),
)


def _table(view: View, width: int, height: int) -> Iterator[Line]:
    yield Line(_cells([title for title, _ in _COLUMNS]).ljust(width), Style.HEADER)
    processes, left_out = _that_fit(view.processes, max(height - 1, 1))
    for each in processes:
        cpu = "-" if each.cpu is None else f"{100 * each.cpu:.1f}"
        cells = [
            each.name,
            "gone" if each.pid is None else str(each.pid),
            _or_not(each.events),
            _or_not(each.lines),
            cpu,
            size(each.memory),
            size(each.queue),
            f"{each.lag:.1f} s",
            number(each.restarts),
        ]
        is_busy = (each.cpu or 0) >= BUSY or each.pid is None
        yield Line(_cells(cells), Style.STRONG if is_busy else Style.PLAIN)
    if left_out:
        yield Line(f"... and {left_out} more with less CPU time")


def _cells(cells: Sequence[str]) -> str:
    padded = [
        f"{cell:{space}}" if place == 0 else f"{cell:>{space}}"
        for place, (cell, (_, space)) in enumerate(zip(cells, _COLUMNS, strict=True))
    ]
    return "".join(padded)


def _that_fit(processes: list[Process], most: int) -> tuple[list[Process], int]:
    """Returns the busiest processes that fit, in their order, and the number of the others."""
    if len(processes) <= most:
        return processes, 0
    order = sorted(processes, key=lambda each: each.cpu or 0, reverse=True)
    kept = set(order[: max(most - 1, 1)])
    return [each for each in processes if each in kept], len(processes) - len(kept)


def _bottom(view: View, width: int) -> Iterator[Line]:
    ledger: Row = (view.now.get(LEDGER.name) or ({},))[0]
    of_input: Row = (view.now.get(INPUT.name) or ({},))[0]
    program: Row = (view.now.get(PROGRAM.name) or ({},))[0]

    def count(row: Row, key: str) -> str:
        return number(_of(row, key) or 0)

    def amount(key: str) -> str:
        return size(_of(of_input, key) or 0)

    yield from _wrapped(
        f"Lines {count(ledger, 'lines')}: ",
        [
            f"{count(ledger, 'event_lines')} in events",
            f"{count(ledger, 'filtered_lines')} filtered",
            f"{count(ledger, 'end_of_event_lines')} ends",
            f"{count(ledger, 'duplicate_lines')} duplicate",
            f"{count(ledger, 'malformed_lines')} malformed",
            f"{count(ledger, 'lines_in_flight')} in flight",
        ],
        width,
    )
    yield from _wrapped(
        f"Events {count(ledger, 'events')}: ",
        [
            f"{count(ledger, 'written_events')} written",
            f"{count(ledger, 'filtered_events')} filtered",
            f"{count(ledger, 'incomplete_events')} incomplete",
            f"{count(ledger, 'timed_out_events')} timed out",
            f"{count(ledger, 'cut_events')} cut",
        ],
        width,
    )
    yield from _wrapped(
        "Input: ",
        [
            f"window {amount('window_bytes')} of {amount('window_limit_bytes')}",
            f"memory {amount('memory_bytes')} of {amount('memory_limit_bytes')}",
            f"spool {amount('spool_bytes')} of {amount('spool_limit_bytes')}",
            f"stopped for {_of(of_input, 'stopped_seconds') or 0:.1f} s",
        ],
        width,
    )
    yield Line(
        f"Recoveries {count(program, 'recoveries')}, reloads {count(program, 'reloads')}, "
        f"checkpoints {count(program, 'checkpoints')}"
    )
    losses = view.losses()
    style = Style.ALARM if losses else Style.PLAIN
    for line in _wrapped("Losses and failures: ", losses or ["none"], width):
        yield line._replace(style=style)


def _wrapped(start: str, parts: list[str], width: int) -> Iterator[Line]:
    """Yields a list, wrapped to the width."""
    line = start
    for place, part in enumerate(parts):
        text = part + ("," if place < len(parts) - 1 else "")
        if line.strip() and len(line) + len(text) > width and line != start:
            yield Line(line.rstrip())
            line = "  "
        line += text + " "
    yield Line(line.rstrip())
