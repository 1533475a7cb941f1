"""Fill levels of the tables of stages."""

import os

from laurel_mp.config import Config, Enrich, Translate
from laurel_mp.pipeline.counters import fill_levels
from laurel_mp.pipeline.counters.meter import TABLES, UNLIMITED
from laurel_mp.pipeline.host.host_access import System
from laurel_mp.pipeline.runner import stage_options
from laurel_mp.processes.procfs import Procfs
from laurel_mp.processes.users import Names
from laurel_mp.stages.decoder import Decoder
from laurel_mp.stages.stage_messages import Segment, Share
from tests.support.streams import event, syscall

CONFIG = Config(
    enrich=Enrich(exe_hash=True, exe_hash_cache_entries=5), translate=Translate(user_db=True)
)


def fed(decoder: Decoder, lines: bytes) -> None:
    """Have it decode lines."""
    decoder.decode(Share(lines, [Segment(0, len(lines))], [], len(lines), final=False))


def test_all_tables_are_told() -> None:
    """Each table has an owner, and each has its limit but for those that time bounds."""
    system = System(Procfs(), Names())
    found = (
        fill_levels.of_decoder(stage_options.decoder(CONFIG, system), system)
        | fill_levels.of_tracker(stage_options.tracker(CONFIG))
        | fill_levels.of_assembler(stage_options.assembler(CONFIG, 1))
    )
    unlimited = {name for name, fill in found.items() if fill.limit == UNLIMITED}

    assert found.keys() == set(TABLES)
    assert unlimited == {"events_in_flight", "remembered_events", "waiting_annotations"}
    assert found["hashes"].limit == 5


def test_what_a_worker_remembers() -> None:
    """Events, names and memories are counted as they come."""
    system = System(Procfs(), Names())
    decoder = stage_options.decoder(CONFIG, system)
    before = fill_levels.of_decoder(decoder, system)
    fed(decoder, b"".join(event(serial) for serial in range(1, 8)) + syscall(9))
    after = fill_levels.of_decoder(decoder, system)

    assert after["events_in_flight"].entries == 1
    assert after["remembered_events"].entries == 7
    assert after["names"].entries > before["names"].entries
    assert after["rendered_bytes"].entries > before["rendered_bytes"].entries
    assert decoder.lines == 22


def test_what_was_asked() -> None:
    """Look-ups of processes and of names; nothing where nothing is asked."""
    system = System(Procfs(), Names())
    before = fill_levels.host_queries(system)
    for pid in (b"%d" % os.getpid(), b"999999999"):
        live = system.procfs.open(pid)
        if live is not None:
            with live:
                pass
    assert system.names is not None
    system.names.user(0)
    after = fill_levels.host_queries(system)

    assert after["lookups"] - before["lookups"] == 2
    assert after["lookups_gone"] - before["lookups_gone"] == 1
    assert after["names_asked"] - before["names_asked"] == 1
    assert fill_levels.host_queries(None) == {}
    assert fill_levels.host_queries(System(Procfs())).keys() == {"lookups", "lookups_gone"}
