"""Whole events at once and line by line: the same comes out."""

from pathlib import Path

import pytest

from laurel_mp.events.reassembly.coalescer import Coalescer, Limits
from laurel_mp.records.record_options import RecordOptions
from tests.support.corpus import corpus_bytes, corpus_files, corpus_name
from tests.support.feeding import Way, by_cache, by_lines

OPTIONS = (RecordOptions(), RecordOptions(universal=True, look_up_pids=True, drop_raw=True))


def _outcome(
    way: Way, options: RecordOptions, stream: bytes, *, has_eoe: bool
) -> tuple[object, ...]:
    """Returns events, queries and counters."""
    coalescer = Coalescer(options, Limits())
    coalescer.clock(0, 100.0, has_eoe)
    way(coalescer)(stream, 0, len(stream), 0)
    coalescer.finish(len(stream))
    return *coalescer.take(), coalescer.counters


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("path", corpus_files(), ids=corpus_name)
def test_whole_events_are_the_same_as_their_lines(path: Path, options: RecordOptions) -> None:
    """Bodies, queries and counters of each capture do not depend on how its events are taken."""
    stream = corpus_bytes(path)[: 2 << 20]
    stream = stream[: stream.rfind(b"\n") + 1]
    has_eoe = b"type=EOE " in stream
    expected = _outcome(by_lines, options, stream, has_eoe=has_eoe)

    assert _outcome(by_cache, options, stream, has_eoe=has_eoe) == expected
