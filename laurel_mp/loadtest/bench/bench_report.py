"""Result of a benchmark, with warnings and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from laurel_mp.loadtest.bench.candidates import Mode
from laurel_mp.loadtest.bench.doubts import doubts
from laurel_mp.loadtest.bench.machine import Machine
from laurel_mp.loadtest.bench.summary import Spread, Summary, summaries
from laurel_mp.loadtest.bench.turns import Result

VERSION = 2
"""Of the JSON document."""


@dataclass(frozen=True, slots=True)
class Report:
    """Results of all workloads, with the machine and versions."""

    machine: Machine
    versions: Mapping[str, str]
    """Of each peer."""
    results: Sequence[Result]

    def summaries(self, result: Result) -> list[Summary]:
        """Returns the summaries of one workload."""
        return summaries(result)

    def doubts(self, result: Result) -> list[str]:
        """Returns the warnings about one workload."""
        plan = result.plan
        starts = plan.mode is Mode.CONVERT
        return doubts(self.summaries(result), plan.runs, self.machine, starts=starts)

    def plain(self) -> dict[str, Any]:
        """Returns the report with every single run, in JSON types."""
        return {
            "bench": VERSION,
            "machine": asdict(self.machine),
            "versions": dict(self.versions),
            "results": [self._result(result) for result in self.results],
        }

    def _result(self, result: Result) -> dict[str, Any]:
        workload, plan = result.workload, result.plan
        return {
            "workload": {"name": workload.name, "lines": workload.lines, "bytes": workload.size},
            "mode": plan.mode.value,
            "rate": plan.rate,
            "candidates": [
                {
                    "name": summary.name,
                    "events": sorted(summary.events),
                    "figures": _spreads(summary.figures),
                    "ratios": _spreads(summary.ratios),
                    "shares": dict(summary.shares),
                    "costs": dict(summary.costs.stages),
                    "runs": [asdict(run) for run in result.runs[summary.name]],
                }
                for summary in self.summaries(result)
            ],
            "warnings": self.doubts(result),
        }


def _spreads(spreads: Mapping[str, Spread]) -> dict[str, Any]:
    return {name: asdict(spread) for name, spread in spreads.items()}
