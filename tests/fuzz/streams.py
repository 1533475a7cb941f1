"""Target `streams`: all stages behind each other, with any bytes for input."""

from __future__ import annotations

import contextlib
import functools
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType

from laurel_mp import config as configuration
from laurel_mp.config import Config
from laurel_mp.events.reassembly import coalescer, known_events
from laurel_mp.events.rendering import event_renderer, sequence_templates
from laurel_mp.events.rendering.caches import CacheBypass
from laurel_mp.processes import process_table
from laurel_mp.records import record
from laurel_mp.stages import router, tracker
from tests.fuzz import seeds
from tests.fuzz.mutation import (
    AUDIT_TOKENS,
    AUDIT_VALUES,
    STREAM,
    LineMutator,
    Vocabulary,
)
from tests.fuzz.target import Target
from tests.support.decoding import parse
from tests.support.pipelines import Outcome, StagePipeline, cuts_of, outcome
from tests.support.stream import Stream

CONFIGURATIONS = (
    "",
    """
    [translate]
    universal = true
    [transform]
    record-types = true
    execve-argv = ["array", "string"]
    execve-argv-limit-bytes = 20
    [enrich]
    argv = true
    ppid-verbose = true
    container_info = true
    prefix = "x_"
    """,
    r"""
    [translate]
    universal = true
    user-db = true
    drop-raw = true
    interpret = true
    [enrich]
    pid = false
    parent-info = false
    [transform]
    execve-argv = []
    """,
    r"""
    [enrich]
    argv = true
    ppid-verbose = true
    [label-process]
    label-keys = ["fs", "exec"]
    label-argv."-[a-z]" = "option"
    unlabel-argv."a" = "option"
    label-exe."/(ba|da)?sh$" = "shell"
    label-script."^/" = "script"
    propagate-labels = ["option", "shell", "exec"]
    [filter]
    filter-action = "log"
    filter-labels = ["option"]
    filter-keys = ["net", "x"]
    filter-raw-lines = ["^type=USER_"]
    filter-sockaddr = ["127.0.0.0/8", "*:443"]
    filter-exe = ["python"]
    filter-users = [1001]
    filter-null-keys = true
    [filterlog]
    file = "f"
    """,
)

HEAD = 5
"""Bytes in front of the stream: configuration, workers, how it comes, and a seed for the cuts."""

Step = Callable[[StagePipeline], None]


@dataclass(frozen=True)
class Plan:
    """Options of a run of an input."""

    config: Config
    workers: int
    is_live: bool
    """True for arrival times; otherwise the time stamps of the stream make the clock."""
    is_files: bool
    """True if each piece is a file of its own."""
    cuts: int
    seed: bytes

    def pieces(self, data: bytes) -> list[bytes]:
        """The stream, cut somewhere."""
        chance = random.Random(self.seed)
        places = [chance.randrange(len(data) + 1) for _ in range(self.cuts)]
        return list(cuts_of(data, places))

    def steps(self, pieces: list[bytes]) -> Iterator[Step]:
        """Actions on the pieces, and events between them."""
        chance = random.Random(self.seed)
        now = 1.0 if self.is_live else None
        for piece in pieces:
            yield partial(StagePipeline.feed, data=piece, now=now)
            if now is not None:
                now += chance.choice((0.0, 0.0, 0.5, 1.9, 2.0, 5.0, 130.0))
                if chance.random() < 0.2:
                    yield partial(StagePipeline.tick, now=now)
            elif self.is_files:
                yield StagePipeline.end_of_line
        yield partial(StagePipeline.finish, now=now)


def plan_of(head: bytes) -> Plan:
    """The first bytes of an input as a plan."""
    which, workers, how, *seed = head.ljust(HEAD, b"\0")
    config = _configurations()[which % len(CONFIGURATIONS)]
    if how & 2:
        pipeline = replace(config.pipeline, max_line_bytes=300, max_event_bytes=600)
        config = replace(config, pipeline=pipeline)
    is_live, is_files = bool(how & 1), workers >= 128
    return Plan(config, 1 + workers % 5, is_live, is_files, how >> 2, bytes(seed))


