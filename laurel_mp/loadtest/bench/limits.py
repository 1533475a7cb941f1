"""Which stage is the limit: the one that comes nearest to a core of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ALL_CPUS = "the CPUs"
"""The limit where all processes together use all CPUs: more of them would help, whatever stage
is the busiest."""

NOTHING = "nothing"
"""The limit where all processes wait for input, or for each other."""

CERTAIN_SHARE = 0.9
LIKELY_SHARE = 0.75
"""Of a core. A process that waits now and then for its neighbours still can be the limit."""

CLEAR_LEAD = 0.8
"""If the second process has more than this part of the first one's share, either may be it."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What keeps a candidate from being faster."""

    stage: str
    """A process, or ALL_CPUS, or NOTHING."""
    share: float
    """What it uses: of one core, or of all for ALL_CPUS."""
    certainty: str
    """`certain`, `likely` or `unclear`."""


def limit_of(shares: Mapping[str, float], cpus: int) -> Limit:
    """The limit, by what each process used of one core while there was work.

    Workers are one stage: they share the work, and the busiest stands for all.
    """
    stages: dict[str, float] = {}
    for title, share in shares.items():
        stage = "worker" if title.startswith("worker ") else title
        stages[stage] = max(stages.get(stage, 0.0), share)
    if not stages:
        return Limit(NOTHING, 0.0, "unclear")
    ranked = sorted(stages, key=lambda stage: stages[stage], reverse=True)
    first, lead = ranked[0], stages[ranked[0]]
    used = sum(shares.values()) / cpus
    if len(shares) > 1 and used >= LIKELY_SHARE and lead < CERTAIN_SHARE:
        return Limit(ALL_CPUS, used, "certain" if used >= CERTAIN_SHARE else "likely")
    if lead < LIKELY_SHARE:
        return Limit(NOTHING, lead, "unclear" if lead > LIKELY_SHARE / 2 else "likely")
    rivals = [stage for stage in ranked[1:] if stages[stage] > CLEAR_LEAD * lead]
    if rivals:
        return Limit(first, lead, "unclear")
    return Limit(first, lead, "certain" if lead >= CERTAIN_SHARE else "likely")
