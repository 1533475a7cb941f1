"""The corpus through LAUREL and laurel-mp: nothing differs but what `differences.py` lists."""

import functools
import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.differential import programs
from tests.differential.comparing import Comparison, changes
from tests.differential.differences import DIFFERENCES, explain
from tests.differential.laurels import (
    CAPTURES,
    CONFIGS,
    LAURELS,
    Config,
    Laurel,
    capture_bytes,
)
from tests.differential.programs import Output
from tests.support.corpus import corpus_name

SHOWN = 20


@dataclass(frozen=True)
class Case:
    """One comparison."""

    file: Path
    config: Config
    laurel: Laurel

    def __str__(self) -> str:
        return f"{self.laurel.version}-{self.config.name}-{corpus_name(self.file)}"


# Versions of LAUREL follow each other, so that one output of ours is enough for both.
CASES = [
    Case(file, config, laurel)
    for file in CAPTURES
    for config in CONFIGS
    for laurel in config.laurels
    if config.applies(file)
]


@dataclass(frozen=True)
class Result:
    """Result of the comparison of two outputs for one capture."""

    events: int
    explained: frozenset[str]
    """Names of the entries that were needed."""
    unexplained: tuple[str, ...]


@functools.cache
def compare(case: Case, directory: Path) -> Result:
    """Both programs on a capture, with one configuration."""
    laurel = case.laurel.program()
    capture = capture_bytes(case.file)
    with ThreadPoolExecutor() as side_by_side:
        running = side_by_side.submit(
            programs.run_laurel, laurel, capture, case.config.text, _fresh(directory)
        )
        ours = _ours(case.file, case.config, directory)
        theirs = running.result()
    explained: set[str] = set()
    unexplained = []
    for change in changes(Comparison(theirs, ours, case.config.name, case.laurel.version)):
        found = explain(change)
        if found is not None:
            explained.add(found)
        else:
            unexplained.append(str(change))
    events = sum(map(len, ours.events.values()))
    return Result(events, frozenset(explained), tuple(unexplained))


@functools.lru_cache(maxsize=1)
def _ours(file: Path, config: Config, directory: Path) -> Output:
    return programs.run_ours(capture_bytes(file), config.text, _fresh(directory))


@pytest.fixture(autouse=True, scope="module")
def _no_garbage() -> Iterator[None]:
    """A million values without a cycle: looking for one takes a fifth of the time."""
    gc.disable()
    yield
    gc.enable()
    _ours.cache_clear()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory for the files of all programs, where LAUREL cannot look around."""
    programs.needs_namespaces()
    return tmp_path_factory.mktemp("differential")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_nothing_else_differs(directory: Path, case: Case) -> None:
    """Each difference in any field of any event is one of those that are listed."""
    result = compare(case, directory)

    shown = "\n".join(result.unexplained[:SHOWN])
    assert not result.unexplained, f"{len(result.unexplained)} differences:\n{shown}"
    assert result.events


@pytest.mark.parametrize("laurel", LAURELS, ids=lambda laurel: laurel.version)
def test_every_listed_difference_is_there(directory: Path, laurel: Laurel) -> None:
    """An entry that explains nothing has to go."""
    needed = {
        name
        for case in CASES
        if case.laurel == laurel
        for name in compare(case, directory).explained
    }

    unused = {difference.name for difference in DIFFERENCES[laurel.version]} - needed
    assert not unused


@pytest.mark.parametrize("version", DIFFERENCES)
def test_names_of_differences_are_unique(version: str) -> None:
    """Two entries with one name could hide that one of them is not needed."""
    names = [difference.name for difference in DIFFERENCES[version]]

    assert sorted(set(names)) == sorted(names)


_numbers: Iterator[int] = iter(range(1_000_000))


def _fresh(directory: Path) -> Path:
    made = directory / str(next(_numbers))
    made.mkdir()
    return made
