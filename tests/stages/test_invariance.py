"""The output is a function of the input: of no cut, no batch size and no worker count."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laurel_mp import config as configuration
from laurel_mp.config import Config
from laurel_mp.events.reassembly import coalescer, known_events
from laurel_mp.stages import router
from tests.support.corpus import corpus_bytes, corpus_files, corpus_lines, corpus_name
from tests.support.mixtures import ALL, mixture
from tests.support.pipelines import Outcome, cuts_of, reads_of, run, with_pipeline
from tests.support.streams import event, record, syscall, user

# To measure what others cover, too, would double the time.
pytestmark = pytest.mark.no_cover

FILES = [pytest.param(path, id=corpus_name(path)) for path in corpus_files()]
SMALL = [
    pytest.param(path, id=corpus_name(path))
    for path in corpus_files()
    if len(corpus_bytes(path)) < 600_000
]
TINY = [
    pytest.param(path, id=corpus_name(path))
    for path in sorted(corpus_files(), key=lambda path: len(corpus_bytes(path)))[:2]
]

MUCH = configuration.parse(
    r"""
    [enrich]
    argv = true
    ppid-verbose = true
    [transform]
    record-types = true
    [label-process]
    label-argv."-[a-z]" = "option"
    unlabel-argv."a" = "option"
    label-exe."/(ba)?sh$" = "shell"
    label-script."^/" = "script"
    propagate-labels = ["option", "shell"]
    [filter]
    filter-labels = ["option"]
    filter-raw-lines = ["^type=USER_"]
    filter-sockaddr = ["127.0.0.0/8"]
    filter-null-keys = true
    """,
    "the test's configuration",
)
"""Labels that come with the details of execs, and filters of each kind."""


@pytest.fixture
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits by bytes are so low that short streams meet them."""
    monkeypatch.setattr(router, "STEP", 4096)
    monkeypatch.setattr(router, "EOE_GAP", 20_000)
    monkeypatch.setattr(router, "LEAP_BYTES", 3_000)
    monkeypatch.setattr(router, "MAX_LINES", 100)
    monkeypatch.setattr(coalescer, "IN_FLIGHT_BYTES", 12_000)
    monkeypatch.setattr(known_events, "REMEMBERED_BYTES", 16_000)


def assert_invariant(data: bytes, config: Config | None = None) -> Outcome:
    """Cut a stream in some ways and divide it among some workers; return the one outcome."""
    expected = run([data], 0, config)
    for size, workers in ((1 << 18, 2), (4099, 3), (701, 4)):
        assert expected == run(reads_of(data, size), workers, config)
    return expected


@pytest.mark.parametrize("path", FILES)
def test_corpus(path: Path) -> None:
    """A capture has no malformed line, and gives the same however it is cut and divided."""
    outcome = assert_invariant(corpus_bytes(path))

    assert outcome.counters["malformed"] == 0
    assert outcome.counters["lines"] == len(corpus_lines(path))
    assert outcome.counters["in_flight"] == 0


@pytest.mark.parametrize("path", TINY)
@pytest.mark.parametrize("workers", [0, 3])
def test_one_byte_a_read(path: Path, workers: int) -> None:
    """Reads of a single byte make no difference."""
    data = corpus_bytes(path)

    assert run([data]) == run(reads_of(data, 1), workers)


@pytest.mark.parametrize("path", SMALL)
def test_labels_and_filters(path: Path) -> None:
    """Filtered events are the same, too; all lines are counted, and no answer is left."""
    outcome = assert_invariant(corpus_bytes(path), MUCH)

    filtered = outcome.filtered.count(b"\n")
    assert outcome.counters["events"] == len(outcome.events) + filtered


@pytest.mark.usefixtures("_small_steps")
@pytest.mark.parametrize("path", SMALL)
def test_step_boundaries_within_events(path: Path) -> None:
    """The marks after each step fall anywhere within events, and change nothing."""
    data = corpus_bytes(path)

    assert run([data]) == run(reads_of(data, 509), 3)


