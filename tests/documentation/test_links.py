"""Each page can be found, and leads where it says."""

import re
from pathlib import Path

import pytest

from laurel_mp.config import parse
from tests.documentation import pages
from tests.documentation.pages import ROOT

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_NAMED = re.compile(r"`((?:laurel_mp|docs|tests|deploy)/[\w./-]+\.[a-z]+)`")


@pytest.mark.parametrize("page", pages.names())
def test_links(page: str) -> None:
    """Files and headings that a page links to, and files that it names, are there."""
    missing = []
    for link in _LINK.findall(pages.prose(page)):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        if not target.exists():
            missing.append(link)
        elif anchor:
            other = str(target.resolve().relative_to(ROOT))
            missing += [] if anchor in pages.anchors(other) else [link]
    missing += [name for name in _NAMED.findall(pages.prose(page)) if not (ROOT / name).exists()]

    assert missing == []


def test_index_has_all_pages() -> None:
    """docs/README.md leads to each page of docs/."""
    linked = {link.partition("#")[0] for link in _LINK.findall(pages.read("docs/README.md"))}
    there = {path.name for path in Path(ROOT / "docs").glob("*.md")} - {"README.md"}

    assert there - linked == set()


def test_readme_is_short() -> None:
    """A newcomer reads it to its end."""
    assert len(pages.read("README.md").splitlines()) < 100


@pytest.mark.parametrize("page", [page for page in pages.names() if "```toml" in pages.read(page)])
def test_configurations(page: str) -> None:
    """Each configuration on a page is valid."""
    for block in pages.blocks(page):
        if block.kind == "toml":
            parse(block.text, str(block))
