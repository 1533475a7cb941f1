"""Stages that go on from snapshots of others, as if nothing had happened."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laurel_mp import config as configuration
from laurel_mp.config import Config
from laurel_mp.errors import SnapshotError
from laurel_mp.events.reassembly import coalescer, known_events
from laurel_mp.pipeline.host.host_access import System
from laurel_mp.pipeline.supervisor.feed import LineCutter
from laurel_mp.processes import process_table
from laurel_mp.processes.procfs import Procfs
from laurel_mp.stages import router, tracker
from laurel_mp.stages.snapshots import (
    check_together,
    lines_in_flight,
    redistribute,
    without_events,
)
from tests.support.corpus import corpus_bytes, corpus_files, corpus_name, corpus_part
from tests.support.mixtures import mixture
from tests.support.pipelines import Outcome, StagePipeline, cuts_of, outcome, reads_of, run
from tests.support.procfs_tree import BOOT_TIME, ProcfsTree
from tests.support.snapshots import renewed, run_renewed
from tests.support.stream import Stream
from tests.support.streams import event, record, syscall, user

FILES = [pytest.param(path, id=corpus_name(path)) for path in corpus_files()]
MUCH = configuration.parse(
    r"""
    [enrich]
    argv = true
    ppid-verbose = true
    [label-process]
    label-argv."-[a-z]" = "option"
    label-exe."/(ba)?sh$" = "shell"
    label-script."^/" = "script"
    propagate-labels = ["option", "shell"]
    [filter]
    filter-labels = ["option"]
    filter-raw-lines = ["^type=USER_"]
    filter-null-keys = true
    """,
    "the test's configuration",
)
"""Details of execs, labels that are inherited, filters."""

UNNAMED = b"c000113e"
"""An architecture without a table of system calls."""


@pytest.fixture
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits are so low that short streams meet them."""
    monkeypatch.setattr(router, "STEP", 4096)
    monkeypatch.setattr(router, "EOE_GAP", 20_000)
    monkeypatch.setattr(router, "LEAP_BYTES", 3_000)
    monkeypatch.setattr(router, "MAX_LINES", 60)
    monkeypatch.setattr(coalescer, "IN_FLIGHT_BYTES", 12_000)
    monkeypatch.setattr(known_events, "REMEMBERED_BYTES", 16_000)
    monkeypatch.setattr(process_table, "MAX_PROCESSES", 8)
    monkeypatch.setattr(process_table, "MAX_NODES", 3)
    monkeypatch.setattr(process_table, "MAX_IN_ALL", 20)
    monkeypatch.setattr(tracker, "MAX_EXECS", 4)


# --- as if nothing had happened


