"""Keys that we add never clash with those that stand in a record."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.conversion import convert
from tests.support.corpus import corpus_bytes, corpus_files, corpus_name

CONFIG = """
[translate]
universal = true
user-db = true
[transform]
execve-argv = ["array", "string"]
record-types = true
[enrich]
prefix = "laurel_"
ppid-verbose = true
argv = true
"""


def clashes(value: Any) -> set[str]:
    """Keys that fall together in some object when case does not count."""
    if isinstance(value, list):
        return set().union(*map(clashes, value))
    if not isinstance(value, dict):
        return set()
    folded = [key.casefold() for key in value]
    here = {key for key in folded if folded.count(key) > 1}
    return here.union(*map(clashes, value.values()))


@pytest.mark.parametrize("file", corpus_files(), ids=corpus_name)
def test_with_a_prefix_case_does_not_matter(file: Path, tmp_path: Path) -> None:
    """P23: with `enrich.prefix`, a reader that ignores case loses nothing."""
    lines = b"".join(corpus_bytes(file).splitlines(keepends=True)[:8000])
    events = convert(tmp_path, lines, CONFIG)
    assert events
    assert [event["ID"] for event in events if clashes(event)] == []
    added = {key for event in events for key in event if key.startswith("laurel_")}
    assert "laurel_record_types" in added
