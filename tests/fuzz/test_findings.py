"""Findings of fuzzing, each as a test."""

import math
from array import array
from typing import Any

import pytest

from laurel_mp import config as configuration
from laurel_mp.config import Config
from laurel_mp.errors import ConfigError, LaurelError, SnapshotError
from laurel_mp.events.reassembly.bodies import FILTERED
from laurel_mp.events.reassembly.coalescer import CoalescerState
from laurel_mp.events.reassembly.decoder_counters import DecoderCounters
from laurel_mp.events.reassembly.duplicate_window import DuplicateWindowState
from laurel_mp.events.reassembly.event_in_flight import EventState
from laurel_mp.pipeline.daemon import state_file
from laurel_mp.pipeline.intake.pieces import pieces_of_plain
from laurel_mp.pipeline.runner import stage_options
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.pipeline.supervisor.recovery_point import FormerRun
from laurel_mp.records.record import RecordRenderer
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.stages.assembler import Assembler, AssemblerCounters, AssemblerState
from laurel_mp.stages.packing import pack
from laurel_mp.stages.snapshots import check_together
from laurel_mp.stages.stage_messages import DecodedBodies
from laurel_mp.system.privileges import find_user
from tests.fuzz import states
from tests.fuzz.streams import HEAD
from tests.support.pipelines import reads_of, run, with_pipeline
from tests.support.streams import eoe, event, record, syscall


@pytest.mark.parametrize("user", ["a\\u0000b", "\\u0661", "9" * 5000])
def test_a_user_whom_nobody_can_be(user: str) -> None:
    """A name with a NUL byte, odd digits and a huge id are said to be no user of this host."""
    found = configuration.parse(f'[filter]\nfilter-users = ["{user}"]', "FILE")

    with pytest.raises(ConfigError, match="filter-users: no such user: '"):
        stage_options.check(found)


@pytest.mark.parametrize(
    "toml",
    [
        'user = "a\\u0000b"',
        '[auditlog]\nread-users = ["a\\u0000"]',
        '[auditlog]\nread-groups = ["\\u0000"]',
    ],
)
def test_an_account_with_a_nul_byte(toml: str) -> None:
    """Users to run as, and readers of logs, are looked up; an impossible name is an error."""
    found = configuration.parse(toml, "FILE")

    with pytest.raises(LaurelError, match=r"no (such )?(user|group):? '.*\\x00.*'"):
        use_accounts(found)


def use_accounts(config: configuration.Config) -> None:
    """LookUp up the accounts that a configuration names, as at the start."""
    find_user(config.user)
    Outputs.of_plugin(config)


def test_an_expression_with_a_line_break() -> None:
    """RE2 quotes what it does not understand; the problem is one line all the same."""
    with pytest.raises(ConfigError) as caught:
        configuration.parse(r"""filter.filter-exe = ["\\p{\n}"]""", "FILE")

    assert len(str(caught.value).split("\n")) == 1
    assert str(caught.value).endswith(r"invalid character class range: \\p{\n}")


MESSAGE_IN_QUOTES = b"""cwd="x SADDR={ msg='y\""""


def test_a_message_within_quotes() -> None:
    """Of an unknown type, a record with `msg='` is user space's, whatever was learned of others."""
    expected = RecordRenderer(RecordOptions()).render_generally(b"ODD", MESSAGE_IN_QUOTES)
    renderer = RecordRenderer(RecordOptions())
    renderer.render(b"ODD", b'cwd="/srv"')

    assert expected == renderer.render(b"ODD", MESSAGE_IN_QUOTES)


def test_what_was_learned_does_not_matter() -> None:
    """The number of workers, each of which learns for itself, makes no difference."""
    ordinary = record(b"ODD", 100, b'cwd="/srv"') + eoe(100)
    stream = ordinary + record(b"ODD", 1000, MESSAGE_IN_QUOTES)
    expected = run([stream], 0)

    assert all(expected == run([stream], workers) for workers in range(2, 7))


