"""Capture, JSON, audit lines, JSON: the same JSON, byte for byte."""

import functools
from pathlib import Path

import pytest

from laurel_mp import config as configuration
from laurel_mp.reversion.losses import Losses
from tests.support.corpus import corpus_bytes, corpus_files, corpus_name, corpus_part
from tests.support.pipelines import run
from tests.support.reversion import revert

# To measure what others cover, too, would double the time.
pytestmark = pytest.mark.no_cover

FILES = [pytest.param(path, id=corpus_name(path)) for path in corpus_files()]

CONFIGURATIONS = {
    "defaults": ("", None),
    "translated": (
        """
        [translate]
        universal = true
        user-db = true
        [transform]
        execve-argv = ["array", "string"]
        record-types = true
        [label-process]
        label-exe."/bash$" = "shell"
        propagate-labels = ["shell"]
        """,
        None,
    ),
    "prefix": ('[enrich]\nprefix = "x_"\n[translate]\nuniversal = true\n', b"x_"),
    "one text": ('[transform]\nexecve-argv = ["string"]\n', None),
    "raw values dropped": ("[translate]\nuniversal = true\ndrop-raw = true\n", None),
}


@functools.cache
def converted(path: Path) -> bytes:
    """The capture as JSON lines, by the defaults."""
    return run([corpus_bytes(path)]).text


# The large captures hold the same kinds of records: some configurations have enough of the others.
@pytest.mark.parametrize(
    ("path", "which"),
    [
        pytest.param(path, which, id=f"{corpus_name(path)}-{which}")
        for path in corpus_files()
        for which in CONFIGURATIONS
        if which in ("defaults", "translated") or "builds" not in path.name
    ],
)
def test_json_comes_again(path: Path, which: str) -> None:
    """Nothing is lost on the way, whatever the configuration; no line is malformed."""
    text, prefix = CONFIGURATIONS[which]
    config = configuration.parse(text, "the test's configuration")
    capture = corpus_bytes(path) if which == "defaults" else corpus_part(path)
    expected = run([capture], config=config)

    reverted = revert(expected.text, prefix)

    again = run([reverted.text], config=config)
    assert expected.events == again.events
    assert again.malformed == ()
    reverted.losses.context = 0  # labels come again, as the configuration is the same
    if which == "one text":
        reverted.losses.arguments = 0
    assert Losses() == reverted.losses


@pytest.mark.parametrize("path", FILES)
def test_lines_come_again(path: Path) -> None:
    """Most lines are those of the capture, too, to the byte but for blanks at their ends."""
    capture = corpus_bytes(path)
    lines = {line.rstrip(b" ") for line in capture.split(b"\n")}

    reverted = revert(converted(path), eoe=False)

    others = {line.rstrip(b" ") for line in reverted.text.split(b"\n")} - lines
    # In corpus/users are programs that follow no rule of how to write. Types that auditd did not
    # know come again by their names.
    unnamed = sum(line.startswith(b"type=UNKNOWN[") for line in lines)
    assert len(others) - unnamed <= (20 if "users" in path.name else len(lines) // 100)


def test_all_arguments_of_a_real_capture() -> None:
    """Long and odd argument lists are split over records exactly as the kernel does."""
    (path,) = (path for path in corpus_files() if corpus_name(path) == "argv.raw")
    capture = corpus_bytes(path)
    execve = [line for line in capture.split(b"\n") if line.startswith(b"type=EXECVE")]
    assert len(execve) > 50

    reverted = revert(converted(path)).text.split(b"\n")

    assert execve == [line for line in reverted if line.startswith(b"type=EXECVE")]


@pytest.mark.parametrize("path", FILES)
def test_without_translations(path: Path) -> None:
    """`--raw` gives lines of `log_format = RAW`, without translations."""
    reverted = revert(run([corpus_part(path)]).text, enriched=False)

    # Programs may write that byte themselves, inside of what they say.
    assert b"\x1d" not in reverted.text or "users" in path.name
    assert (reverted.losses.translations > 0) == ("enriched" in path.name)
    assert reverted.losses.inexact == 0
