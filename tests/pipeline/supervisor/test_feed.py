"""Whole lines and batches out of reads: however the input is cut, the lines are the same."""

from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.pipeline.supervisor.feed import SHOWN, Chunk, LineCutter, Overlong, shown
from laurel_mp.stages.router import MAX_HEADER
from tests.support.pipelines import cuts_of


def cut_all(cutter: LineCutter, reads: list[bytes]) -> bytes:
    """Cut all reads; each chunk stands where the one before it ended."""
    lines = b""
    for data in reads:
        chunk = cutter.cut(data)
        if chunk is not None:
            assert len(lines) == chunk.position
            lines += chunk.lines
    last = cutter.finish()
    assert len(lines) == last.position
    return lines + last.lines


@given(st.binary(max_size=300), st.lists(st.integers(0, 300)))
def test_nothing_is_lost(data: bytes, places: list[int]) -> None:
    """All bytes come out again, in order, and the last line gets the end that it lacks."""
    end = b"\n" if data and not data.endswith(b"\n") else b""

    assert data + end == cut_all(LineCutter(1 << 20), list(cuts_of(data, places)))


@given(st.binary(max_size=300), st.lists(st.integers(0, 300)))
def test_whole_lines(data: bytes, places: list[int]) -> None:
    """Each chunk ends with a line."""
    cutter = LineCutter(1 << 20)
    chunks = [cutter.cut(piece) for piece in cuts_of(data, places)]

    assert all(chunk.lines.endswith(b"\n") for chunk in chunks if chunk is not None)


def test_only_line_feeds_separate() -> None:
    """Only a line feed ends a line, whatever else other tools take for one."""
    data = b"a\rb\x0bc\x0cd\x1ce\x85f\xe2\x80\xa8g\0"
    cutter = LineCutter(100)

    assert cutter.cut(data) is None
    assert Chunk(0, data + b"\n") == cutter.cut(b"\n")


def test_longest_line() -> None:
    """A line of just the limit, with a header, waits for its end."""
    cutter = LineCutter(100)
    line = b"x" * (100 + MAX_HEADER)

    assert cutter.cut(line) is None
    assert Chunk(0, line + b"\n") == cutter.cut(b"\n")
    assert cutter.overlong == []


def test_overlong_line() -> None:
    """A longer one is given up at once, its start is kept, and what comes behind it is whole."""
    cutter = LineCutter(100)
    size = 100 + MAX_HEADER + 1

    assert cutter.cut(b"a\n" + b"x" * size) == Chunk(0, b"a\n")
    assert [Overlong(2, b"x" * SHOWN)] == cutter.overlong
    assert cutter.cut(b"x" * 50) is None
    assert cutter.cut(b"x\nb\nc") == Chunk(2 + size + 52, b"b\n")


def test_overlong_line_ends_with_its_file() -> None:
    """The rest of an overlong line is in the same file; the next one begins with a line."""
    cutter = LineCutter(100)
    size = 100 + MAX_HEADER + 1
    cutter.cut(b"x" * size)

    assert Chunk(size, b"") == cutter.finish()
    assert Chunk(size, b"a\n") == cutter.cut(b"a\n")


def test_shown() -> None:
    """The same of a line is shown, whether it was skipped or came whole."""
    assert shown(b"x" * (100 + MAX_HEADER), 100) == b"x" * (100 + MAX_HEADER)
    assert shown(b"x" * (100 + MAX_HEADER + 1), 100) == b"x" * SHOWN


def test_another_limit() -> None:
    """It holds for the start of a line that was read before, too."""
    cutter = LineCutter(100 + MAX_HEADER)
    cutter.cut(b"x" * (101 + MAX_HEADER))
    cutter.use(100)

    assert [Overlong(0, b"x" * SHOWN)] == cutter.overlong
    assert Chunk(102 + MAX_HEADER, b"a\n") == cutter.cut(b"\na\n")
