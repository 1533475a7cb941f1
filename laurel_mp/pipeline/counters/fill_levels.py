"""Fill levels of the stages' tables, as a Meter takes them."""

from __future__ import annotations

from laurel_mp.pipeline.counters.meter import UNLIMITED, Fill
from laurel_mp.pipeline.host.host_access import System
from laurel_mp.processes.process_table import MAX_IN_ALL, MAX_NODES
from laurel_mp.processes.users import MAX_NAMES
from laurel_mp.stages.assembler import Assembler
from laurel_mp.stages.decoder import Decoder
from laurel_mp.stages.tracker import MAX_ANSWERS, Tracker

_KINDS_OF_NAMES = 3
"""Users, groups, and the groups of users: each has a cache."""


def of_decoder(decoder: Decoder, system: System | None) -> dict[str, Fill]:
    """Returns the fill levels of a worker's tables."""
    found = decoder.statistics()
    fills = {
        "events_in_flight": Fill(found["in_flight"]),
        "remembered_events": Fill(found["remembered"]),
        "rendered_bytes": Fill(
            found["memories_bytes"], found["memories_limit"], found["memories_cleared"]
        ),
    }
    if "hashes" in found:
        fills["hashes"] = Fill(found["hashes"], found["hashes_limit"], found["hashes_evicted"])
    if system is not None and system.names is not None:
        names = system.names.statistics()
        fills["names"] = Fill(names.remembered, _KINDS_OF_NAMES * MAX_NAMES, names.overflows)
    return fills


def of_tracker(tracker: Tracker) -> dict[str, Fill]:
    """Returns the fill levels of the tracker's tables."""
    found = tracker.statistics()
    return {
        "processes": Fill(found["processes"], MAX_IN_ALL, found["evicted"]),
        "nodes": Fill(found["nodes"], MAX_NODES + 1, found["nodes_dropped"]),
        "answers": Fill(found["answers"], MAX_ANSWERS, found["answers_cleared"]),
    }


def of_assembler(assembler: Assembler) -> dict[str, Fill]:
    """Returns the fill levels of the writer's tables."""
    return {"waiting_annotations": Fill(assembler.waiting, UNLIMITED)}


def host_queries(system: System | None) -> dict[str, int]:
    """Returns the counts of a process's queries to this host."""
    if system is None:
        return {}
    procfs = system.procfs.statistics()
    found = {"lookups": procfs.opened + procfs.gone, "lookups_gone": procfs.gone}
    if system.names is not None:
        names = system.names.statistics()
        found |= {"names_asked": names.asked, "names_unanswered": names.unanswered}
    return found