def test_real_steps() -> None:
    """At the real size of steps, events around them are the same for all batch sizes."""
    data = corpus_bytes(next(path for path in corpus_files() if "builds.raw" in path.name))
    steps = range(router.STEP, 6 * router.STEP, router.STEP)
    around = b"".join(data[step - 20_000 : step + 20_000] for step in steps)

    assert len(data) > 6 * router.STEP
    assert run([data]) == run(reads_of(data, router.STEP), 2)
    assert run([around]) == run(reads_of(around, 997), 2)


@pytest.mark.parametrize("name", ["concurrent.raw", "kinds.enriched", "injection.enriched"])
def test_without_eoe(name: str) -> None:
    """A stream whose EOE records are missing altogether is invariant, too."""
    data = b"".join(line + b"\n" for line in ALL[name] if b"type=EOE " not in line)

    outcome = assert_invariant(data)
    assert outcome.counters["end_of_event"] == 0


@pytest.mark.usefixtures("_small_steps")
def test_eoe_disappears() -> None:
    """A stream that carries EOE records, then none, then carries them again, is invariant."""
    lines = ALL["concurrent.raw"]
    third = len(lines) // 3
    kept = [
        line
        for number, line in enumerate(lines)
        if not third < number < 2 * third or b"type=EOE " not in line
    ]

    outcome = assert_invariant(b"\n".join(kept) + b"\n")
    assert outcome.counters["timed_out"] > 0


def test_nodes() -> None:
    """Lines of several hosts with the same ids are events of each."""
    lines = ALL["concurrent.raw"][:900]
    data = b"".join(b"node=h%d %b\n" % (node, line) for line in lines for node in range(3))

    outcome = assert_invariant(data)
    alone = run([b"".join(line + b"\n" for line in lines)])
    assert 3 * alone.counters["events"] == outcome.counters["events"]


def test_time_jumps_back() -> None:
    """Files of later and earlier times, one behind the other, are invariant."""
    names = ["two-nodes.enriched", "argv.raw", "kinds.enriched", "users.raw", "concurrent.raw"]
    data = b"".join(line + b"\n" for name in names for line in ALL[name][:2000])

    assert_invariant(data)


def test_same_file_twice() -> None:
    """Records repeated within the window are dropped as duplicates, the same for all cuts."""
    data = b"".join(line + b"\n" for line in ALL["concurrent.raw"])

    once, twice = run([data]), assert_invariant(data + data)
    assert once.text == twice.text
    assert once.counters["in_events"] == twice.counters["duplicate"]


@pytest.mark.usefixtures("_small_steps")
def test_lines_that_are_too_long() -> None:
    """A line beyond the limit is one malformed line, whether it came in one read or in many."""
    config = with_pipeline(max_line_bytes=2048)
    lines = ALL["kinds.enriched"]
    lengths = (1900, 2040, 2100, 3000, 3072, 3200, 90_000)
    for place, length in zip(range(50, 600, 80), lengths, strict=True):
        lines = [*lines[:place], b"type=PATH msg=audit(1.000:1): " + b"x" * length, *lines[place:]]

    outcome = assert_invariant(b"\n".join(lines), config)
    assert outcome.counters["malformed"] >= 4


def one_goes_at_the_step() -> bytes:
    """Make a stream that ends at a step; of two events in flight the second one expires there.

    The first one had a record later on.
    """
    begin = syscall(3100) + syscall(100)
    renewed = record(b"PATH", 3100)
    most = 4 * 4096 - len(begin + renewed)
    filler = b"".join(user(serial) for serial in range(5000, 5100))
    padding = most - len(filler) - len(user(6000, b""))
    stream = begin + filler + renewed + user(6000, b"x" * padding)
    assert len(stream) == 4 * router.STEP
    return stream