@pytest.mark.parametrize("length", [200, 2000, 9000])
def test_an_end_of_event_that_is_too_long(length: int) -> None:
    """An EOE record beyond the limit is no sign of a stream with EOE records, however it came."""
    config = with_pipeline(max_line_bytes=1024)
    stream = syscall(7) + record(b"EOE", 1, b"x" * length) + b"x\n"

    expected = run([stream], 0, config)
    assert expected == run(reads_of(stream, 100), 0, config)
    assert (length > 1024) == (b"no-eoe" not in expected.text)


def a_state() -> dict[str, Any]:
    """Returns the remains of a run with a checkpoint, and input behind it."""
    file = next(iter(states.STATES.seeds()))[HEAD:]
    return state_file.unpack(file, math.inf).state


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("next",), None),
        (("next",), 0),
        (("leave_out",), 1 << 60),
        (("batches", 0, 0), 0),
        (("batches", 0, 1), -1),
        (("batches", 0, 2), b"a line without its end"),
        (("batches", 0, 2), 7),
        (("batches", 0, 3), b"now"),
        (("batches", 0, 4), None),
        (("batches", 0, 8), b""),
    ],
)  # fmt: skip
def test_a_state_that_only_looks_like_one(place: tuple[str | int, ...], value: object) -> None:
    """Damage that adoption does not check must not fail the pipeline after its start."""
    state: Any = a_state()
    inner = state
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value

    with pytest.raises(LaurelError):
        FormerRun.of_plain(state, Config())


@pytest.mark.parametrize("rest", [[["text", 1.0]], [[b"", float("nan")]], [[b""]], 7])
def test_input_that_only_looks_like_some(rest: object) -> None:
    """Input that was read and not fed is bytes, with a time."""
    with pytest.raises(SnapshotError):
        pieces_of_plain(rest)


def an_event() -> EventState:
    """One in flight, of one record."""
    records = [(b"SYSCALL", b"a0=1")]
    return EventState(b"1.000:1", None, 0, False, records, 1, 9, 0, 0.0, 0, False, None)


@pytest.mark.parametrize(
    ("events", "waiting"),
    [
        ([an_event()._replace(records=[])], {0: b""}),
        ([an_event(), an_event()._replace(query=None)], {0: b""}),
        ([an_event()], {0: b"two\nlines"}),
        ([an_event()], {0: b"two marks \0"}),
    ],
)
def test_impossible_events_in_flight(events: list[EventState], waiting: dict[int, bytes]) -> None:
    """Events without records, twice, and answers of two lines let stages fail when they went on."""
    nothing = DuplicateWindowState([], [])
    state = CoalescerState(0.0, True, 0.0, 0, 1, DecoderCounters(), nothing, nothing, b"", events)

    with pytest.raises(SnapshotError):
        check_together([pack(state)], pack(AssemblerState([waiting], AssemblerCounters())))


def test_a_verdict_from_when_there_were_filters() -> None:
    """An event in flight while all filters were removed is given out, and no worker dies of it."""
    assembler = Assembler(0)
    assembler.restore(pack(AssemblerState([{0: b"" + FILTERED}], AssemblerCounters())))
    one, none = array("Q", [0]), array("Q")
    decoded = DecodedBodies([b'{"ID":"1.000:1"'], [b""], one, none, one, none, none, none)

    merged = assembler.merge([decoded], [(1, [])])

    assert merged == (b'{"ID":"1.000:1"}\n', b"")


def test_an_end_of_a_former_run() -> None:
    """Work at which a run was stopped at its end is done in the next run."""
    former = states.a_pipeline(with_pipeline(workers=0))
    former.start()
    former.feed(event(100) + eoe(100), 1.0)
    former.end(2.0, checkpoint=True)
    former.stop()
    pipeline = states.a_pipeline(with_pipeline(workers=0))
    state = former.save(all_of_it=True)
    pipeline.start(FormerRun.of_plain(state, pipeline.config), is_restart=True)
    pipeline.step()

    assert not pipeline.finished

    pipeline.feed(event(200) + eoe(200), 3.0)
    pipeline.finish(4.0)

    assert pipeline.ledger().events == 2