def check(data: bytes) -> None:
    """Runs a stream in one piece in one process, and in pieces with workers: it is the same.

    Also with next to no memory for what was rendered and answered, and with none asked.
    """
    plan, stream = plan_of(data[:HEAD]), data[HEAD:]
    pieces = plan.pieces(stream)
    depends_on_pieces = plan.is_live or plan.is_files
    expected = _run(plan, pieces if depends_on_pieces else [stream], 0)
    with small_memories():
        assert expected == _run(plan, pieces, plan.workers)
    if not depends_on_pieces:
        lines = stream.count(b"\n") + (stream[-1:] not in (b"", b"\n"))
        assert lines == expected.counters["lines"]
    assert expected.counters["in_flight"] == 0
    check_events(expected.text)
    check_events(expected.filtered)


def check_events(text: bytes) -> None:
    """A line each, valid JSON in valid UTF-8, and nothing in it twice."""
    for line in text.split(b"\n")[:-1]:
        event = parse(line)
        assert next(iter(event)) == "ID"


def _run(plan: Plan, pieces: list[bytes], workers: int) -> Outcome:
    pipeline = StagePipeline(plan.config, workers)
    for step in plan.steps(pieces):
        step(pipeline)
    assert pipeline.waiting == 0
    return outcome(pipeline)


@functools.cache
def _configurations() -> list[Config]:
    return [configuration.parse(text, "the target's configuration") for text in CONFIGURATIONS]


def _seeds() -> Iterator[bytes]:
    heads = itertools.product(range(len(CONFIGURATIONS)), (1, 3, 132), (12, 13, 42, 43, 200))
    some = itertools.cycle(heads)
    events = seeds.events()
    for number, event in enumerate(events):
        yield bytes([*next(some), 0, number % 256]) + event
    chance = random.Random(1)
    for number in range(60):
        stream = b"".join(chance.sample(events, 4))[:6000]
        yield bytes([*next(some), 1, number]) + stream
    for how in (2, 3, 42, 43, 202, 203):
        long = b"type=PATH msg=audit(1.000:1): " + b"x" * 1400
        lines = (b"one", long, b"two", events[how % len(events)])
        yield bytes([how, 1, how, 2, 2]) + b"\n".join(lines)
        yield bytes([how, 1, how, 2, 3]) + _story()


def _story() -> bytes:
    """Processes that are born, run others, end, and whose ids come again."""
    stream = Stream()
    for parent in (1, 5, 1):
        stream.open(6, parent, "/bin/sh")
        stream.execute(5, 1, "/bin/bash", "bash", "-c", key="exec", script="/s")
        stream.open(6, 5, "/bin/sh")
        stream.leave(5, 1, "/bin/bash")
        stream.open(6, 5, "/bin/sh")
    return stream.text()


def lower_limits() -> None:
    """Makes limits by bytes and by number so low that short streams meet them."""
    router.STEP, router.EOE_GAP, router.LEAP_BYTES = 1024, 5000, 800
    coalescer.IN_FLIGHT_BYTES, known_events.REMEMBERED_BYTES = 3000, 4000
    tracker.MAX_EXECS = 3
    process_table.MAX_PROCESSES, process_table.MAX_NODES = 6, 3
    process_table.MAX_IN_ALL, process_table.MAX_ANCESTORS = 9, 4


class _AlwaysBypass(CacheBypass):
    """Bypasses the cache at all times, as in a stream in which nothing repeats."""

    @property
    def is_active(self) -> bool:
        return True


_MEMORIES: dict[tuple[ModuleType, str], object] = {
    (event_renderer, "AUXILIARY_BYTES"): 900,
    (event_renderer, "RECORD_BYTES"): 500,
    (event_renderer, "CALLER_BYTES"): 500,
    (event_renderer, "OPERATION_BYTES"): 50,
    (event_renderer, "CacheBypass"): _AlwaysBypass,
    (sequence_templates, "LEARNED_AFTER"): 1,
    (tracker, "MAX_ANSWERS"): 2,
    (record, "LAYOUTS_PER_TYPE"): 2,
    (record, "MOST_TYPES"): 5,
    (record, "MOST_REPLACED"): 20,
}


@contextlib.contextmanager
def small_memories() -> Iterator[None]:
    """Makes memories so small that they are soon full, and events match where they stand.

    No output may depend on that.
    """
    former = {place: getattr(*place) for place in _MEMORIES}
    try:
        for place, size in _MEMORIES.items():
            setattr(*place, size)
        yield
    finally:
        for place, size in former.items():
            setattr(*place, size)


_vocabulary = Vocabulary(seeds.lines(), AUDIT_VALUES, (*AUDIT_TOKENS, b"x" * 1100))

STREAMS = Target(
    "streams",
    check,
    _seeds,
    LineMutator(STREAM, _vocabulary, HEAD),
    longest=9000,
    prepare=lower_limits,
)