@pytest.mark.usefixtures("_small_steps")
def test_long_line_at_a_step() -> None:
    """A line that may be skipped does not move the step at which events expire."""
    config = with_pipeline(max_line_bytes=2048)

    outcome = assert_invariant(one_goes_at_the_step() + b"y" * 30_000 + b"\n" + event(7000), config)
    assert outcome.counters["timed_out"] == 2


@pytest.mark.usefixtures("_small_steps")
def test_two_clock_marks_at_one_position() -> None:
    """One event is too far behind, another one too old, at the same place."""
    outcome = assert_invariant(one_goes_at_the_step() + event(7000, second=1100))
    assert outcome.counters["timed_out"] == 2


def test_events_that_expire_together() -> None:
    """Events of several workers that are given up at one moment come in their own order.

    The process table sees them in that order, too: each is the parent of the next one.
    """
    lines = [  # of an architecture without a table: only an EXECVE record says what a call is
        syscall(serial * 100, pid=serial + 1, ppid=serial, arch=b"c000113e")
        for serial in range(7, 40)
    ]

    outcome = assert_invariant(b"".join(lines))
    ids = [json.loads(line)["ID"] for line in outcome.events]
    assert [f"1000.000:{serial * 100}" for serial in range(7, 40)] == ids
    parents = [json.loads(line).get("PARENT_INFO", {}).get("ID") for line in outcome.events]
    assert [None, *ids[:-1]] == parents


@pytest.mark.usefixtures("_small_steps")
@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seed=st.integers(0, 2**32),
    workers=st.integers(1, 5),
    longest=st.sampled_from([4 << 20, 2048]),
    largest=st.sampled_from([16 << 20, 64 << 10]),
    base=st.sampled_from([Config(), MUCH]),
)
def test_anything(seed: int, workers: int, longest: int, largest: int, base: Config) -> None:
    """Captures mixed, shuffled and damaged, and cut anywhere, give the same for all workers."""
    chance = random.Random(seed)
    data = mixture(chance)
    config = with_pipeline(base, max_line_bytes=longest, max_event_bytes=largest)
    cuts = [chance.randrange(len(data) + 1) for _ in range(chance.randrange(60))]

    expected = run([data], 0, config)
    assert expected == run(cuts_of(data, cuts), workers, config)
    for line in expected.events:
        json.loads(line)


LOSSES = configuration.parse(
    """
    [loss]
    records = "always"
    window = 2
    interval = 3
    """,
    "the test's configuration",
)


@pytest.mark.usefixtures("_small_steps")
@pytest.mark.parametrize("eoe", [True, False])
def test_losses(eoe: bool) -> None:
    """Loss reports are the same for all cuts and worker counts."""
    seed = random.Random(5)
    lost: set[tuple[bytes, int]] = set()
    lines = []
    for node in (b"", b"a"):
        for serial in range(1000, 1700):
            if 1000 < serial < 1699 and seed.random() < 0.05:
                lost.add((node, serial))
                continue
            when = 1000 + (serial - 1000) // 20
            text = event(serial, second=when, node=node) if serial % 3 else user(serial, node=node)
            place = serial + seed.randint(0, 8)
            if serial == 1000:
                place = 0
            lines += [(place, line) for line in text.splitlines(keepends=True)]
    lines.sort(key=lambda pair: pair[0])
    data = b"".join([line for _, line in lines if eoe or b"type=EOE" not in line])

    outcome = assert_invariant(data, LOSSES)

    records = [json.loads(line) for line in outcome.events if b'"LAUREL_MP"' in line]
    assert outcome.counters["loss_lines"] == len(records) > 8
    for node in (b"", b"a"):
        own = [each for each in records if each.get("NODE", "") == node.decode()]
        missing = [serial for name, serial in lost if name == node]
        assert len(missing) == sum(each["LAUREL_MP"]["count"] for each in own)
        assert max(missing) == own[-1]["LAUREL_MP"]["last"]
    assert outcome.counters["events"] == 1400 - len(lost)
