"""JSON lines turned back, without the command."""

from __future__ import annotations

from typing import NamedTuple

from laurel_mp.reversion.event_reverter import EventReverter
from laurel_mp.reversion.line_reverter import Damage, LineReverter
from laurel_mp.reversion.losses import Losses


class Reverted(NamedTuple):
    """Result of reverting JSON lines."""

    text: bytes
    """Audit lines."""
    losses: Losses
    damages: list[Damage]


def revert(
    text: bytes, prefix: bytes | None = None, *, enriched: bool = True, eoe: bool = True
) -> Reverted:
    """The audit lines of a whole output."""
    events = EventReverter(prefix, enriched=enriched, eoe=eoe)
    reverter = LineReverter(events, 2.0)
    found = [*reverter.feed(text), *reverter.end_of_input()]
    lines = [each for each in found if not isinstance(each, Damage)]
    damages = [each for each in found if isinstance(each, Damage)]
    return Reverted(b"".join([*lines, reverter.finish()]), events.losses, damages)
