"""Events of a stream are due by their time stamps, or at a fixed rate."""

from __future__ import annotations

import pytest

from laurel_mp.loadtest import timing
from laurel_mp.loadtest.timing import Counter, FixedRate, OwnTime, events, timed


def line(time: str, serial: int, node: str = "") -> bytes:
    """A record of an event."""
    return f"{node and f'node={node} '}type=EOE msg=audit({time}:{serial}): \n".encode()


def test_events_stay_whole() -> None:
    """Records that stand together stay so; bytes are kept, in their order."""
    one, two = line("1.000", 1) * 3, line("1.000", 2)

    assert [text for _, text in events(one + two + one)] == [one, two, one]


def test_an_event_of_another_node_is_another() -> None:
    """Ids of two hosts may be the same."""
    one, two = line("1.000", 1, "a"), line("1.000", 1, "b")

    assert [text for _, text in events(one + two)] == [one, two]


def test_lines_without_header_stay_where_they_are() -> None:
    """They go with what is in front of them; where nothing is, they come first."""
    text = b"garbage\n" + line("1.000", 1) + b"more\n" + line("1.000", 2)

    parts = list(events(text))

    assert [part for _, part in parts] == [
        b"garbage\n", line("1.000", 1) + b"more\n", line("1.000", 2)
    ]  # fmt: skip
    assert parts[0][0] is None


def test_text_without_any_header() -> None:
    """It is one part, due at once; no text at all is none."""
    assert list(timed([b"a\nb\n"], OwnTime().due)) == [(0.0, b"a\nb\n")]
    assert list(timed([b""], OwnTime().due)) == []


@pytest.mark.parametrize(("speed", "expected"), [(1.0, [0.0, 0.25, 3.0]), (10.0, [0, 0.025, 0.3])])
def test_own_time(speed: float, expected: list[float]) -> None:
    """Time stamps decide, counted from the first, divided by the speed."""
    text = line("100.500", 1) + line("100.750", 2) + line("103.500", 3)

    due = [due for due, _ in timed([text], OwnTime(speed).due)]

    assert expected == [pytest.approx(time, abs=1e-6) for time in due]


def test_own_time_never_goes_back() -> None:
    """An event that began long before it was reported comes when it was reported."""
    text = line("100.000", 2) + line("101.000", 3) + line("50.000", 1) + line("102.000", 4)

    assert [due for due, _ in timed([text], OwnTime().due)] == [0.0, 1.0, 1.0, 2.0]


def test_fixed_rate() -> None:
    """Each new event is due a period after the one before; its other records come with them."""
    one, two, three = line("1.000", 1), line("9.000", 2), line("9.000", 3)

    due = [due for due, _ in timed([one + two, one + two + three], FixedRate(10).due)]

    assert due == [0.0, 0.1, 0.1, 0.1, 0.2]


def test_counter_forgets_old_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its memory is bounded."""
    monkeypatch.setattr(timing, "RECENT", 2)
    counter = Counter()

    for serial in (b"1", b"2", b"1", b"3", b"1"):
        counter.add((b"", b"1.000", serial))

    assert counter.count == 4  # the last one was forgotten
