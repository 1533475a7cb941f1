"""The whole corpus through both programs: nothing differs but what `differences.py` lists."""

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
from tests.differential.programs import COMMON
from tests.support.corpus import corpus_bytes, corpus_files, corpus_name

# What is added to COMMON for both programs, and for ours alone. What has nothing to do with each
# other shares a run.
CONFIGS = {
    "default": ("", ""),
    "universal": ("[translate]\nuniversal = true\n", ""),
    "user-db": ("[translate]\nuser-db = true\n", ""),
    "verbose": (
        'parent-info = true\n[transform]\nexecve-argv = ["array", "string"]\n',
        "ppid-verbose = true\n",
    ),
}

SHOWN = 20


@dataclass(frozen=True)
class Result:
    """Result of the comparison of two outputs for one capture."""

    events: int
    explained: frozenset[str]
    """Names of the entries that were needed."""
    unexplained: tuple[str, ...]


@functools.cache
def compare(laurel: Path, directory: Path, file: Path, name: str) -> Result:
    """Both programs on `file`, with the configuration called `name`."""
    both, ours_only = CONFIGS[name]
    capture = corpus_bytes(file)
    with ThreadPoolExecutor() as side_by_side:
        running = side_by_side.submit(
            programs.run_laurel, laurel, capture, COMMON + both, _fresh(directory)
        )
        ours = programs.run_ours(capture, COMMON + ours_only + both, _fresh(directory))
        theirs = running.result()
    explained: set[str] = set()
    unexplained = []
    for change in changes(Comparison(theirs, ours, name)):
        found = explain(change)
        if found is not None:
            explained.add(found)
        else:
            unexplained.append(str(change))
    events = sum(map(len, ours.events.values()))
    return Result(events, frozenset(explained), tuple(unexplained))


@pytest.fixture(autouse=True, scope="module")
def _no_garbage() -> Iterator[None]:
    """A million values without a cycle: looking for one takes a fifth of the time."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory for the files of both programs."""
    return tmp_path_factory.mktemp("differential")


@pytest.fixture(scope="module")
def laurel(requires_laurel: Path) -> Path:
    """Debian's laurel, on a machine where it can be kept from looking around."""
    programs.needs_namespaces()
    return requires_laurel


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("file", corpus_files(), ids=corpus_name)
def test_nothing_else_differs(laurel: Path, directory: Path, file: Path, config: str) -> None:
    """Each difference in any field of any event is one of those that are listed."""
    result = compare(laurel, directory, file, config)

    shown = "\n".join(result.unexplained[:SHOWN])
    assert not result.unexplained, f"{len(result.unexplained)} differences:\n{shown}"
    assert result.events


def test_every_listed_difference_is_there(laurel: Path, directory: Path) -> None:
    """An entry that explains nothing has to go."""
    needed = {
        name
        for file in corpus_files()
        for config in CONFIGS
        for name in compare(laurel, directory, file, config).explained
    }

    assert not {difference.name for difference in DIFFERENCES} - needed


def test_names_of_differences_are_unique() -> None:
    """Two entries with one name could hide that one of them is not needed."""
    names = [difference.name for difference in DIFFERENCES]

    assert sorted(set(names)) == sorted(names)


_numbers: Iterator[int] = iter(range(1_000_000))


def _fresh(directory: Path) -> Path:
    made = directory / str(next(_numbers))
    made.mkdir()
    return made
