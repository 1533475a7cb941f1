"""The lines of a flood have the shapes that auditd 3.0.9 gives them."""

import functools
import re

import pytest

from laurel_mp.loadtest.flood import Flood, Options, mix
from tests.support.corpus import corpus_bytes, corpus_files, corpus_name

# To measure what others cover, too, would double the time.
pytestmark = pytest.mark.no_cover

# Kinds of lines that no capture holds, or not in this form.
NOT_CAPTURED = re.compile(r"type=(AVC|URINGOP|USER_LOGIN|USER_LOGOUT) ")

_header = re.compile(r"^type=(\S+) msg=audit\(\d{10}\.\d{3}:\d+\):")


def _kind(value: str) -> str:
    """Returns the shape of a value."""
    if re.fullmatch(r"-?[0-9a-f:]+", value):
        return "number"
    return "string" if re.fullmatch(r'"[^"]*"|[0-9A-F]+', value) else "word"


def _shape(line: str) -> str:
    """A line with the kinds of its values in their places."""
    line = _header.sub(r"type=\1", line)
    line = re.sub(r"(SADDR=\{ saddr_fam=\w+) [^}]*", r"\1 ", line.replace("\x1d", " <1D> "))
    if line.startswith("type=EXECVE"):  # how those are cut is a test of its own
        return "type=EXECVE"
    words = []
    for word in re.sub(r'"[^"]*"', '""', line).split(" "):
        key, equals, value = word.partition("=")
        words.append(f"{key}={_kind(value)}" if equals and key != "type" else word)
    return " ".join(words)


def _lines(name: str) -> list[str]:
    path = next(path for path in corpus_files() if corpus_name(path) == name)
    text = corpus_bytes(path).decode("latin1")
    return [re.sub(r"^node=\S+ ", "", line) for line in text.split("\n") if "type=EOE" not in line]


@functools.cache
def _captured(*, enriched: bool) -> set[str]:
    translated = _lines("kinds.enriched") + _lines("builds.enriched-node")
    if enriched:
        return set(map(_shape, translated))
    raw = _lines("builds.raw") + _lines("concurrent.raw")
    return set(map(_shape, raw + [line.partition("\x1d")[0] for line in translated]))


@pytest.mark.parametrize("unique", [0, 1])
@pytest.mark.parametrize("enriched", [False, True])
def test_shapes_are_those_of_captures(enriched: bool, unique: float) -> None:
    """Each line has its fields in the order, and its values in the form, of a captured one."""
    options = Options(events=5000, mix=mix.ALL, enriched=enriched, unique=unique)
    lines = b"".join(Flood(options).chunks()).decode().split("\n")

    shapes = {_shape(line) for line in lines if line and "type=EOE" not in line}
    captured = {shape for shape in shapes if not NOT_CAPTURED.match(shape)}
    assert not captured - _captured(enriched=enriched)
    assert len(shapes) > len(captured) > 15


@pytest.mark.parametrize(
    ("enriched", "node", "expected"),
    [
        (False, "", "type=EOE msg=audit(1700000000.000:30001): \n"),
        (True, "", "type=EOE msg=audit(1700000000.000:30001):\n"),
        (False, "vm", "node=vm type=EOE msg=audit(1700000000.000:30001): \n"),
        (True, "vm", "node=vm type=EOE msg=audit(1700000000.000:30001): \n"),
    ],
)
def test_ends_of_events(enriched: bool, node: str, expected: str) -> None:
    """The blank behind the colon is there in all forms but one."""
    options = Options(events=1, mix={"exec": 1}, enriched=enriched, node=node)

    assert b"".join(Flood(options).chunks()).decode().endswith(f"\n{expected}")
