"""Declared measures, contributed values, and the document made of them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from laurel_mp.observe import document, prometheus, reference
from laurel_mp.observe.document import DocumentError
from laurel_mp.observe.groups import GROUPS
from laurel_mp.observe.measures import Group, Kind, counter, gauge, text
from laurel_mp.observe.register import Register, remarkable

ONE = Group(
    "one",
    "A group of one row.",
    (
        counter("lines", "Lines."),
        counter("cpu", "CPU time.", "seconds"),
        text("version", "The version.", metric="build_info"),
        text("reason", "Why."),
    ),
)

MANY = Group(
    "many",
    "A group of rows.",
    (gauge("size", "How\nlarge.", "bytes"), counter("gaps", "Gaps.", in_report=True)),
    labels=("node",),
    prefix="node_",
)

BOTH = (ONE, MANY)


def register() -> Register:
    """One to which something was contributed, by three sources."""
    found = Register(BOTH)
    found.contribute(ONE, lambda: [{"cpu_seconds": 1.5, "lines": 7, "version": "0.1"}])
    found.contribute(MANY, lambda: [{"node": "a", "size_bytes": 3, "gaps": 2}])
    found.contribute(MANY, lambda: [{"node": 'b"\\\n', "gaps": 1}])
    return found


def test_json() -> None:
    """A group without labels is an object, one with labels a list; what is missing is left out."""
    found = json.loads(document.encode(register().snapshot(), 12.5, BOTH))

    assert found == {
        "laurel_mp_status": 1,
        "time_seconds": 12.5,
        "one": {"lines": 7, "cpu_seconds": 1.5, "version": "0.1"},
        "many": [
            {"node": "a", "size_bytes": 3, "gaps": 2},
            {"node": 'b"\\\\n', "gaps": 1},
        ],
    }


def test_there_and_back() -> None:
    """Reading a document gives the values that were written."""
    snapshot = register().snapshot()

    assert document.decode(document.encode(snapshot, 12.5, BOTH), BOTH) == (12.5, snapshot)


def test_other_versions() -> None:
    """Members that another version adds or lacks are ignored."""
    other = b'{"laurel_mp_status":1,"time_seconds":1,"new":{"a":1},"one":{"lines":2,"b":[1]}}'

    assert document.decode(other, BOTH) == (1.0, {"one": [{"lines": 2}], "many": []})


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not a status document of laurel-mp"),
        (b"\xff", "not a status document of laurel-mp"),
        (b"[1]", "not a status document of laurel-mp"),
        (b'{"a":1}', "not a status document of laurel-mp"),
        (b'{"laurel_mp_status":2}', "version 2, expected 1"),
        (b'{"laurel_mp_status":1}', "without a time"),
    ],
)
def test_something_else(data: bytes, problem: str) -> None:
    """Something else at the socket is an error that says so."""
    with pytest.raises(DocumentError, match=problem):
        document.decode(data, BOTH)


def test_metrics() -> None:
    """A real parser reads the same numbers, with names by Prometheus's conventions."""
    families = list(
        text_string_to_metric_families(prometheus.encode(register().snapshot(), BOTH).decode())
    )

    assert [(family.name, family.type) for family in families] == [
        ("laurel_mp_lines", "counter"),
        ("laurel_mp_cpu_seconds", "counter"),
        ("laurel_mp_build_info", "gauge"),
        ("laurel_mp_node_size_bytes", "gauge"),
        ("laurel_mp_node_gaps", "counter"),
    ]
    assert families[3].documentation == "How\nlarge."
    assert [
        (sample.name, sample.labels, sample.value)
        for family in families
        for sample in family.samples
    ] == [
        ("laurel_mp_lines_total", {}, 7.0),
        ("laurel_mp_cpu_seconds_total", {}, 1.5),
        ("laurel_mp_build_info", {"version": "0.1"}, 1.0),
        ("laurel_mp_node_size_bytes", {"node": "a"}, 3.0),
        ("laurel_mp_node_gaps_total", {"node": "a"}, 2.0),
        ("laurel_mp_node_gaps_total", {"node": 'b"\\\\n'}, 1.0),
    ]


def test_what_was_not_declared() -> None:
    """It is a fault to contribute something else."""
    found = Register(BOTH)
    found.contribute(ONE, lambda: [{"line": 1}])

    with pytest.raises(AssertionError, match=r"one: not declared: \['line'\]"):
        found.snapshot()


def test_texts_from_the_stream() -> None:
    """A name from outside is escaped and cut."""
    found = Register(BOTH)
    found.contribute(MANY, lambda: [{"node": "\x1b[2J\udc80" + "x" * 1000, "gaps": 1}])
    (row,) = found.snapshot()["many"]

    assert str(row["node"]).startswith("\\x1b[2J\\udc80xx")
    assert len(str(row["node"])) < 300


def test_remarkable() -> None:
    """A report says what has grown, over all rows; not what has not."""
    now = register().snapshot()

    assert remarkable(now, None, BOTH) == {"gaps": 3}
    assert remarkable(now, now, BOTH) == {}


def test_names() -> None:
    """Names are unique, and such as Prometheus wants them; each has a sentence about it."""
    measures = [(group, measure) for group in GROUPS for measure in group.measures]
    names = [name for group, measure in measures if (name := group.metric(measure))]

    assert len({group.name for group in GROUPS}) == len(GROUPS)
    assert len(set(names)) == len(names)
    for group, measure in measures:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", measure.key)
        assert measure.unit in ("", "bytes", "seconds")
        assert measure.doc.endswith(".")
        assert group.of(measure.key) is measure
        if (name := group.metric(measure)) and measure.kind is not Kind.TEXT:
            assert name.endswith("_total") == (measure.kind is Kind.COUNTER)


def test_command(tmp_path: Path) -> None:
    """Run at the top of a source tree, the module brings the page up to date."""
    page = tmp_path / reference.PAGE
    page.parent.mkdir()
    page.write_text(f"before\n{reference.BEGIN}stale\n{reference.END}behind\n")
    command = [sys.executable, "-m", "laurel_mp.observe.reference"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}

    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=60)

    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("behind\n")
    assert "stale" not in text
    assert "`laurel_mp_lines_total`" in text


def test_page() -> None:
    """docs/status.md has each of them, as they are declared."""
    path = Path(__file__).parents[2] / reference.PAGE

    assert reference.page(path.read_text("utf-8")) == path.read_text("utf-8")


def test_metrics_that_the_page_names() -> None:
    """Metrics in its text and in its alerts exist, too."""
    text = (Path(__file__).parents[2] / reference.PAGE).read_text("utf-8")
    declared = {group.metric(measure) for group in GROUPS for measure in group.measures}

    assert set(re.findall(r"\blaurel_mp_[a-z_]+", text)) - declared == {document.MARK}
