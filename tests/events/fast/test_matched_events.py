"""Events matched where they stand, and line by line: the same comes out."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.events.fast.matched_events import MatchedEvents
from laurel_mp.events.reassembly.bodies import Bodies, ProcessQueries
from laurel_mp.events.reassembly.coalescer import Coalescer, Limits
from laurel_mp.events.reassembly.content_filters import ContentFilters
from laurel_mp.events.reassembly.decoder_counters import DecoderCounters
from laurel_mp.events.reassembly.exec_observer import Finished, Started
from laurel_mp.events.rendering import event_renderer, sequence_templates
from laurel_mp.events.rendering.caches import CacheBypass
from laurel_mp.events.rendering.execution import LazyExecution
from laurel_mp.loadtest.flood import Flood, Options
from laurel_mp.records.header import LINE
from laurel_mp.records.record_options import RecordOptions
from tests.support.corpus import corpus_bytes, corpus_files, corpus_name
from tests.support.feeding import Way, by_cache, by_lines, fast
from tests.support.floods import FEW, options_of_floods
from tests.support.mixtures import mixture
from tests.support.records import group_name, user_name

OPTIONS = (
    RecordOptions(),
    RecordOptions(universal=True, look_up_pids=True, drop_raw=True, queries_name_rules=True),
    RecordOptions(interpret=True),
    RecordOptions(
        user_name=user_name, group_name=group_name, prefix=b"x_", record_types=True,
        queries_name_rules=True,
    ),
)  # fmt: skip


class _AlwaysBypass(CacheBypass):
    """Bypasses the cache at all times."""

    @property
    def is_active(self) -> bool:
        return True


class _Observer:
    """Adds to each exec what depends on it."""

    def started(self, pid: bytes, exe: bytes) -> Started:
        """Returns the first answer."""
        if int(pid) % 3 == 0:
            return Started()
        return Started(b"\x1e" + pid, b"", b',"EXE":' + exe, b',"ENV":{"A":"%b"}' % pid, b"")

    def finished(self, started: Started, executed: LazyExecution) -> Finished:
        """Returns the second answer."""
        scripts = executed.script(), executed.script(b"7", b"fe:00"), executed.script(b"8")
        execution = executed.found()
        assert scripts == (
            execution.script(),
            execution.script(b"7", b"fe:00"),
            execution.script(b"8"),
        )
        arguments = b"%d" % len(b" ".join(execution.arguments))
        name = execution.program.hex().encode()
        members = b',"SCRIPT":"%b"' % name if execution.is_script else b""
        return Finished(members, b"\x1e" + arguments + b"\x1e" if started.facts else b"")

    def statistics(self) -> dict[str, int]:
        """Nothing."""
        return {}


@pytest.fixture(autouse=True, scope="module")
def _learns_at_once() -> Iterator[None]:
    with (
        patch.object(sequence_templates, "LEARNED_AFTER", 1),
        patch.object(event_renderer, "CacheBypass", _AlwaysBypass),
    ):
        yield


def _outcome(
    way: Way, coalescer: Coalescer, stream: bytes, has_eoe: bool | None = None
) -> tuple[Bodies, ProcessQueries, DecoderCounters, object]:
    """Returns events, queries, counters and serials."""
    if has_eoe is None:
        has_eoe = b"type=EOE " in stream
    coalescer.clock(0, 100.0, has_eoe)
    way(coalescer)(stream, 0, len(stream), 0)
    coalescer.finish(len(stream))
    return *coalescer.take(), coalescer.counters, coalescer.output.serials.take()


def _flood(options: Options) -> bytes:
    return b"".join(Flood(options).chunks())


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("path", corpus_files(), ids=corpus_name)
def test_captures(path: Path, options: RecordOptions) -> None:
    """Bodies, queries and counters do not depend on how events are taken."""
    stream = corpus_bytes(path)[: 1 << 20]
    stream = stream[: stream.rfind(b"\n") + 1]

    expected = _outcome(by_lines, Coalescer(options, Limits()), stream)

    assert _outcome(fast, Coalescer(options, Limits()), stream) == expected


@pytest.mark.parametrize("node", ["", "web-1.example"])
@pytest.mark.parametrize("eoe", [True, False])
@pytest.mark.parametrize("enriched", [True, False])
def test_nearly_all_events_are_taken_where_they_stand(
    node: str, *, eoe: bool, enriched: bool
) -> None:
    """Of whatever kind a stream is, if it is one in which nothing repeats."""
    stream = _flood(Options(events=1500, unique=1.0, node=node, eoe=eoe, enriched=enriched))
    counts = []
    take = MatchedEvents.take

    def counting(self: MatchedEvents, *where: Any) -> tuple[int, int]:
        counts.append(take(self, *where))
        return counts[-1]

    with patch.object(MatchedEvents, "take", counting):
        outcome = _outcome(fast, Coalescer(RecordOptions(), Limits()), stream)

    assert outcome == _outcome(by_lines, Coalescer(RecordOptions(), Limits()), stream)
    taken, others = map(sum, zip(*counts, strict=True))
    assert taken > 10 * others


@FEW
@given(options=options_of_floods(), observed=st.booleans(), filtering=st.booleans())
def test_floods(options: Options, *, observed: bool, filtering: bool) -> None:
    """With what others say of execs and of lines, too."""
    stream = _flood(options)
    filters = ContentFilters(lambda line: b"7" in line[-40:], None, filtering)
    node = options.node.encode()

    def outcome(way: Way) -> object:
        observer = _Observer() if observed else None
        coalescer = Coalescer(OPTIONS[-1], Limits(), node, observer, filters)
        return _outcome(way, coalescer, stream, options.eoe)

    assert outcome(fast) == outcome(by_lines)


@pytest.mark.no_cover  # for the number of them
@pytest.mark.parametrize("seed", range(150))
def test_hostile_streams(seed: int) -> None:
    """Pieces of captures, altered, in front of and behind themselves.

    They hold execs of foreign architectures, about which the tracker is asked at another line of
    the same event if it is taken whole.
    """
    chance = random.Random(seed)
    data = mixture(chance)
    stream = b"".join(
        [
            line + b"\n"
            for line in (data + data + mixture(chance)).split(b"\n")
            if LINE.fullmatch(line + b"\n")
        ]
    )
    options = chance.choice(OPTIONS)
    limits = Limits(max_event_bytes=chance.choice([900, 16 << 20]))

    by_line, whole, new = (
        _outcome(way, Coalescer(options, limits, observer=_Observer()), stream)
        for way in (by_lines, by_cache, fast)
    )

    assert new == whole
    bodies, queries, *others = new
    expected_bodies, expected_queries, *expected = by_line
    assert (bodies, queries.processes, queries.ids, others) == (
        expected_bodies, expected_queries.processes, expected_queries.ids, expected,
    )  # fmt: skip


def _opened(number: int, paths: int, title: bytes) -> bytes:
    """An event with many names."""
    header = b" msg=audit(1700000000.000:%d): " % number
    return b"".join(
        [
            b"type=SYSCALL" + header + b"arch=c000003e syscall=257 success=yes exit=3 a0=1 a1=2 "
            b"a2=3 a3=4 items=%d ppid=1 pid=9 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 "
            b'sgid=0 fsgid=0 tty=(none) ses=1 comm="a" exe="/a" key=(null)\n' % paths,
            *[
                b"type=PATH" + header + b'item=%d name="/%d" inode=1 dev=fe:00 mode=0100644 '
                b"ouid=0 ogid=0 rdev=00:00 nametype=NORMAL\n" % (item, number)
                for item in range(paths)
            ],
            b"type=PROCTITLE" + header + b"proctitle=" + title + b"\n",
            b"type=EOE" + header + b"\n",
        ]
    )


@pytest.mark.parametrize("way", [by_cache, fast])
def test_what_nearly_matches_takes_no_longer(way: Way) -> None:
    """An expression for many names is not tried in all ways: that would take minutes."""
    usual = b"".join([_opened(number, 22, b'"x"') for number in range(5)])
    stream = usual + _opened(5, 22, b"odd")

    outcome = _outcome(way, Coalescer(RecordOptions(), Limits()), stream)

    assert outcome == _outcome(by_lines, Coalescer(RecordOptions(), Limits()), stream)
