"""Malformed lines are reported, but not all of them."""

from laurel_mp.observe.malformed import MalformedReport


def test_position_and_text() -> None:
    """A report has the position and the text of the line, made harmless for a terminal."""
    said: list[str] = []
    MalformedReport(said.append).add((7, b"a\x1b[31m\xff\n'"))

    assert said == ['malformed line at byte 7: "a\\x1b[31m\\xff\\n\'"']


def test_long_line() -> None:
    """Of a long line the beginning is shown."""
    said: list[str] = []
    MalformedReport(said.append).add((0, b"x" * 121))

    assert said == ["malformed line at byte 0: '" + "x" * 120 + "'…"]


def test_limit() -> None:
    """After the first ones, the others are only counted."""
    said: list[str] = []
    report = MalformedReport(said.append, most=3)
    for position in range(10):
        report.add((position, b"x"))
    report.close()

    assert len(said) == 4
    assert said[-1] == "7 more malformed lines"


def test_no_summary() -> None:
    """As long as all were shown there is nothing to add."""
    said: list[str] = []
    report = MalformedReport(said.append, most=3)
    for position in range(3):
        report.add((position, b"x"))
    report.close()

    assert len(said) == 3


def test_next_period() -> None:
    """When a period is over, what was left out is counted, and lines are shown again."""
    said: list[str] = []
    now = [1000.0]
    report = MalformedReport(said.append, most=2, period=60, clock=lambda: now[0])
    for position in range(5):
        report.add((position, b"x"))
    now[0] += 59
    report.add((5, b"x"))
    assert len(said) == 2
    now[0] += 1
    report.add((6, b"y"))

    assert said[2:] == ["4 more malformed lines", "malformed line at byte 6: 'y'"]


def test_rare_lines() -> None:
    """Lines that come further apart than a period are all shown."""
    said: list[str] = []
    now = [1000.0]
    report = MalformedReport(said.append, most=2, period=60, clock=lambda: now[0])
    for position in range(20):
        report.add((position, b"x"))
        now[0] += 61
    report.close()

    assert len(said) == 20


def test_tick() -> None:
    """S13: What was left out is counted although no other malformed line comes."""
    said: list[str] = []
    now = [1000.0]
    report = MalformedReport(said.append, most=2, period=60, clock=lambda: now[0])
    for position in range(5):
        report.add((position, b"x"))
    now[0] += 59
    report.tick()
    assert len(said) == 2
    now[0] += 1
    report.tick()
    report.tick()

    assert said[2:] == ["3 more malformed lines"]
