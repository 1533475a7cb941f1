"""The page about `laurel-mp doctor` tells what it does, and the advice elsewhere is its advice."""

import errno
import os
import re
from pathlib import Path

import pytest

from laurel_mp.doctor.catalogue import CHECKS
from laurel_mp.doctor.findings import Severity

DOCS = Path(__file__).parent.parent.parent / "docs"

PAGE = (DOCS / "doctor.md").read_text()

TROUBLESHOOTING = (DOCS / "troubleshooting.md").read_text()


def test_all_checks_are_listed() -> None:
    """The tables have each check, in its words and in its order, and no other."""
    rows = re.findall(r"^\| `([a-z][a-z-]*)` \| (.*) \|$", PAGE, re.MULTILINE)

    assert rows == [(check.name, check.good) for check in CHECKS]


def test_severities_are_explained() -> None:
    """Each has its row."""
    for severity in Severity:
        assert f"| {severity.name.lower()} | " in PAGE


@pytest.mark.parametrize("page", ["troubleshooting.md", "operation.md", "doctor.md"])
def test_checks_that_pages_name_exist(page: str) -> None:
    """A page that sends the reader to a check names one that there is."""
    named = re.findall(
        r"`([a-z]+-[a-z-]+)`,? (?:and `[a-z-]+` )?of doctor", (DOCS / page).read_text()
    )

    assert set(named) <= {check.name for check in CHECKS}


def test_sections_that_pages_link_to_exist() -> None:
    """A link into a page leads to a heading of it."""
    for target, anchor in re.findall(r"\]\(([\w.-]*)#([\w-]+)\)", TROUBLESHOOTING):
        text = (DOCS / target).read_text() if target else TROUBLESHOOTING
        headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


def test_messages_about_lost_input_are_ours() -> None:
    """The table of missing events quotes messages that laurel-mp logs."""
    source = "".join(path.read_text() for path in (DOCS.parent / "laurel_mp").rglob("*.py"))
    (row,) = re.findall(r"^\| laurel-mp \| one of ([^|]*), or ", TROUBLESHOOTING, re.MULTILINE)

    assert [message for message in re.findall(r"`([^`]*)`", row) if message not in source] == []


@pytest.mark.parametrize(
    "message",
    re.findall(
        r"^\| `([^`]*)`", TROUBLESHOOTING.partition("## Permission denied")[2], re.MULTILINE
    ),
)
def test_messages_of_the_page_are_ours(message: str) -> None:
    """Each quoted message of laurel-mp is in its source."""
    source = "".join(path.read_text() for path in (DOCS.parent / "laurel_mp").rglob("*.py"))
    parts = [part.strip(" :'") for part in re.split(r"\.\.\.|[A-Z]{4,}|Permission denied", message)]

    for part in parts:
        assert part in source or part == os.strerror(errno.EROFS)
