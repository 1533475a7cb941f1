"""The registry of kinds: each has what validation, doctor and the documentation ask it for."""

from pathlib import Path

import pytest

from laurel_mp.config import sink_kinds
from laurel_mp.config.sink_kinds import KINDS, SinkKind
from laurel_mp.outputs.driver import Driver

PAGE = Path(__file__).parents[2] / "docs" / "outputs.md"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_promises_are_those_of_the_page(kind: SinkKind) -> None:
    """Each row that a driver has stands in the table of the page."""
    driver = kind.driver()
    assert isinstance(driver, Driver)
    rows = PAGE.read_text().splitlines()
    for promise in driver.promises:
        cells = [cell.replace("|", "\\|") for cell in promise]
        assert f"| {' | '.join(cells)} |" in rows


def test_the_page_promises_no_more() -> None:
    """The table has no other rows."""
    table = PAGE.read_text().partition("| --- | --- | --- |\n")[2].partition("\n\n")[0]
    promised = sum(len(kind.driver().promises) for kind in KINDS)

    assert promised == len(table.splitlines())


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("-", "stdout"),
        ("-x", "file"),
        ("| cat", "program"),
        ("unix:/x", "unix"),
        ("syslog:tcp:127.0.0.1:1", "syslog"),
        ("a/b", "file"),
        ("", "file"),
    ],
)
def test_kind_of_a_setting(setting: str, name: str) -> None:
    """The prefix says it; all other settings are files."""
    assert name == sink_kinds.kind_of(setting).name