@pytest.mark.parametrize("config", [Config(), MUCH], ids=["default", "much"])
@pytest.mark.parametrize("path", FILES)
def test_corpus(path: Path, config: Config) -> None:
    """Captures come out the same when all stages are replaced now and then."""
    data = corpus_part(path) if config is MUCH else corpus_bytes(path)
    chance = random.Random(path.name)
    size = max(1009, len(data) // 40)
    renewals = {number: chance.choice([0, 1, 2, 4]) for number in range(1, 41, 3)}

    assert run([data], 0, config) == run_renewed(reads_of(data, size), 2, renewals, config)


@pytest.mark.usefixtures("_small_limits")
@settings(
    deadline=None,
    max_examples=80,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seed=st.integers(0, 2**32),
    workers=st.sampled_from([0, 1, 2, 4]),
    config=st.sampled_from([Config(), MUCH]),
)
def test_anything(seed: int, workers: int, config: Config) -> None:
    """Streams of many kinds, cut anywhere, with any stages replaced at any cut."""
    chance = random.Random(seed)
    data = mixture(chance)
    cuts = {chance.randrange(len(data) + 1) for _ in range(chance.randrange(1, 60))}
    renewals = {
        number: chance.choice([0, 1, 2, 4])
        for number in range(len(cuts) + 1)
        if chance.random() < 0.4
    }

    assert run([data], 0, config) == run_renewed(cuts_of(data, cuts), workers, renewals, config)


def test_clock_that_is_given() -> None:
    """Time-outs and what is remembered of ends and duplicates go by arrival before and after."""
    arrivals = [
        (1.0, syscall(300) + syscall(500) + event(100)),
        (2.5, record(b"PATH", 500) + user(101)),
        (2.9, event(700) + record(b"PATH", 100) + user(101)),
        (3.5, b""),  # 300 is over
        (4.0, record(b"PATH", 300)),
        (130.0, user(101) + event(102)),
    ]

    def fed(renewals: dict[int, int]) -> Outcome:
        pipeline = StagePipeline(Config(), 1)
        for number, (now, data) in enumerate(arrivals):
            if number in renewals:
                pipeline = renewed(pipeline, renewals[number])
            pipeline.feed(data, now)
            pipeline.tick(now)
        pipeline.finish(140.0)
        return outcome(pipeline)

    expected = fed({})
    assert expected.counters["duplicate"] == 2
    assert expected.counters["timed_out"] == 3
    for at in range(len(arrivals)):
        assert expected == fed({at: 4})
    assert expected == fed(dict.fromkeys(range(len(arrivals)), 2) | {3: 1, 4: 4})


@pytest.mark.usefixtures("_small_limits")
def test_order_of_nodes() -> None:
    """The choice of dropped nodes does not depend on cached answers."""
    chance = random.Random(7)
    lines = [
        event(serial, node=b"n%d" % chance.randrange(6), pid=chance.randrange(2, 5))
        for serial in range(1000, 1400)
    ]
    renewals = dict.fromkeys(range(0, 400, 7), 0)

    assert run(lines) == run_renewed(lines, 0, renewals)


def test_line_that_was_cut() -> None:
    """A read may end within a line, or in one that is skipped."""
    config = configuration.parse("[pipeline]\nmax-line-bytes = 4096\n", "the test's configuration")
    data = event(1) + record(b"PATH", 2, b"x" * 9000) + event(3)

    expected = run([data], 0, config)
    assert expected == run_renewed(reads_of(data, 700), 0, dict.fromkeys(range(20), 0), config)


def test_a_cutter_keeps_what_nobody_has_looked_at() -> None:
    """Lines that were skipped are not forgotten."""
    one, other = LineCutter(100), LineCutter(100)
    one.cut(b"x" * 2000)
    other.restore(one.snapshot())

    assert one.overlong == other.overlong
    assert other.cut(b"xx\nabc\n") == (2003, b"abc\n")


# --- what depends on this host


def live_stream() -> Stream:
    """A shell, known to /proc, and execs and exits of its children."""
    stream = Stream(seconds=BOOT_TIME + 1000)
    stream.open(10, 1, "/bin/sh")
    stream.execute(11, 10, "/bin/ls", "ls", "-l")
    stream.open(11, 10, "/bin/ls")
    stream.kill(10, 1, "/bin/sh", 12)
    stream.leave(11, 10, "/bin/ls")
    stream.execute(12, 10, "/bin/cat", "cat")
    stream.open(13, 12, "/bin/cat")
    return stream


@pytest.mark.parametrize("workers", [0, 2])
def test_live(tmp_path: Path, workers: int) -> None:
    """Facts from /proc at an exec are kept, also if the process has ended since."""
    data = live_stream().text()
    lines = data.splitlines(keepends=True)

    def fed(at: int) -> bytes:
        proc = tmp_path / f"{workers}-{at}"
        proc.mkdir()
        tree = ProcfsTree(proc)
        tree.add(1, 0, b"init")
        tree.add(10, 1, b"sh", exe="/bin/sh", cgroup="0::/system.slice/a.service\n")
        for pid, name in ((11, "ls"), (12, "cat")):
            cgroup = f"0::/docker/{pid:064x}\n"
            tree.add(pid, 10, name.encode(), exe=f"/bin/{name}", cgroup=cgroup)
        system = System(Procfs(str(proc)))
        pipeline = StagePipeline(Config(), workers, system)
        for number, line in enumerate(lines):
            if number == at:
                pipeline = renewed(pipeline, 2, system=system)
            pipeline.feed(line, 1.0)
            if b"type=EXECVE" in line:  # all that could be read of it was
                pid = 11 if b'a0="ls"' in line else 12
                (proc / str(pid) / "exe").unlink()
        pipeline.finish(2.0)
        return outcome(pipeline).text

    expected = fed(-1)
    assert b'"container"' in expected
    assert b'"systemd_service"' in expected
    for at in range(1, len(lines)):
        assert expected == fed(at), f"renewed before line {at}"


# --- another configuration


def split_events() -> bytes:
    """Events in flight of each kind: of a regular call, an exec, and without a SYSCALL record."""
    return (
        syscall(100, exe=b"/bin/sh")
        + syscall(200, number=59, exe=b"/bin/ls", items=1)
        + record(b"EXECVE", 200, b'argc=2 a0="ls" a1="-l"')
        + record(b"PATH", 300, b'item=0 name="/x"')
        + syscall(400, arch=UNNAMED)
        + syscall(500, number=231)
    )


def endings() -> bytes:
    """The rest of them."""
    return b"".join(
        record(b"PROCTITLE", serial, b"proctitle=41") + record(b"EOE", serial, b"")
        for serial in (100, 200, 300, 400, 500)
    )


OTHERS = [
    "",
    "[filter]\nfilter-keys = ['x']\n",
    "[transform]\nrecord-types = true\n[label-process]\nlabel-argv.'-l' = 'long'\n",
]


@pytest.mark.parametrize("after", OTHERS)
@pytest.mark.parametrize("before", OTHERS)
def test_another_configuration(before: str, after: str) -> None:
    """Events in flight come out by the new configuration, and no answer is left over."""
    old, new = (configuration.parse(text, "the test's configuration") for text in (before, after))
    pipeline = StagePipeline(old, 2)
    pipeline.feed(split_events())
    pipeline = renewed(pipeline, 1, new)
    pipeline.feed(endings())
    pipeline.finish()

    assert pipeline.waiting == 0
    assert outcome(pipeline) == run([split_events() + endings()], 0, new)


def test_a_name_that_is_taken() -> None:
    """The names of added members decide if a SYSCALL record can be annotated."""
    clash = syscall(100).replace(b" key=", b" my_pid=5 key=")
    rest = record(b"PROCTITLE", 100, b"proctitle=41")
    configs = [
        configuration.parse(f"[enrich]\nprefix = '{prefix}'\n", "the test's configuration")
        for prefix in ("my_", "our_")
    ]
    for old, new in (configs, configs[::-1]):
        pipeline = StagePipeline(old, 0)
        pipeline.feed(clash)
        pipeline = renewed(pipeline, 0, new)
        pipeline.feed(rest)
        pipeline.finish()

        assert pipeline.waiting == 0
        assert outcome(pipeline).events == run([clash + rest], 0, new).events


def test_another_number_of_workers_is_refused() -> None:
    """An assembler can go on only from one of as many workers."""
    one, other = StagePipeline(Config(), 2), StagePipeline(Config(), 3)

    with pytest.raises(SnapshotError, match="2 workers, not 3"):
        other._assembler.restore(one._assembler.snapshot())


# --- several together


def snapshots_of(pipeline: StagePipeline) -> tuple[list[bytes], bytes]:
    """Returns the snapshots of its decoders and its assembler."""
    return [each.snapshot() for each in pipeline._decoders], pipeline._assembler.snapshot()


@pytest.mark.parametrize("workers", [0, 3])
def test_the_same_number_of_workers(workers: int) -> None:
    """Nothing changes then."""
    pipeline = StagePipeline(Config(), workers)
    pipeline.feed(split_events())
    decoders, assembler = snapshots_of(pipeline)

    assert redistribute(decoders, assembler, workers) == (decoders, assembler)


def test_lines_in_flight() -> None:
    """Lines of events that are not complete are counted."""
    pipeline = StagePipeline(Config(), 3)
    pipeline.feed(split_events() + event(7))

    assert lines_in_flight(snapshots_of(pipeline)[0]) == pipeline.in_flight == 6


@pytest.mark.parametrize("workers", [0, 3])
def test_without_events(workers: int) -> None:
    """Events are taken out with their lines; all others go on."""
    at_node = syscall(200, node=b"n") + record(b"PATH", 200, b"item=0", node=b"n")
    pipeline = StagePipeline(Config(), workers)
    pipeline.feed(split_events() + at_node)
    wanted = {b"1000.000:200", b"1000.000:300", b"n 1000.000:200"}
    decoders, assembler, lines = without_events(*snapshots_of(pipeline), wanted.__contains__)

    left = StagePipeline(Config(), workers)
    left._assembler.restore(assembler)
    for decoder, snapshot in zip(left._decoders, decoders, strict=True):
        decoder.restore(snapshot)
    assert {b"", *lines} == {
        line
        for line in (split_events() + at_node).split(b"\n")
        if not line or b":200)" in line or b":300)" in line
    }
    assert left.in_flight + len(lines) == pipeline.in_flight
    assert left.waiting == 2


def test_snapshots_that_do_not_belong_together() -> None:
    """Snapshots of different moments are refused."""
    pipeline = StagePipeline(Config(), 2)
    early = snapshots_of(pipeline)
    pipeline.feed(user(1))
    pipeline.feed(user(2, second=1001))
    later = snapshots_of(pipeline)
    pipeline.feed(split_events())
    late = snapshots_of(pipeline)

    with pytest.raises(SnapshotError, match="queries in flight"):
        check_together(late[0], early[1])
    with pytest.raises(SnapshotError, match="clocks differ"):
        check_together([early[0][0], later[0][1]], early[1])
    with pytest.raises(SnapshotError, match="1 decoders"):
        check_together(late[0][:1], late[1])


# --- damage


def stages() -> list[tuple[bytes, Callable[[bytes], None]]]:
    """Make a snapshot of each kind, and what looks at one that comes from a file."""
    pipeline = StagePipeline(MUCH, 0)
    pipeline.feed(live_stream().text() + split_events() + b"type=PATH msg=a", 5.0)
    fresh = StagePipeline(MUCH, 0)
    [decoder], assembler = snapshots_of(pipeline)

    def go_on(decoder: bytes, assembler: bytes) -> None:
        check_together([decoder], assembler)
        fresh._decoders[0].restore(decoder)
        fresh._assembler.restore(assembler)

    def track(snapshot: bytes) -> None:
        tracker.check_snapshot(snapshot)
        fresh._tracker.restore(snapshot)

    return [
        (pipeline._cutter.snapshot(), fresh._cutter.restore),
        (pipeline._router.snapshot(), fresh._router.restore),
        (decoder, lambda other: go_on(other, assembler)),
        (pipeline._tracker.snapshot(), track),
        (assembler, lambda other: go_on(decoder, other)),
    ]


@given(st.data())
def test_damaged(data: st.DataObject) -> None:
    """Whatever is changed in a snapshot, it is noticed."""
    snapshot, restore = data.draw(st.sampled_from(stages()))
    damaged = bytearray(snapshot)
    place = data.draw(st.integers(0, len(damaged) - 1))
    if data.draw(st.booleans()):
        damaged[place] ^= data.draw(st.integers(1, 255))
    else:
        del damaged[place : data.draw(st.integers(place + 1, len(damaged)))]

    with pytest.raises(SnapshotError):
        restore(bytes(damaged))


@given(st.binary(max_size=40))
def test_anything_else(data: bytes) -> None:
    """Bytes that are no snapshot are refused."""
    for _, restore in stages():
        with pytest.raises(SnapshotError):
            restore(data)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_with_a_checksum(data: st.DataObject) -> None:
    """A forged snapshot is refused, or it is a valid one."""
    snapshot, restore = data.draw(st.sampled_from(stages()))
    version, name, _, content = msgpack.unpackb(snapshot)
    if data.draw(st.booleans()):
        changed = bytearray(content)
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
        content = bytes(changed)
    else:
        content = msgpack.packb(altered(msgpack.unpackb(content, strict_map_key=False), data))
    try:
        restore(msgpack.packb((version, name, crc32(content), content)))
    except SnapshotError as error:
        assert str(error)  # noqa: PT017 - it may be raised


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, -1, 2**62, 2**64 - 1, 1.5, float("nan"), b"", b"\n", "", [], {}, True]
)


def altered(value: Any, data: st.DataObject) -> Any:
    """Put something odd in one place of what was unpacked."""
    if not isinstance(value, list) or not value:
        return data.draw(ODD)
    place = data.draw(st.integers(0, len(value) - 1))
    return [*value[:place], altered(value[place], data), *value[place + 1 :]]


def test_another_version() -> None:
    """A snapshot of another version says so."""
    snapshot = msgpack.packb((1, "RouterState", 0, b""))

    with pytest.raises(SnapshotError, match="version 1, expected 2"):
        StagePipeline(Config(), 0)._router.restore(snapshot)


def test_another_stage() -> None:
    """A snapshot of one stage is none of another."""
    one = StagePipeline(Config(), 0)

    with pytest.raises(SnapshotError, match="CoalescerState"):
        one._decoders[0].restore(one._router.snapshot())
