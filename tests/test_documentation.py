"""The pages in docs/ describe the program as it is."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from laurel_mp.config import Config
from laurel_mp.pipeline.daemon import loss_report
from laurel_mp.pipeline.runner import wire
from laurel_mp.processes import process_table
from laurel_mp.schema.event import event_schema
from laurel_mp.stages import node_serials, serial_gaps
from laurel_mp.stages.tracker import MAX_EXECS

DOCS = Path(__file__).parent.parent / "docs"

_CUT = re.compile(r'("(?:[^"\\]|\\.)*")|…')
"""Strings, which stay as they are, and the mark for members that an example leaves out."""

_block = re.compile(r"^```(toml|audit|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """Input, configuration and output, as a page shows them."""

    page: str
    config: str
    lines: str
    output: str


def _pages() -> list[Path]:
    """The pages that have examples."""
    return [page for page in sorted(DOCS.glob("*.md")) if "```audit" in page.read_text()]


def _examples() -> list[Example]:
    found = []
    for page in _pages():
        parts = {"toml": "", "audit": "", "json": ""}
        for kind, text in _block.findall(page.read_text()):
            parts[kind] = text
            if kind == "json":
                found.append(Example(page.stem, parts["toml"], parts["audit"], parts["json"]))
                parts = dict.fromkeys(parts, "")
    return found


def _objects(text: str) -> list[Any]:
    """The JSON values in `text`, however they are broken over lines."""
    decoder = json.JSONDecoder(object_pairs_hook=list)  # the order of keys counts
    found = []
    start = 0
    while start < len(text.rstrip()):
        value, end = decoder.raw_decode(text, start)
        found.append(value)
        start = end + 1
    return found


def _shown(text: str) -> list[Any]:
    """The JSON values of an example; a member `…` stands for any number of others."""
    return _objects(_CUT.sub(lambda match: match[1] or '"…": 0', text))


def _matches(shown: Any, found: Any) -> bool:
    """True if a value is the one of an example, but for members that this leaves out."""
    if not isinstance(shown, list) or not isinstance(found, list):
        return bool(shown == found)
    if not any(isinstance(each, tuple) for each in shown):
        return len(shown) == len(found) and all(map(_matches, shown, found))
    named = [each for each in shown if each[0] != "…"]
    if len(named) < len(shown):
        names = {name for name, _ in named}
        found = [each for each in found if each[0] in names]
    return [name for name, _ in named] == [name for name, _ in found] and all(
        _matches(one[1], other[1]) for one, other in zip(named, found, strict=True)
    )


def test_examples_are_compared() -> None:
    """Shown members and their order are compared; those that `…` stands for are not."""
    found = _objects('{"a": 1, "b": [{"c": "…"}], "d": {}}')

    assert _matches(_shown('{…, "b": [{"c": "…"}], …}'), found)
    assert _matches(_shown('{"a": 1, "b": [{"c": "…"}], "d": {…}}'), found)
    assert not _matches(_shown('{"a": 1, "b": [{"c": "…"}]}'), found)
    assert not _matches(_shown('{"d": {}, "a": 1, …}'), found)
    assert not _matches(_shown('{…, "b": [{"c": ""}]}'), found)
    assert not _matches(_shown('{"a": 1, "e": 2, …}'), found)


@pytest.mark.parametrize(
    "example",
    _examples(),
    ids=lambda example: f"{example.page}-{re.findall(r':(.*?)[)]', example.lines)[0]}",
)
def test_examples(example: Example, tmp_path: Path) -> None:
    """The input of each example, converted, gives the output beside it."""
    config = tmp_path / "config.toml"
    config.write_text(example.config)
    config.chmod(0o600)
    command: list[str | Path] = [sys.executable, "-m", "laurel_mp", "convert", "-c", config]

    done = subprocess.run(
        command, input=example.lines, capture_output=True, text=True, check=True, timeout=60
    )

    assert _matches(_shown(example.output), _objects(done.stdout)), done.stdout


def test_pages_have_examples() -> None:
    """None is lost because its block is not recognised."""
    assert len(_examples()) == sum(page.read_text().count("```json") for page in _pages())
    assert {"log-format", "process-context"} <= {page.stem for page in _pages()}


def test_limits_of_process_context() -> None:
    """The table of limits has the numbers of the code."""
    text = (DOCS / "process-context.md").read_text().split("## Limits")[1]
    limits = [
        int(number)
        for row in re.findall(r"^\| [^|]+ \| ([^|]+) \|", text, re.MULTILINE)
        for number in re.findall(r"\d+", row)
    ]

    assert [
        process_table.MAX_PROCESSES,
        int(process_table.ENDED_SECONDS),
        process_table.MAX_PROCESSES,
        process_table.MAX_ANCESTORS,
        process_table.MAX_NODES,
        process_table.MAX_IN_ALL,
        MAX_EXECS,
    ] == limits


def _rows(docstring: str | None, start: str) -> list[str]:
    assert docstring
    return [line.strip() for line in docstring.splitlines() if line.startswith(start)]


def test_wire_page_shows_all_messages() -> None:
    """The picture of the frames is that of the module, and shows each kind of message."""
    page = [line.strip() for line in (DOCS / "architecture.md").read_text().splitlines()]
    rows = _rows(wire.__doc__, "    ")
    kinds = [row.split()[0] for row in rows if not row.startswith("|")]  # the others go on

    assert [kind.name.lower() for kind in wire.Kind] == kinds
    assert [row for row in rows if row not in page] == []


def test_wire_page_has_the_version() -> None:
    """A new version of the messages is a reason to look at the page."""
    assert f"raw bytes, version {wire.VERSION}." in (DOCS / "architecture.md").read_text()


def test_wire_page_shows_all_sockets() -> None:
    """The table of sockets is that of the module."""
    page = (DOCS / "architecture.md").read_text().splitlines()
    rows = _rows(wire.__doc__, "|")

    assert len(rows) == 2 + 4
    assert [row for row in rows if row not in page] == []


def test_wire_page_has_the_limits() -> None:
    """The numbers of the page are those of the code."""
    page = " ".join((DOCS / "architecture.md").read_text().split())

    assert f"waits at most {wire.LINGER_MS} ms for messages in flight" in page
    assert f"tries again each {wire.RECONNECT_MS} ms" in page
    window = Config().pipeline.window_bytes >> 20
    assert f"(`pipeline.window-bytes`, {window} MiB by default)" in page


def test_pages_have_the_defaults() -> None:
    """A default that changes is found in the text, too, not only in the generated reference."""
    pipeline = Config().pipeline
    tuning = (DOCS / "tuning.md").read_text()

    assert f"handed over ({pipeline.linger_ms} ms by default)" in tuning
    assert f"unacknowledged ({pipeline.window_bytes >> 20} MiB by default)" in tuning
    delay = f"after at most {pipeline.linger_ms} ms (`linger-ms`)"
    assert delay in (DOCS / "troubleshooting.md").read_text()


def test_page_about_losses_has_all_members() -> None:
    """Each member of a line about a loss is explained, and no other; so is each kind."""
    page = (DOCS / "losses.md").read_text()
    rows = [row for row in page.partition("| member |")[2].splitlines() if row.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`([a-z]+)`", row.split("|")[1])]
    schema = event_schema()["$defs"]["loss"]["properties"]

    assert sorted(schema) == sorted(named)
    kinds = next(row for row in rows if row.startswith("| `kind`"))
    assert set(schema["kind"]["enum"]) <= set(re.findall(r"`([a-z-]+)`", kinds))


def test_page_about_losses_has_the_limits() -> None:
    """The numbers of the page are those of the code."""
    page = " ".join((DOCS / "losses.md").read_text().split())

    assert f"At most {node_serials.MAX_MISSING} gaps of a host" in page
    assert f"{serial_gaps.MAX_NODES} hosts are watched" in page
    assert f"more than {node_serials.NEAR} below the highest" in page
    assert "(64 of them; all others" in page
    assert loss_report.MAX_NODES == 64
    assert (Config().loss.window, Config().loss.interval) == (5.0, 10.0)
