"""A report as a picture: bars of the medians with their spread, as SVG."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import NamedTuple
from xml.etree import ElementTree as ET

from laurel_mp.loadtest.bench.candidates import Mode
from laurel_mp.loadtest.bench.report import Report
from laurel_mp.loadtest.bench.summary import Summary
from laurel_mp.loadtest.bench.turns import Result

_WIDTH = 840
_MARGIN = 20
_LABELS = 170
"""Where the names of candidates end, and bars begin."""
_BAR_END = 680
"""Where the longest bar may end; its number comes behind it."""
_ROW = 22
_BAR = 14
_GAP = 14

_INK = "#222222"
_FAINT = "#666666"
_FIRST = "#9aa0a6"
_OTHERS = "#3f7cac"
_WARNING = "#b00020"

_CHARACTERS = 118
"""Of usual text on a line, so that it ends in time."""


class _Panel(NamedTuple):
    figure: str
    title: str
    text: Callable[[float], str]


_PANELS = (
    _Panel("wall", "wall time, seconds", lambda value: f"{value:.2f}"),
    _Panel("cpu", "CPU time of all processes, seconds", lambda value: f"{value:.2f}"),
    _Panel("memory", "most memory of all processes, MiB", lambda value: f"{value / 2**20:.1f}"),
    _Panel("latency_p50", "latency, half of the events, ms", lambda value: f"{value * 1e3:.1f}"),
    _Panel("latency_p99", "latency, 99 % of the events, ms", lambda value: f"{value * 1e3:.1f}"),
)


def svg(report: Report) -> bytes:
    """The picture: a document in UTF-8."""
    canvas = _Canvas()
    canvas.line_of_text("laurel-mp bench", size=18, bold=True)
    machine = report.machine
    peers = "".join(f", {name} {version}" for name, version in report.versions.items())
    canvas.paragraph(
        f"{machine.cpus} CPUs ({machine.model}), Linux {machine.kernel}, "
        f"Python {machine.python.split()[0]}, laurel-mp {machine.laurel_mp}{peers}",
        colour=_FAINT,
    )
    for result in report.results:
        canvas.y += _GAP
        canvas.line_of_text(_heading(result), size=14, bold=True)
        found = report.summaries(result)
        for panel in _PANELS:
            if all(panel.figure in summary.figures for summary in found):
                _draw(canvas, panel, found)
        for warning in report.doubts(result):
            canvas.paragraph(f"Warning: {warning}", colour=_WARNING)
    return canvas.document()


def _heading(result: Result) -> str:
    plan = result.plan
    how = "offline" if plan.mode is Mode.CONVERT else "live"
    pace = f" at {plan.rate:g} events/s" if plan.rate else ""
    return (
        f"{result.workload.name}: {result.workload.lines} lines, {how}{pace}; "
        f"medians of {plan.runs} runs, least to most"
    )


def _draw(canvas: _Canvas, panel: _Panel, found: list[Summary]) -> None:
    canvas.y += _GAP // 2
    canvas.line_of_text(panel.title, bold=True)
    spreads = [summary.figures[panel.figure] for summary in found]
    scale = (_BAR_END - _LABELS) / (max(spread.most for spread in spreads) or 1)
    for number, (summary, spread) in enumerate(zip(found, spreads, strict=True)):
        middle = canvas.y + _ROW / 2
        canvas.text(_LABELS - 8, middle + 4, summary.name, anchor="end")
        colour = _OTHERS if number else _FIRST
        canvas.rect(_LABELS, middle - _BAR / 2, spread.median * scale, _BAR, colour)
        least, most = _LABELS + spread.least * scale, _LABELS + spread.most * scale
        canvas.stroke(least, middle, most, middle)
        for end in (least, most):
            canvas.stroke(end, middle - 4, end, middle + 4)
        canvas.text(
            max(most, _LABELS + spread.median * scale) + 8, middle + 4, _label(panel, summary)
        )
        canvas.y += _ROW


def _label(panel: _Panel, summary: Summary) -> str:
    text = panel.text(summary.figures[panel.figure].median)
    ratio = summary.ratios.get(panel.figure)
    return f"{text}  (x {ratio.median:.2f})" if ratio else text


class _Canvas:
    """What is drawn, from the top to the bottom."""

    def __init__(self) -> None:
        self.y = float(_MARGIN)
        """Where there is nothing yet."""
        self._root = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg"})
        self._background = self._add("rect", fill="#ffffff", x=0, y=0)

    def _add(self, tag: str, **attributes: str | float) -> ET.Element:
        plain = {
            key.replace("_", "-"): f"{value:.1f}".removesuffix(".0")
            if isinstance(value, float)
            else str(value)
            for key, value in attributes.items()
        }
        return ET.SubElement(self._root, tag, plain)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: str = "start",
        size: int = 12,
        colour: str = _INK,
        bold: bool = False,
    ) -> None:
        """Writes something that begins or ends at a place on a base line."""
        weight = "bold" if bold else "normal"
        element = self._add(
            "text", x=x, y=y, text_anchor=anchor, font_size=size, font_weight=weight, fill=colour
        )
        element.text = "".join(char if char.isprintable() else "?" for char in text)

    def line_of_text(
        self, text: str, *, size: int = 12, colour: str = _INK, bold: bool = False
    ) -> None:
        """Writes something below all else."""
        self.y += size + 6
        self.text(_MARGIN, self.y - 4, text, size=size, colour=colour, bold=bold)

    def paragraph(self, text: str, *, colour: str) -> None:
        """Writes something below all else, on as many lines as it takes."""
        for line in textwrap.wrap(text, _CHARACTERS):
            self.line_of_text(line, colour=colour)

    def rect(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """A filled rectangle."""
        self._add("rect", x=x, y=y, width=width, height=height, fill=colour)

    def stroke(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """A thin line."""
        self._add("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=_INK)

    def document(self) -> bytes:
        """All of it."""
        height = round(self.y + _MARGIN)
        for element in (self._root, self._background):
            element.set("width", str(_WIDTH))
            element.set("height", str(height))
        self._root.set("viewBox", f"0 0 {_WIDTH} {height}")
        self._root.set("font-family", "DejaVu Sans, Helvetica, Arial, sans-serif")
        ET.indent(self._root)
        text: bytes = ET.tostring(self._root, encoding="utf-8", xml_declaration=True)
        return text + b"\n"
